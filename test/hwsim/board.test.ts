import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TYPE } from '../../host/cbor/generated.ts';
import { writeRecord } from '../../host/cbor/record.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { ContextImages } from '../../hwsim/board/context_image.ts';
import { CheckpointSlots, checkpointWriteMs, type Image } from '../../hwsim/board/checkpoint_slots.ts';
import { HardwareWatchdogs, watchdogEarlyMs, watchdogLateMs } from '../../hwsim/board/watchdog.ts';

test('WDG-1: a feed within the window is accepted, one too early is not, a missing one becomes due', () => {
  const watchdogs = new HardwareWatchdogs(2);
  assert.is(watchdogs.dueMs(0), Number.POSITIVE_INFINITY);
  watchdogs.start(0, 1000);
  assert.is(watchdogs.dueMs(0), 1000 + watchdogLateMs);
  assert.is(watchdogs.feed(0, 2000), true);
  assert.is(watchdogs.feed(0, 2000 + watchdogEarlyMs), true);
  assert.is(watchdogs.dueMs(0), 2000 + watchdogEarlyMs + watchdogLateMs);
  assert.is(watchdogs.feed(0, 2000 + 2 * watchdogEarlyMs - 1), false);
  watchdogs.stop(0);
  assert.is(watchdogs.dueMs(0), Number.POSITIVE_INFINITY);
});

const headerBytes = 16;
/** Memory that lives within one call only, in a checkpoint after its header. */
const scratchBytes = 1024;

/** The part of a checkpoint that is its content. */
function contentOf(image: Uint8Array): Uint8Array {
  return Uint8Array.of(...image.subarray(0, headerBytes), ...image.subarray(headerBytes + scratchBytes));
}

/** Makes checkpoints that differ: at minute `mark` of the node's life. */
function setUp() {
  const engine = loadV8Engine('tiny');
  const { contextBytes, checkpointBytes } = engine.image;
  const context = engine.reserve(contextBytes);
  const scratch = engine.reserve(contextBytes);
  const out = engine.reserve(checkpointBytes + 16);
  const config = [TYPE.config, 1, 0, 4, 1, 1, 77, 1, 0, 0, 200, 8000, 6000, 1000, 40, 0, 60, 0, 0, 0, 0, 0];
  const length = writeRecord(engine.view(), out, config);
  assert.is(engine.calls.boot(context, out, length, 1, 0, 0) & 0xff, 0);
  const memory = new CheckpointSlots();
  const images = new ContextImages(engine, scratch, out);
  const tick = (of: number, mark: number) => engine.calls.tick(of, 60 * mark, 0);
  const store = (mark: number, nowMs: number) => {
    tick(context, mark);
    memory.store(nowMs, images.take(context));
  };
  const read = (age: 0 | 1) => contentOf(memory.read(age) ?? new Uint8Array(0));
  return { engine, memory, images, tick, store, read, context, out };
}

test('two checkpoint slots have the newest first, the older second, never more', () => {
  const { memory, store, read, engine, context, out } = setUp();
  assert.is(read(0).length, 0);
  for (const mark of [1, 2, 3]) store(mark, mark * 1000);
  assert.is(memory.filled, 2);
  const newest = read(0);
  engine.calls.checkpoint(context, out, engine.image.checkpointBytes);
  const { checkpointBytes } = engine.image;
  assert.is(newest.join(), contentOf(engine.view().subarray(out, out + checkpointBytes)).join());
  assert.is.not(read(1).join(), newest.join());
});

test('a checkpoint keeps its bytes while newer ones are stored, also of another context', () => {
  const { engine, images, context, tick } = setUp();
  const other = engine.reserve(engine.image.contextBytes);
  engine.view().copyWithin(other, context, context + engine.image.contextBytes);
  const taken: { image: Image; bytes: string }[] = [];
  for (let mark = 1; mark <= 4; mark += 1)
    for (const each of [context, other]) {
      tick(each, mark + (each === other ? 20 : 0));
      const image = images.take(each);
      taken.push({ image, bytes: contentOf(image.bytes()).join() });
    }
  assert.is(new Set(taken.map(({ bytes }) => bytes)).size, 8);
  for (const { image, bytes } of taken) assert.ok(contentOf(image.bytes()).join() === bytes);
});

/** Takes checkpoints of two contexts in which random bits flip, and reads all at the end. */
function storesOf(contextBytes: number, turns: number): { read: Uint8Array; stored: Uint8Array }[] {
  const memory = new Uint8Array(4 * contextBytes);
  const [scratch, out] = [2 * contextBytes, 3 * contextBytes];
  const checkpoint = (from: number, to: number) => {
    memory.copyWithin(to, from, from + contextBytes);
    return contextBytes;
  };
  const image = { contextBytes, checkpointBytes: contextBytes };
  const images = new ContextImages(
    { image, calls: { checkpoint }, view: () => memory } as unknown as Engine,
    scratch,
    out,
  );
  const random = new RandomStream(1, 'contexts');
  const taken: { image: Image; stored: Uint8Array }[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    const context = contextBytes * random.below(2);
    for (let flips = random.below(4); flips > 0; flips -= 1) memory[context + random.below(contextBytes)] ^= 1;
    taken.push({ image: images.take(context), stored: memory.slice(context, context + contextBytes) });
  }
  return taken.map(({ image: kept, stored }) => ({ read: kept.bytes(), stored }));
}

test('a checkpoint has every word of its context, also those behind the last whole unit', () => {
  for (const { read, stored } of storesOf(112, 200)) assert.equal(read, stored);
});

test('a checkpoint has what changed in long stretches that all contexts share', () => {
  for (const { read, stored } of storesOf(40_000, 100)) assert.equal(read, stored);
});

test('WDG-2: a reset during a store tears only that checkpoint slot, and corruption changes its content', () => {
  const { memory, store, read } = setUp();
  store(1, 1000);
  store(2, 5000);
  const older = read(1);
  memory.interrupt(5000 + checkpointWriteMs - 1);
  assert.is(memory.filled, 1, 'a torn slot does not look whole');
  assert.is(read(0).join(), older.join());
  memory.corrupt(0);
  assert.is.not(read(0).join(), older.join());
});

test.run();
