import { type Golden, rewind } from './golden.ts';
import { type Call, differingWords, emptyCall, type Layout, Machine, op, type Program } from './machine.ts';
import { isEventLine, takeUpset } from '../upset_events.ts';

const lineBytes = 64;
const codeBytes = 8;
/** Lines of the ring of events, at most: EVENTS_MAX of the flight image. */
const eventLinesMax = 128;
/** A line of which so many words differ after any upset is the protection's own. */
const ownWordsMin = 3;
const probes = 6;

/**
 * What an upset that was put right leaves behind all the same, because it was told: the protection's own line (counts, ages, the scrubber's cursor), the
 * place in the ring of events, the slots of that ring, the codes of these lines; and what only lives within a call. A struck state that differs
 * from the golden one in nothing else is put right. Which lines these are is found by striking a line that every call checks, and looking.
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

  /** Whether a difference in these words (byte address ÷ 4) of a struck machine is the protection's own affair. */
  covers(words: readonly number[], struck: Machine): boolean {
    return words.every((word) => this.#free[word - this.#fromWord] === 1 || this.#isEvent(word << 2, struck));
  }

  /** Whether an address belongs to a slot of the event ring, or to the code of one, and an event stands there. */
  #isEvent(at: number, { bytes }: Machine): boolean {
    const { context } = this.#program;
    const { linesAt, countersAt, codesAt } = this.#layout;
    const offset = at - context;
    const line =
      offset >= codesAt ? Math.floor((offset - codesAt) / codeBytes) : Math.floor((offset - linesAt) / lineBytes);
    const lineAt = linesAt + line * lineBytes;
    return (
      lineAt < countersAt && lineAt >= countersAt - eventLinesMax * lineBytes && isEventLine(bytes, context + lineAt)
    );
  }

  #allow(from: number, to: number): void {
    this.#free.fill(1, (from >> 2) - this.#fromWord, (to >> 2) - this.#fromWord);
  }

  /** Strikes the first line, which every call checks, before some calls of the golden run, and allows what differs each time. */
  #probe({ logs }: Golden): void {
    const [log] = logs;
    const seen = new Map<number, number>();
    for (let probe = 1; probe <= probes; probe += 1) {
      let call = Math.floor((log.count * probe) / (probes + 1));
      while (log.op[call] !== op.tick) call += 1;
      const golden = new Machine(this.#program);
      const struck = new Machine(this.#program);
      rewind(golden, log, call);
      rewind(struck, log, call);
      struck.bytes[this.#program.context + this.#layout.linesAt + 4] ^= 1;
      for (const word of differences(golden, struck, (each) => runAlike(each, log.read.bind(log), call)))
        seen.set(word, (seen.get(word) ?? 0) + 1);
    }
    this.#allowSeen([...seen].filter(([, times]) => times === probes).map(([word]) => word));
  }

  #allowSeen(words: readonly number[]): void {
    const { context } = this.#program;
    const layout = this.#layout;
    const byLine = new Map<number, number[]>();
    for (const word of words) {
      const offset = (word << 2) - context - layout.linesAt;
      if (offset < 0 || offset + layout.linesAt >= layout.codesAt) continue;
      const line = Math.floor(offset / lineBytes);
      byLine.set(line, [...(byLine.get(line) ?? []), word]);
    }
    for (const [line, own] of byLine) {
      const at = context + layout.linesAt + line * lineBytes;
      if (own.length >= ownWordsMin) this.#allow(at, at + lineBytes);
      else for (const word of own) this.#allow(word << 2, (word << 2) + 4);
      const code = context + layout.codesAt + line * codeBytes;
      this.#allow(code, code + codeBytes);
    }
  }
}

/** Makes the golden call, takes what events there are, and makes the next tick: by then the upset is put right and told. */
function runAlike(machine: Machine, read: (index: number, call: Call) => void, index: number): void {
  const call = emptyCall();
  read(index, call);
  machine.invoke(call);
  const poll = { ...emptyCall(), op: op.event };
  const told = { corrected: 0, dropped: 0 };
  for (let length = machine.invoke(poll); length > 0; length = machine.invoke(poll))
    takeUpset(machine.bytes, machine.program.recordAt, length, told);
  machine.invoke({ ...call, op: op.deadline });
}

function differences(golden: Machine, struck: Machine, run: (machine: Machine) => void): number[] {
  run(golden);
  run(struck);
  return differingWords(golden, struck);
}
