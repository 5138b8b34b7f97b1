/** Checks the protected block from outside: computes the lines' codes itself after every call. */
import { codeOf } from '../../hwsim/bench/cycles/line_codes.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import type { Preset } from '../../host/build/root.ts';
import type { Engine, FirmwareCalls } from '../../host/engine/engine.ts';

export { codeOf };

/** Where the lines lie, and which table each belongs to. */
export class Lines {
  readonly at: number;
  readonly count: number;
  readonly codesAt: number;
  /** So many of the first lines are the core. */
  readonly core: number;
  readonly #tables: [string, number][];

  constructor(preset: Preset) {
    const constants = firmwareConstants(preset);
    this.at = constants.get('LINES_AT')!;
    this.count = constants.get('LINES')!;
    this.codesAt = constants.get('CODES_AT')!;
    this.core = (constants.get('CORE_END')! - this.at) / 64;
    const end = constants.get('LINES_END')!;
    const places = [...constants].filter(
      ([name, at]) => name.endsWith('_AT') && at >= this.at && at < end && name !== 'LINES_AT' && name !== 'CORE_END',
    );
    this.#tables = places.sort((a, b) => a[1] - b[1]);
  }

  /** The line in which a table begins. */
  lineOf(table: string): number {
    const found = this.#tables.find(([name]) => name === table);
    if (found === undefined) throw new Error(`firmware/memory/map.ts places no ${table} among the lines`);
    return (found[1] - this.at) / 64;
  }

  /** The table that a line begins in, or that begins in it. */
  nameOf(line: number): string {
    const end = this.at + (line + 1) * 64;
    return `line ${line}, ${this.#tables.filter(([, at]) => at < end).at(-1)?.[0] ?? '?'}`;
  }
}

/** Gives the line that has offset `at` of the context at `ctx` the code of its present contents. */
export function recode(lines: Lines, words: Uint32Array, ctx: number, at: number): void {
  const line = Math.floor((at - lines.at) / 64);
  words.set(codeOf(words, (ctx + lines.at + line * 64) >> 2), (ctx + lines.codesAt + line * 8) >> 2);
}

/** The first line of the context at `ctx` whose code is not its own, or −1. */
export function firstUnsound(lines: Lines, words: Uint32Array, ctx: number): number {
  for (let line = 0; line < lines.count; line += 1) if (!isSound(lines, words, ctx, line)) return line;
  return -1;
}

function isSound(lines: Lines, words: Uint32Array, ctx: number, line: number): boolean {
  const [q, p] = codeOf(words, (ctx + lines.at + line * 64) >> 2);
  const code = (ctx + lines.codesAt + line * 8) >> 2;
  return words[code] === q && words[code + 1] === p;
}

const checked: ReadonlySet<string> = new Set(
  'boot receive observe tick transmit command event restore inspect verdict'.split(' '),
);

/** So many lines are compared at once with what they were. */
const stretchLines = 32;

/**
 * Finds unsound lines of contexts that are checked again and again. Lines that equal their last
 * sound state, code included, are not computed again.
 */
class SoundLines {
  readonly #lines: Lines;
  /** By context: what its lines and codes were when they were last found sound. */
  readonly #known = new Map<number, { lines: Buffer; codes: Buffer }>();

  constructor(lines: Lines) {
    this.#lines = lines;
  }

  firstUnsound(words: Uint32Array, ctx: number): number {
    const { at, count, codesAt } = this.#lines;
    const lines = Buffer.from(words.buffer, ctx + at, count * 64);
    const codes = Buffer.from(words.buffer, ctx + codesAt, count * 8);
    const known = this.#known.get(ctx);
    if (known === undefined) {
      const unsound = firstUnsound(this.#lines, words, ctx);
      if (unsound < 0) this.#known.set(ctx, { lines: Buffer.from(lines), codes: Buffer.from(codes) });
      return unsound;
    }
    for (let from = 0; from < count; from += stretchLines) {
      const end = Math.min(from + stretchLines, count);
      const same = (now: Buffer, before: Buffer, bytes: number) =>
        now.compare(before, from * bytes, end * bytes, from * bytes, end * bytes) === 0;
      if (same(lines, known.lines, 64) && same(codes, known.codes, 8)) continue;
      for (let line = from; line < end; line += 1) if (!isSound(this.#lines, words, ctx, line)) return line;
      lines.copy(known.lines, from * 64, from * 64, end * 64);
      codes.copy(known.codes, from * 8, from * 8, end * 8);
    }
    return -1;
  }
}

/**
 * Wraps an engine: after every call that returns, every line of its context must have its code.
 * `onUnsound` gets the first that has not.
 */
export function watchCodes(engine: Engine, lines: Lines, onUnsound: (call: string, line: number) => void): Engine {
  const sound = new SoundLines(lines);
  let words: Uint32Array = new Uint32Array(0);
  const calls: Record<string, (...args: number[]) => number> = {};
  for (const [name, bare] of Object.entries(engine.calls) as [string, (...args: number[]) => number][]) {
    calls[name] = bare;
    if (!checked.has(name)) continue;
    calls[name] = (...args) => {
      const result = bare(...args);
      const view = engine.view();
      if (words.buffer !== view.buffer) words = new Uint32Array(view.buffer);
      const line = sound.firstUnsound(words, args[0]);
      if (line >= 0) onUnsound(name, line);
      return result;
    };
  }
  return { ...engine, calls: calls as unknown as FirmwareCalls };
}
