/**
 * Builds QEMU's plugins when their source changed, passes them the addresses of a board's marks,
 * and reads their records.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Elf } from '../../../host/board/elf.ts';
import { rootFolder } from '../../../host/build/root.ts';

const sourceFolder = join(rootFolder, 'hwsim/emulator/plugin');
const builtFolder = join(rootFolder, 'dist/emulator');
const compilerFlags = ['-O2', '-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Wconversion', '-Werror'];
const objectFlags = ['-fPIC', '-fvisibility=hidden', '-shared'];

/** Returns the path of a plugin, compiled only when source or flags have changed. */
export function buildPlugin(name: 'count' | 'access' = 'count'): string {
  const source = join(sourceFolder, `${name}.c`);
  const parts = [
    readFileSync(source),
    readFileSync(join(sourceFolder, 'qemu_plugin.h')),
    [...compilerFlags, ...objectFlags].join(' '),
  ];
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  const stamp = digest.digest('hex');
  const path = join(builtFolder, `${name}.so`);
  const stampPath = join(builtFolder, `${name}.stamp`);
  if (existsSync(path) && existsSync(stampPath) && readFileSync(stampPath, 'utf8') === stamp) return path;
  mkdirSync(builtFolder, { recursive: true });
  const aside = `${path}.${process.pid}`;
  const run = spawnSync('gcc', [...compilerFlags, ...objectFlags, '-o', aside, source], { encoding: 'utf8' });
  if (run.error) throw new Error(`the ${name} plugin needs gcc (${run.error.message}): apt-get install gcc`);
  if (run.status !== 0) throw new Error(`${source} does not compile:\n${run.stderr}`);
  renameSync(aside, path);
  writeFileSync(stampPath, stamp);
  return path;
}

const beginPrefix = 'measure_begin_';

/**
 * Returns the names of the operations that an ELF marks, in a fixed order: a record's `op` is an
 * index into it.
 */
export function markedOps(elf: Elf): string[] {
  const names = elf.functions.map(({ name }) => name).filter((name) => name.startsWith(beginPrefix));
  return names.map((name) => name.slice(beginPrefix.length)).sort();
}

export interface CountOptions {
  /**
   * File or FIFO for the records; and for the addresses executed in calls `from` … `from + calls −
   * 1`.
   */
  out: string;
  trace?: { path: string; from: number; calls: number; except?: string };
  /** A call of more instructions ends the emulator: a hang. */
  limit?: number;
  /** Name of the function at which the emulator ends. */
  over?: string;
}

/** Returns the emulator's arguments that load the counting plugin for this ELF. */
export function countArguments(elf: Elf, options: CountOptions): string[] {
  const functionNamed = (wanted: string) => {
    const found = elf.functions.find(({ name }) => name === wanted);
    if (found === undefined)
      throw new Error(`the ELF has no ${wanted}: it was not built with firmware/boards/loop/calls.c`);
    return found;
  };
  const spell = ({ address, bytes }: { address: number; bytes: number }) => `${address}:${bytes}`;
  const words = [`out=${options.out}`, `end=${spell(functionNamed('measure_end'))}`];
  const places = new Map<number, string>();
  markedOps(elf).forEach((name, op) => {
    const symbol = functionNamed(beginPrefix + name);
    const other = places.get(symbol.address);
    if (other !== undefined) throw new Error(`the compiler folded the marks of ${other} and ${name} into one`);
    places.set(symbol.address, name);
    words.push(`begin=${op}:${spell(symbol)}`);
  });
  if (options.over !== undefined) words.push(`over=${functionNamed(options.over).address}`);
  if (options.limit !== undefined) words.push(`limit=${options.limit}`);
  const { trace } = options;
  if (trace !== undefined) words.push(`trace=${trace.path}`, `from=${trace.from}`, `calls=${trace.calls}`);
  if (trace?.except !== undefined) words.push(`untraced=${markedOps(elf).indexOf(trace.except)}`);
  return ['-plugin', [buildPlugin(), ...words].join(',')];
}

export interface CallCount {
  op: string;
  /** ended; over: the call exceeded the limit; abandoned: a trap or reset ended it early. */
  how: 'ended' | 'over' | 'abandoned';
  instructions: number;
}

const recordBytes = 16;
const hows = ['ended', 'over', 'abandoned'] as const;
/** Instructions of a call that are not the operation's: the call of `measure_end`. */
const markerInstructions = 1;

/**
 * Reads the plugin's records. The instruction that calls `measure_end` is subtracted from each; the
 * marks' bodies were not counted.
 */
export function readCounts(bytes: Uint8Array, ops: readonly string[]): CallCount[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const counts: CallCount[] = [];
  for (let at = 0; at + recordBytes <= bytes.length; at += recordBytes) {
    const how = hows[view.getUint32(at + 4, true)];
    const marker = how === 'ended' ? markerInstructions : 0;
    counts.push({
      op: ops[view.getUint32(at, true)],
      how,
      instructions: Number(view.getBigUint64(at + 8, true)) - marker,
    });
  }
  return counts;
}

/** Reads the addresses executed, one array per traced call. */
export function readTrace(bytes: Uint8Array): Uint32Array[] {
  // Copied: small files are read into a shared pool, and a Buffer's own slice would stay in it.
  const words = new Uint32Array(new Uint8Array(bytes).buffer);
  const calls: Uint32Array[] = [];
  let from = 0;
  for (let at = 0; at < words.length; at += 1) {
    if (words[at] !== 0xffffffff) continue;
    calls.push(words.subarray(from, at));
    from = at + 1;
  }
  return calls;
}
