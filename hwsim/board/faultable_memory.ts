import { TYPE } from '../../host/cbor/generated.ts';
import { readRecord } from '../../host/cbor/record.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { STATUS, STATUS_MASK } from '../../host/engine/status.ts';
import { BoardLoop } from '../emulator/loop.ts';
import { ReplyGatherer } from '../emulator/loop_board.ts';
import type { CheckpointMemory } from '../emulator/memory.ts';
import type { Controller, FirmwareInput, Output, Reply } from './controller.ts';
import type { CheckpointStore } from './nonvolatile.ts';
import {
  answerBytes,
  droppedOf,
  lineBytesAt,
  lineOfByte,
  type Lines,
  linesOf,
  protectionLine,
  putLineBytes,
} from './lines.ts';
import { type AccessFaults, CheckpointSlots } from './checkpoint_slots.ts';
import { type Divergence, divergencesOf, sameBytes } from './reference_replica.ts';

/** A line that two flipped bits have made impossible to put right, as it stood before a call. */
interface DoomedLine {
  line: number;
  bits: number[];
  before: Uint8Array;
}

/** A board's own two slots, as the loop sees them: a store is begun when the simulator obeys the command for it. */
class PendingSlots implements CheckpointMemory {
  readonly slots: CheckpointSlots;
  /** The checkpoint that the call at hand made, not yet stored. */
  pending: Uint8Array | null = null;
  /** Ages that the start at hand asked for. */
  readonly asked: (0 | 1)[] = [];
  /** The only age that a start may have; null: any. −1: none. */
  only: 0 | 1 | -1 | null = null;

  constructor(slots: CheckpointSlots) {
    this.slots = slots;
  }

  read(age: 0 | 1): Uint8Array | null {
    if (this.only !== null && this.only !== age) return null;
    const image = this.slots.read(age);
    if (image !== null) this.asked.push(age);
    return image;
  }

  write(image: Uint8Array): void {
    this.pending = image;
  }

  spoil(age: 0 | 1): void {
    this.slots.corrupt(age);
  }
}

/**
 * A node whose image has an instance and a memory of its own, in which bits can flip, and its replica: the same image in a context among those of the other
 * replicas, in memory that never errs. From the first upset on the replica lives through the same inputs, starts and checkpoints; whatever the node gives out and the replica does not is
 * the work of an upset. The replica follows a node that restarts: it begins from the same checkpoint, as that would be had no bit flipped before it was written.
 */
