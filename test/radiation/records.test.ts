// SEC-4, RAD-1: refuses a configuration, an observation and a command with any single flipped bit,
// and counts it; nothing else changes.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  FEATURE,
  BOOT_CAUSE,
  CHECK_BYTES,
  COUNTER,
  INSPECT,
  type Message,
  STATUS,
  STATUS_MASK,
} from '../../host/cbor/generated.ts';
import { writeCheck } from '../../host/cbor/check.ts';
import { decodeMessage, encodeMessage } from '../../host/cbor/message.ts';
import { readRecord, recordFields } from '../../host/cbor/record.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import type { CheckpointSource } from '../../host/platform/buffers.ts';
import { encodeConfig } from '../../host/platform/config.ts';
import { ImageNode } from '../../host/platform/image_node.ts';
import { testCluster, testKeys } from '../security/sealed.ts';
import { capability } from '../firmware/capability.ts';

const test = suite('damaged records');
const nowMs = 1000;

const config = encodeConfig(
  {
    ...{ cluster: testCluster, self: 0, members: 3, generation: 1, seed: 1, features: FEATURE.plans },
    ...{ ...capability, batteryWh: 6000 },
  },
  [{ name: 'group', group: 1, kind: 1, units: 3, capacity: 2000, stockKg: 1_000_000, loadKg: 0 }],
  { incarnation: 1, timeKnown: true, missionMs: 0, resets: 0, alternateImage: false, reserved: 0 },
  testKeys.member(0),
);

const observations: readonly Message[] = [
  { name: 'group', group: 1, kind: 1, units: 3, capacity: 2000, stockKg: 1_000_000, loadKg: 0 },
  { name: 'health', tasks: 255, batteryWh: 6000, storedKg: 300, solarW: 1000 },
  { name: 'progress', slot: 0, status: 1, movedKg: 100 },
  { name: 'assay', group: 1, unit: 2, capacity: 900 },
  { name: 'outlook', fromS: 3600, untilS: 7200, kind: 1 },
  { name: 'window', startS: 3600, endS: 7200, energyWh: 100 },
  {
    ...{ name: 'assign', slot: 0, kind: 1, resource: (1 << 16) | 1, startS: 7200, endS: 90_000 },
    ...{ durationS: 0, rate: 100, priority: 1 },
  },
  { name: 'recovery', level: 1, task: 2, ok: 1 },
  { name: 'counters-reserved', cycle: 20 },
  { name: 'key-epoch-checked', keyEpoch: 2, ok: 1 },
  { name: 'signed', ticket: 1, signature: new Uint8Array(64).fill(7) },
  { name: 'verified', ticket: 1, ok: 1 },
];

/** Calls `each` with a copy for every bit of the bytes, in which that bit is flipped. */
function flipEach(bytes: Uint8Array, each: (damaged: Uint8Array, what: string) => void): void {
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const damaged = Uint8Array.from(bytes);
    damaged[bit >> 3] ^= 1 << (bit & 7);
    each(damaged, `bit ${bit & 7} of byte ${bit >> 3} of ${bytes.length}`);
  }
}

/** A node that runs, and what a refusal must leave as it is or count. */
function bootedNode() {
  const engine = loadV8Engine('flight');
  const node = new ImageNode(engine);
  assert.is(node.boot(config, BOOT_CAUSE.powerOn, 0).status & STATUS_MASK, STATUS.ok);
  const hash = () => engine.calls.hash(node.loop.context);
  const rejected = () => node.loop.inspect(INSPECT.counters, 0)[COUNTER.recordRejected * 2];
  return { engine, node, hash, rejected };
}

test('SEC-4 holds: an observation with any bit flipped is refused and counted, and changes nothing', () => {
  const { node, hash, rejected } = bootedNode();
  for (const observation of observations) {
    const record = encodeMessage(observation);
    // What time brings is done first, so that only the record could change the state.
    node.observe(Uint8Array.of(0xff), nowMs);
    const before = hash();
    flipEach(record, (damaged, what) => {
      const refusals = rejected();
      const status = node.observe(damaged, nowMs).status & STATUS_MASK;
      const isRefused = status === STATUS.malformed || status === STATUS.unknownType;
      assert.ok(isRefused, `${observation.name}, ${what}: ${status}`);
      assert.is(rejected(), refusals + 1, `${observation.name}, ${what}: not counted`);
      assert.is(hash(), before, `${observation.name}, ${what}: the state changed`);
    });
  }
});

