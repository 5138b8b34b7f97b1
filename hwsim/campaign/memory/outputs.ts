import { diagnose } from '../../../host/security/diagnose.ts';
import type { LinkCipher } from '../../../host/security/frame.ts';
import { skipItem } from '../../../host/cbor/item.ts';
import { open } from '../../../host/security/envelope.ts';
import type { Evidence } from './evidence.ts';
import { type Layout, type Machine, op, opNames } from './machine.ts';

/** One output of the struck node or of its replica. */
export interface Said {
  timeMs: number;
  bytes: Uint8Array;
  /** After which input it was said. */
  input: number;
  /** Of a frame, once it has been taken apart. */
  parts?: Parts;
}

export interface Parts {
  sender: string;
  messages: string[];
}

/** A frame of the struck node that its replica did not send in the same poll. */
export interface Suspect extends Said {
  /** What the replica sent in the same poll. */
  instead: Said | null;
  /** Receivers that took it in and whose state is another than with the right frame. */
  effects: number;
  /** Known to be wrong, or right at another time; until then it is open. */
  verdict: 'open' | 'wrong' | 'mistimed';
}

/** A right content may come this much earlier or later than the replica's without being called wrong: two periods of a node's own beat. */
const mistimedMsMax = 120_000;
/** What the other has said and this one has not after so long, is not said. */
const omittedMs = 30 * 60_000;
const suspectsMax = 64;
const framesKeptMax = 64;

/** What the struck node and its replica said since they last began alike, and what differs. */
export class Outputs {
  suspects: Suspect[] = [];
  readonly #evidence: Evidence;
  readonly #layout: Layout;
  readonly #link: LinkCipher;
  #frames: Said[] = [];
  #lastFrame: Suspect | null = null;
  #spokeMs = 0;
  #input = 0;
  /** The replica has said a frame since suspects were last looked at. */
  #freshFrames = false;
  /** How the node named itself before the upset. */
  #sender = '';
  #lists = [new Pair(op.command), new Pair(op.event)];

  /** `link` opens what the cluster sends. */
  constructor(evidence: Evidence, layout: Layout, link: LinkCipher) {
    this.#evidence = evidence;
    this.#layout = layout;
    this.#link = link;
  }

