import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { CommandError } from '../../host/cli/exit.ts';
import { readImage } from '../../host/engine/image.ts';
import { readState, StateWriter } from './checkpoint.ts';
import { type ClusterState, type Flown, Shard } from './shard.ts';
import type { FromWorker, ThreadData, ToWorker } from './threads.ts';

const port = parentPort!;
const { setting, thread, threads, folder, resumed } = workerData as ThreadData;
const post = (message: FromWorker) => port.postMessage(message);
const turnsPerMessage = setting.rung === 'statistical' ? 100 : 1;
let isPaused = false;
let shard: Shard;

function lay(): Shard {
  const image = readImage(setting.image);
  const isOwn = (index: number) => index % threads === thread;
  const isSaved = folder !== null;
  if (folder === null || resumed === null) return new Shard({ setting, image, isOwn, isSaved });
  const stored = new Map(resumed.map((each) => [each.index, each]));
  const stateOf = (index: number) => {
    const state = stored.get(index);
    return state === undefined ? null : (readState(folder, state) as ClusterState);
  };
  return new Shard({ setting, image, isOwn, isSaved, stateOf });
}

/** Writes the states of the own clusters, and flies on. */
function save(number: number): void {
  const writer = new StateWriter(folder!, number, `${thread}.part`);
  const states = [...shard.states()].map(({ index, state }) => writer.add(index, state));
  writer.close();
  isPaused = false;
  post({ kind: 'saved', states });
}

function take(message: ToWorker): void {
  if (message.kind === 'carried') return shard.take(message.carried);
  if (message.kind === 'save') return save(message.number);
  isPaused = true;
  post({ kind: 'paused' });
}

/** Flies some turns: a modelled one takes less time than to say so. null: there was none. */
function flyOn(): Flown | null {
  const flown = shard.fly();
  for (let turn = 1; flown !== null && turn < turnsPerMessage; turn += 1) {
    const more = shard.fly();
    if (more === null) break;
    flown.carried.push(...more.carried);
    flown.results.push(...more.results);
    flown.nodeMs += more.nodeMs;
    flown.turns += more.turns;
  }
  return flown;
}

/** Flies until all own clusters wait for those of other threads, or have ended. */
function work(): void {
  for (;;) {
    for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) take(got.message);
    if (isPaused) return;
    const flown = flyOn();
    if (flown === null) break;
    post({ kind: 'flown', flown });
  }
  if (shard.isDone) port.close();
}

/** An error that names a file reaches the command as it is. */
function attempt(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    post({ kind: 'failed', message: error.message, code: error.code });
    port.close();
  }
}

port.on('message', (message: ToWorker) => {
  attempt(() => {
    take(message);
    work();
  });
});
attempt(() => {
  shard = lay();
  work();
});
