import { STATUS, STATUS_MASK, TYPE } from '../../host/cbor/generated.ts';
import { readRecord } from '../../host/cbor/record.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { ReferenceLoop } from './reference_loop.ts';
import { ReplyGatherer } from './engine_board.ts';
import type { CheckpointMemory } from './slot_memory.ts';
import type { Controller, FirmwareInput, Output, Reply } from './controller.ts';
import type { CheckpointStore } from './nonvolatile.ts';
import {
  answerBytes,
  evictedOf,
  lineBytesAt,
  lineOfByte,
  type Lines,
  linesOf,
  protectionLine,
  putLineBytes,
} from './lines.ts';
import { type AccessFaults, CheckpointSlots } from './checkpoint_slots.ts';
import { type Divergence, divergencesOf, sameBytes } from './reference_replica.ts';

/** A line with two or more wrong bits, which cannot be corrected, as it was before a call. */
interface UncorrectableLine {
  line: number;
  bits: number[];
  before: Uint8Array;
}

/**
 * A board's two checkpoint slots for its loop: a store begins when the simulator obeys the command
 * for it.
 */
class PendingSlots implements CheckpointMemory {
  readonly slots: CheckpointSlots;
  /** The checkpoint that the present call made, not yet stored. */
  pending: Uint8Array | null = null;
  /** Ages that the present start has read. */
  readonly readAges: (0 | 1)[] = [];
  /** The only age that a start may read; null: any. −1: none. */
  onlyAge: 0 | 1 | -1 | null = null;

  constructor(slots: CheckpointSlots) {
    this.slots = slots;
  }

  read(age: 0 | 1): Uint8Array | null {
    if (this.onlyAge !== null && this.onlyAge !== age) return null;
    const image = this.slots.read(age);
    if (image !== null) this.readAges.push(age);
    return image;
  }

  write(image: Uint8Array): void {
    this.pending = image;
  }

  corrupt(age: 0 | 1): void {
    this.slots.corrupt(age);
  }
}

/**
 * Runs a node in an instance and a memory of its own, in which bits can flip, beside its reference
 * replica: the same image in another instance, whose memory never errs and has the contexts of all
 * replicas. From the first upset on the replica gets the same inputs, starts and checkpoints.
 * Whatever the node produces and the replica does not is the effect of an upset. The replica
 * follows a node that restarts: it starts from the same checkpoint, as it would be if no bit had
 * flipped before it was written.
 */
export class FaultableMemoryBoard implements Controller, CheckpointStore {
  /** Number of bits that can flip: the image's static data, then the context. */
  readonly memoryBits: number;
  /** Divergences of the call that `reply` returned last. */
  divergences: readonly Divergence[] = [];
  readonly #engine: Engine;
  readonly #replicaEngine: Engine;
  readonly #staticBytes: number;
  readonly #pristine: Uint8Array;
  /** Range of static data that is not zero at the start: constants. */
  readonly #constantsFrom: number;
  readonly #constantsTo: number;
  /** Known from the first start on; null: the image has no lines. */
  #lines: Lines | null | undefined;
  /**
   * The line with the image's counts of the protection, known from the first upset on, and its
   * bytes before the call.
   */
  #protection = -1;
  #protectionBefore: Uint8Array | null = null;
  readonly #answer: number;
  /** Address for a copy of the context. */
  readonly #inspected: number;
  readonly #loop: ReferenceLoop;
  readonly #replica: ReferenceLoop;
  readonly #slots: PendingSlots;
  readonly #replicaSlots: PendingSlots;
  readonly #gatherer = new ReplyGatherer();
  /** The runtime takes calls. */
  #isRunning = false;
  /** The replica runs, and the node's context may differ from the replica's. */
  #hasReplica = false;
  /** Bits that flipped since the memory was last initialized. */
  #flipped: number[] = [];
  #reply: Reply | null = null;

