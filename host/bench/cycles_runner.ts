/** Builds test/yardstick/runner.c for a target and runs scripts on it in the emulator, under the counting plugin. */
import { installCommand, missingPackages } from '../build/boards.mjs';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countArguments, type CallCount, markedOps, readCounts, readTrace } from '../../hwsim/emulator/plugin/plugin.ts';
import { emulatedRamBytes, emulatorArguments, type Target } from '../board/targets.ts';
import { type Elf, readElf } from '../board/elf.ts';
import { boardSources, boardStamp, type BuildOptions, compileProgram } from '../board/build.ts';
import { translateImage } from '../board/translate.ts';
import { imagePath, rootFolder } from '../build/root.ts';
import { filesBelow } from '../build/paths.mjs';
import type { Script, ScriptResult } from './cycles_script.ts';

/** Where things lie in the emulated memory, beyond what the image and its non-volatile memory take. */
export const nodeOffset = 9 << 20;
export const scriptOffset = 10 << 20;
const scriptBytesMax = emulatedRamBytes - scriptOffset;
const wallSecondsMax = 600;
/** No call comes near it: what runs longer hangs. */
export const hangInstructions = 50_000_000;

export interface Runner {
  target: Target;
  path: string;
  elf: Elf;
}

const yardstickFolder = 'test/yardstick';

/** Builds the runner into dist/yardstick/<target>/ unless it is there already. */
export async function buildRunner(target: Target, options: BuildOptions = {}): Promise<Runner> {
  const folder = join(rootFolder, 'dist/yardstick', target.name);
  const own = filesBelow(yardstickFolder, ['.c', '.h']);
  const stamp = boardStamp(target, options, [...own, 'host/bench/cycles_runner.ts']);
  const path = join(folder, 'heliograph.elf');
  if (!existsSync(path) || !existsSync(join(folder, 'stamp')) || readFileSync(join(folder, 'stamp'), 'utf8') !== stamp) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'image.c'), translateImage(imagePath(target.preset)));
    const shared = boardSources(target).filter((source) => !source.includes('/loop/') || source.endsWith('/calls.c'));
    const address = (offset: number) => `0x${(target.ramAddress + offset).toString(16)}u`;
    const flags = [
      `-DSCRIPT_ADDRESS=${address(scriptOffset)}`,
      `-DNODE_ADDRESS=${address(nodeOffset)}`,
      `-I${join(rootFolder, yardstickFolder)}`,
    ];
    await compileProgram(target, folder, [...shared, ...own.filter((source) => source.endsWith('.c'))], options, flags);
    writeFileSync(join(folder, 'stamp'), stamp);
  }
  return { target, path, elf: readElf(readFileSync(path)) };
}

export interface ScriptRun {
  result: ScriptResult;
  counts: CallCount[];
  traces: Uint32Array[];
}

/** Works a script off. `trace`: also which addresses the marked calls from … from + calls − 1 executed. Throws when the emulator does not finish. */
export function runScript(
  runner: Runner,
  script: Script,
  trace?: { from: number; calls: number },
  limit = hangInstructions,
): ScriptRun {
  const { target, elf, path } = runner;
  const text = script.finish();
  if (text.length > scriptBytesMax) throw new Error(`a script of ${text.length} bytes: at most ${scriptBytesMax}; split it`);
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
      throw new Error(`${target.emulator}: ${run.error.message}; ${installCommand(missingPackages([target.emulator]))}`);
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
