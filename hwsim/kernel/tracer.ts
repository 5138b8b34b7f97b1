import type { TraceConsumer, WorldChange } from './trace.ts';
import { TraceHash } from './trace_hash.ts';

const tag = { frame: 1, command: 2, event: 3, world: 4 } as const;

const changeCode: Record<WorldChange['kind'], number> = {
  'node-up': 1,
  'node-down': 2,
  'radio-down': 3,
  'radio-up': 4,
  partition: 5,
  'group-capacity': 6,
  unit: 7,
  credit: 8,
  'double-execution': 9,
  disruption: 10,
  'work-ended': 11,
  upset: 12,
  'access-fault': 13,
  trap: 14,
  divergence: 15,
  'corrupt-accepted': 16,
  latent: 17,
};

/** A frame of `length` bytes at byte address `at`, a multiple of 4. */
interface TracedFrame {
  /** `bytes` and `words` view the same memory. */
  bytes: Uint8Array;
  words: Int32Array;
  at: number;
  length: number;
  received: number;
  lost: number;
}

/**
 * Passes everything observable of a run to the hashes and to the judges. The trace hash covers
 * every frame, command, event and world change; the decision hash covers commands and world
 * changes. Order: by time; at equal times by the node whose queue event caused the item; within the
 * delivery of one frame by receiver.
 */
export class Tracer {
  readonly trace = new TraceHash();
  readonly decisions = new TraceHash();
  worldChanges = 0;
  readonly #frame: TraceConsumer[];
  readonly #command: TraceConsumer[];
  readonly #event: TraceConsumer[];
  readonly #world: TraceConsumer[];
  readonly #all: TraceConsumer[];

  constructor(consumers: TraceConsumer[]) {
    this.#all = consumers;
    this.#frame = consumers.filter((consumer) => consumer.frame);
    this.#command = consumers.filter((consumer) => consumer.command);
    this.#event = consumers.filter((consumer) => consumer.event);
    this.#world = consumers.filter((consumer) => consumer.world);
  }

  frame(timeMs: number, sender: number, { bytes, words, at, length, received, lost }: TracedFrame): void {
    this.trace.word((tag.frame << 24) | sender);
    this.trace.time(timeMs);
    this.trace.bytes(words, at >> 2, length);
    if (this.#frame.length === 0) return;
    const view = bytes.subarray(at, at + length);
    for (const consumer of this.#frame) consumer.frame?.(timeMs, sender, view, received, lost);
  }

  command(timeMs: number, node: number, fields: Uint32Array, length: number): void {
    const head = (tag.command << 24) | node;
    this.#record(this.trace, head, timeMs, fields, length);
    this.#record(this.decisions, head, timeMs, fields, length);
    for (const consumer of this.#command) consumer.command?.(timeMs, node, fields, length);
  }

  event(timeMs: number, node: number, fields: Uint32Array, length: number): void {
    this.#record(this.trace, (tag.event << 24) | node, timeMs, fields, length);
    for (const consumer of this.#event) consumer.event?.(timeMs, node, fields, length);
  }

  world(timeMs: number, change: WorldChange): void {
    this.worldChanges += 1;
    hashChange(this.trace, timeMs, change);
    hashChange(this.decisions, timeMs, change);
    for (const consumer of this.#world) consumer.world?.(timeMs, change);
  }

  end(timeMs: number): void {
    for (const consumer of this.#all) consumer.end?.(timeMs);
  }

  #record(hash: TraceHash, head: number, timeMs: number, fields: Uint32Array, length: number): void {
    hash.word(head);
    hash.time(timeMs);
    hash.word(length);
    for (let i = 0; i < length; i += 1) hash.word(fields[i]);
  }
}

function hashChange(hash: TraceHash, timeMs: number, change: WorldChange): void {
  hash.word((tag.world << 24) | changeCode[change.kind]);
  hash.time(timeMs);
  switch (change.kind) {
    case 'node-up':
    case 'node-down':
      hash.word(change.node);
      hash.word(change.permanent ? 1 : 0);
      break;
    case 'radio-down':
    case 'radio-up':
      hash.word(change.node);
      break;
    case 'partition':
      hash.word(change.sets.length);
      for (const set of change.sets) {
        hash.word(set.length);
        for (const node of set) hash.word(node);
      }
      break;
    case 'group-capacity':
      hash.word(change.group);
      hash.double(change.capacityKgPerDay);
      hash.double(change.stockKg);
      break;
    case 'unit':
      hash.word((change.group << 16) | change.unit);
      hash.word(change.usable ? 1 : 0);
      break;
    case 'credit':
      hash.word(change.node);
      hash.word((change.group << 16) | change.unit);
      hash.double(change.kg);
      break;
    case 'double-execution':
      hash.word((change.group << 16) | change.unit);
      for (const node of change.nodes) hash.word(node);
      break;
    case 'work-ended':
      hash.word((change.node << 8) | change.slot);
      break;
    case 'disruption':
      hash.text(JSON.stringify(change.disruption));
      break;
    case 'upset':
      hash.word(change.node);
      hash.word(change.inUse ? 1 : 0);
      for (const bit of change.bits) hash.word(bit);
      break;
    case 'access-fault':
      hash.word(change.node);
      hash.word(change.access === 'write' ? 1 : 0);
      break;
    case 'trap':
      hash.word((change.node << 16) | (change.booting ? 0x8000 : 0) | change.resets);
      hash.word(change.site);
      break;
    case 'divergence':
      hash.word((change.node << 8) | (change.omission ? 0x80 : 0) | change.output.length);
      hash.word(change.upset);
      break;
    case 'corrupt-accepted':
      hash.word(change.node);
      for (const node of change.by) hash.word(node);
      break;
    case 'latent':
      hash.word(change.node);
      hash.word(change.bits);
      break;
  }
}