  /** A frame from before the upset. */
  knows(frame: Uint8Array): void {
    if (this.#sender === '') this.#sender = partsOf(frame, this.#link).sender;
  }

  /** The upset falls now. */
  begin(timeMs: number): void {
    this.#spokeMs = timeMs;
  }

  /** Another input is given: what was said of the last one is looked at. Not before, for the last thing polled may tell that something was let go. */
  nextInput(timeMs: number): void {
    this.check(timeMs);
    this.#input += 1;
  }

  /** Something was let go in the present input, told last of all: what the node said of this input, it said knowing that. */
  forgive(): void {
    this.suspects = this.suspects.filter(({ input }) => input !== this.#input);
    for (const list of this.#lists) list.forget(this.#input);
  }

  /** Nothing is open, and neither has said what the other has not. */
  get allSaid(): boolean {
    return this.suspects.length === 0 && this.#lists.every(({ struck, replica }) => struck.length === replica.length);
  }

  /** Both have just booted: what was said before is settled. */
  startAnew(): void {
    this.suspects = [];
    this.#frames = [];
    this.#lists = [new Pair(op.command), new Pair(op.event)];
  }

  struckSays(timeMs: number, operation: number, bytes: Uint8Array): void {
    if (operation !== op.transmit)
      return void this.#listOf(operation).struck.push({ timeMs, bytes, input: this.#input });
    this.#spokeMs = timeMs;
    const suspect: Suspect = { timeMs, bytes, input: this.#input, instead: null, effects: 0, verdict: 'open' };
    this.suspects.push(suspect);
    this.#freshFrames = true;
    if (this.suspects.length > suspectsMax) this.suspects.shift();
    this.#lastFrame = suspect;
  }

  replicaOutputs(timeMs: number, operation: number, bytes: Uint8Array): void {
    if (operation !== op.transmit)
      return void this.#listOf(operation).replica.push({ timeMs, bytes, input: this.#input });
    const said: Said = { timeMs, bytes, input: this.#input };
    this.#frames.push(said);
    this.#freshFrames = true;
    if (this.#frames.length > framesKeptMax) this.#frames.shift();
    const suspect = this.#lastFrame;
    if (suspect === null || suspect.timeMs !== timeMs) {
      this.#first(timeMs, operation);
      note(this.#evidence.mistimed, `not sent: ${this.#framePart(bytes, [-1, 0])}`);
      return;
    }
    suspect.instead = said;
    if (Buffer.compare(suspect.bytes, bytes) === 0) this.suspects.splice(this.suspects.indexOf(suspect), 1);
    this.#lastFrame = null;
  }

  /** Whether the replica gives the same next. */
  replicaExpects(operation: number, bytes: Uint8Array): boolean {
    const { struck, replica } = this.#listOf(operation);
    const next = replica[struck.length];
    return next !== undefined && Buffer.compare(next.bytes, bytes) === 0;
  }

  /** Another time to wake. */
  wakes(timeMs: number, example: string): void {
    this.#first(timeMs, op.deadline);
    note(this.#evidence.mistimed, example);
  }

  /** A right frame is taken for damaged. */
  refuses(timeMs: number): void {
    this.#first(timeMs, op.receive);
    this.#evidence.refused += 1;
  }

  /** A status that differs. */
  other(timeMs: number, operation: number, example: string): void {
    this.#first(timeMs, operation);
    this.#otherwise(timeMs, example);
  }

  /** The watchdog was due to be fed, says the replica. */
  get missesFeed(): boolean {
    const { struck, replica } = this.#lists[0];
    return replica.length > struck.length;
  }

  suspectOf(bytes: Uint8Array, at: number, length: number): Suspect | null {
    for (const suspect of this.suspects) {
      if (suspect.bytes.length !== length) continue;
      let same = 0;
      while (same < length && suspect.bytes[same] === bytes[at + same]) same += 1;
      if (same === length) return suspect;
    }
    return null;
  }

  /** Whether two receivers' states differ in more than loss counters (which a rejected input may change too) and what lives within a call. */
  differs(one: Machine, other: Machine): boolean {
    const { context } = one.program;
    const layout = this.#layout;
    const alike = (from: number, to: number) =>
      Buffer.compare(
        one.bytes.subarray(context + from, context + to),
        other.bytes.subarray(context + from, context + to),
      ) === 0;
    return !alike(layout.linesAt, layout.countersAt) || !alike(layout.codesAt, layout.counterCodesAt);
  }

  /** A node took the frame in, and its state is another for it. A frame that is in the air when its sender is found out arrives all the same. */
  takenIn(suspect: Suspect): void {
    suspect.effects += 1;
    if (suspect.verdict === 'wrong' && suspect.effects === 1) this.#frameDiffers(suspect);
  }

  /** Looks at what can be told by now. */
  check(timeMs: number): void {
    for (const list of this.#lists) {
      const found = list.difference(timeMs, omittedMs);
      if (found !== null) this.#differs(list.operation, found);
    }
    const fresh = this.#freshFrames;
    this.#freshFrames = false;
    for (const suspect of this.suspects) {
      if (suspect.verdict !== 'open') continue;
      const old = timeMs - suspect.timeMs > mistimedMsMax;
      if (!fresh && !old) continue;
      if (this.#outputByReplica(suspect)) suspect.verdict = 'mistimed';
      else if (old) suspect.verdict = 'wrong';
      else continue;
      this.#frameDiffers(suspect);
    }
    this.#dropSettled(timeMs);
  }

  /** Lets go of frames about which nothing more will be learnt. */
  #dropSettled(timeMs: number): void {
    const inAir = (suspect: Suspect) =>
      suspect.verdict === 'wrong' && suspect.effects === 0 && timeMs - suspect.timeMs < mistimedMsMax;
    const kept = this.suspects.filter((suspect) => suspect.verdict === 'open' || inAir(suspect));
    if (kept.length !== this.suspects.length) this.suspects = kept;
  }

  /** Nothing more will be said: what is open is decided. `alive`: the node was running up to now, so that what it has not said is missing. */
  settle(timeMs: number, alive: boolean): void {
    for (const list of this.#lists) {
      const found = list.difference(timeMs, alive ? omittedMs : Number.POSITIVE_INFINITY);
      if (found !== null) this.#differs(list.operation, found);
    }
    for (const suspect of this.suspects) {
      if (suspect.verdict !== 'open') continue;
      suspect.verdict = this.#outputByReplica(suspect) ? 'mistimed' : 'wrong';
      this.#frameDiffers(suspect);
    }
    this.#dropSettled(timeMs);
    this.#evidence.silentMs = timeMs - this.#spokeMs;
  }

  #listOf(operation: number): Pair {
    return this.#lists[operation === op.command ? 0 : 1];
  }

  /** Whether the replica said every message of the frame at about that time, in whatever frames, and the sender is named right. */
  #outputByReplica(suspect: Suspect): boolean {
    return this.#wrongMessages(suspect).length === 0 && this.#namesItself(suspect);
  }

  #namesItself(suspect: Suspect): boolean {
    return this.#sender === '' || this.#partsIn(suspect).sender === this.#sender;
  }

  /** Which messages of a frame the replica did not say: their places in it. */
  #wrongMessages(suspect: Suspect): number[] {
    const near = this.#frames.filter((said) => Math.abs(said.timeMs - suspect.timeMs) <= mistimedMsMax);
    const right = new Set(near.flatMap((said) => this.#partsIn(said).messages));
    return this.#partsIn(suspect).messages.flatMap((message, index) => (right.has(message) ? [] : [index]));
  }

  #frameDiffers(suspect: Suspect): void {
    const { bytes, instead, effects, verdict, timeMs } = suspect;
    this.#first(timeMs, op.transmit);
    const right =
      instead === null
        ? 'silence'
        : this.#framePart(instead.bytes, instead.parts?.messages.map((_, place) => place) ?? []);
    const example = `${this.#framePart(bytes, this.#namesItself(suspect) ? this.#wrongMessages(suspect) : [-1])}, sent instead of ${right}`;
    if (verdict === 'wrong' && effects > 0)
      note(this.#evidence.propagated, `${example}; ${effects} nodes changed by it`);
    else if (verdict === 'wrong') this.#otherwise(timeMs, `frame without effect: ${example}`);
    else note(this.#evidence.mistimed, `frame at a wrong time: ${this.#framePart(bytes, [-1, 0])}`);
  }

  /** The same, taken apart once. */
  #partsIn(said: Said): Parts {
    said.parts ??= partsOf(said.bytes, this.#link);
    return said.parts;
  }

  /** Messages of a frame in one line, for people; −1 is its header. */
  #framePart(bytes: Uint8Array, places: readonly number[]): string {
    try {
      const lines = diagnose(bytes, this.#link).split('\n');
      return places.map((place) => lines[place + 1].trim()).join(' ');
    } catch {
      return `no frame: ${hex(bytes)}`;
    }
  }

  #differs(operation: number, { example, timeMs }: { example: string; timeMs: number }): void {
    this.#first(timeMs, operation);
    if (operation === op.command) note(this.#evidence.wrongCommands, example);
    else this.#otherwise(timeMs, example);
  }

  #otherwise(timeMs: number, example: string): void {
    const { wrongOthers } = this.#evidence;
    note(wrongOthers, example);
    wrongOthers.lastMs = Math.max(wrongOthers.lastMs, timeMs);
  }

  #first(timeMs: number, operation: number): void {
    if (this.#evidence.first.op === '')
      this.#evidence.first = { kind: 'output', op: opNames[operation], site: 0, timeMs };
  }
}

function note(entry: { count: number; example: string }, example: string): void {
  entry.count += 1;
  if (entry.count === 1) entry.example = example;
}

/** Who a frame says it is from, and its messages one by one, as hexadecimal digits. */
export function partsOf(frame: Uint8Array, link: LinkCipher): Parts {
  const messages: string[] = [];
  let sender = '';
  try {
    const { header, plaintext } = open(frame, link.keyOf, link.cipher);
    sender = `${header.cluster}/${header.sender}`;
    for (let at = 0; at < plaintext.length; ) {
      const next = skipItem(plaintext, at, plaintext.length);
      messages.push(hex(plaintext.subarray(at, next)));
      at = next;
    }
  } catch {
    // What does not open, or is no CBOR, is one message that nobody else says.
    messages.push(hex(frame));
  }
  return { sender, messages };
}

/** Commands, or events, of both: right ones come in the same order, whatever the time. */
class Pair {
  readonly operation: number;
  readonly struck: Said[] = [];
  readonly replica: Said[] = [];
  #checked = 0;
  #found = false;

  constructor(operation: number) {
    this.operation = operation;
  }

  /** Takes back what was said of an input. */
  forget(input: number): void {
    for (const list of [this.struck, this.replica]) while (list.at(-1)?.input === input) list.pop();
    this.#checked = Math.min(this.#checked, this.struck.length, this.replica.length);
  }

  /** The first difference, told once; `patienceMs`: how long one of them may wait for the other. */
  difference(timeMs: number, patienceMs: number): { example: string; timeMs: number } | null {
    if (this.#found) return null;
    const { struck, replica } = this;
    while (this.#checked < struck.length && this.#checked < replica.length) {
      const mine = struck[this.#checked];
      const right = replica[this.#checked];
      if (Buffer.compare(mine.bytes, right.bytes) !== 0) {
        this.#found = true;
        return { example: `${hex(mine.bytes)}, right is ${hex(right.bytes)}`, timeMs: mine.timeMs };
      }
      this.#checked += 1;
    }
    const extra = struck[this.#checked] ?? replica[this.#checked];
    if (extra === undefined || timeMs - extra.timeMs <= patienceMs) return null;
    this.#found = true;
    const text =
      struck[this.#checked] === undefined ? `${hex(extra.bytes)} is missing` : `${hex(extra.bytes)}, right is none`;
    return { example: text, timeMs: extra.timeMs };
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