export class FaultableMemoryBoard implements Controller, CheckpointStore {
  /** Bits of memory that can flip: the image's static data, then the context. */
  readonly memoryBits: number;
  /** Of the call that `reply` told of last. */
  divergences: readonly Divergence[] = [];
  readonly #engine: Engine;
  readonly #replicaEngine: Engine;
  readonly #staticBytes: number;
  readonly #pristine: Uint8Array;
  /** Static data that begin as anything but zeros: constants. */
  readonly #constantsFrom: number;
  readonly #constantsTo: number;
  /** Known from the first start on. */
  #lines: Lines | null | undefined;
  /** The line of the books on the protection, known from the first upset on, and how it stood before the call. */
  #protection = -1;
  #books: Uint8Array | null = null;
  readonly #answer: number;
  /** Room for a copy of the block. */
  readonly #shown: number;
  readonly #loop: BoardLoop;
  readonly #replica: BoardLoop;
  readonly #slots: PendingSlots;
  readonly #replicaSlots: PendingSlots;
  readonly #gatherer = new ReplyGatherer();
  /** The runtime takes calls. */
  #runs = false;
  /** The replica's context is alive: the node's may differ from it. */
  #apart = false;
  /** Bits that flipped since the memory was last written anew. */
  #struck: number[] = [];
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
    this.#shown = replicaEngine.reserve(engine.image.contextBytes);
    this.#slots = new PendingSlots(new CheckpointSlots(faults));
    this.#replicaSlots = new PendingSlots(new CheckpointSlots());
    this.#loop = new BoardLoop(engine, this.#slots);
    this.#replica = new BoardLoop(replicaEngine, this.#replicaSlots);
  }

  give(input: FirmwareInput): void {
    this.#slots.pending = null;
    this.#replicaSlots.pending = null;
    this.divergences = [];
    const doomed = this.#doomedLines();
    const reply = this.#run(this.#loop, input);
    if (input.kind === 'boot') this.#follow(input, reply);
    else if (this.#apart) this.#compare(input, reply, doomed);
    if (reply.trap !== null) this.#runs = false;
    this.#reply = reply;
  }

  reply(): Reply {
    const reply = this.#reply;
    if (reply === null) throw new Error('a board was asked for a reply before it was given an input');
    this.#reply = null;
    return reply;
  }

  #run(loop: BoardLoop, input: FirmwareInput): Reply {
    let reply: Reply | null = null;
    loop.handle(input, (output) => {
      reply = this.#gatherer.add(output);
    });
    if (reply === null) throw new Error(`a board's loop ended a ${input.kind} without a word`);
    return reply;
  }

  #compare(input: FirmwareInput, reply: Reply, doomed: readonly DoomedLine[]): void {
    const heard = asHeard(input, reply);
    const replica = reply.trap === null ? this.#runReplica(heard, doomed) : this.#run(this.#replica, heard);
    this.divergences = divergencesOf(reply.outputs, replica.outputs, reply.trap !== null);
    if (replica.trap !== null) this.#loseReplica(reply, replica.trap.site);
    else if (input.kind === 'tick') this.#settle();
  }

  /** A replica may break off where its node does. Where the node goes on, that is a divergence, and from here on the replica is what the node is. */
  #loseReplica(reply: Reply, site: number): void {
    if (reply.trap === null) {
      const what = `nothing, where its replica breaks off at site ${site}`;
      this.divergences = [...this.divergences, { output: 'event', omission: false, garbled: false, index: -1, what }];
    }
    this.#joinReplica();
  }

  /** Bits that were put right count no more; a node that is whole needs no replica. */
  #settle(): void {
    if (this.#lines) this.#struck = this.#wrongBits();
    if (this.#isWhole()) this.#apart = false;
  }

  /** Lines with more than one wrong bit, which cannot be put right, with their bytes and the bits. */
  #doomedLines(): DoomedLine[] {
    const lines = this.#lines;
    if (!lines || !this.#apart || this.#struck.length < 2) return [];
    const byLine = new Map<number, number[]>();
    for (const bit of this.#wrongBits()) {
      const byte = (bit >>> 3) - this.#staticBytes;
      const line = byte < 0 ? -1 : lineOfByte(lines, byte);
      if (line >= 0) byLine.set(line, [...(byLine.get(line) ?? []), bit]);
    }
    const doomed = [...byLine].filter(([, bits]) => bits.length > 1);
    if (doomed.length > 0)
      this.#books =
        this.#protection < 0 || byLine.has(this.#protection) ? null : this.#lineNow(lines, this.#protection);
    return doomed.map(([line, bits]) => ({ line, bits, before: this.#lineNow(lines, line) }));
  }

  #lineNow(lines: Lines, line: number): Uint8Array {
    return lineBytesAt(lines, this.#engine.view(), this.#loop.context, line);
  }

  /**
   * The replica's part of a call. Where the call changed a line that could not be put right, the node may have let go of what stood there, to fetch it again: then the same bits
   * flip in the replica, and no others, so that it lets go of the same, and all else must stay the same. It must say so itself: an image that goes on with what is
   * wrong does not. The scrubber of a node that found errors is further on than its replica's: the replica takes over the books on that.
   */
  #runReplica(input: FirmwareInput, doomed: readonly DoomedLine[]): Reply {
    const lines = this.#lines;
    const changed = lines ? doomed.filter(({ line, before }) => !sameBytes(this.#lineNow(lines, line), before)) : [];
    if (changed.length === 0) return this.#run(this.#replica, input);
    const { context } = this.#replica;
    const view = this.#replicaEngine.view();
    const right = view.slice(context, context + this.#engine.image.contextBytes);
    if (lines && this.#books !== null) putLineBytes(lines, view, context, this.#protection, this.#books);
    const droppedBefore = droppedOf(this.#replicaEngine, context, this.#answer);
    for (const bit of changed.flatMap(({ bits }) => bits))
      view[context + (bit >>> 3) - this.#staticBytes] ^= 1 << (bit & 7);
    const replica = this.#run(this.#replica, input);
    if (replica.trap === null && droppedOf(this.#replicaEngine, context, this.#answer) > droppedBefore) return replica;
    view.set(right, context);
    this.#replicaSlots.pending = null;
    if (replica.trap !== null) this.#replica.bootedLike(this.#loop);
    return this.#run(this.#replica, input);
  }

  /** After the node's start the replica makes the same one: from the same slot, or from none. */
  #follow(input: FirmwareInput, reply: Reply): void {
    const { asked } = this.#slots;
    const restored = reply.outputs.some(reportsOfRestore);
    const accepted = restored ? asked[asked.length - 1] : undefined;
    // Refused by the firmware, or the start broke off over it.
    const refused = asked.filter((age) => age !== accepted || reply.trap !== null).sort((a, b) => b - a);
    asked.length = 0;
    this.#runs = reply.trap === null && (reply.status & STATUS_MASK) === STATUS.ok;
    if (this.#runs) {
      this.#struck = this.#struck.filter((bit) => bit < 8 * this.#staticBytes);
      this.#replicaSlots.only = accepted ?? -1;
      const replica = this.#run(this.#replica, input);
      this.#replicaSlots.asked.length = 0;
      if (replica.trap === null) this.divergences = divergencesOf(reply.outputs, replica.outputs, false);
      this.#apart = true;
      if (this.#lines === undefined) this.#lines = linesOf(this.#replicaEngine, this.#replica.context, this.#answer);
      if (replica.trap !== null) this.#loseReplica(reply, replica.trap.site);
      else if (this.#isWhole()) this.#joinReplica();
    }
    for (const age of refused) this.invalidate(age);
  }

  /** Flips bits; false: nothing is there that the node would read again. */
  inject(bits: readonly number[]): boolean {
    if (!this.#runs) return false;
    if (!this.#apart) this.#joinReplica();
    this.#apart = true;
    if (this.#lines && this.#protection < 0)
      this.#protection = protectionLine(this.#lines, this.#replicaEngine, this.#replica.context, this.#answer);
    const view = this.#engine.view();
    for (const bit of bits) {
      view[this.#byteOf(bit)] ^= 1 << (bit & 7);
      this.#struck.push(bit);
    }
    return true;
  }

  #byteOf(bit: number): number {
    const byte = bit >>> 3;
    return byte < this.#staticBytes ? byte : this.#loop.context + byte - this.#staticBytes;
  }

  /** What the bit would be had none flipped. */
  #differs(bit: number): boolean {
    const byte = bit >>> 3;
    const right =
      byte < this.#staticBytes
        ? this.#pristine[byte]
        : this.#replicaEngine.view()[this.#replica.context + byte - this.#staticBytes];
    return ((this.#engine.view()[this.#byteOf(bit)] ^ right) & (1 << (bit & 7))) !== 0;
  }

  #wrongBits(): number[] {
    return [...new Set(this.#struck)].filter((bit) => this.#differs(bit));
  }

  /** Bits of upsets that still stand wrong in a memory that is in use, where something rests on them. */
  latentBits(): number {
    if (!this.#runs || !this.#apart) return 0;
    return this.#wrongBits().filter((bit) => this.#matters(bit)).length;
  }

  /** What no line protects lives within one call only, as does static memory that begins as zeros; all of an image without lines may matter. */
  #matters(bit: number): boolean {
    const byte = bit >>> 3;
    if (!this.#lines) return true;
    if (byte < this.#staticBytes) return byte >= this.#constantsFrom && byte < this.#constantsTo;
    return lineOfByte(this.#lines, byte - this.#staticBytes) >= 0;
  }

  /**
   * Sets the replica from the node, leaving out bits that flipped and were not put right. Only where both are the same anyway, or there is no replica to go by.
   */
  #joinReplica(): void {
    const wrong = this.#apart ? this.#wrongBits() : [];
    const { contextBytes } = this.#engine.image;
    const from = this.#loop.context;
    this.#replicaEngine.view().set(this.#engine.view().subarray(from, from + contextBytes), this.#replica.context);
    this.#replica.bootedLike(this.#loop);
    this.#struck = wrong;
    this.#apart = wrong.length > 0;
    for (const bit of wrong) {
      const byte = (bit >>> 3) - this.#staticBytes;
      if (byte >= 0) this.#replicaEngine.view()[this.#replica.context + byte] ^= 1 << (bit & 7);
    }
  }

  /** The node is what it would be without upsets, to the last bit. */
  #isWhole(): boolean {
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

  /** Of its block as it is: a copy is looked at beside its replica, so that looking is no call of its own. Null: it cannot be read any more. */
  inspect(what: number, index: number): number[] | null {
    const { contextBytes } = this.#engine.image;
    const bytes = this.#replicaEngine.view();
    bytes.set(this.#engine.view().subarray(this.#loop.context, this.#loop.context + contextBytes), this.#shown);
    try {
      const words = this.#replicaEngine.calls.inspect(this.#shown, what, index, this.#answer, answerBytes);
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
    this.#struck = [];
    this.#runs = false;
    this.#apart = false;
  }

  powerOff(): void {
    this.reset();
  }

  spoil(age: 0 | 1): void {
    this.corrupt(age);
  }

  keepStore(): void {}

  undoStore(): void {}

  /** The command to store is obeyed: what the call made is written. A replica that made none makes it now. */
  store(nowMs: number): void {
    const { pending } = this.#slots;
    if (pending === null) return;
    if (this.#apart && this.#replicaSlots.pending === null)
      this.#run(this.#replica, { kind: 'store', nowS: 0, nowMs: 0 });
    const right = (this.#apart ? this.#replicaSlots.pending : null) ?? pending;
    this.#slots.slots.store(nowMs, { bytes: () => pending });
    this.#replicaSlots.slots.store(nowMs, { bytes: () => right });
    this.#slots.pending = null;
  }

  interrupt(nowMs: number): void {
    for (const each of [this.#slots, this.#replicaSlots]) each.slots.interrupt(nowMs);
    this.#runs = false;
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
 * A frame that the node takes for damaged, for its own sums are wrong, is lost to it as others are lost in the air: damaged, the replica gets it too.
 */
function asHeard(input: FirmwareInput, { status, trap }: Reply): FirmwareInput {
  if (input.kind !== 'frame' || trap !== null || (status & STATUS_MASK) !== STATUS.crc) return input;
  const bytes = input.bytes.slice();
  bytes[bytes.length - 1] ^= 1;
  return { ...input, bytes };
}

const fields = new Uint32Array(24);

function fieldsOf({ kind, bytes }: Output): Uint32Array | null {
  return kind === 'record' && readRecord(bytes, 0, bytes.length, fields) > 0 ? fields : null;
}

function reportsOfRestore(output: Output): boolean {
  const record = fieldsOf(output);
  return record !== null && record[0] === TYPE.booted && record[2] === 1;
}
