// The node module rule by rule: clock, outbox, rings of commands and events, TDMA slots.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ADDRESSEE_ALL,
  COUNTER,
  CYCLE_S,
  FLAG,
  INSPECT,
  LIVENESS_TICK_S,
  type Message,
  SIGNATURE_BYTES,
  STATUS,
  STATUS_MASK,
  TYPE,
  WORK_KIND,
} from '../../host/cbor/generated.ts';
import { readHeader } from '../../host/security/envelope.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { firstUnsound, Lines } from '../radiation/watch.ts';
import { heartbeatAt } from '../security/fuzz/steps.ts';
import { openedFrame } from '../security/sealed.ts';
import { smallWorld } from './cluster.ts';
import { type DirectBoot, DirectNode } from './direct_node.ts';

const rules = suite('node, rule by rule');

const cycleMs = CYCLE_S * 1000;
const tickMs = LIVENESS_TICK_S * 1000;
/** A period of 60 s has so many cycles; members are spread over them. */
const cyclesPerPeriod = 60 / CYCLE_S;
/** A frame may begin so late in its TDMA slot, ms. */
const lateMsMax = 25;
const lines = new Lines('flight');

const isOk = (status: number) => (status & STATUS_MASK) === STATUS.ok;
const probe = (sequence: number): Message => ({ name: 'probe', sequence });
const ceilTo = (ms: number, stepMs: number) => Math.ceil(ms / stepMs) * stepMs;

function assertSound(node: DirectNode): void {
  assert.is(firstUnsound(lines, new Uint32Array(node.engine.view().buffer), node.context), -1);
}

/** Begin of a member's TDMA slot in the cycle that begins at `beginMs`. */
const slotBeginMs = (self: number, beginMs: number) => beginMs + Math.floor(self * 62.5);

/**
 * A node in the first millisecond of its TDMA slot in the cycle that begins at `beginMs`: counters
 * are reserved, and nothing waits in its outbox and rings.
 */
function ready(self: number, beginMs: number, boot: DirectBoot = {}): DirectNode {
  const cycle = Math.floor(beginMs / cycleMs);
  const node = new DirectNode({
    ...boot,
    bootMs: beginMs - 20 * cycleMs,
    config: { self, members: 200, ...boot.config },
  });
  node.tick();
  assert.ok(isOk(node.observe({ name: 'counters-reserved', cycle: cycle + 200 })));
  for (let back = 12; back >= 0; back--) {
    node.nowMs = slotBeginMs(self, beginMs - back * cycleMs);
    node.tick();
    node.transmit();
  }
  node.commands();
  node.events();
  assert.is(node.node().outbox, 0, 'nothing waits');
  return node;
}

/** Has a member probe the node, whose answer then waits. */
function probed(node: DirectNode, sender: number, sequence: number): void {
  const before = node.node().outbox;
  assert.ok(isOk(node.receive(sender, [probe(sequence)])));
  node.tick();
  assert.is(node.node().outbox, before + 1);
}

rules('TIM-1 holds: the bound on the clock error grows by 50 ppm, however late the processor started', () => {
  for (const bootMs of [0, 5_000_000]) {
    const node = new DirectNode({ bootMs });
    const errorMsAfter = (s: number) => {
      node.nowMs = bootMs + s * 1000;
      node.tick();
      return node.node().errorMs;
    };
    const first = errorMsAfter(0);
    assert.is(errorMsAfter(1) - first, 1, 'rounded up');
    assert.is(errorMsAfter(200) - first, 10);
    assert.is(errorMsAfter(1999) - first, 100);
  }
});

rules('TIM-1 holds: a sample of a peer with the same time begins a new bound where the old one stood', () => {
  const node = ready(0, 0, { config: { members: 2 } });
  node.runTo(4_000_000);
  assert.ok(isOk(node.observe({ name: 'counters-reserved', cycle: 400 })));
  const before = node.node().errorMs;
  assert.ok(before >= 200 && before <= 400, `${before} ms after 4000 s`);
  assert.ok(isOk(node.receive(1, [heartbeatAt(4000, 2)])));
  node.runTo(4_001_000);
  const { errorMs } = node.node();
  assert.ok(Math.abs(errorMs - before) <= 10, `${errorMs} ms after the sample, ${before} ms before`);
});

