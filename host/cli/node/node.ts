import { existsSync, readFileSync, unwatchFile, watchFile } from 'node:fs';
import { join } from 'node:path';
import type { Group } from '../../cbor/generated.ts';
import { missionMsSince, startClock, wallMs } from '../../clock/clock.ts';
import { readImage } from '../../engine/image.ts';
import { createEngine } from '../../engine/load.ts';
import type { EngineName } from '../../engine/names.ts';
import { statusName } from '../../engine/status.ts';
import { decodeSequence } from '../../cbor/message.ts';
import type { NodeConfig } from '../../platform/config.ts';
import { type NodeLink, uplinkRecords } from '../../node/link.ts';
import { Memory } from '../../node/memory.ts';
import type { Log } from '../../node/log.ts';
import { NodeShim } from '../../node/shim.ts';
import type { OnFrame } from '../../radio/radio.ts';
import { openUdp, parseUdpAddress } from '../../radio/udp.ts';
import { readKeyFileOf } from '../../store/keys/file.ts';
import { clusterKeys } from '../../security/simulated_keys.ts';
import { nodeSignatures } from '../../security/signature.ts';
import { Store } from '../../store/store.ts';
import type { Preset } from '../../build/root.ts';
import { CommandError, exitCode } from '../exit.ts';
import { nameRecord } from '../record_text.ts';

export interface NodeOptions {
  keys?: string;
  uplink?: string;
  id: number;
  cluster: number;
  members: number;
  radio: string;
  timeScale: number;
  epoch?: string;
  clock: 'auto' | 'wall' | 'peers';
  state?: string;
  scenario: string;
  seed: number;
  preset: Preset;
  engine: EngineName;
  json?: boolean;
}

/** Where a member stands: the facts that a scenario's world gives it. */
export interface NodePlace {
  config: NodeConfig;
  groups: Group[];
}

export type PlaceRequest = Pick<NodeOptions, 'scenario' | 'preset' | 'cluster' | 'id' | 'members' | 'seed'>;
export type FindPlace = (request: PlaceRequest) => Promise<NodePlace>;

const dayMs = 86_400_000;
/** A call takes microseconds. One that hangs is ended as a watchdog would end it; V8 has no such guard. */
const callMsMax = 5000;

function epochMs(text: string | undefined): number {
  // Without an epoch, nodes started on one day agree on its beginning.
  if (text === undefined) return Math.floor(wallMs() / dayMs) * dayMs;
  const parsed = Date.parse(text);
  if (Number.isNaN(parsed)) {
    throw new CommandError(`--epoch is '${text}', not a time as in 2026-01-18T00:00:00Z`, exitCode.usage);
  }
  return parsed;
}

function logger(json: boolean, missionMs: () => number): Log {
  return (what, fields, words) => {
    const missionS = missionMs() / 1000;
    if (json) {
      console.log(JSON.stringify({ missionS, event: what, ...fields, ...(words === undefined ? {} : { words }) }));
      return;
    }
    const figures = Object.entries(fields).map(([name, value]) => `${name} ${value}`);
    console.log([`${missionS.toFixed(3).padStart(14)} s `, what, ...figures, words ?? ''].join(' ').trimEnd());
  };
}

/** Keys of this member: those of its bundle, or simulated ones if that is asked for in so many words. */
function linkOf({ keys, id, cluster, members, seed, state }: NodeOptions): NodeLink {
  if (keys === undefined) {
    const next =
      "give --keys FILE, the member's bundle (heliograph keys node), or --keys simulated for tests on one machine";
    throw new CommandError(`a node without keys neither sends nor hears: ${next}`, exitCode.usage);
  }
  if (keys === 'simulated') {
    const simulated = clusterKeys(seed, cluster, members);
    return {
      ...{ cluster, self: id, keys: simulated.member(id), authorityPublicKey: simulated.authorityPublicKey },
      seed: simulated.nodeSeed(id),
      publicKeyOf: (member) => (member < members ? nodeSignatures.publicKey(simulated.nodeSeed(member)) : undefined),
    };
  }
  const bundle = readKeyFileOf(keys, 'heliograph node');
  for (const [name, given, told] of [
    ['cluster', cluster, bundle.cluster],
    ['id', id, bundle.id],
    ['members', members, bundle.members],
  ] as const)
    if (given !== told)
      throw new CommandError(`--${name} ${given}, but ${keys} is for ${name} ${told}`, exitCode.usage);
  if (state === undefined) {
    const why = 'what counters it has used must outlive the process, or one would be used twice';
    throw new CommandError(`a node with keys of its own needs --state DIR: ${why}`, exitCode.usage);
  }
  const publicKeys = new Map(bundle.roster.map((member) => [member.id, member.publicKey]));
  return {
    ...{ cluster, self: id, keys: { secrets: bundle.secrets, path: bundle.path } },
    ...{ authorityPublicKey: bundle.authorityPublicKey, seed: bundle.seed },
    publicKeyOf: (member) => publicKeys.get(member),
  };
}