  constructor(engine: Engine, replicaEngine: Engine, faults: AccessFaults | null) {
    this.#engine = engine;
    this.#replicaEngine = replicaEngine;
    this.#staticBytes = engine.calls.memory_base();
    this.memoryBits = 8 * (this.#staticBytes + engine.image.contextBytes);
    this.#pristine = engine.view().slice(0, this.#staticBytes);
    this.#constantsFrom = this.#pristine.findIndex((byte) => byte !== 0);
    this.#constantsTo = this.#pristine.findLastIndex((byte) => byte !== 0) + 1;
    this.#answer = replicaEngine.reserve(answerBytes);
    this.#inspected = replicaEngine.reserve(engine.image.contextBytes);
    this.#slots = new PendingSlots(new CheckpointSlots(faults));
    this.#replicaSlots = new PendingSlots(new CheckpointSlots());
    this.#loop = new ReferenceLoop(engine, this.#slots);
    this.#replica = new ReferenceLoop(replicaEngine, this.#replicaSlots);
  }

  give(input: FirmwareInput): void {
    this.#slots.pending = null;
    this.#replicaSlots.pending = null;
    this.divergences = [];
    const uncorrectable = this.#uncorrectableLines();
    const reply = this.#run(this.#loop, input);
    if (input.kind === 'boot') this.#startReplica(input, reply);
    else if (this.#hasReplica) this.#compare(input, reply, uncorrectable);
    if (reply.trap !== null) this.#isRunning = false;
    this.#reply = reply;
  }

  reply(): Reply {
    const reply = this.#reply;
    if (reply === null) throw new Error('a board was asked for a reply before it got an input');
    this.#reply = null;
    return reply;
  }

  #run(loop: ReferenceLoop, input: FirmwareInput): Reply {
    let reply: Reply | null = null;
    loop.handle(input, (output) => {
      reply = this.#gatherer.add(output);
    });
    if (reply === null) throw new Error(`a board's loop ended a ${input.kind} without a reply`);
    return reply;
  }

  #compare(input: FirmwareInput, reply: Reply, uncorrectable: readonly UncorrectableLine[]): void {
    const replicaInput = inputOfReplica(input, reply);
    const replica =
      reply.trap === null ? this.#runReplica(replicaInput, uncorrectable) : this.#run(this.#replica, replicaInput);
    this.divergences = divergencesOf(reply.outputs, replica.outputs, reply.trap !== null);
    if (replica.trap !== null) this.#replicaTrapped(reply, replica.trap.site);
    else if (input.kind === 'tick') this.#forgetCorrected();
  }

