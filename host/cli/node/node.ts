import { join } from 'node:path';
import { missionMsSince, startClock, wallMs } from '../../clock/clock.ts';
import type { Engine } from '../../engine/engine.ts';
import { readImage } from '../../engine/image.ts';
import { createEngine } from '../../engine/load.ts';
import type { Log } from '../../node/log.ts';
import { Memory } from '../../node/memory.ts';
import { NodeShim } from '../../node/shim.ts';
import type { OnFrame, Radio } from '../../radio/radio.ts';
import { openUdp, parseUdpAddress } from '../../radio/udp.ts';
import { Store } from '../../store/store.ts';
import { CommandError, exitCode } from '../exit.ts';
import { whenPipeCloses } from '../output.ts';
import { nameRecord } from '../record_text.ts';
import { linkOf, simulatedKeys } from './link.ts';
import { nodeLog } from './log.ts';
import type { FindPlace, NodeOptions } from './options.ts';
import { watchUplink } from './uplink.ts';

const dayMs = 86_400_000;
/**
 * A call takes microseconds. A call that hangs is ended after this time, as a watchdog would end
 * it; V8 cannot do that.
 */
const callMsMax = 5000;
/** Mission time is a u32 of seconds; half of it must be left at the start. */
const missionMsMax = (0xffffffff * 1000) / 2;

/**
 * Returns the wall milliseconds of mission second 0: by default the beginning of the day, so that
 * nodes started on one day agree.
 */
function missionBeginMs(text: string | undefined): number {
  if (text === undefined) return Math.floor(wallMs() / dayMs) * dayMs;
  const parsed = Date.parse(text);
  if (Number.isNaN(parsed))
    throw new CommandError(`--epoch is '${text}', not a time as in 2026-01-18T00:00:00Z`, exitCode.usage);
  return parsed;
}

/**
 * Makes the clock of mission time by the wall. Throws CommandError (2) when mission time would
 * overflow.
 */
function missionClockOf({ epoch, timeScale }: NodeOptions): () => number {
  const beginMs = missionBeginMs(epoch);
  const missionMs = () => missionMsSince(beginMs, timeScale);
  if (missionMs() <= missionMsMax) return missionMs;
  const message = 'mission time would pass 2³² seconds: give an --epoch nearer to now, or a smaller --time-scale';
  throw new CommandError(message, exitCode.usage);
}

function engineOf({ engine: name, preset }: NodeOptions): Engine {
  const engine = createEngine(name, readImage(preset), { deadlineMs: callMsMax });
  if (engine.image.isCipherNull)
    throw new CommandError('an image with the null cipher flies in the simulator only', exitCode.usage);
  return engine;
}

/**
 * Runs `heliograph node` until SIGTERM or SIGINT, or until stdout is closed; then writes a
 * checkpoint and ends with 0.
 */
export async function node(options: NodeOptions, findPlace: FindPlace): Promise<void> {
  const { id, cluster, members, radio: address, seed } = options;
  if (id >= members) throw new CommandError(`--id ${id} is no member: ids are 0 to ${members - 1}`, exitCode.usage);
  const isSimulated = options.keys === simulatedKeys;
  const endpoints = parseUdpAddress(address, members, isSimulated ? 'loopback' : 'any');
  const link = linkOf(options);
  const missionMs = missionClockOf(options);
  const { config, groups } = await findPlace(options);
  const log = nodeLog(options.json === true, missionMs);
  const store = options.state === undefined ? null : new Store(join(options.state, `node-${id}`));
  const memory = new Memory(store, log);
  const timeKnown = options.clock === 'wall' || (options.clock === 'auto' && !memory.hasHistory);
  const engine = engineOf(options);
  const clock = startClock(options.timeScale);
  const parts = { engine, clock, memory, config, groups, link, timeKnown, missionMs, log };
  const shim = new NodeShim({ ...parts, nameEvent: nameRecord });
  const onFrame: OnFrame = (frame) => shim.receive(frame);
  const radio = await openUdp(endpoints, id, onFrame);
  log('listening', { id, cluster, members }, radio.description);
  if (isSimulated)
    log('simulated-keys', {}, `everyone who knows seed ${seed} has these keys: for tests on one machine only`);
  if (store === null) log('no-state', {}, 'without --state DIR nothing outlives this process');
  await runUntilStopped(shim, radio, { log, uplink: options.uplink, isStored: store !== null });
}

interface LiveNode {
  log: Log;
  uplink: string | undefined;
  isStored: boolean;
}

/**
 * Runs the node until it is stopped. Throws CommandError (1) when the node exhausts its restarts.
 */
async function runUntilStopped(shim: NodeShim, radio: Radio, { log, uplink, isStored }: LiveNode): Promise<void> {
  let stopWatching = () => {};
  try {
    await new Promise<void>((resolve, reject) => {
      let isStopped = false;
      const stop = () => {
        if (isStopped) return;
        isStopped = true;
        try {
          shim.stop();
          log('stopped', {}, isStored ? 'checkpoint written' : 'no checkpoint kept');
          resolve();
        } catch (error) {
          reject(error as Error);
        }
      };
      process.once('SIGTERM', stop);
      process.once('SIGINT', stop);
      whenPipeCloses(stop);
      try {
        shim.start(radio, (reason) => reject(new CommandError(`the node gave up: ${reason}`, exitCode.failed)));
        if (uplink !== undefined) stopWatching = watchUplink(uplink, shim, log);
      } catch (error) {
        reject(error as Error);
      }
    });
  } finally {
    stopWatching();
    await radio.close();
  }
}