test('SEC-4 violated: without its check, an observation with a flipped bit would be read as another', () => {
  const { node } = bootedNode();
  let taken = 0;
  flipEach(encodeMessage({ name: 'health', tasks: 255, batteryWh: 6000, storedKg: 300, solarW: 1000 }), (damaged) => {
    writeCheck(damaged, 0, damaged.length - CHECK_BYTES);
    if ((node.observe(damaged, nowMs).status & STATUS_MASK) === STATUS.ok) taken += 1;
  });
  assert.ok(taken > 40, `${taken} flips give another observation that is taken`);
});

test('SEC-4 holds: a configuration with any bit flipped boots no node and restores none', () => {
  const { engine, node, hash } = bootedNode();
  const { context, buffers } = node.loop;
  const checkpoint = node.loop.checkpoint()!;
  node.observe(Uint8Array.of(0xff), nowMs);
  const before = hash();
  const { calls } = engine;
  flipEach(config, (damaged, what) => {
    engine.view().set(damaged, buffers.config);
    engine.view().set(checkpoint, buffers.checkpoint);
    const at = [buffers.checkpoint, checkpoint.length, buffers.config, config.length] as const;
    const restored = calls.restore(context, ...at, BOOT_CAUSE.watchdog, 1, 0) & STATUS_MASK;
    assert.is.not(restored, STATUS.ok, `restored: ${what}`);
    assert.is(hash(), before, `a refused restore changed the state: ${what}`);
  });
  flipEach(config, (damaged, what) => {
    engine.view().set(damaged, buffers.config);
    const status = calls.boot(context, buffers.config, config.length, BOOT_CAUSE.powerOn, 1, 0) & STATUS_MASK;
    assert.is(status, STATUS.malformed, `booted: ${what}`);
  });
});

test('SEC-4 holds: a checkpoint is not blamed for a damaged configuration', () => {
  const { node } = bootedNode();
  const checkpoint = node.loop.checkpoint()!;
  const blamed: number[] = [];
  const source: CheckpointSource = { read: () => checkpoint, invalidate: (age) => blamed.push(age) };
  const damaged = Uint8Array.from(config);
  damaged[20] ^= 4;
  assert.is(node.boot(damaged, BOOT_CAUSE.watchdog, nowMs, source).status & STATUS_MASK, STATUS.malformed);
  assert.equal(blamed, []);
  assert.is(node.boot(config, BOOT_CAUSE.watchdog, nowMs, source).status & STATUS_MASK, STATUS.ok);
});

test('RAD-1 holds: a command with any bit flipped is not carried out, and is counted', () => {
  const inner = loadV8Engine('flight');
  let flipped = -1;
  let commandBytes = 0;
  const command = (context: number, out: number, capacity: number): number => {
    const length = inner.calls.command(context, out, capacity);
    if (length > 0 && flipped >= 0) {
      commandBytes = length;
      inner.view()[out + (flipped >> 3)] ^= 1 << (flipped & 7);
      flipped = -1;
    }
    return length;
  };
  const engine = Object.create(inner, { calls: { value: { ...inner.calls, command } } }) as Engine;
  const node = new ImageNode(engine);
  const { counts, context } = node.loop;
  assert.is(node.boot(config, BOOT_CAUSE.powerOn, 0).status & STATUS_MASK, STATUS.ok);
  const before = inner.view().slice(context, context + inner.image.contextBytes);
  let commands = 0;
  for (let bit = 0; bit < 8 * Math.max(commandBytes, 1); bit += 1) {
    inner.view().set(before, context);
    const atMs = 60_000;
    const whole = bit === 0 ? node.tick(atMs).commands : [];
    if (bit === 0) {
      commands = whole.length;
      assert.ok(commands > 0, 'a tick orders something');
      for (const bytes of whole)
        assert.is(readRecord(bytes, 0, bytes.length, new Uint32Array(23)), recordFields(bytes).length);
      inner.view().set(before, context);
    }
    const refused = counts.commandsRefused;
    flipped = bit;
    assert.is(node.tick(atMs).commands.length, commands - 1, `bit ${bit} was carried out`);
    assert.is(counts.commandsRefused, refused + 1, `bit ${bit} was not counted`);
  }
  assert.ok(commandBytes >= 9);
});

test('RAD-1 holds: the host reads no record with a flipped bit', () => {
  const orders: readonly Message[] = [
    { name: 'start-work', slot: 1, kind: 1, resource: 65_537, rate: 200, untilS: 90_000 },
    { name: 'stop-work', slot: 1 },
    { name: 'reserve-counters', cycle: 70_000 },
  ];
  for (const order of orders) {
    const record = encodeMessage(order);
    assert.equal(decodeMessage(record).value, order);
    flipEach(record, (damaged, what) => {
      assert.is(readRecord(damaged, 0, damaged.length, new Uint32Array(23)), -1, `${order.name}, ${what}`);
    });
  }
});

test.run();