rules('the same message to two members is queued twice, and twice to the same member once', () => {
  const node = ready(0, 6_000_000);
  const waiting = () => node.node().outbox;
  const before = waiting();
  for (const [sender, sequence, queued] of [
    [3, 7, 1],
    [3, 7, 1],
    [4, 7, 2],
    [3, 8, 3],
    [4, 7, 3],
  ]) {
    assert.ok(isOk(node.receive(sender, [probe(sequence)])));
    assert.is(waiting() - before, queued, `probe ${sequence} of ${sender}`);
    assertSound(node);
  }
});

rules('a call that queues a message asks the platform for the new deadline', () => {
  const node = ready(0, 6_000_000);
  // The first sign of life of a member leaves work to the next tick.
  node.receive(3, [{ name: 'ack', sequence: 1 }]);
  node.tick();
  assert.is(node.receive(3, [{ name: 'ack', sequence: 2 }]) & FLAG.deadline, 0, 'nothing is queued');
  assert.is(node.receive(3, [probe(7)]) & FLAG.deadline, FLAG.deadline);
});

rules('an outbox that is full drops what comes last and counts it, and every line keeps its code', () => {
  const node = ready(0, 6_000_000);
  const most = firmwareConstants('flight').get('OUTBOX_MAX')!;
  for (let sender = 1; sender <= most + 3; sender++) {
    const request = { name: 'probe-request', sequence: sender, target: sender + 1 } as const;
    assert.ok(isOk(node.receive(sender, [request])));
    assert.is(node.node().outbox, Math.min(sender, most));
    assertSound(node);
  }
  assert.is(node.lossCount(COUNTER.outboxFull), 3);
  for (let waiting = most; waiting > 0; waiting = node.node().outbox) {
    node.nowMs = ceilTo(node.nowMs + 1, cycleMs);
    node.tick();
    assert.ok(node.transmit().length > 0);
    assert.ok(node.node().outbox < waiting + 3);
    assertSound(node);
    if (node.nowMs > 8_000_000) throw new Error('the outbox does not empty');
  }
});

/** A node whose statement on an empty intent slot was signed just now. */
function withStatement(): DirectNode {
  const node = ready(0, 6_000_000, { groups: smallWorld });
  requestStatement(node, 5);
  return node;
}

/** Has a peer request a statement on an intent slot, and signs it. */
function requestStatement(node: DirectNode, slot: number): void {
  node.commands();
  const waiting = node.node().outbox;
  assert.ok(isOk(node.receive(3, [{ name: 'statement-request', owner: 0, slot }])));
  node.tick();
  const order = node.commands().find(([type]) => type === TYPE.sign);
  assert.ok(order !== undefined, 'the platform is asked for a signature');
  const signature = new Uint8Array(SIGNATURE_BYTES);
  assert.ok(isOk(node.observe({ name: 'signed', ticket: order[1], signature })));
  assert.is(node.node().outbox, waiting + 1);
}

/** Runs to the node's next TDMA slot; what the frame there says, and to whom. */
function nextFrame(node: DirectNode): { addressee: number; names: string[] } {
  node.nowMs = ceilTo(node.nowMs + 1, cycleMs);
  node.tick();
  const { messages, header } = openedFrame(node.transmit());
  return { addressee: header.addressee, names: messages.map(({ name }) => name) };
}

rules('SEC-5 holds: statements of the node to all go first, however many members probe it', () => {
  const node = withStatement();
  for (let sender = 4; sender < 12; sender++) assert.ok(isOk(node.receive(sender, [probe(sender)])));
  const { addressee, names } = nextFrame(node);
  assert.is(addressee, ADDRESSEE_ALL);
  assert.ok(names.includes('statement'), names.join());
  assert.is(nextFrame(node).addressee, 11, 'then the newest answer to a probe');
});

