/** Compares the outputs of an injected node with those of its reference replica. */
import { diagnose } from '../../../host/security/diagnose.ts';
import type { LinkCipher } from '../../../host/security/frame.ts';
import { type FrameParts, hex, partsOf } from '../frame_parts.ts';
import type { Evidence } from './evidence.ts';
import { type Layout, type Machine, op, opNames } from './machine.ts';

/** One output of the injected node or of its replica. */
export interface Output {
  timeMs: number;
  bytes: Uint8Array;
  /** Number of the input that it followed. */
  input: number;
  /** Of a frame, once it has been opened. */
  parts?: FrameParts;
}

/** A frame of the injected node that its replica did not send in the same poll. */
export interface Suspect extends Output {
  /** What the replica sent in the same poll. */
  instead: Output | null;
  /** Receivers that accepted it and whose state differs from the one with the right frame. */
  effects: number;
  /** Known to be wrong, or to be right at another time; until then it is open. */
  verdict: 'open' | 'wrong' | 'mistimed';
}

/**
 * A right content may differ this much in time from the replica's: two periods of a node's own
 * tick.
 */
const mistimedMsMax = 120_000;
/** An output that one side gave and the other did not give in this time is missing. */
const omittedMs = 30 * 60_000;
const suspectsMax = 64;
const framesKeptMax = 64;

/** Outputs of both since they last began alike, and their differences. */
export class Outputs {
  suspects: Suspect[] = [];
  readonly #evidence: Evidence;
  readonly #layout: Layout;
  readonly #link: LinkCipher;
  /** Frames of the replica. */
  #frames: Output[] = [];
  #lastFrame: Suspect | null = null;
  #lastFrameMs = 0;
  #input = 0;
  /** A frame was sent since suspects were last examined. */
  #hasNewFrames = false;
  /** How the node named itself before the upset. */
  #sender = '';
  #lists = [new Pair(op.command), new Pair(op.event)];

  /** `link` opens what the cluster sends. */
  constructor(evidence: Evidence, layout: Layout, link: LinkCipher) {
    this.#evidence = evidence;
    this.#layout = layout;
    this.#link = link;
  }

