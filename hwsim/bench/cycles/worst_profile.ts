/** Profiles the worst cases: shares of their instructions by function of the firmware's sources. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFirmware } from '../../../host/build/firmware.mjs';
import { type Preset, rootFolder } from '../../../host/build/root.ts';
import { attack, attacked, type Attacked } from './adversary.ts';
import { type Runner, runScript } from './runner.ts';
import { Script } from './script.ts';
import { clusterOf, searchInstructionsMax, type TargetWorst } from './search.ts';

export interface WorstProfile {
  op: Attacked;
  /** Largest shares first. */
  functions: { name: string; share: number }[];
}

const shownMax = 4;
/** A trace takes four bytes per instruction. */
const tracedMax = 20_000_000;

/**
 * Reads the names of the image's functions from the compiler's text output, in the order of their
 * numbers in translated code.
 */
async function functionNames(preset: Preset): Promise<string[]> {
  await compileFirmware(preset, true);
  const text = readFileSync(join(rootFolder, `dist/heliograph-${preset}.wat`), 'utf8');
  return [...text.matchAll(/^ \(func \$(\S+)/gm)].map(([, name]) => name.replace(/^firmware\//, ''));
}

/**
 * Counts the instructions of a trace by function. What is no function of the image has its symbol's
 * name.
 */
function byFunction(runner: Runner, trace: Uint32Array, names: readonly string[]): Map<string, number> {
  const { functions } = runner.elf;
  const counts = new Map<string, number>();
  let last = functions[0];
  for (const address of trace) {
    if (address < last.address || address >= last.address + last.bytes) {
      last = functions[functions.findLastIndex((each) => each.address <= address)] ?? functions[0];
    }
    counts.set(last.name, (counts.get(last.name) ?? 0) + 1);
  }
  const named = new Map<string, number>();
  for (const [symbol, count] of counts) {
    const number = /^fw_f(\d+)/.exec(symbol)?.[1];
    const name = number === undefined ? symbol : (names[Number(number)] ?? symbol);
    named.set(name, (named.get(name) ?? 0) + count);
  }
  return named;
}

/** Profiles each operation for which the search found worst cases on this target. */
export async function profileWorst(runner: Runner, worst: readonly TargetWorst[]): Promise<WorstProfile[]> {
  const names = await functionNames(runner.target.preset);
  const found: WorstProfile[] = [];
  for (const op of attacked) {
    const input = worst.find((each) => each.target === runner.target.name && each.op === op);
    if (input === undefined || input.instructions > tracedMax) continue;
    const script = new Script(runner.target.bigEndian);
    const { ops, from } = attack(script, input.genome, clusterOf(runner.target));
    const { counts } = runScript(runner, script, undefined, searchInstructionsMax);
    const calls = counts.map((count, index) => ({ ...count, index }));
    // The slowest frame may be one of those that fill the table.
    const candidates = calls.filter(({ index }) =>
      index >= from ? ops[index - from] === op : op === 'receive' && calls[index].op === 'receive',
    );
    const slowest = candidates.reduce((a, b) => (b.instructions > a.instructions ? b : a));
    const { traces } = runScript(runner, script, { from: slowest.index, calls: 1 }, searchInstructionsMax);
    const sums = [...byFunction(runner, traces[0], names)].sort(([, a], [, b]) => b - a).slice(0, shownMax);
    found.push({ op, functions: sums.map(([name, count]) => ({ name, share: count / traces[0].length })) });
  }
  return found;
}