/** How often a file of the ground link is looked at. */
const uplinkEveryMs = 1000;

/** Gives the node what a file of the ground link holds, now and whenever it changes. Returns what ends that. */
function watchUplink(path: string, shim: NodeShim, log: Log): () => void {
  const give = () => {
    try {
      if (!existsSync(path)) return;
      const records = uplinkRecords(decodeSequence(readFileSync(path)));
      const status = shim.uplink(records);
      log('uplink', { records: records.length, status }, `${path}: ${statusName(status)}`);
    } catch (error) {
      // Half a file, while it is copied there: it is looked at again when it changes.
      log('uplink-refused', {}, `${path}: ${(error as Error).message}`);
    }
  };
  give();
  watchFile(path, { interval: uplinkEveryMs }, give);
  return () => unwatchFile(path, give);
}

/** `heliograph node`: runs until SIGTERM or SIGINT, then writes a checkpoint and ends with 0. */
export async function node(options: NodeOptions, findPlace: FindPlace): Promise<void> {
  if (options.id >= options.members) {
    throw new CommandError(
      `--id ${options.id} is no member of ${options.members}: ids run from 0 to ${options.members - 1}`,
      exitCode.usage,
    );
  }
  const isSimulated = options.keys === 'simulated';
  const endpoints = parseUdpAddress(options.radio, options.members, isSimulated ? 'loopback' : 'any');
  const link = linkOf(options);
  const epoch = epochMs(options.epoch);
  const missionMs = () => missionMsSince(epoch, options.timeScale);
  const longestMs = 0xffffffff * 1000;
  if (missionMs() > longestMs / 2) {
    const message = 'mission time would pass 2³² seconds: give an --epoch nearer to now, or a smaller --time-scale';
    throw new CommandError(message, exitCode.usage);
  }
  const { config, groups } = await findPlace(options);
  const log = logger(options.json === true, missionMs);
  const store = options.state === undefined ? null : new Store(join(options.state, `node-${options.id}`));
  const memory = new Memory(store, log);
  const timeKnown = options.clock === 'wall' || (options.clock === 'auto' && !memory.hasHistory);
  const engine = createEngine(options.engine, readImage(options.preset), { deadlineMs: callMsMax });
  const clock = startClock(options.timeScale);
  if (engine.image.isCipherNull)
    throw new CommandError('an image whose cipher is a stand-in flies in the simulator only', exitCode.usage);
  const shim = new NodeShim({
    ...{ engine, clock, memory, config, groups, link, timeKnown, missionMs, log },
    nameEvent: nameRecord,
  });
  const onFrame: OnFrame = (frame) => shim.receive(frame);
  const radio = await openUdp(endpoints, options.id, onFrame);
  log('listening', { id: options.id, cluster: options.cluster, members: options.members }, radio.description);
  if (isSimulated)
    log('simulated-keys', {}, `whoever knows seed ${options.seed} has these keys: for tests on one machine only`);
  if (store === null) log('no-state', {}, 'without --state DIR nothing outlives this process');

  let stopWatching = () => {};
  await new Promise<void>((resolve, reject) => {
    const end = () => {
      try {
        shim.stop();
        log('stopped', {}, store === null ? 'no checkpoint kept' : 'checkpoint written');
        resolve();
      } catch (error) {
        reject(error as Error);
      }
    };
    process.once('SIGTERM', end);
    process.once('SIGINT', end);
    try {
      shim.start(radio, (reason) => reject(new CommandError(`the node gave up: ${reason}`, exitCode.failed)));
      if (options.uplink !== undefined) stopWatching = watchUplink(options.uplink, shim, log);
    } catch (error) {
      reject(error as Error);
    }
  }).finally(() => {
    stopWatching();
    return radio.close();
  });
}