  /** Learns the node's own name from a frame of before the upset. */
  learnSender(frame: Uint8Array): void {
    if (this.#sender === '') this.#sender = partsOf(frame, this.#link).sender;
  }

  /** The upset falls now. */
  begin(timeMs: number): void {
    this.#lastFrameMs = timeMs;
  }

  /**
   * Another input is given: the outputs of the last one are compared. They cannot be compared
   * earlier, because the last output polled may report that a record was discarded.
   */
  nextInput(timeMs: number): void {
    this.check(timeMs);
    this.#input += 1;
  }

  /**
   * Removes the outputs of the present input from the comparison: the node discarded a record in it
   * and reported that last of all, so that it gave them in the knowledge of the loss.
   */
  excuseInput(): void {
    this.suspects = this.suspects.filter(({ input }) => input !== this.#input);
    for (const list of this.#lists) list.forget(this.#input);
  }

  /** True when no suspect is open, and neither side has given more outputs than the other. */
  get allMatched(): boolean {
    return (
      this.suspects.length === 0 && this.#lists.every(({ injected, replica }) => injected.length === replica.length)
    );
  }

  /** Both have just booted: earlier outputs are settled. */
  startAnew(): void {
    this.suspects = [];
    this.#frames = [];
    this.#lists = [new Pair(op.command), new Pair(op.event)];
  }

  /** Takes an output of the injected node. */
  addInjected(timeMs: number, operation: number, bytes: Uint8Array): void {
    const output: Output = { timeMs, bytes, input: this.#input };
    if (operation !== op.transmit) return void this.#listOf(operation).injected.push(output);
    this.#lastFrameMs = timeMs;
    const suspect: Suspect = { ...output, instead: null, effects: 0, verdict: 'open' };
    this.suspects.push(suspect);
    this.#hasNewFrames = true;
    if (this.suspects.length > suspectsMax) this.suspects.shift();
    this.#lastFrame = suspect;
  }

  /** Takes an output of the replica. */
  addReplica(timeMs: number, operation: number, bytes: Uint8Array): void {
    const output: Output = { timeMs, bytes, input: this.#input };
    if (operation !== op.transmit) return void this.#listOf(operation).replica.push(output);
    this.#frames.push(output);
    this.#hasNewFrames = true;
    if (this.#frames.length > framesKeptMax) this.#frames.shift();
    const suspect = this.#lastFrame;
    if (suspect === null || suspect.timeMs !== timeMs) {
      this.#noteFirst(timeMs, operation);
      note(this.#evidence.mistimed, `not sent: ${this.#framePart(bytes, [-1, 0])}`);
      return;
    }
    suspect.instead = output;
    if (Buffer.compare(suspect.bytes, bytes) === 0) this.suspects.splice(this.suspects.indexOf(suspect), 1);
    this.#lastFrame = null;
  }

  /** True when the replica's next output of this kind is the same. */
  replicaExpects(operation: number, bytes: Uint8Array): boolean {
    const { injected, replica } = this.#listOf(operation);
    const next = replica[injected.length];
    return next !== undefined && Buffer.compare(next.bytes, bytes) === 0;
  }

  /** The injected node wants to wake at another time. */
  addWakeDifference(timeMs: number, operation: number, example: string): void {
    this.#noteFirst(timeMs, operation);
    note(this.#evidence.mistimed, example);
  }

  /** The injected node takes a right frame for damaged. */
  addRefusal(timeMs: number): void {
    this.#noteFirst(timeMs, op.receive);
    this.#evidence.refused += 1;
  }

  /** A call of the injected node returns another status. */
  addStatusDifference(timeMs: number, operation: number, example: string): void {
    this.#noteFirst(timeMs, operation);
    this.#noteOther(timeMs, example);
  }

  /**
   * True when the replica gave a command that the injected node did not give: the watchdog was due
   * to be fed.
   */
  get missesCommand(): boolean {
    const { injected, replica } = this.#lists[0];
    return replica.length > injected.length;
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

  /**
   * True when two receivers' states differ in more than loss counters (which a rejected input may
   * change too) and what lives within a call.
   */
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

  /**
   * A node accepted the frame, and its state differs for that. A frame may still arrive after its
   * sender was detected.
   */
  addEffect(suspect: Suspect): void {
    suspect.effects += 1;
    if (suspect.verdict === 'wrong' && suspect.effects === 1) this.#noteFrame(suspect);
  }

  /** Decides what can be decided by now. */
  check(timeMs: number): void {
    this.#checkLists(timeMs, omittedMs);
    const hasNewFrames = this.#hasNewFrames;
    this.#hasNewFrames = false;
    for (const suspect of this.suspects) {
      if (suspect.verdict !== 'open') continue;
      const old = timeMs - suspect.timeMs > mistimedMsMax;
      if (!hasNewFrames && !old) continue;
      if (this.#isOutputByReplica(suspect)) suspect.verdict = 'mistimed';
      else if (old) suspect.verdict = 'wrong';
      else continue;
      this.#noteFrame(suspect);
    }
    this.#removeSettled(timeMs);
  }

  /** Removes frames about which nothing more will be learnt. */
  #removeSettled(timeMs: number): void {
    const inFlight = (suspect: Suspect) =>
      suspect.verdict === 'wrong' && suspect.effects === 0 && timeMs - suspect.timeMs < mistimedMsMax;
    const kept = this.suspects.filter((suspect) => suspect.verdict === 'open' || inFlight(suspect));
    if (kept.length !== this.suspects.length) this.suspects = kept;
  }

  /**
   * There will be no more outputs: what is open is decided. `alive`: the node ran up to now, so
   * that outputs that it has not given are missing.
   */
  settle(timeMs: number, alive: boolean): void {
    this.#checkLists(timeMs, alive ? omittedMs : Number.POSITIVE_INFINITY);
    for (const suspect of this.suspects) {
      if (suspect.verdict !== 'open') continue;
      suspect.verdict = this.#isOutputByReplica(suspect) ? 'mistimed' : 'wrong';
      this.#noteFrame(suspect);
    }
    this.#removeSettled(timeMs);
    this.#evidence.silentMs = timeMs - this.#lastFrameMs;
  }

  #checkLists(timeMs: number, patienceMs: number): void {
    for (const list of this.#lists) {
      const found = list.difference(timeMs, patienceMs);
      if (found !== null) this.#noteListDifference(list.operation, found);
    }
  }

  #listOf(operation: number): Pair {
    return this.#lists[operation === op.command ? 0 : 1];
  }

  /**
   * True when the replica sent every message of the frame at about that time, in whatever frames,
   * and the sender is right.
   */
  #isOutputByReplica(suspect: Suspect): boolean {
    return this.#wrongMessages(suspect).length === 0 && this.#namesItself(suspect);
  }

  #namesItself(suspect: Suspect): boolean {
    return this.#sender === '' || this.#partsIn(suspect).sender === this.#sender;
  }

  /** Returns the places of messages in a frame that the replica did not send. */
  #wrongMessages(suspect: Suspect): number[] {
    const near = this.#frames.filter((output) => Math.abs(output.timeMs - suspect.timeMs) <= mistimedMsMax);
    const right = new Set(near.flatMap((output) => this.#partsIn(output).messages));
    return this.#partsIn(suspect).messages.flatMap((message, index) => (right.has(message) ? [] : [index]));
  }

  #noteFrame(suspect: Suspect): void {
    const { bytes, instead, effects, verdict, timeMs } = suspect;
    this.#noteFirst(timeMs, op.transmit);
    const right =
      instead === null
        ? 'silence'
        : this.#framePart(instead.bytes, instead.parts?.messages.map((_, place) => place) ?? []);
    const wrong = this.#framePart(bytes, this.#namesItself(suspect) ? this.#wrongMessages(suspect) : [-1]);
    const example = `${wrong}, sent instead of ${right}`;
    if (verdict === 'wrong' && effects > 0)
      note(this.#evidence.propagated, `${example}; ${effects} nodes changed by it`);
    else if (verdict === 'wrong') this.#noteOther(timeMs, `frame without effect: ${example}`);
    else note(this.#evidence.mistimed, `frame at a wrong time: ${this.#framePart(bytes, [-1, 0])}`);
  }

  /** Returns the parts of a frame, which is opened once. */
  #partsIn(output: Output): FrameParts {
    output.parts ??= partsOf(output.bytes, this.#link);
    return output.parts;
  }

  /** Returns messages of a frame in one line, for people; −1 is its header. */
  #framePart(bytes: Uint8Array, places: readonly number[]): string {
    try {
      const lines = diagnose(bytes, this.#link).split('\n');
      return places.map((place) => lines[place + 1].trim()).join(' ');
    } catch {
      return `no frame: ${hex(bytes)}`;
    }
  }

  #noteListDifference(operation: number, { example, timeMs }: { example: string; timeMs: number }): void {
    this.#noteFirst(timeMs, operation);
    if (operation === op.command) note(this.#evidence.wrongCommands, example);
    else this.#noteOther(timeMs, example);
  }

  #noteOther(timeMs: number, example: string): void {
    const { wrongOthers } = this.#evidence;
    note(wrongOthers, example);
    wrongOthers.lastMs = Math.max(wrongOthers.lastMs, timeMs);
  }

  #noteFirst(timeMs: number, operation: number): void {
    if (this.#evidence.first.op === '')
      this.#evidence.first = { kind: 'output', op: opNames[operation], site: 0, timeMs };
  }
}

function note(entry: { count: number; example: string }, example: string): void {
  entry.count += 1;
  if (entry.count === 1) entry.example = example;
}

/** Commands, or events, of both sides: right ones come in the same order, whatever the time. */
class Pair {
  readonly operation: number;
  readonly injected: Output[] = [];
  readonly replica: Output[] = [];
  #checked = 0;
  #found = false;

  constructor(operation: number) {
    this.operation = operation;
  }

  /** Removes the outputs of an input. */
  forget(input: number): void {
    for (const list of [this.injected, this.replica]) while (list.at(-1)?.input === input) list.pop();
    this.#checked = Math.min(this.#checked, this.injected.length, this.replica.length);
  }

  /** Returns the first difference, once. `patienceMs`: how long one side may wait for the other. */
  difference(timeMs: number, patienceMs: number): { example: string; timeMs: number } | null {
    if (this.#found) return null;
    const { injected, replica } = this;
    while (this.#checked < injected.length && this.#checked < replica.length) {
      const got = injected[this.#checked];
      const right = replica[this.#checked];
      if (Buffer.compare(got.bytes, right.bytes) !== 0) {
        this.#found = true;
        return { example: `${hex(got.bytes)}, right is ${hex(right.bytes)}`, timeMs: got.timeMs };
      }
      this.#checked += 1;
    }
    const extra = injected[this.#checked] ?? replica[this.#checked];
    if (extra === undefined || timeMs - extra.timeMs <= patienceMs) return null;
    this.#found = true;
    const isMissing = injected[this.#checked] === undefined;
    const example = isMissing ? `${hex(extra.bytes)} is missing` : `${hex(extra.bytes)}, right is none`;
    return { example, timeMs: extra.timeMs };
  }
}
