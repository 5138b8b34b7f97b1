/** Runs SPIN on a model of this folder, and reads its verdict and its counterexample. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isInstalled } from '../../host/build/boards.mjs';
import { rootFolder } from '../../host/build/root.ts';
import { inFolder } from '../host/support.ts';

const modelFolder = join(rootFolder, 'test/model');
const depthMax = 400_000;
const memoryMbMax = 3500;
const hugeMemoryMbMax = 8192;
/**
 * Compiles a checker in 0.1 s, gcc in 3 s: most searches are shorter. Its checkers are as slow as
 * those of gcc -O0, which replaces it where it is missing.
 */
const quickCompiler = isInstalled('tcc', '-v') ? ['tcc'] : ['gcc', '-O0'];

export interface Check {
  /** File of the model, without its ending. */
  model: 'intent' | 'revocation' | 'decision';
  /** Parameters of the model and names of mutants: NAME or NAME=VALUE. */
  flags: string[];
  /** Searches for infinite runs that violate the model's LTL property. */
  lively?: boolean;
  /** Whether the search takes so long that compiling an optimized checker is worth it. */
  isLarge?: boolean;
  /** Whether the search is large and needs up to 8 GiB: long version only. */
  isHuge?: boolean;
  /** Stores states as bits: 2 to the power of this many. The search is then not exhaustive. */
  bits?: number;
}

export interface Verdict {
  errors: number;
  states: number;
  seconds: number;
  memoryMb: number;
  /** Of a search with bits: SPIN's hash factor; above 100 nearly all states were reached. */
  hashFactor: number;
  /** What happened in the counterexample, in words; empty when there is none. */
  steps: string[];
  command: string;
}

/** Runs a program in `folder`; fails when it does not start or ends with an error of its own. */
function run(folder: string, program: string, words: string[]): string {
  const { stdout, stderr, status, error } = spawnSync(program, words, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  assert.ok(error === undefined && status === 0, `${program} ${words.join(' ')}: ${error?.message ?? stdout + stderr}`);
  return stdout;
}

const figure = (output: string, pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? 0);

/** What is compiled and run for a check: the compiler's command, the words of spin and pan. */
function wordsOf({ model, flags, lively, isLarge, isHuge, bits }: Check) {
  const options = flags.map((flag) => `-D${flag}`);
  const search = [lively ? '-DNOFAIR' : '-DSAFETY', '-DNOREDUCE', ...(bits === undefined ? [] : ['-DBITSTATE'])];
  const memory = `-DMEMLIM=${isHuge ? hugeMemoryMbMax : memoryMbMax}`;
  const size = bits ?? (isHuge ? 27 : isLarge ? 24 : 20);
  return {
    spin: [...options, `${model}.pml`],
    compile: [
      ...(isLarge || isHuge ? ['gcc', '-O2'] : quickCompiler),
      ...['-w', ...search, memory, '-o', 'pan', 'pan.c'],
    ],
    pan: [...(lively ? ['-a'] : []), `-m${depthMax}`, `-w${size}`],
  };
}

/** The words that reproduce a check by hand, in test/model. */
function commandOf(check: Check): string {
  const { spin, compile, pan } = wordsOf(check);
  return [
    `cd test/model && spin -a ${spin.join(' ')}`,
    compile.join(' '),
    `./pan ${pan.join(' ')}; spin -t -T ${spin.join(' ')}`,
  ].join(' && ');
}

/** Joins steps that follow each other and are the same. */
function joined(steps: string[]): string[] {
  return steps.filter((step, at) => step !== steps[at - 1]);
}

/** Verifies or refutes a model. Fails when the search was cut short. */
export async function verdictOf(check: Check): Promise<Verdict> {
  let verdict: Verdict | undefined;
  const command = commandOf(check);
  await inFolder((folder) => {
    for (const name of readdirSync(modelFolder).filter((name) => /\.(pml|h)$/.test(name)))
      copyFileSync(join(modelFolder, name), join(folder, name));
    const { spin, compile, pan } = wordsOf(check);
    const [compiler, ...compilerWords] = compile;
    run(folder, 'spin', ['-a', ...spin]);
    run(folder, compiler, compilerWords);
    const output = run(folder, './pan', pan);
    const cut = /max search depth too small|out of memory|reached -DMEMLIM|pan:\d+: invalid end state/.exec(output);
    assert.is(cut, null, `the search was cut short (${cut?.[0]}); again: ${command}`);
    const isRefuted = existsSync(join(folder, `${check.model}.pml.trail`));
    verdict = {
      errors: figure(output, /errors: (\d+)/),
      states: figure(output, /(\d[\d.e+]*) states, stored/),
      seconds: figure(output, /elapsed time ([\d.]+)/),
      memoryMb: figure(output, /([\d.]+)\s+total actual memory usage/),
      hashFactor: figure(output, /hash factor: ([\d.]+)/),
      steps: isRefuted ? stepsOf(run(folder, 'spin', ['-t', '-T', ...spin])) : [],
      command,
    };
    assert.is(verdict.errors > 0, isRefuted, `a counterexample has a trail; again: ${command}`);
  });
  assert.ok(verdict);
  return verdict;
}

/** The lines that the model printed along a trail. */
function stepsOf(output: string): string[] {
  return joined(
    output
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => /^(node|member|time|a |all |the )/.test(line)),
  );
}
