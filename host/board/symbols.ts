/** What an ELF of a board says about itself: addresses and sizes by name, read by the cross compiler's own `nm`. */
import { spawnSync } from 'node:child_process';
import type { Target } from './targets.ts';

export interface BoardSymbol {
  address: number;
  bytes: number;
}

/** Runs one of the cross compiler's tools; throws with its own words, and with the package to install when it is missing. */
export function boardTool(target: Target, tool: string, words: readonly string[]): string {
  const run = spawnSync(`${target.compiler}${tool}`, words, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (run.error) throw new Error(`${target.compiler}${tool} does not run: apt-get install ${target.compilerPackage}`);
  if (run.status !== 0) throw new Error(`${target.compiler}${tool} ${words.join(' ')}: ${run.stderr.trim()}`);
  return run.stdout;
}

/** Functions and variables of an ELF. Static ones of one name in several files: the first. */
export function symbolsOf(target: Target, elf: string): Map<string, BoardSymbol> {
  const symbols = new Map<string, BoardSymbol>();
  for (const line of boardTool(target, 'nm', ['-S', '--defined-only', elf]).split('\n')) {
    const found = /^([0-9a-f]+) (?:([0-9a-f]+) )?[a-zA-Z] (\S+)$/.exec(line);
    if (found === null || symbols.has(found[3])) continue;
    symbols.set(found[3], { address: Number.parseInt(found[1], 16), bytes: Number.parseInt(found[2] ?? '0', 16) });
  }
  return symbols;
}

/** Name of the function that holds an address; functions are asked in ascending order of address, so prepare once and ask often. */
export function namer(symbols: ReadonlyMap<string, BoardSymbol>): (address: number) => string {
  const functions = [...symbols].filter(([, { bytes }]) => bytes > 0).sort(([, a], [, b]) => a.address - b.address);
  const starts = functions.map(([, { address }]) => address);
  return (address) => {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle] <= address) low = middle + 1;
      else high = middle;
    }
    const found = functions[low - 1];
    return found !== undefined && address < found[1].address + found[1].bytes ? found[0] : `0x${address.toString(16)}`;
  };
}
