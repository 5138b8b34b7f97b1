/**
 * A worker of a campaign on boards: flies the golden run of its own board, then injects fault after
 * fault.
 */
import { readFileSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { buildTarget } from '../../../host/board/build.ts';
import { readElf } from '../../../host/board/elf.ts';
import { loadV8Engine } from '../../../host/engine/v8.ts';
import { EmulatorPool } from '../../emulator/pool.ts';
import { failWorker, serveJobs } from '../workers.ts';
import { freeBytes, lineOrigin } from './bookkeeping.ts';
import { injectedTarget, type WorkerReport, type WorkerTask } from './campaign.ts';
import { Drawer, modelOf } from './draw.ts';
import { flyGolden } from './golden.ts';
import { Injector } from './injector.ts';
import { Judge } from './judge.ts';
import { ramSpan } from './ram.ts';
import { recordOf } from './record.ts';
import { recordRun } from './recorded_run.ts';

/**
 * A board that outputs nothing for so long hangs, s. Its own watchdog expires within a second of
 * its time, which is less of ours.
 */
const hangSeconds = 20;

const task = workerData as WorkerTask;
const pool = new EmulatorPool(hangSeconds);

async function serve(): Promise<void> {
  const { target, elf: path } = await buildTarget(injectedTarget(task.target, task.image));
  const elf = readElf(readFileSync(path));
  const run = recordRun(target.preset);
  const golden = flyGolden({ pool, target, path, elf, inputs: run.inputs });
  const engine = loadV8Engine(target.variant ?? target.preset);
  const layout = { target, elf, engine, span: ramSpan(elf) };
  const drawer = new Drawer(golden, layout.span, target, run.window, lineOrigin(layout));
  const judge = new Judge(run, engine);
  const free = freeBytes(layout, golden.snapshots);
  const injector = new Injector({ pool, target, path, elf, run, golden, judge, free });
  const source = { task, node: run.node, elf };
  const inject = (index: number) => {
    const injection = drawer.draw(modelOf(task.models, task.seed, index), task.seed, index);
    return recordOf(source, index, injection, injector.inject(injection));
  };
  serveJobs<number, WorkerReport>({
    first: { kind: 'facts', bits: drawer.ramBytes * 8, notes: [run.note, drawer.note] },
    work: (index, send) => {
      try {
        send({ kind: 'record', record: inject(index) });
      } catch (error) {
        throw new Error(`injection ${index} on ${task.target}: ${(error as Error).message}`);
      }
    },
    close: () => pool.close(),
  });
}

serve().catch((error: Error) => {
  pool.close();
  failWorker(error.message);
});
