/** Watches the protected block from outside: its own reckoning of the codes, after every call. */
import { codeOf } from '../../host/bench/cycles_codes.ts';
import { firmwareConstants } from '../../host/bench/cycles_layout.ts';
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

/** The first line of the context at `ctx` whose code is not its own, or −1. */
export function firstUnsound(lines: Lines, words: Uint32Array, ctx: number): number {
  for (let line = 0; line < lines.count; line += 1) {
    const [q, p] = codeOf(words, (ctx + lines.at + line * 64) >> 2);
    const code = (ctx + lines.codesAt + line * 8) >> 2;
    if (words[code] !== q || words[code + 1] !== p) return line;
  }
  return -1;
}

const checked: ReadonlySet<string> = new Set(
  'boot receive observe tick transmit command event deadline restore inspect verdict'.split(' '),
);

/** The same engine; after every call that ends well, every line of its context must have its code. `onUnsound` hears of those that have not. */
export function watchCodes(engine: Engine, lines: Lines, onUnsound: (call: string, line: number) => void): Engine {
  let words: Uint32Array = new Uint32Array(0);
  const calls: Record<string, (...args: number[]) => number> = {};
  for (const [name, bare] of Object.entries(engine.calls) as [string, (...args: number[]) => number][]) {
    calls[name] = bare;
    if (!checked.has(name)) continue;
    calls[name] = (...args) => {
      const result = bare(...args);
      const view = engine.view();
      if (words.buffer !== view.buffer) words = new Uint32Array(view.buffer);
      const line = firstUnsound(lines, words, args[0]);
      if (line >= 0) onUnsound(name, line);
      return result;
    };
  }
  return { ...engine, calls: calls as unknown as FirmwareCalls };
}
