import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BOOT_CAUSE, TYPE } from '../../host/cbor/generated.ts';
import { readRecord, writeRecord } from '../../host/cbor/record.ts';
import type { Preset } from '../../host/build/root.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { reserveBuffers } from '../../host/platform/buffers.ts';
import { IdlePlatform } from '../../host/platform/idle.ts';
import { PlatformLoop, zeroCounts } from '../../host/platform/loop.ts';
import { CheckpointSlots, tornCells, writesOf } from '../../hwsim/board/checkpoint_slots.ts';

/** Notes whether a start restored a checkpoint, and the context's hash before it is polled. */
class StartWatch extends IdlePlatform {
  hash = 0;
  restored = false;
  readonly #engine: Engine;
  readonly #fields = new Uint32Array(24);

  constructor(engine: Engine) {
    super(engine);
    this.#engine = engine;
  }

  override booted({ context }: PlatformLoop): void {
    this.hash = this.#engine.calls.hash(context) >>> 0;
  }

  override event({ buffers }: PlatformLoop, length: number): void {
    readRecord(this.#engine.view(), buffers.record, length, this.#fields);
    if (this.#fields[0] === TYPE.booted) this.restored = this.#fields[2] === 1;
  }
}

/**
 * Makes checkpoints of one node at different times, and starts the node from two checkpoint slots.
 */
class Board {
  readonly engine: Engine;
  readonly images: Uint8Array[] = [];
  /**
   * Hash of the context after a start from each image alone; last: after a start without
   * checkpoint.
   */
  readonly hashes: number[] = [];
  readonly #watch: StartWatch;
  readonly #loop: PlatformLoop;
  readonly #configBytes: number;

  constructor(preset: Preset) {
    this.engine = loadV8Engine(preset);
    const { engine } = this;
    this.#watch = new StartWatch(engine);
    const context = engine.reserve(engine.image.contextBytes);
    const buffers = reserveBuffers(engine, 256);
    this.#loop = new PlatformLoop({ engine, context, buffers, handler: this.#watch, counts: zeroCounts() });
    const config = [TYPE.config, 1, 0, 4, 1, 1, 77, 1, 0, 0, 200, 8000, 6000, 1000, 40, 0, 60, 0, 0, 0, 0, 0];
    this.#configBytes = writeRecord(engine.view(), buffers.config, config);
    assert.is(this.#loop.boot(this.#configBytes, BOOT_CAUSE.powerOn, null) & 0xff, 0);
    for (const atS of [300, 900, 1500]) {
      this.#loop.at(atS * 1000).tick();
      this.images.push(this.#loop.checkpoint()!);
    }
    for (const image of this.images)
      this.hashes.push(this.start(new CheckpointSlots(null, [whole(image, 1), null])).hash);
    this.hashes.push(this.start(new CheckpointSlots()).hash);
    assert.is(new Set(this.hashes).size, 4, 'every start gives another context');
  }

  /** Starts as after a watchdog reset. `restored` is from the image's own event. */
  start(slots: CheckpointSlots): { hash: number; restored: boolean } {
    this.#watch.restored = false;
    const status = this.#loop.at(5000).boot(this.#configBytes, BOOT_CAUSE.watchdog, slots);
    assert.is(status & 0xff, 0);
    return { hash: this.#watch.hash, restored: this.#watch.restored };
  }
}

type Cells = Uint8Array | null;
const whole = (image: Uint8Array, sequence: number): Uint8Array =>
  tornCells(null, image, sequence, writesOf(image.length), false);

interface Beginning {
  name: string;
  slots: [Cells, Cells];
  /**
   * Images from which a start before the store may come: index, newest first; [] = none is whole.
   */
  before: number[];
}

function beginnings([first, second]: Uint8Array[]): Beginning[] {
  const corrupted = whole(second, 6);
  // Two bits of one line: a single bit would be corrected.
  corrupted[corrupted.length >> 1] ^= 0x11;
  const torn = tornCells(whole(first, 4), second, 6, 600, true);
  return [
    { name: 'nothing was ever stored', slots: [null, null], before: [] },
    { name: 'one whole', slots: [whole(first, 1), null], before: [0] },
    { name: 'both whole, the second newer', slots: [whole(first, 1), whole(second, 2)], before: [1] },
    { name: 'both whole, the first newer', slots: [whole(second, 3), whole(first, 2)], before: [1] },
    { name: 'sequences wrap', slots: [whole(first, 0xfffffffe), whole(second, 0xffffffff)], before: [1] },
    { name: 'the other was torn by an earlier cut', slots: [whole(first, 5), torn], before: [0] },
    { name: 'the newest does not verify', slots: [whole(first, 5), corrupted], before: [0] },
  ];
}

/**
 * Cuts a store of the third image in every `stride`-th of its states, and starts the node. Returns
 * the number of states. The node starts once before the store, as in flight: the store then
 * overwrites a checkpoint slot that the node refused.
 */
function cutEverywhere(board: Board, beginning: Beginning, stride: number): number {
  const [, , image] = board.images;
  const last = writesOf(image.length);
  const allowed = [...beginning.before.map((index) => board.hashes[index])];
  const fresh = board.hashes[2];
  const nothing = board.hashes[3];
  let states = 0;
  let restoredNew = 0;
  for (let done = 0; done <= last; done += 1) {
    // The last words are the header's: each of them is examined.
    if (done % stride !== 0 && done < last - 8) continue;
    for (const half of [false, true]) {
      const slots = new CheckpointSlots(null, beginning.slots);
      board.start(slots);
      slots.store(0, { bytes: () => image });
      slots.cutAfter(done, half);
      const { hash, restored } = board.start(slots);
      const where = `${beginning.name}: cut after ${done} of ${last} words${half ? ' and a half' : ''}`;
      const isNew = hash === fresh;
      if (isNew) restoredNew += 1;
      if (beginning.before.length > 0 || isNew) assert.ok(restored && (isNew || allowed.includes(hash)), where);
      else assert.ok(!restored && hash === nothing, where);
      if (done === last) assert.ok(isNew, `${where}: a complete store counts`);
      states += 1;
    }
  }
  assert.ok(restoredNew >= 2 && restoredNew <= 4, `${beginning.name}: ${restoredNew} states have the new checkpoint`);
  return states;
}

test('RAD-3 holds: after a power cut at any word of a store, a node starts from the new checkpoint or the last', () => {
  const board = new Board('tiny');
  let states = 0;
  for (const beginning of beginnings(board.images)) states += cutEverywhere(board, beginning, 1);
  console.log(`${states} states of power cuts, tiny image, ${board.images[0].length} bytes a checkpoint`);
  assert.ok(states > 7 * 2 * (board.images[0].length / 4));
});

test('RAD-3 holds: the flight image does the same at every 211th word', () => {
  const board = new Board('flight');
  let states = 0;
  for (const beginning of beginnings(board.images)) states += cutEverywhere(board, beginning, 211);
  console.log(`${states} states of power cuts, flight image, ${board.images[0].length} bytes a checkpoint`);
});

test('RAD-3 violated: a store into the newer checkpoint slot loses it, and a header written first is refused', () => {
  const board = new Board('tiny');
  const [first, second, third] = board.images;
  // In place: the only whole checkpoint is overwritten, and a cut loses it.
  const inPlace = new CheckpointSlots(null, [tornCells(whole(second, 2), third, 3, 500, false), null]);
  assert.not.ok(board.start(inPlace).restored);
  // Header first: the checkpoint slot looks whole and is not. The image refuses it and restores the
  // older one.
  const headerFirst = tornCells(whole(first, 1), third, 3, writesOf(third.length), false);
  headerFirst.set(whole(first, 1).subarray(2000), 2000);
  const { hash, restored } = board.start(new CheckpointSlots(null, [headerFirst, whole(second, 2)]));
  assert.ok(restored && hash === board.hashes[1]);
});

test.run();