rules('SEC-5 holds: a statement or a claim that follows a lone statement is queued behind it', () => {
  const two = withStatement();
  two.nowMs += 61_000;
  two.tick();
  assert.is(two.node().outbox, 2, 'the statement waits behind a heartbeat');
  requestStatement(two, 6);
  assertSound(two);
  const claims = withStatement();
  const work = { kind: WORK_KIND.mine, resource: (1 << 16) | 1, rate: 100, durationS: 0, priority: 1 };
  assert.ok(isOk(claims.observe({ name: 'assign', slot: 0, ...work, startS: 8000, endS: 60_000 })));
  assertSound(claims);
  const { names } = nextFrame(claims);
  assert.ok(names.indexOf('statement') >= 0 && names.indexOf('statement') < names.indexOf('intent'), names.join());
});

rules('a loss counter has the local second of its first loss', () => {
  const node = ready(0, 6_000_000);
  const counter = () =>
    node.inspect(INSPECT.counters).slice(COUNTER.recordRejected * 2, COUNTER.recordRejected * 2 + 2);
  assert.equal(counter(), [0, 0]);
  const refused: Message = { name: 'outlook', fromS: 5, untilS: 5, kind: 1 };
  for (const s of [6100, 6200, 6300]) {
    node.nowMs = s * 1000;
    assert.not.ok(isOk(node.observe(refused)));
  }
  assert.equal(counter(), [3, 6100]);
});

const rings = [
  ['command', 'COMMANDS_AT'],
  ['event', 'EVENTS_AT'],
] as const;

/** A node for which a command and an event wait. */
const unread = () => new DirectNode({ bootMs: 6_000_000 });

for (const [what, table] of rings) {
  rules(`${what}: a buffer that is too short gets nothing, and nothing is lost`, () => {
    const node = unread();
    const whole = unread()[what]();
    assert.ok(whole.length > 1);
    assert.is(node[what](whole.length - 1).length, 0);
    assert.equal(node[what](whole.length), whole);
  });

  rules(
    `RAD-1 holds: one flipped bit of a waiting ${what} is corrected before it is taken, two are not believed`,
    () => {
      const flipped = (bits: number) => {
        const node = unread();
        const at = node.context + firmwareConstants('flight').get(table)!;
        node.engine.view()[at + 1] ^= bits;
        return node;
      };
      const node = flipped(0x10);
      const { corrected } = unread().protection();
      assert.equal(node[what](), unread()[what]());
      assert.is(node.protection().corrected, corrected + 1);
      const broken = flipped(0x11);
      assert.throws(
        () => broken[what](),
        (error: unknown) => broken.engine.isTrap(error),
      );
    },
  );
}

/** Milliseconds of a cycle in which a waiting frame can begin, and the counters of these frames. */
function sendingMs(self: number, beginMs: number): Map<number, number> {
  const node = ready(self, beginMs - cycleMs);
  const state = node.snapshot();
  const found = new Map<number, number>();
  const slotMs = slotBeginMs(self, 0);
  const near = (ms: number) => Math.abs(ms - slotMs) < 60 || ms % 20 === 0 || ms < 3 || ms > cycleMs - 3;
  for (let ms = 0; ms < cycleMs; ms++) {
    if (!near(ms)) continue;
    node.restore(state);
    node.nowMs = beginMs + ms;
    node.tick();
    assert.ok(isOk(node.receive(self + 1, [probe(3)])), 'an answer to a probe waits');
    const frame = node.transmit();
    if (frame.length > 0) found.set(ms, readHeader(frame).counter);
  }
  return found;
}

