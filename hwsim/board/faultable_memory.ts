import { TYPE } from '../../host/cbor/generated.ts';
import { readRecord } from '../../host/cbor/record.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { STATUS, STATUS_MASK } from '../../host/engine/status.ts';
import { BoardLoop } from '../emulator/loop.ts';
import { ReplyGatherer } from '../emulator/loop_board.ts';
import type { CheckpointMemory } from '../emulator/memory.ts';
import type { Controller, FirmwareInput, Output, Reply } from './controller.ts';
import type { CheckpointKeeper } from './nonvolatile.ts';
import { answerBytes, droppedOf, lineBytesAt, lineOfByte, type Lines, linesOf, protectionLine, putLineBytes } from './lines.ts';
import { type AccessFaults, CheckpointSlots } from './checkpoint_slots.ts';
import { type Departure, departuresOf, sameBytes } from './reference_replica.ts';

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
 * A node whose image has an instance and a memory of its own, in which bits can flip, and its twin: the same image in a context among those of the other
 * twins, in memory that never errs. From the first upset on the twin lives through the same inputs, starts and checkpoints; whatever the node gives out and the twin does not is
 * the work of an upset. The twin follows a node that restarts: it begins from the same checkpoint, as that would be had no bit flipped before it was written.
 */
export class OwnMemoryBoard implements Controller, CheckpointKeeper {
  /** Bits of memory that can flip: the image's static data, then the context. */
  readonly memoryBits: number;
  /** Of the call that `reply` told of last. */
  departures: readonly Departure[] = [];
  readonly #engine: Engine;
  readonly #twinEngine: Engine;
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
  readonly #twin: BoardLoop;
  readonly #slots: PendingSlots;
  readonly #twinSlots: PendingSlots;
  readonly #gatherer = new ReplyGatherer();
  /** The runtime takes calls. */
  #runs = false;
  /** The twin's context is alive: the node's may differ from it. */
  #apart = false;
  /** Bits that flipped since the memory was last written anew. */
  #struck: number[] = [];
  #reply: Reply | null = null;

  constructor(engine: Engine, twinEngine: Engine, faults: AccessFaults | null) {
    this.#engine = engine;
    this.#twinEngine = twinEngine;
    this.#staticBytes = engine.calls.memory_base();
    this.memoryBits = 8 * (this.#staticBytes + engine.image.contextBytes);
    this.#pristine = engine.view().slice(0, this.#staticBytes);
    this.#constantsFrom = this.#pristine.findIndex((byte) => byte !== 0);
    this.#constantsTo = this.#pristine.findLastIndex((byte) => byte !== 0) + 1;
    this.#answer = twinEngine.reserve(answerBytes);
    this.#shown = twinEngine.reserve(engine.image.contextBytes);
    this.#slots = new PendingSlots(new CheckpointSlots(faults));
    this.#twinSlots = new PendingSlots(new CheckpointSlots());
    this.#loop = new BoardLoop(engine, this.#slots);
    this.#twin = new BoardLoop(twinEngine, this.#twinSlots);
  }

  give(input: FirmwareInput): void {
    this.#slots.pending = null;
    this.#twinSlots.pending = null;
    this.departures = [];
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
    const twin = reply.trap === null ? this.#runTwin(heard, doomed) : this.#run(this.#twin, heard);
    this.departures = departuresOf(reply.outputs, twin.outputs, reply.trap !== null);
    if (twin.trap !== null) this.#loseTwin(reply, twin.trap.site);
    else if (input.kind === 'tick') this.#settle();
  }

  /** A twin may break off where its node does. Where the node goes on, that is a departure, and from here on the twin is what the node is. */
  #loseTwin(reply: Reply, site: number): void {
    if (reply.trap === null) {
      const what = `nothing, where its twin breaks off at site ${site}`;
      this.departures = [...this.departures, { output: 'event', omission: false, garbled: false, index: -1, what }];
    }
    this.#joinTwin();
  }

