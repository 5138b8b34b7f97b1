/**
 * Builds test/native_baseline/runner.c for a target and runs scripts on it in the emulator, under
 * the counting plugin.
 */
import { installCommand, missingPackages } from '../../../host/build/boards.mjs';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countArguments, type CallCount, markedOps, readCounts, readTrace } from '../../emulator/plugin/plugin.ts';
import { emulatedRamBytes, emulatorArguments, type Target } from '../../../host/board/targets.ts';
import { type Elf, readElf } from '../../../host/board/elf.ts';
import { boardSources, boardStamp, type BuildOptions, compileProgram } from '../../../host/board/build.ts';
import { translateImage } from '../../../host/board/translate.ts';
import { type ImageName, imagePath, rootFolder } from '../../../host/build/root.ts';
import { filesBelow } from '../../../host/build/paths.mjs';
import type { Script, ScriptResult } from './script.ts';

/** Offsets in the emulated memory, above those of the image and of non-volatile memory. */
const nodeOffset = 9 << 20;
const scriptOffset = 10 << 20;
const scriptBytesMax = emulatedRamBytes - scriptOffset;
const wallSecondsMax = 600;
/** A call of more instructions hangs: no call comes near this number. */
const hangInstructions = 50_000_000;

export interface Runner {
  target: Target;
  /** The image that it calls: the target's own, or one that is only measured. */
  image: ImageName;
  path: string;
  elf: Elf;
}

/**
 * Returns the target with an image of the same sources and sizes without protection or scrubbing,
 * which is only measured.
 */
export function targetWithout(what: 'protection' | 'scrubbing', target: Target): Target {
  const large = what === 'protection' ? 'bare' : 'unscrubbed';
  return { ...target, variant: target.preset === 'compact' ? `compact-${large}` : large };
}

const nativeBaselineFolder = 'test/native_baseline';
const builtFolder = join(rootFolder, 'dist/native_baseline');

/**
 * Builds the runner into dist/native_baseline/<target>-<stamp>/ unless it is there already. It is
 * built under another name and renamed, so that two tests may build it at the same time.
 */
export async function buildRunner(target: Target, options: BuildOptions = {}): Promise<Runner> {
  const image = target.variant ?? target.preset;
  const own = filesBelow(nativeBaselineFolder, ['.c', '.h']);
  const stamp = boardStamp(target, options, [...own, 'hwsim/bench/cycles/runner.ts']);
  const mark = createHash('sha256').update(stamp).digest('hex').slice(0, 16);
  const folder = join(builtFolder, `${target.name}-${mark}`);
  if (!existsSync(folder)) {
    const aside = join(builtFolder, `aside-${target.name}-${image}-${process.pid}`);
    mkdirSync(aside, { recursive: true });
    writeFileSync(join(aside, 'image.c'), translateImage(imagePath(image)));
    const shared = boardSources(target).filter((source) => !source.includes('/loop/') || source.endsWith('/calls.c'));
    const address = (offset: number) => `0x${(target.ramAddress + offset).toString(16)}u`;
    const places = [`-DSCRIPT_ADDRESS=${address(scriptOffset)}`, `-DNODE_ADDRESS=${address(nodeOffset)}`];
    const sources = [...shared, ...own.filter((source) => source.endsWith('.c'))];
    await compileProgram(target, aside, sources, options, [...places, `-I${join(rootFolder, nativeBaselineFolder)}`]);
    settle(aside, folder);
  }
  const path = join(folder, 'heliograph.elf');
  return { target, image, path, elf: readElf(readFileSync(path)) };
}

/** Gives a build its name, unless another process was first. */
function settle(aside: string, folder: string): void {
  try {
    renameSync(aside, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
    rmSync(aside, { recursive: true, force: true });
  }
}

export interface ScriptRun {
  result: ScriptResult;
  counts: CallCount[];
  traces: Uint32Array[];
}

/**
 * Executes a script. `trace`: records which addresses the marked calls from … from + calls − 1
 * executed. Throws when the emulator does not finish.
 */
export function runScript(
  runner: Runner,
  script: Script,
  trace?: { from: number; calls: number },
  limit = hangInstructions,
): ScriptRun {
  const { target, elf, path } = runner;
  const text = script.finish();
  if (text.length > scriptBytesMax)
    throw new Error(`a script of ${text.length} bytes: at most ${scriptBytesMax}; split it`);
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-count-'));
  try {
    const ram = join(folder, 'ram');
    const file = openSync(ram, 'w+');
    ftruncateSync(file, emulatedRamBytes);
    writeSync(file, text, 0, text.length, scriptOffset);
    const out = join(folder, 'counts');
    const tracePath = join(folder, 'trace');
    const count = countArguments(elf, {
      out,
      over: 'runner_over',
      limit,
      trace: trace === undefined ? undefined : { path: tracePath, ...trace },
    });
    const machine = emulatorArguments(target, path, ram);
    const words = [...machine.slice(0, machine.indexOf('-icount')), '-serial', 'none', ...count];
    const run = spawnSync(target.emulator, words, { encoding: 'utf8', timeout: wallSecondsMax * 1000 });
    if (run.error)
      throw new Error(
        `${target.emulator}: ${run.error.message}; ${installCommand(missingPackages([target.emulator]))}`,
      );
    if (run.status !== 0) throw new Error(`${target.emulator} ended with ${run.status}: ${run.stderr}`);
    const memory = new Uint8Array(text.length);
    readSync(file, memory, 0, memory.length, scriptOffset);
    closeSync(file);
    const counts = readCounts(readFileSync(out), markedOps(elf));
    const result = script.resultsOf(memory);
    return { result, counts, traces: trace === undefined ? [] : readTrace(readFileSync(tracePath)) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
