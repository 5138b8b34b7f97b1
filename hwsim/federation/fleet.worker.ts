import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { readImage } from '../../host/engine/image.ts';
import { Shard } from './shard.ts';
import type { FromWorker, ThreadData, ToWorker } from './threads.ts';

const port = parentPort!;
const { setting, thread, threads } = workerData as ThreadData;
const post = (message: FromWorker) => port.postMessage(message);
const image = readImage(setting.image);
const shard = new Shard({ setting, image, isOwn: (index) => index % threads === thread });

/** Flies until all own clusters wait for those of other threads, or have ended. */
function work(): void {
  for (;;) {
    for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port))
      shard.take(got.message as ToWorker);
    const flown = shard.fly();
    if (flown === null) break;
    post(flown);
  }
  if (shard.isDone) port.close();
}

port.on('message', (carried: ToWorker) => {
  shard.take(carried);
  work();
});
work();