  /** Bits that were put right count no more; a node that is whole needs no twin. */
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
      this.#books = this.#protection < 0 || byLine.has(this.#protection) ? null : this.#lineNow(lines, this.#protection);
    return doomed.map(([line, bits]) => ({ line, bits, before: this.#lineNow(lines, line) }));
  }

  #lineNow(lines: Lines, line: number): Uint8Array {
    return lineBytesAt(lines, this.#engine.view(), this.#loop.context, line);
  }

  /**
   * The twin's part of a call. Where the call changed a line that could not be put right, the node may have let go of what stood there, to fetch it again: then the same bits
   * flip in the twin, and no others, so that it lets go of the same, and all else must stay the same. It must say so itself: an image that goes on with what is
   * wrong does not. The scrubber of a node that found errors is further on than its twin's: the twin takes over the books on that.
   */
  #runTwin(input: FirmwareInput, doomed: readonly DoomedLine[]): Reply {
    const lines = this.#lines;
    const changed = lines ? doomed.filter(({ line, before }) => !sameBytes(this.#lineNow(lines, line), before)) : [];
    if (changed.length === 0) return this.#run(this.#twin, input);
    const { context } = this.#twin;
    const view = this.#twinEngine.view();
    const right = view.slice(context, context + this.#engine.image.contextBytes);
    if (lines && this.#books !== null) putLineBytes(lines, view, context, this.#protection, this.#books);
    const droppedBefore = droppedOf(this.#twinEngine, context, this.#answer);
    for (const bit of changed.flatMap(({ bits }) => bits)) view[context + (bit >>> 3) - this.#staticBytes] ^= 1 << (bit & 7);
    const twin = this.#run(this.#twin, input);
    if (twin.trap === null && droppedOf(this.#twinEngine, context, this.#answer) > droppedBefore) return twin;
    view.set(right, context);
    this.#twinSlots.pending = null;
    if (twin.trap !== null) this.#twin.bootedLike(this.#loop);
    return this.#run(this.#twin, input);
  }

  /** After the node's start the twin makes the same one: from the same slot, or from none. */
  #follow(input: FirmwareInput, reply: Reply): void {
    const { asked } = this.#slots;
    const restored = reply.outputs.some(tellsOfRestore);
    const accepted = restored ? asked[asked.length - 1] : undefined;
    // Refused by the firmware, or the start broke off over it.
    const refused = asked.filter((age) => age !== accepted || reply.trap !== null).sort((a, b) => b - a);
    asked.length = 0;
    this.#runs = reply.trap === null && (reply.status & STATUS_MASK) === STATUS.ok;
    if (this.#runs) {
      this.#struck = this.#struck.filter((bit) => bit < 8 * this.#staticBytes);
      this.#twinSlots.only = accepted ?? -1;
      const twin = this.#run(this.#twin, input);
      this.#twinSlots.asked.length = 0;
      if (twin.trap === null) this.departures = departuresOf(reply.outputs, twin.outputs, false);
      this.#apart = true;
      if (this.#lines === undefined) this.#lines = linesOf(this.#twinEngine, this.#twin.context, this.#answer);
      if (twin.trap !== null) this.#loseTwin(reply, twin.trap.site);
      else if (this.#isWhole()) this.#joinTwin();
    }
    for (const age of refused) this.condemn(age);
  }

  /** Flips bits; false: nothing is there that the node would read again. */
  strike(bits: readonly number[]): boolean {
    if (!this.#runs) return false;
    if (!this.#apart) this.#joinTwin();
    this.#apart = true;
    if (this.#lines && this.#protection < 0)
      this.#protection = protectionLine(this.#lines, this.#twinEngine, this.#twin.context, this.#answer);
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
      byte < this.#staticBytes ? this.#pristine[byte] : this.#twinEngine.view()[this.#twin.context + byte - this.#staticBytes];
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
   * Sets the twin from the node, leaving out bits that flipped and were not put right. Only where both are the same anyway, or there is no twin to go by.
   */
  #joinTwin(): void {
    const wrong = this.#apart ? this.#wrongBits() : [];
    const { contextBytes } = this.#engine.image;
    const from = this.#loop.context;
    this.#twinEngine.view().set(this.#engine.view().subarray(from, from + contextBytes), this.#twin.context);
    this.#twin.bootedLike(this.#loop);
    this.#struck = wrong;
    this.#apart = wrong.length > 0;
    for (const bit of wrong) {
      const byte = (bit >>> 3) - this.#staticBytes;
      if (byte >= 0) this.#twinEngine.view()[this.#twin.context + byte] ^= 1 << (bit & 7);
    }
  }

  /** The node is what it would be without upsets, to the last bit. */
  #isWhole(): boolean {
    const own = this.#engine.view();
    const { contextBytes } = this.#engine.image;
    const from = this.#loop.context;
    const twinFrom = this.#twin.context;
    const twins = this.#twinEngine.view();
    if (Buffer.compare(own.subarray(from, from + contextBytes), twins.subarray(twinFrom, twinFrom + contextBytes)) !== 0)
      return false;
    const statics = own.subarray(0, this.#staticBytes);
    return Buffer.compare(statics, this.#pristine) === 0;
  }

  // ---- power and checkpoints ----

  /** Of its block as it is: a copy is looked at beside its twin, so that looking is no call of its own. Null: it cannot be read any more. */
  inspect(what: number, index: number): number[] | null {
    const { contextBytes } = this.#engine.image;
    const bytes = this.#twinEngine.view();
    bytes.set(this.#engine.view().subarray(this.#loop.context, this.#loop.context + contextBytes), this.#shown);
    try {
      const words = this.#twinEngine.calls.inspect(this.#shown, what, index, this.#answer, answerBytes);
      const view = new DataView(bytes.buffer, this.#answer);
      return Array.from({ length: words }, (_, word) => view.getUint32(4 * word, true));
    } catch (error) {
      if (!this.#twinEngine.isTrap(error)) throw error;
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

  /** The command to store is obeyed: what the call made is written. A twin that made none makes it now. */
  store(nowMs: number): void {
    const { pending } = this.#slots;
    if (pending === null) return;
    if (this.#apart && this.#twinSlots.pending === null) this.#run(this.#twin, { kind: 'store', nowS: 0, nowMs: 0 });
    const right = (this.#apart ? this.#twinSlots.pending : null) ?? pending;
    this.#slots.slots.store(nowMs, { bytes: () => pending });
    this.#twinSlots.slots.store(nowMs, { bytes: () => right });
    this.#slots.pending = null;
  }

  interrupt(nowMs: number): void {
    for (const each of [this.#slots, this.#twinSlots]) each.slots.interrupt(nowMs);
    this.#runs = false;
  }

  corrupt(age: 0 | 1): void {
    for (const each of [this.#slots, this.#twinSlots]) each.slots.corrupt(age);
  }

  condemn(age: 0 | 1): void {
    for (const each of [this.#slots, this.#twinSlots]) each.slots.condemn(age);
  }

  read(): null {
    return null;
  }
}

/**
 * A frame that the node takes for damaged, for its own sums are wrong, is lost to it as others are lost in the air: damaged, the twin gets it too.
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

function tellsOfRestore(output: Output): boolean {
  const record = fieldsOf(output);
  return record !== null && record[0] === TYPE.booted && record[2] === 1;
}
