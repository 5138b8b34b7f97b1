// Which differences between two stores are followed (FLT-3).
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Group, INTENT_STATE, type Message, STATUS, WORK_KIND } from '../../host/cbor/generated.ts';
import { openedFrame } from '../security/sealed.ts';
import { TestCluster } from './cluster.ts';

const HOUR = 3600;
const members = 40;
/** Owners that one exchange follows. */
const followedMax = 4;
/** Answers to probes go first. */
const exchangeEveryS = 3 * 20;
const owners = [3, 7, 11, 15, 19, 23, 27, 31];
const groups: Group[] = [
  { name: 'group', group: 1, kind: WORK_KIND.mine, units: 0, capacity: 4000, stockKg: 0, loadKg: 0 },
];

/** What node 0 sends to node 1, by exchange. */
class Exchanges {
  readonly cluster = new TestCluster({ nodes: members, features: 0, preset: 'flight', groups });
  readonly sent: { name: string; owner?: number }[][] = [];
  /** Whether nobody hears node 0, and it hears nobody. */
  isApart = false;

  constructor() {
    this.cluster.jam = (sender, receiver) => {
      if (sender === 0 && receiver === 1) this.sent.at(-1)?.push(...openedFrame(this.cluster.onAir()).messages);
      return this.isApart && (sender === 0 || receiver === 0);
    };
  }

  /** Gives node 0 digests of member 1, of owners that all differ from its own by chance. */
  offer(untilS: number, parts: Uint8Array): void {
    this.sent.push([]);
    const salt = this.sent.length;
    assert.is(this.cluster.inject(0, 1, [{ name: 'sync-digest', salt, parts }]), STATUS.ok);
    this.cluster.runTo(untilS);
  }

  /** Owners of which node 0 sent a summary in exchange `index`. */
  owners(index: number): number[] {
    return this.sent[index].flatMap(({ name, owner }) => (name === 'owner-summary' ? [owner!] : []));
  }
}

/** Owners of claims that node 0 lacks. */
function lacked(cluster: TestCluster): number[] {
  return owners.filter((owner) => cluster.nodes[0].intent(owner, 0) === undefined);
}

/** A claim of member 1 in the name of `owner`. */
function claimOf(owner: number, nowS: number): Message {
  const times = { claimS: nowS, publishedS: nowS, startS: nowS + HOUR, endS: nowS + 3 * HOUR, leaseS: 0 };
  const work = { kind: WORK_KIND.mine, resource: 1 << 16, rate: 10, priority: 1, state: INTENT_STATE.claimed };
  return {
    name: 'intent',
    owner,
    slot: 0,
    version: (1 << 19) + 1,
    generation: 1,
    nonce: owner,
    read: 0,
    ...work,
    ...times,
  };
}

test('FLT-3 holds: owners that stay different do not keep later ones from being repaired', () => {
  const exchanges = new Exchanges();
  exchanges.cluster.runTo(HOUR);
  // Without a majority node 0 sends summaries: what is newer is not known.
  exchanges.isApart = true;
  exchanges.cluster.runTo(HOUR + 600);
  const rounds = 24;
  for (let round = 0; round < rounds; round++)
    exchanges.offer(HOUR + 600 + (round + 1) * exchangeEveryS, new Uint8Array(members / 2).fill(round));
  const followed = exchanges.sent.map((_, index) => new Set(exchanges.owners(index)).size);
  assert.ok(Math.max(...followed) <= followedMax, followed.join());
  const seen = new Set(exchanges.sent.flatMap((_, index) => exchanges.owners(index)));
  assert.ok(seen.size >= members - 2, `${seen.size} of ${members} owners`);
});

test('FLT-3 holds: a member that lacks versions gets them with its next exchanges', () => {
  const exchanges = new Exchanges();
  const { cluster } = exchanges;
  cluster.runTo(HOUR);
  // Node 0 hears nothing while the versions spread, for less than the gap after which it would ask
  // for all news.
  exchanges.isApart = true;
  for (const owner of owners)
    for (let node = 1; node < members; node++) if (node !== owner) cluster.inject(node, owner, [claimOf(owner, HOUR)]);
  cluster.runTo(HOUR + 110);
  assert.is(lacked(cluster).length, owners.length);
  exchanges.isApart = false;
  cluster.runTo(HOUR + 110 + 150);
  assert.equal(lacked(cluster), []);
});

test.run();
