// long: HELIOGRAPH_CONFLICT_CASES=1000000

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Group, type Intent, LIVENESS_TICK_S, ROUND_S } from '../../host/cbor/generated.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { oracleVerdicts } from './oracle.ts';
import { SingleNode } from './single.ts';
import { roundFrom } from './times.ts';

const cases = Number(process.env.HELIOGRAPH_CONFLICT_CASES ?? 50_000);
/** Cases of many claims: a long test has more of them in the same proportion. */
const crowdedCases = Math.ceil(cases / 20);
const groups: Group[] = [
  { name: 'group', group: 1, kind: 1, units: 3, capacity: 100, stockKg: 0, loadKg: 0 },
  { name: 'group', group: 2, kind: 2, units: 2, capacity: 60, stockKg: 0, loadKg: 0 },
];
const oracleGroups = [
  { units: 0, capacity: 0 },
  { units: 3, capacity: 100 },
  { units: 2, capacity: 60 },
];
const roundStartS = roundFrom(5400);
/** In a round, after the claims that are drawn. */
const nowS = roundStartS + 100;
/** Before the round begins: a member heard then is not silent in it. */
const heardS = roundStartS - LIVENESS_TICK_S;

function drawIntent(random: RandomStream, owner: number): Intent {
  const startS = nowS + random.below(30);
  // Some claims are of one round: then a hash decides which stands first.
  const claimS = 3000 + random.below(3 * ROUND_S);
  return {
    name: 'intent',
    owner,
    slot: random.below(8),
    version: 1 + random.below(5),
    kind: 1,
    resource: ((1 + random.below(2)) << 16) | random.below(5),
    startS,
    endS: startS + 1 + random.below(20),
    rate: random.below(70),
    priority: random.below(3),
    state: 1 + random.below(3),
    generation: 1,
    claimS,
    publishedS: claimS + random.below(100),
    nonce: random.below(4),
    read: 0,
    leaseS: 0,
  };
}

/** Sends one frame of every member, so that none counts as silent. */
function hearAll(node: SingleNode): void {
  for (let member = 1; member < node.members; member++)
    node.receiveMessages(member, [{ name: 'join', incarnation: 32, generation: 1, cause: 1, upS: 0 }], heardS);
}

const conflicts = suite('conflicts');

conflicts(`INT-2, INT-3 holds: verdicts equal a brute-force oracle's in any order of arrival (${cases} cases)`, () => {
  const random = new RandomStream(7, 'conflicts');
  const node = new SingleNode(10, groups);
  hearAll(node);
  const heard = node.snapshot();
  for (let round = 0; round < cases; round++) {
    node.restore(heard);
    const count = 1 + random.below(9);
    const intents = Array.from({ length: count }, (_, i) => drawIntent(random, 1 + i));
    const expected = oracleVerdicts(intents, oracleGroups);
    for (const index of random.permutation(count))
      assert.is(node.receiveMessages(intents[index].owner, [intents[index]], nowS), 0, `round ${round}`);
    const found = intents.map((one) => node.engine.calls.verdict(node.ctx, one.owner, one.slot, nowS, 0));
    assert.equal(found, expected, `round ${round}: ${JSON.stringify(intents)}`);
  }
});

conflicts(`INT-2 holds: verdicts without room for all claims equal the oracle's (${crowdedCases} cases)`, () => {
  const random = new RandomStream(11, 'crowded');
  const node = new SingleNode(10, groups);
  hearAll(node);
  const heard = node.snapshot();
  let [refused, accepted] = [0, 0];
  for (let round = 0; round < crowdedCases; round++) {
    node.restore(heard);
    const rateMax = 1 + random.below(30);
    const intents = Array.from({ length: 2 + random.below(48) }, (_, i): Intent => {
      const unit = random.below(4) === 0 ? 1 + random.below(4) : 0;
      const resource = ((random.below(8) === 0 ? 2 : 1) << 16) | unit;
      return { ...drawIntent(random, 1 + (i % 9)), slot: Math.floor(i / 9), resource, rate: random.below(rateMax) };
    });
    const expected = oracleVerdicts(intents, oracleGroups);
    for (const intent of intents) node.receiveMessages(intent.owner, [intent], nowS);
    // A verdict is asked of some claim first, so the rest of its group is walked later.
    for (const index of random.permutation(intents.length)) {
      const { owner, slot } = intents[index];
      const found = node.engine.calls.verdict(node.ctx, owner, slot, nowS, 0);
      assert.is(found, expected[index], `round ${round}, claim ${index}: ${JSON.stringify(intents)}`);
      if (found === 1) accepted += 1;
      else refused += 1;
    }
  }
  assert.ok(refused > 4 * crowdedCases && accepted > 4 * crowdedCases, `${accepted} accepted, ${refused} refused`);
});

conflicts('INT-2 violated: two claims that overlap on one unit are never both accepted; adjacent ones are', () => {
  const random = new RandomStream(8, 'conflicts');
  const node = new SingleNode(10, groups);
  hearAll(node);
  const one = { ...drawIntent(random, 1), resource: (1 << 16) | 1, startS: nowS, endS: nowS + 10, rate: 1 };
  const two = { ...one, owner: 2, startS: nowS + 9, endS: nowS + 20 };
  const three = { ...one, owner: 3, startS: nowS + 20, endS: nowS + 21 };
  for (const intent of [one, two, three]) node.receiveMessages(intent.owner, [intent], nowS);
  const verdicts = [one, two, three].map((intent) =>
    node.engine.calls.verdict(node.ctx, intent.owner, intent.slot, nowS, 0),
  );
  assert.is(verdicts[0] + verdicts[1], 3, 'one accepted, one refused');
  assert.is(verdicts[2], 1, 'half-open intervals touch without conflict');
});

conflicts('INT-4 holds: versions merge to the same state in any order, and a repeated version changes nothing', () => {
  const random = new RandomStream(9, 'versions');
  const hashes = new Set<string>();
  const versions = Array.from({ length: 12 }, (_, i) => ({
    ...drawIntent(random, 1 + (i % 3)),
    slot: i % 2,
    version: i + 1,
  }));
  for (let turn = 0; turn < 20; turn++) {
    const node = new SingleNode(10, groups);
    hearAll(node);
    for (const index of random.permutation(12)) node.receiveMessages(versions[index].owner, [versions[index]], nowS);
    for (const version of versions) node.receiveMessages(version.owner, [version], nowS);
    const verdicts = [1, 2, 3].flatMap((owner) =>
      [0, 1].map((slot) => node.engine.calls.verdict(node.ctx, owner, slot, nowS, 0)),
    );
    hashes.add(verdicts.join());
  }
  assert.is(hashes.size, 1);
});

conflicts('INT-4 violated: an older version never replaces a newer one', () => {
  const node = new SingleNode(10, groups);
  hearAll(node);
  const random = new RandomStream(10, 'versions');
  const newer = { ...drawIntent(random, 1), version: 9, resource: (1 << 16) | 1, rate: 1, state: 2 };
  node.receiveMessages(1, [newer], nowS);
  node.receiveMessages(1, [{ ...newer, version: 8, state: 5 }], nowS);
  assert.is(node.engine.calls.verdict(node.ctx, 1, newer.slot, nowS, 0), 1);
});

conflicts.run();
