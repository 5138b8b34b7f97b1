import {
  type Clock,
  type MissionClock,
  startClock,
  startMissionClock,
  utcMs,
  utcText,
  wallMs,
  wallText,
  watchWall,
} from '../../clock/clock.ts';
import type { Engine } from '../../engine/engine.ts';
import { readImage } from '../../engine/image.ts';
import { createEngine } from '../../engine/load.ts';
import type { Log } from '../../node/log.ts';
import { Memory } from '../../node/memory.ts';
import { QueryServer } from '../../node/query_server.ts';
import { NodeShim, RestartsExhausted } from '../../node/shim.ts';
import { identityOf } from '../../node/state_identity.ts';
import { intentsOf, membersOf, statusOf } from '../../node/telemetry.ts';
import type { OnFrame, Radio } from '../../radio/radio.ts';
import { openUdp, parseUdpAddress } from '../../radio/udp.ts';
import { lockFolder } from '../../store/lock.ts';
import { Store, StoreError } from '../../store/store.ts';
import { CommandError, exitCode } from '../exit.ts';
import { whenPipeCloses } from '../output.ts';
import { nameRecord } from '../record_text.ts';
import { linkOf, simulatedKeys } from './link.ts';
import { nodeLog } from './log.ts';
import { type FindPlace, type NodeOptions, requiredOptions, stateFolder } from './options.ts';
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
 * Returns the wall milliseconds of mission second 0. Simulated keys have the beginning of the day,
 * so that nodes started on one day agree; with keys of its own a node must be given it: mission
 * time of another beginning would use counters anew.
 */
function missionBeginMs({ epoch, keys }: NodeOptions): number {
  if (epoch === undefined && keys !== simulatedKeys) {
    const why = 'frames are numbered by mission time, so it must begin at one time for all members and for ever';
    throw new CommandError(`--keys FILE needs --epoch TIME: ${why}`, exitCode.usage);
  }
  if (epoch === undefined) return Math.floor(wallMs() / dayMs) * dayMs;
  const parsed = utcMs(epoch);
  if (parsed === null)
    throw new CommandError(`--epoch is '${epoch}', not a time in UTC as 2026-01-18T00:00:00Z`, exitCode.usage);
  return parsed;
}

/** Starts mission time. Throws CommandError (2) when it has not begun, or would overflow. */
function missionClockOf(beginMs: number, { epoch, timeScale }: NodeOptions, clock: Clock): MissionClock {
  const mission = startMissionClock(beginMs, timeScale, clock);
  if (mission.missionMs() < 0)
    throw new CommandError(
      `--epoch ${epoch} is still to come: mission time begins with it, and no node runs before`,
      exitCode.usage,
    );
  if (mission.missionMs() <= missionMsMax) return mission;
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
 * Locks the node's folder and opens what it keeps; null: it keeps nothing. Throws StoreError, and
 * CommandError (2) when the folder is of another cluster or mission epoch.
 */
function openState(
  { state, id, cluster }: NodeOptions,
  beginMs: number,
  log: Log,
): { folder: string; store: Store; release: () => void } | null {
  if (state === undefined) return null;
  const folder = stateFolder(state, id);
  const { release } = lockFolder(folder, wallText());
  const store = new Store(folder);
  const known = identityOf(store, { cluster, beginMs }, log);
  if (known.cluster !== cluster) {
    const message = `--cluster ${cluster}, but ${folder} is of cluster ${known.cluster}: name another --state`;
    throw new CommandError(message, exitCode.usage);
  }
  if (known.beginMs !== beginMs) {
    const why = 'frames are numbered by mission time, and numbers would be used anew';
    const epoch = utcText(known.beginMs);
    throw new CommandError(
      `the mission epoch of ${folder} is ${epoch}, not ${utcText(beginMs)}: ${why}; ` +
        `give --epoch ${epoch}, or name another --state`,
      exitCode.usage,
    );
  }
  return { folder, store, release };
}

/**
 * Runs `heliograph node` until SIGTERM, SIGINT or SIGHUP, or until stdout is closed; then writes a
 * checkpoint and ends with 0.
 */
export async function node(given: Partial<NodeOptions>, findPlace: FindPlace): Promise<void> {
  const options = requiredOptions(given);
  const { id, cluster, members, radio: address, seed, timeScale } = options;
  if (id >= members) throw new CommandError(`--id ${id} is no member: ids are 0 to ${members - 1}`, exitCode.usage);
  const isSimulated = options.keys === simulatedKeys;
  const endpoints = parseUdpAddress(address, members, isSimulated ? 'loopback' : 'any');
  const link = linkOf(options);
  const clock = startClock(timeScale);
  const beginMs = missionBeginMs(options);
  const mission = missionClockOf(beginMs, options, clock);
  const { config, groups } = await findPlace(options);
  let server: QueryServer | null = null;
  const log = nodeLog(options.json === true, mission.missionMs, (line) => server?.publish(line));
  const state = openState(options, beginMs, log);
  const memory = new Memory(state?.store ?? null, log, isSimulated);
  const parts = { engine: engineOf(options), clock, memory, config, groups, link, log, nameEvent: nameRecord };
  const shim = new NodeShim({ ...parts, timeSource: options.clock, timeScale, wallMissionMs: mission.byWallMs });
  const onFrame: OnFrame = (frame) => shim.receive(frame);
  const radio = await openUdp(endpoints, id, onFrame);
  log('listening', { id, cluster, members }, radio.description);
  if (isSimulated)
    log('simulated-keys', {}, `everyone who knows seed ${seed} has these keys: for tests on one machine only`);
  if (state === null) log('no-state', {}, 'without --state DIR nothing outlives this process');
  try {
    if (state !== null) server = await openServer(state.folder, shim, radio, log);
    await runUntilStopped(shim, radio, { log, uplink: options.uplink, isStored: state !== null });
  } finally {
    server?.close();
    await radio.close();
    state?.release();
  }
}

/** Lets the node be asked. A node that cannot be asked flies all the same. */
async function openServer(folder: string, shim: NodeShim, radio: Radio, log: Log): Promise<QueryServer | null> {
  const answers = { status: statusOf, members: membersOf, intents: intentsOf };
  try {
    return await QueryServer.open(folder, (query) => answers[query](shim.telemetry(radio)));
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    log('no-queries', {}, `this node cannot be asked: ${error.message}`);
    return null;
  }
}

interface LiveNode {
  log: Log;
  uplink: string | undefined;
  isStored: boolean;
}

/** An error for the user: a node that used up its restarts has failed. */
function failureOf(error: Error): Error {
  if (!(error instanceof RestartsExhausted)) return error;
  return new CommandError(`the node gave up: ${error.message}`, exitCode.failed);
}

/**
 * Runs the node until it is stopped. Throws CommandError (1) when the node exhausts its restarts,
 * and StoreError when its state cannot be written.
 */
async function runUntilStopped(shim: NodeShim, radio: Radio, { log, uplink, isStored }: LiveNode): Promise<void> {
  let stopWatching = () => {};
  const onStep = (stepMs: number) =>
    log('wall-step', { stepMs }, 'the wall clock was set: this node goes on by its own clock');
  const wall = watchWall(onStep);
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
      // The terminal was closed.
      process.once('SIGHUP', stop);
      whenPipeCloses(stop);
      try {
        shim.start(radio, (error) => {
          isStopped = true;
          reject(failureOf(error));
        });
        if (uplink !== undefined) stopWatching = watchUplink(uplink, shim, log);
      } catch (error) {
        isStopped = true;
        reject(error as Error);
      }
    });
  } finally {
    wall.cancel();
    stopWatching();
  }
}
