/**
 * Runs one bundled test file on one mutant after another in this process and reports on file
 * descriptor 3, a JSON line each. `node runner.mjs '{"bundle":…,"runs":[…],"isRecording":…}'`
 */
import { writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { MutantState } from './hooks.ts';
import { registered, type RegisteredSuite } from './suite.ts';

/** What one process has to do. */
export interface RunnerOrder {
  bundle: string;
  /** Mutants by number; −1 = none. `lastTest`: tests after it need not run. */
  runs: { number: number; lastTest: number }[];
  /** Records which switches each test meets, instead of stopping at a failure. */
  isRecording: boolean;
}

/** A test of the file with what it took and the switches it met. */
export interface RecordedTest {
  title: string;
  seconds: number;
  seen: number[];
  failure: string | null;
}

export type RunnerReport =
  | { kind: 'begin'; number: number }
  | { kind: 'end'; number: number; killedBy: string | null; why: string | null }
  | { kind: 'recorded'; tests: RecordedTest[] };

const mutants = (globalThis as unknown as { mutants: MutantState }).mutants;
const order = JSON.parse(process.argv[2]) as RunnerOrder;
const report = (line: RunnerReport) => writeSync(3, `${JSON.stringify(line)}\n`);
const reasonOf = (error: unknown) => String((error as Error)?.message ?? error).slice(0, 300);

/** Numbers of the switches that were met since the last call. */
function takeSeen(): number[] {
  const seen = mutants.seen!;
  for (const { exports } of mutants.instances)
    for (let word = 0; typeof exports[`mutant_seen_${word}`] === 'function'; word++) {
      let bits = BigInt.asUintN(64, (exports[`mutant_seen_${word}`] as () => bigint)());
      for (let bit = 0; bits > 0n; bit++, bits >>= 1n) if (bits & 1n) seen.add(word * 64 + bit);
    }
  const numbers = [...seen].sort((a, b) => a - b);
  seen.clear();
  return numbers;
}

const processorSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

interface Outcome {
  killedBy: string | null;
  why: string | null;
  tests: RecordedTest[];
}

async function runTest(suite: RegisteredSuite, index: number): Promise<unknown> {
  const { hooks, state, tests } = suite;
  try {
    for (const hook of hooks.beforeEach) await hook(state);
    await tests[index].handler(state);
    return null;
  } catch (error) {
    return error ?? 'a test threw nothing';
  } finally {
    for (const hook of hooks.afterEach) await hook(state);
  }
}

/**
 * Runs the suites that the file declared, in their order. `loadedS`: what loading the file took;
 * it counts for the first test.
 */
async function runSuites(suites: readonly RegisteredSuite[], lastTest: number, loadedS: number): Promise<Outcome> {
  const outcome: Outcome = { killedBy: null, why: null, tests: [] };
  let count = 0;
  for (const suite of suites) {
    for (const hook of suite.hooks.before) await hook(suite.state);
    for (let index = 0; index < suite.tests.length; index++, count++) {
      if (!order.isRecording && (outcome.killedBy !== null || count > lastTest)) break;
      const begin = processorSeconds();
      const error = await runTest(suite, index);
      const title = suite.tests[index].name;
      if (error !== null) Object.assign(outcome, { killedBy: title, why: reasonOf(error) });
      if (!order.isRecording) continue;
      const seconds = processorSeconds() - begin + (count === 0 ? loadedS : 0);
      outcome.tests.push({ title, seconds, seen: takeSeen(), failure: error === null ? null : reasonOf(error) });
    }
    for (const hook of suite.hooks.after) await hook(suite.state);
  }
  return outcome;
}

async function runFile(index: number, lastTest: number): Promise<Outcome> {
  registered.length = 0;
  const begin = processorSeconds();
  try {
    await import(`${pathToFileURL(order.bundle).href}?run=${index}`);
    return await runSuites(registered.splice(0), lastTest, processorSeconds() - begin);
  } catch (error) {
    return { killedBy: 'loading the file', why: reasonOf(error), tests: [] };
  }
}

if (order.isRecording) {
  mutants.seen = new Set();
  const { tests, killedBy, why } = await runFile(0, Number.POSITIVE_INFINITY);
  if (tests.length === 0 && killedBy !== null) tests.push({ title: killedBy, seconds: 0, seen: [], failure: why });
  report({ kind: 'recorded', tests });
} else
  for (const [index, { number, lastTest }] of order.runs.entries()) {
    mutants.chosen = number;
    process.env.HELIOGRAPH_MUTANT = String(number);
    report({ kind: 'begin', number });
    const { killedBy, why } = await runFile(index, lastTest);
    report({ kind: 'end', number, killedBy, why });
  }
process.exit(0);
