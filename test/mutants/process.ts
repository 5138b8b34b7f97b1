/** Starts runners: one process for many mutants, ended when a mutant takes too much time. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { rootFolder } from '../../host/build/root.ts';
import type { RecordedTest, RunnerOrder, RunnerReport } from './runner.ts';

/** What became of one mutant in one test file. */
export interface Verdict {
  number: number;
  /** Title of the test that failed; null = all passed. */
  killedBy: string | null;
  why: string | null;
}

/** A runner keeps the modules of every run, so that it is replaced after this many. */
const runsPerProcess = 40;
const lookMs = 500;
/** Linux counts in hundredths of a second. */
const ticksPerS = 100;
const allowanceS = 5;
/** A mutant may take so many times the seconds of the original. */
const slowerMax = 8;
/** Waiting costs no processor time: by the wall a run may take this many times as long. */
const wallFactor = 20;

/** Processor seconds of a process; null where the system does not count it. */
function processorSeconds(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerS;
  } catch {
    return null;
  }
}

export class RunnerPool {
  readonly #folder: string;
  readonly #running = new Set<ReturnType<typeof spawn>>();
  /** Runners that the pool itself ended. */
  readonly #ended = new Set<ReturnType<typeof spawn>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Ends what runs: the campaign was interrupted. */
  close(): void {
    for (const child of this.#running) child.kill('SIGKILL');
  }

  #spawn(order: RunnerOrder) {
    const hooks = pathToFileURL(join(this.#folder, 'hooks.mjs')).href;
    const env = {
      ...process.env,
      NODE_OPTIONS: `--import ${hooks}`,
      HELIOGRAPH_MUTANTS: this.#folder,
      HELIOGRAPH_MUTANT: '-1',
      HELIOGRAPH_REWRITE: '',
      NO_COLOR: '1',
      FORCE_COLOR: '0',
    };
    const words = [join(this.#folder, 'runner.mjs'), JSON.stringify(order)];
    const child = spawn(process.execPath, words, {
      cwd: rootFolder,
      env,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    this.#running.add(child);
    child.on('close', () => this.#running.delete(child));
    return child;
  }

  /** Runs a file once without a mutant; what its tests met and took. */
  async record(bundle: string, secondsMax: number): Promise<RecordedTest[]> {
    const order = { bundle, runs: [], isRecording: true };
    let tests: RecordedTest[] | null = null;
    const isInTime = await this.#follow(order, secondsMax, (report) => {
      if (report.kind === 'recorded') tests = report.tests;
    });
    const failure = isInTime ? 'the process ended early' : `more than ${secondsMax.toFixed(0)} s`;
    return tests ?? [{ title: 'the whole file', seconds: 0, seen: [], failure }];
  }

  /** Follows one process; false when it was ended because a run took more than `secondsMax`. */
  async #follow(order: RunnerOrder, secondsMax: number, onReport: (report: RunnerReport) => void): Promise<boolean> {
    const child = this.#spawn(order);
    let isInTime = true;
    let begunS = 0;
    let begunMs = performance.now();
    createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => {
      const report = JSON.parse(line) as RunnerReport;
      if (report.kind === 'begin') {
        begunS = processorSeconds(child.pid!) ?? 0;
        begunMs = performance.now();
      }
      onReport(report);
    });
    const timer = setInterval(() => {
      const usedS = (processorSeconds(child.pid!) ?? begunS) - begunS;
      const wallS = (performance.now() - begunMs) / 1000;
      if (usedS <= secondsMax && wallS <= secondsMax * wallFactor) return;
      isInTime = false;
      this.#ended.add(child);
      child.kill('SIGKILL');
    }, lookMs);
    const signal = await new Promise<string | null>((resolve) => child.on('close', (_code, name) => resolve(name)));
    clearInterval(timer);
    // Ended from outside, a mutant would count as one that ended its process.
    if (!this.#ended.delete(child) && (signal === 'SIGKILL' || signal === 'SIGTERM'))
      throw new Error(`a runner was ended by ${signal}: go on with --resume`);
    return isInTime;
  }

  /**
   * Runs a file on mutants, many in one process. The last run of each process is the original: if
   * it fails, one mutant disturbed the others, and each of them runs in a process of its own.
   */
  async judge(
    bundle: string,
    runs: RunnerOrder['runs'],
    fileSeconds: number,
    onVerdict: (verdict: Verdict) => void,
  ): Promise<void> {
    let rest = [...runs];
    while (rest.length > 0) {
      const batch = rest.slice(0, runsPerProcess);
      const control = { number: -1, lastTest: Number.MAX_SAFE_INTEGER };
      const verdicts = await this.#runBatch(bundle, batch.length > 1 ? [...batch, control] : batch, fileSeconds);
      const isSound = verdicts.find(({ number }) => number === -1)?.killedBy ?? null;
      const done = verdicts.filter(({ number }) => number !== -1);
      rest = rest.slice(done.length);
      if (isSound === null) done.forEach(onVerdict);
      else
        for (const run of batch.slice(0, done.length))
          (await this.#runBatch(bundle, [run], fileSeconds)).forEach(onVerdict);
    }
  }

  /** Verdicts of one process. It may end early: then with the mutant that ended it. */
  async #runBatch(bundle: string, runs: RunnerOrder['runs'], fileSeconds: number): Promise<Verdict[]> {
    const verdicts: Verdict[] = [];
    let open: number | null = null;
    const isInTime = await this.#follow(
      { bundle, runs, isRecording: false },
      allowanceS + slowerMax * fileSeconds,
      (report) => {
        if (report.kind === 'begin') open = report.number;
        if (report.kind !== 'end') return;
        open = null;
        verdicts.push({ number: report.number, killedBy: report.killedBy, why: report.why });
      },
    );
    const killedBy = isInTime ? 'the process ended' : 'the time limit';
    if (open !== null) verdicts.push({ number: open, killedBy, why: null });
    else if (verdicts.length === 0) verdicts.push({ number: runs[0].number, killedBy: 'the process ended', why: null });
    return verdicts;
  }
}
