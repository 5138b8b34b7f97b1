// Merging of heartbeats: freshness of three bits a member, and silent members that come back.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Heartbeat, LIVENESS_TICK_S, ROUND_S, STATUS, STATUS_MASK } from '../../host/cbor/generated.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { heartbeatAt } from '../security/fuzz/steps.ts';
import { DirectNode } from './direct_node.ts';

const heartbeats = suite('heartbeats');

const freshest = firmwareConstants('flight').get('TICKS_UNTIL_SILENT')!;
/** A round, in which nobody has been heard for long. */
const startS = 10 * ROUND_S;

/** Encodes a freshness of 0 to 7 for each member. */
function heartbeatOf(timeS: number, freshness: readonly number[]): Heartbeat {
  const bytes = Math.ceil(freshness.length / 8);
  const ages = new Uint8Array(3 * bytes);
  freshness.forEach((fresh, member) => {
    for (let plane = 0; plane < 3; plane += 1)
      ages[plane * bytes + (member >> 3)] |= ((fresh >> plane) & 1) << (member & 7);
  });
  // Bits of no member are set: they must not matter.
  for (let bit = freshness.length; bit < 8 * bytes; bit += 1) ages[bit >> 3] |= 1 << (bit & 7);
  return { ...heartbeatAt(timeS, freshness.length), ages } as Heartbeat;
}

/** A node that heard nobody since its boot, `ticks` liveness ticks after a round began. */
function unheardNode(members: number, ticks: number): DirectNode {
  const node = new DirectNode({ config: { members } });
  assert.is(node.observe({ name: 'counters-reserved', cycle: 4000 }) & STATUS_MASK, STATUS.ok);
  node.runTo((startS + ticks * LIVENESS_TICK_S + 30) * 1000);
  return node;
}

function hears(node: DirectNode, sender: number, heartbeat: Heartbeat): void {
  assert.is(node.receive(sender, [heartbeat]) & STATUS_MASK, STATUS.ok);
}

heartbeats('MBR-1 holds: each member has the greater freshness of two, as of the receiver’s tick', () => {
  const random = new RandomStream(3, 'freshness');
  for (const members of [9, 64, 70, 129, 200])
    for (const behindTicks of [-1, 0, 1]) {
      const node = unheardNode(members, 1);
      const fresh = new Array<number>(members).fill(0);
      for (const sender of [1, 2]) {
        const reported = fresh.map(() => random.below(freshest + 1));
        const { missionS } = node.node();
        hears(node, sender, heartbeatOf(missionS - behindTicks * LIVENESS_TICK_S, reported));
        reported.forEach((value, member) => {
          const now = value === 0 ? 0 : Math.min(freshest, Math.max(0, value - behindTicks));
          fresh[member] = Math.max(fresh[member], now);
        });
      }
      // The node itself and both senders have just given a sign of life.
      const expected = fresh.map((value, member) => (member <= 2 ? 0 : freshest - value));
      const found = fresh.map((_, member) => node.member(member).age);
      assert.equal(found, expected, `${members} members, ${behindTicks} ticks behind`);
    }
});

heartbeats('MBR-1 holds: late news changes the agreed view if its sign of life is older than the cut', () => {
  for (const ticks of [0, 1]) {
    const node = unheardNode(70, ticks);
    const silent = node.snapshot();
    const before = node.viewDigest();
    for (let fresh = 1; fresh <= freshest; fresh += 1)
      for (const member of [3, 40, 66]) {
        node.restore(silent);
        const reported = new Array<number>(70).fill(0);
        reported[member] = fresh;
        hears(node, 1, heartbeatOf(node.node().missionS, reported));
        const isOlder = freshest - fresh > ticks;
        assert.is(node.viewDigest() !== before, isOlder, `member ${member}, freshness ${fresh}, ${ticks} ticks`);
      }
  }
});

heartbeats('MBR-1 holds: many members that come back at once give the view of one after the other', () => {
  const random = new RandomStream(4, 'returned');
  const members = 200;
  const node = unheardNode(members, 1);
  const silent = node.snapshot();
  const { missionS } = node.node();
  for (let turn = 0; turn < 20; turn += 1) {
    const reported = Array.from({ length: members }, () => (random.below(2) === 0 ? 0 : random.below(freshest + 1)));
    node.restore(silent);
    hears(node, 1, heartbeatOf(missionS, reported));
    const atOnce = node.viewDigest();
    node.restore(silent);
    for (let from = 0; from < members; from += 10) {
      const some = reported.map((fresh, member) => (member >= from && member < from + 10 ? fresh : 0));
      hears(node, 1 + from / 10, heartbeatOf(missionS, some));
    }
    assert.is(atOnce, node.viewDigest(), `turn ${turn}`);
  }
});

heartbeats.run();
