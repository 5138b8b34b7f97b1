/** A worker of a campaign on boards: flies the golden run, then strikes as often as it is told. Its board is its own. */
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { buildTarget } from '../../../host/board/build.ts';
import { readElf } from '../../../host/board/elf.ts';
import { loadV8Engine } from '../../../host/engine/v8.ts';
import { struckTarget, type WorkerTask, type WorkerWord } from './campaign.ts';
import { bookkeeping, lineOrigin } from './bookkeeping.ts';
import { Drawer, modelOf } from './draw.ts';
import { flyGolden } from './golden.ts';
import { Judge } from './judge.ts';
import { recordOf } from './record.ts';
import { recordRow } from './row.ts';
import { Injector } from './injector.ts';
import { ramSpan } from './subject.ts';
import { EmulatorPool } from '../../emulator/pool.ts';

/** A board that says nothing for so long, s, stands still: its own watchdog strikes within a second of its time, which is less of ours. */
const hangSeconds = 20;

const port = parentPort!;
const tell = (word: WorkerWord) => port.postMessage(word);
const task = workerData as WorkerTask;
const pool = new EmulatorPool(hangSeconds);

async function prepare() {
  const { target, elf: path } = await buildTarget(struckTarget(task.target, task.image));
  const elf = readElf(readFileSync(path));
  const row = recordRow(target.preset);
  const golden = flyGolden({ pool, target, path, elf, inputs: row.inputs });
  const span = ramSpan(elf);
  const engine = loadV8Engine(target.variant ?? target.preset);
  const drawer = new Drawer(golden, span, target, row.window, lineOrigin(target, elf, engine, span));
  const judge = new Judge(row, engine);
  const free = bookkeeping(target, elf, engine, span, golden.snapshots);
  const injector = new Injector({ pool, target, path, elf, row, golden, judge, free });
  return { row, drawer, injector, elf };
}

function end(message?: string): void {
  if (message !== undefined) tell({ kind: 'failed', message });
  pool.close();
  port.close();
}

prepare().then(
  ({ row, drawer, injector, elf }) => {
    port.on('message', (index: number | null) => {
      if (index === null) return end();
      try {
        const strike = drawer.draw(modelOf(task.models, task.seed, index), task.seed, index);
        tell({ kind: 'record', record: recordOf(task, index, row, elf, strike, injector.strike(strike)) });
      } catch (error) {
        end(`injection ${index} on ${task.target}: ${(error as Error).message}`);
      }
    });
    tell({ kind: 'ready', bits: drawer.ramBytes * 8, notes: [row.told, drawer.told] });
  },
  (error: Error) => end(error.message),
);
