// needs: boards
// long: HELIOGRAPH_BOARD_INJECTIONS=400
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { InjectionRecord } from '../../hwsim/campaign/campaign.ts';
import { type ModelName, modelNames } from '../../hwsim/campaign/fault_models.ts';
import { outcomeNames } from '../../hwsim/campaign/outcomes.ts';
import { injectBoards } from '../../hwsim/campaign/board/campaign.ts';
import { clusterKeys, simulatedLink } from '../../host/security/simulated_keys.ts';
import { seal } from '../../host/security/envelope.ts';
import { planStops } from '../../hwsim/campaign/board/draw.ts';
import { Accesses } from '../../hwsim/campaign/board/golden.ts';
import { isMistimed } from '../../hwsim/campaign/board/judge.ts';
import { EmulatorError } from '../../hwsim/emulator/pool.ts';

const inRam: readonly ModelName[] = ['bit', 'double', 'burst'];
const all: readonly ModelName[] = [...inRam, 'register', 'skip'];
const injections = Number(process.env.HELIOGRAPH_BOARD_INJECTIONS ?? 60);

interface Wanted {
  n: number;
  image?: 'protected' | 'unprotected';
  models?: readonly ModelName[];
  only?: number;
  seed?: number;
}

/** Makes injections with one worker. Its golden run takes as long as some fifty injections. */
async function campaign(
  target: string,
  { n, image = 'protected', models = all, only, seed = 1 }: Wanted,
): Promise<InjectionRecord[]> {
  const records: InjectionRecord[] = [];
  const onRecord = (record: InjectionRecord) => void records.push(record);
  await injectBoards(target, { models, n, seed, image, known: new Set(), only, jobs: 1, onRecord });
  return records.sort((a, b) => a.index - b.index);
}

function tally(records: readonly InjectionRecord[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of records) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

const again = ({ target, index }: InjectionRecord) =>
  `npx heliograph inject --target ${target} --model ${all.join(',')} --seed 1 --only ${index}`;

const flown = new Map<string, InjectionRecord[]>();

for (const target of ['m7', 'rv64']) {
  test(`RAD-1 holds: none of ${injections} faults in ${target}'s memory makes a node decide wrongly`, async () => {
    const records = await campaign(target, { n: injections });
    assert.is(records.length, injections);
    flown.set(target, records);
    for (const record of records) {
      assert.ok(outcomeNames.includes(record.outcome) && modelNames.includes(record.model));
      assert.is(record.image, 'protected');
      if (!inRam.includes(record.model)) continue;
      const isWrong =
        record.outcome === 'SDC-local' || record.outcome === 'SDC-propagated' || record.outcome === 'fail-silent';
      assert.not(isWrong, `${record.outcome}: ${record.reason}\n  again: ${again(record)}`);
    }
    const asleep = records.filter(({ model, at }) => inRam.includes(model) && at === undefined);
    const inCalls = records.filter(({ model, at }) => inRam.includes(model) && at !== undefined);
    assert.ok(asleep.length > 2 * inCalls.length && inCalls.length > 0);
    const found = tally(records.filter(({ model }) => model === 'bit'));
    assert.ok((found.corrected ?? 0) > injections / 15, JSON.stringify(found));
    const beyond = tally(records.filter(({ model }) => model === 'double' || model === 'burst'));
    assert.ok((beyond['detected-and-recovered'] ?? 0) > injections / 15, JSON.stringify(beyond));
    console.log(`${target}: ${JSON.stringify(tally(records))}`);
  });
}

test('RAD-1 violated: without protection the same board corrects nothing, and flipped bits stay', async () => {
  const counts = tally(await campaign('rv64', { n: 25, image: 'unprotected', models: ['bit'] }));
  assert.is(counts.corrected, undefined);
  assert.ok(counts['masked-latent'] > 12, JSON.stringify(counts));
});

test('an injection by itself has the outcome that it has in the campaign', async () => {
  const among = flown.get('rv64')!.find(({ model, index }) => model === 'register' && index >= 4)!;
  const [one] = await campaign('rv64', { n: injections, only: among.index });
  assert.equal(one, among);
});

test('unknown targets, and images that a board does not have, are refused by name', async () => {
  const refused = async (target: string, image: 'protected' | 'unprotected', message: RegExp) => {
    try {
      await campaign(target, { n: 1, image });
      assert.unreachable();
    } catch (error) {
      assert.ok(error instanceof EmulatorError, String(error));
      assert.match(error.message, message);
    }
  };
  await refused('z80', 'protected', /no board 'z80': m7, m4/);
  await refused('m4', 'unprotected', /compact image, which has no build without protection/);
});

test('an instruction is reached with few stops: directly, or from an address that its call rarely passes', () => {
  const loop = [
    10,
    20,
    ...Array.from({ length: 300 }, () => [30, 31]).flat(),
    40,
    ...Array.from({ length: 300 }, () => [30, 31]).flat(),
  ];
  const executed = Uint32Array.from(loop);
  assert.equal(planStops(executed, 1), [{ address: 20, passes: 0 }]);
  const at = 2 + 600 + 1 + 4;
  assert.is(executed[at], 30);
  const stops = planStops(executed, at);
  assert.equal(stops, [
    { address: 40, passes: 0 },
    { address: 30, passes: 2 },
  ]);
});

test('the first access to a byte after the injection counts', () => {
  const stretch = 0xffffffff;
  const write = 2 ** 31;
  const accesses = new Accesses(Uint32Array.of(stretch, 3, stretch, write + 3, 5, stretch, 3), 8);
  assert.equal(accesses.first(3, 0), { access: 'read', input: 0 });
  assert.equal(accesses.first(3, 1), { access: 'write', input: 1 });
  assert.equal(accesses.first(3, 2), { access: 'read', input: 2 });
  assert.equal(accesses.first(5, 0), { access: 'read', input: 1 });
  assert.equal(accesses.first(5, 2), { access: 'none', input: -1 });
});

test('a frame with messages of an uncorrupted board at about that time is late; any other is wrong', () => {
  const link = simulatedLink(1, 8);
  let counter = 0;
  const frame = (...messages: number[]) =>
    seal(
      { cluster: 1, keyEpoch: 1, sender: 4, addressee: 0xffff, counter: ++counter },
      Uint8Array.from(messages.flatMap((each) => [0x81, each])),
      clusterKeys(1, 1, 8).linkKey(1),
    );
  const right = [
    { atMs: 1000, frame: frame(6, 7) },
    { atMs: 9000, frame: frame(8) },
  ];
  const change = (atMs: number, sent: Uint8Array) => ({ atMs, expected: null, sent });
  assert.ok(isMistimed(change(5000, frame(8, 6)), right, link));
  assert.not(isMistimed(change(5000, frame(9)), right, link));
  assert.not(isMistimed(change(500_000, frame(6)), right, link));
  const other = frame(6);
  other[15] = 9;
  assert.not(isMistimed(change(1000, other), right, link));
});

test.run();