rules('a frame begins in the first 25 ms of its TDMA slot only, and its counter is the cycle', () => {
  for (const [self, beginMs] of [
    [0, 6_000_000],
    [1, 6_000_000],
    [13, 6_015_000],
    [17, 6_000_000],
    [160, 6_030_000],
    [198, 6_045_000],
  ]) {
    const sent = sendingMs(self, beginMs);
    const slotMs = slotBeginMs(self, 0);
    assert.equal(
      [...sent.keys()],
      Array.from({ length: lateMsMax + 1 }, (_, late) => slotMs + late),
      `member ${self}`,
    );
    // Cycles are counted from 1, and each begins for a member with its own TDMA slot.
    assert.equal([...new Set(sent.values())], [beginMs / cycleMs + 1], `member ${self}`);
  }
});

/** Milliseconds until a quiet node is needed: its period's cycle, or the next liveness tick. */
function quietMs(self: number, nowMs: number): number {
  const slotMs = slotBeginMs(self, 0);
  let cycle = Math.floor((nowMs + cycleMs - slotMs) / cycleMs) + 1;
  while (cycle % cyclesPerPeriod !== self % cyclesPerPeriod) cycle++;
  return Math.min((cycle - 1) * cycleMs + slotMs - nowMs, ceilTo(nowMs + 1, tickMs) - nowMs);
}

rules('the deadline of a quiet node is its next period or liveness tick, to the millisecond', () => {
  for (const [self, beginMs] of [
    [0, 6_015_000],
    [3, 6_060_000],
    [13, 6_210_000],
    [161, 8_430_000],
    // The liveness tick comes before the next period.
    [4, 6_285_000],
  ]) {
    const node = ready(self, beginMs);
    const dueMs = node.nowMs + quietMs(self, node.nowMs);
    for (const laterMs of [0, 1, 187, 188, 999, 1000, 14_999, 15_000])
      if (node.nowMs + laterMs < dueMs) {
        node.nowMs += laterMs;
        assert.is(node.deadline(), dueMs - node.nowMs, `member ${self}, ${node.nowMs} ms`);
      }
    node.nowMs = dueMs - 1;
    assert.is(node.deadline(), 1);
  }
});

rules('the deadline of a node without the time is its next period of local time, to the millisecond', () => {
  const node = new DirectNode({ bootMs: 6_000_250, facts: { timeKnown: false } });
  node.tick();
  for (const ms of [6_000_250, 6_000_251, 6_037_000, 6_059_999]) {
    node.nowMs = ms;
    assert.is(node.deadline(), 6_060_000 - ms);
  }
  node.nowMs = 6_060_000;
  assert.is(node.deadline(), 60_000, 'the next one');
});

rules('the deadline of a node with something to send is its next TDMA slot', () => {
  const self = 13;
  const node = ready(self, 6_000_000);
  const slotMs = node.nowMs;
  node.nowMs += 100;
  probed(node, 4, 3);
  assert.is(node.deadline(), cycleMs - 100, 'the slot of this cycle has passed');
  node.nowMs = slotMs + cycleMs - 1;
  assert.is(node.deadline(), 1);
  node.nowMs = slotMs + cycleMs;
  assert.is(node.deadline(), 0);
  assert.ok(node.transmit().length > 0);
  node.nowMs += 5;
  probed(node, 5, 4);
  assert.is(node.deadline(), cycleMs - 5, 'one frame a cycle');
});

rules('a node whose counters are used up is not woken for its TDMA slot', () => {
  const self = 13;
  const beginMs = 6_000_000;
  const node = new DirectNode({ bootMs: beginMs, config: { self, members: 200 } });
  node.tick();
  const cycle = beginMs / cycleMs + 1;
  assert.ok(isOk(node.observe({ name: 'counters-reserved', cycle })));
  probed(node, 4, 3);
  node.nowMs = slotBeginMs(self, beginMs);
  assert.is(node.deadline(), 0);
  node.tick();
  assert.is(readHeader(node.transmit()).counter, cycle, 'the last that is reserved');
  node.nowMs += 3;
  probed(node, 5, 4);
  assert.is(node.deadline(), quietMs(self, node.nowMs));
});

rules.run();
