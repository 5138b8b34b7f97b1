import { isEventLine, takeUpset } from '../upset_events.ts';
import { type Golden, rewind } from './golden.ts';
import { type Call, differingWords, emptyCall, type Layout, Machine, op, type Program } from './machine.ts';
import { CODE_BYTES, LINE_BYTES } from '../../../host/cbor/generated.ts';

/** Lines of the ring of events, at most: EVENTS_MAX of the flight image. */
const eventLinesMax = 128;
/**
 * A line in which at least so many words differ after any upset belongs to the protection itself.
 */
const protectionWordsMin = 3;
const probes = 6;

/**
 * Knows which words may differ after an upset was corrected and reported: the protection's own line
 * (counts, ages, the scrubber's cursor), the place in the ring of events, the entries of that ring,
 * the codes of these lines, and what only lives within a call. A state that differs from the golden
 * one in nothing else counts as corrected. The lines are found by probing: flip a bit in a line
 * that every call checks, and see what differs each time.
 */
export class Bookkeeping {
  /** By word of the state: 1 = may differ. */
  readonly #free: Uint8Array;
  readonly #fromWord: number;
  readonly #program: Program;
  readonly #layout: Layout;

  constructor(program: Program, golden: Golden) {
    this.#program = program;
    this.#layout = golden.layout;
    this.#fromWord = program.stateFrom >> 2;
    this.#free = new Uint8Array((program.stateTo >> 2) - this.#fromWord);
    const { context } = program;
    const layout = this.#layout;
    this.#allow(context, context + layout.linesAt);
    for (const { snapshots } of golden.logs) snapshots.markChanges(this.#free, context - program.stateFrom);
    if (layout.codesAt < program.contextBytes) this.#probe(golden);
  }

  /** True when all these words (byte address ÷ 4) of an injected machine may differ. */
  covers(words: readonly number[], injected: Machine): boolean {
    return words.every((word) => this.#free[word - this.#fromWord] === 1 || this.#isEvent(word << 2, injected));
  }

  /**
   * True when an address belongs to an entry of the event ring, or to its code, and the entry holds
   * an event.
   */
  #isEvent(at: number, { bytes }: Machine): boolean {
    const { context } = this.#program;
    const { linesAt, countersAt, codesAt } = this.#layout;
    const offset = at - context;
    const line =
      offset >= codesAt ? Math.floor((offset - codesAt) / CODE_BYTES) : Math.floor((offset - linesAt) / LINE_BYTES);
    const lineAt = linesAt + line * LINE_BYTES;
    return (
      lineAt < countersAt && lineAt >= countersAt - eventLinesMax * LINE_BYTES && isEventLine(bytes, context + lineAt)
    );
  }

  #allow(from: number, to: number): void {
    this.#free.fill(1, (from >> 2) - this.#fromWord, (to >> 2) - this.#fromWord);
  }

  /**
   * Flips a bit of the first line, which every call checks, before some calls of the golden run;
   * allows what differs each time.
   */
  #probe({ logs }: Golden): void {
    const [log] = logs;
    const timesSeen = new Map<number, number>();
    for (let probe = 1; probe <= probes; probe += 1) {
      let call = Math.floor((log.count * probe) / (probes + 1));
      while (log.op[call] !== op.tick) call += 1;
      const golden = new Machine(this.#program);
      const injected = new Machine(this.#program);
      rewind(golden, log, call);
      rewind(injected, log, call);
      injected.bytes[this.#program.context + this.#layout.linesAt + 4] ^= 1;
      for (const machine of [golden, injected]) correctUpset(machine, log.read.bind(log), call);
      for (const word of differingWords(golden, injected)) timesSeen.set(word, (timesSeen.get(word) ?? 0) + 1);
    }
    this.#allowSeen([...timesSeen].filter(([, times]) => times === probes).map(([word]) => word));
  }

  #allowSeen(words: readonly number[]): void {
    const { context } = this.#program;
    const layout = this.#layout;
    const byLine = new Map<number, number[]>();
    for (const word of words) {
      const offset = (word << 2) - context - layout.linesAt;
      if (offset < 0 || offset + layout.linesAt >= layout.codesAt) continue;
      const line = Math.floor(offset / LINE_BYTES);
      byLine.set(line, [...(byLine.get(line) ?? []), word]);
    }
    for (const [line, ofLine] of byLine) {
      const at = context + layout.linesAt + line * LINE_BYTES;
      if (ofLine.length >= protectionWordsMin) this.#allow(at, at + LINE_BYTES);
      else for (const word of ofLine) this.#allow(word << 2, (word << 2) + 4);
      const code = context + layout.codesAt + line * CODE_BYTES;
      this.#allow(code, code + CODE_BYTES);
    }
  }
}

/**
 * Makes the golden call and polls all events: by then an upset is corrected and reported.
 */
function correctUpset(machine: Machine, read: (index: number, call: Call) => void, index: number): void {
  const call = emptyCall();
  read(index, call);
  machine.invoke(call);
  const poll = { ...emptyCall(), op: op.event };
  const upsets = { corrected: 0, discarded: 0 };
  for (let length = machine.invoke(poll); length > 0; length = machine.invoke(poll))
    takeUpset(machine.bytes, machine.program.recordAt, length, upsets);
}