  /**
   * Handles a trap of the replica. If the node did not trap, it is a divergence. The replica takes
   * over the node's state.
   */
  #replicaTrapped(reply: Reply, site: number): void {
    if (reply.trap === null) {
      const what = `nothing, where its replica traps at site ${site}`;
      this.divergences = [...this.divergences, { output: 'event', omission: false, garbled: false, index: -1, what }];
    }
    this.#copyToReplica();
  }

  /** Forgets corrected bits, and stops the replica of a node whose memory is equal again. */
  #forgetCorrected(): void {
    if (this.#lines) this.#flipped = this.#wrongBits();
    if (this.#isUnaffected()) this.#hasReplica = false;
  }

  /** Returns the lines with more than one wrong bit, with their bytes and these bits. */
  #uncorrectableLines(): UncorrectableLine[] {
    const lines = this.#lines;
    if (!lines || !this.#hasReplica || this.#flipped.length < 2) return [];
    const byLine = new Map<number, number[]>();
    for (const bit of this.#wrongBits()) {
      const byte = (bit >>> 3) - this.#staticBytes;
      const line = byte < 0 ? -1 : lineOfByte(lines, byte);
      if (line >= 0) byLine.set(line, [...(byLine.get(line) ?? []), bit]);
    }
    const uncorrectable = [...byLine].filter(([, bits]) => bits.length > 1);
    if (uncorrectable.length > 0)
      this.#protectionBefore =
        this.#protection < 0 || byLine.has(this.#protection) ? null : this.#lineNow(lines, this.#protection);
    return uncorrectable.map(([line, bits]) => ({ line, bits, before: this.#lineNow(lines, line) }));
  }

  #lineNow(lines: Lines, line: number): Uint8Array {
    return lineBytesAt(lines, this.#engine.view(), this.#loop.context, line);
  }

  /**
   * Runs the replica's part of a call. If the call changed an uncorrectable line, the node may have
   * evicted its content, to fetch it again. Then the same bits flip in the replica, and no others:
   * the replica evicts the same content, and all else must stay equal. The replica must report the
   * eviction: an image that continues with wrong content does not. The scrubber of a node that
   * found errors is ahead of its replica's: the replica takes over the counts of the protection.
   */
  #runReplica(input: FirmwareInput, uncorrectable: readonly UncorrectableLine[]): Reply {
    const lines = this.#lines;
    const changed = lines
      ? uncorrectable.filter(({ line, before }) => !sameBytes(this.#lineNow(lines, line), before))
      : [];
    if (changed.length === 0) return this.#run(this.#replica, input);
    const { context } = this.#replica;
    const view = this.#replicaEngine.view();
    const right = view.slice(context, context + this.#engine.image.contextBytes);
    if (lines && this.#protectionBefore !== null)
      putLineBytes(lines, view, context, this.#protection, this.#protectionBefore);
    const evictedBefore = evictedOf(this.#replicaEngine, context, this.#answer);
    for (const bit of changed.flatMap(({ bits }) => bits))
      view[context + (bit >>> 3) - this.#staticBytes] ^= 1 << (bit & 7);
    const replica = this.#run(this.#replica, input);
    if (replica.trap === null && evictedOf(this.#replicaEngine, context, this.#answer) > evictedBefore) return replica;
    view.set(right, context);
    this.#replicaSlots.pending = null;
    if (replica.trap !== null) this.#replica.bootedLike(this.#loop);
    return this.#run(this.#replica, input);
  }

  /** Starts the replica as the node has started: from the same checkpoint, or from none. */
  #startReplica(input: FirmwareInput, reply: Reply): void {
    const { readAges } = this.#slots;
    const restored = reply.outputs.some(reportsRestore);
    const accepted = restored ? readAges[readAges.length - 1] : undefined;
    // The firmware refused it, or the start trapped over it.
    const refused = readAges.filter((age) => age !== accepted || reply.trap !== null).sort((a, b) => b - a);
    readAges.length = 0;
    this.#isRunning = reply.trap === null && (reply.status & STATUS_MASK) === STATUS.ok;
    if (this.#isRunning) {
      // A start loads static data anew, and writes the whole context.
      this.#flipped = [];
      this.#replicaSlots.onlyAge = accepted ?? -1;
      const replica = this.#run(this.#replica, input);
      this.#replicaSlots.readAges.length = 0;
      if (replica.trap === null) this.divergences = divergencesOf(reply.outputs, replica.outputs, false);
      this.#hasReplica = true;
      if (this.#lines === undefined) this.#lines = linesOf(this.#replicaEngine, this.#replica.context, this.#answer);
      if (replica.trap !== null) this.#replicaTrapped(reply, replica.trap.site);
      else if (this.#isUnaffected()) this.#copyToReplica();
    }
    for (const age of refused) this.invalidate(age);
  }

  /** Flips bits. Returns false when the node does not run: then nothing reads the memory again. */
  inject(bits: readonly number[]): boolean {
    if (!this.#isRunning) return false;
    if (!this.#hasReplica) this.#copyToReplica();
    this.#hasReplica = true;
    if (this.#lines && this.#protection < 0)
      this.#protection = protectionLine(this.#lines, this.#replicaEngine, this.#replica.context, this.#answer);
    const view = this.#engine.view();
    for (const bit of bits) {
      view[this.#byteOf(bit)] ^= 1 << (bit & 7);
      this.#flipped.push(bit);
    }
    return true;
  }

  #byteOf(bit: number): number {
    const byte = bit >>> 3;
    return byte < this.#staticBytes ? byte : this.#loop.context + byte - this.#staticBytes;
  }

  /** Returns whether the bit differs from its value without upsets. */
  #differs(bit: number): boolean {
    const byte = bit >>> 3;
    const right =
      byte < this.#staticBytes
        ? this.#pristine[byte]
        : this.#replicaEngine.view()[this.#replica.context + byte - this.#staticBytes];
    return ((this.#engine.view()[this.#byteOf(bit)] ^ right) & (1 << (bit & 7))) !== 0;
  }

  #wrongBits(): number[] {
    return [...new Set(this.#flipped)].filter((bit) => this.#differs(bit));
  }

  /**
   * Counts the bits of upsets that are still wrong in a memory in use, where something depends on
   * them.
   */
  latentBits(): number {
    if (!this.#isRunning || !this.#hasReplica) return 0;
    return this.#wrongBits().filter((bit) => this.#matters(bit)).length;
  }

  /**
   * Memory that no line protects, and static memory that begins as zeros, is used within one call
   * only. All memory of an image without lines may matter.
   */
  #matters(bit: number): boolean {
    const byte = bit >>> 3;
    if (!this.#lines) return true;
    if (byte < this.#staticBytes) return byte >= this.#constantsFrom && byte < this.#constantsTo;
    return lineOfByte(this.#lines, byte - this.#staticBytes) >= 0;
  }

  /**
   * Copies the node's state to the replica, without bits that flipped and were not corrected. Used
   * only when both are equal otherwise, or when there is no replica to compare with.
   */
  #copyToReplica(): void {
    const wrong = this.#hasReplica ? this.#wrongBits() : [];
    const { contextBytes } = this.#engine.image;
    const from = this.#loop.context;
    this.#replicaEngine.view().set(this.#engine.view().subarray(from, from + contextBytes), this.#replica.context);
    this.#replica.bootedLike(this.#loop);
    this.#flipped = wrong;
    this.#hasReplica = wrong.length > 0;
    for (const bit of wrong) {
      const byte = (bit >>> 3) - this.#staticBytes;
      if (byte >= 0) this.#replicaEngine.view()[this.#replica.context + byte] ^= 1 << (bit & 7);
    }
  }

  /** Returns whether the node's memory is what it would be without upsets, to the last bit. */
  #isUnaffected(): boolean {
    const own = this.#engine.view();
    const { contextBytes } = this.#engine.image;
    const from = this.#loop.context;
    const replicaFrom = this.#replica.context;
    const replicas = this.#replicaEngine.view();
    if (
      Buffer.compare(
        own.subarray(from, from + contextBytes),
        replicas.subarray(replicaFrom, replicaFrom + contextBytes),
      ) !== 0
    )
      return false;
    const statics = own.subarray(0, this.#staticBytes);
    return Buffer.compare(statics, this.#pristine) === 0;
  }

  // ---- power and checkpoints ----

  /**
   * Inspects a copy of the context in the replicas' instance, so that no call of the node is
   * needed. Null: it cannot be read any more.
   */
  inspect(what: number, index: number): number[] | null {
    const { contextBytes } = this.#engine.image;
    const bytes = this.#replicaEngine.view();
    bytes.set(this.#engine.view().subarray(this.#loop.context, this.#loop.context + contextBytes), this.#inspected);
    try {
      const words = this.#replicaEngine.calls.inspect(this.#inspected, what, index, this.#answer, answerBytes);
      const view = new DataView(bytes.buffer, this.#answer);
      return Array.from({ length: words }, (_, word) => view.getUint32(4 * word, true));
    } catch (error) {
      if (!this.#replicaEngine.isTrap(error)) throw error;
      return null;
    }
  }

  reset(): void {
    this.#loop.reset();
    this.#engine.view().set(this.#pristine);
    this.#flipped = [];
    this.#isRunning = false;
    this.#hasReplica = false;
  }

  powerOff(): void {
    this.reset();
  }

  keepStore(): void {}

  undoStore(): void {}

  /**
   * Begins the store of the checkpoint that the call made. A replica that made none makes it now.
   */
  store(nowMs: number): void {
    const { pending } = this.#slots;
    if (pending === null) return;
    if (this.#hasReplica && this.#replicaSlots.pending === null)
      this.#run(this.#replica, { kind: 'store', nowS: 0, nowMs: 0 });
    const right = (this.#hasReplica ? this.#replicaSlots.pending : null) ?? pending;
    this.#slots.slots.store(nowMs, { bytes: () => pending });
    this.#replicaSlots.slots.store(nowMs, { bytes: () => right });
    this.#slots.pending = null;
  }

  interrupt(nowMs: number): void {
    for (const each of [this.#slots, this.#replicaSlots]) each.slots.interrupt(nowMs);
    this.#isRunning = false;
  }

  corrupt(age: 0 | 1): void {
    for (const each of [this.#slots, this.#replicaSlots]) each.slots.corrupt(age);
  }

  invalidate(age: 0 | 1): void {
    for (const each of [this.#slots, this.#replicaSlots]) each.slots.invalidate(age);
  }

  read(): null {
    return null;
  }
}

/**
 * Returns the input for the replica. A frame that the node takes for damaged, because its own
 * checksum is wrong, is lost like a frame on the air: the replica gets it damaged.
 */
function inputOfReplica(input: FirmwareInput, { status, trap }: Reply): FirmwareInput {
  if (input.kind !== 'frame' || trap !== null || (status & STATUS_MASK) !== STATUS.crc) return input;
  const bytes = input.bytes.slice();
  bytes[bytes.length - 1] ^= 1;
  return { ...input, bytes };
}

const fields = new Uint32Array(24);

function fieldsOf({ kind, bytes }: Output): Uint32Array | null {
  return kind === 'record' && readRecord(bytes, 0, bytes.length, fields) > 0 ? fields : null;
}

function reportsRestore(output: Output): boolean {
  const record = fieldsOf(output);
  return record !== null && record[0] === TYPE.booted && record[2] === 1;
}
