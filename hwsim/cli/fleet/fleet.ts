import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { workerPath } from '../../../host/build/root.ts';
import { againLine } from '../../../host/cli/again.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { print } from '../../../host/cli/output.ts';
import { startProgress } from '../../../host/cli/progress.ts';
import { startStopwatch } from '../../../host/clock/clock.ts';
import { readImage } from '../../../host/engine/image.ts';
import { defaultEngine } from '../../../host/engine/names.ts';
import { makeFolder } from '../../../host/store/make_folder.ts';
import { fileAdvice } from '../../../host/store/store.ts';
import {
  type Checkpoint,
  completeCheckpoint,
  type FlightIdentity,
  type FlightProgress,
  readCheckpoint,
  readState,
  refuseForeign,
  removeCheckpoint,
  StateWriter,
} from '../../federation/checkpoint.ts';
import type { ClusterResult } from '../../federation/cluster.ts';
import { type ClusterOutcome, outcomesOf } from '../../federation/outcomes.ts';
import { type FleetResult, fleetResult, isCleanFleet } from '../../federation/report.ts';
import { type FleetImage, fleetScenario, type FleetSetting, type Rung, sizesOf } from '../../federation/setting.ts';
import { flyInThreads, type Saving, type ThreadOptions } from '../../federation/threads.ts';
import { fleetNodes } from '../../world/orbits/bounds.ts';
import { fleetText } from './text.ts';

export interface FleetOptions {
  nodes: number;
  days: number;
  seed: number;
  threads: number;
  image: FleetImage;
  rung: Rung;
  out?: string;
  resume?: boolean;
  /** Minutes of wall time. */
  checkpointEvery: number;
  json?: boolean;
}

const bytesPerMiB = 1 << 20;
const msPerMinute = 60_000;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const nothing: FlightProgress = { nodeDays: 0, turns: 0, wallS: 0, processorS: 0, rssMiB: 0 };

/** What a flight is, besides its setting: where its checkpoints stand, and where it goes on. */
interface Journey {
  folder: string | null;
  everyMs: number;
  identity: FlightIdentity;
  resumed: Checkpoint | null;
}

/** A flight's result, and what became of each cluster. */
interface FlownFleet {
  result: FleetResult;
  outcomes: readonly ClusterOutcome[];
}

/** Flies a fleet, and shows progress. */
async function flown(setting: FleetSetting, threads: number, journey: Journey): Promise<FlownFleet> {
  const { folder, resumed } = journey;
  const before = resumed?.progress ?? nothing;
  const seconds = startStopwatch();
  const nodeDays = setting.sizes.reduce((total, size) => total + size, 0) * setting.scenario.days;
  const progress = startProgress('fleet', nodeDays);
  let done = before.nodeDays;
  let turns = before.turns;
  const present = (): FlightProgress => {
    const { user, system } = process.cpuUsage();
    return {
      nodeDays: done,
      turns,
      wallS: before.wallS + seconds(),
      processorS: before.processorS + (user + system) / 1e6,
      rssMiB: Math.max(before.rssMiB, process.resourceUsage().maxRSS / 1024),
    };
  };
  const onFlown = (more: number, by: number) => {
    done += more;
    turns += by;
    const rate = (done - before.nodeDays) / seconds();
    const left = Math.ceil((nodeDays - done) / rate / 60);
    const memory = `${Math.round(process.memoryUsage.rss() / bytesPerMiB)} MiB`;
    progress.update(done, `${rate.toFixed(1)} node·days/s, ${memory}, ${left} min left`);
  };
  const saving = folder === null ? undefined : savingIn(folder, journey, present);
  try {
    const results = await flyInThreads(setting, { threads, onFlown, saving, resumed: goingOn(folder, resumed) });
    return {
      result: fleetResult(setting, results, { ...present(), threads }),
      outcomes: outcomesOf(setting, results),
    };
  } finally {
    progress.stop();
  }
}

function savingIn(folder: string, { everyMs, identity, resumed }: Journey, present: () => FlightProgress): Saving {
  return {
    folder,
    everyMs,
    firstNumber: (resumed?.number ?? 0) + 1,
    complete: (number, states, ended) => {
      const writer = new StateWriter(folder, number, 'results');
      const results = writer.add(-1, ended);
      writer.close();
      completeCheckpoint(folder, { number, flight: identity, progress: present(), states, results });
    },
  };
}

function goingOn(folder: string | null, resumed: Checkpoint | null): ThreadOptions['resumed'] {
  if (folder === null || resumed === null) return undefined;
  return { states: resumed.states, results: readState(folder, resumed.results) as ClusterResult[] };
}

/**
 * Makes the folder of `--out`, and the empty files of the result. Throws CommandError when a flight
 * that begins finds files there, or when the folder cannot be written.
 */
function openResult(folder: string, resumes: boolean): (flown: FlownFleet) => void {
  if (!resumes && existsSync(folder) && readdirSync(folder).length > 0) {
    const advice = existsSync(join(folder, 'checkpoint.json')) ? 'add --resume to go on from its checkpoint, or ' : '';
    const text = `is not empty; ${advice}name a new folder, so that nothing is lost`;
    throw new CommandError(`--out ${folder}: ${text}`, exitCode.usage);
  }
  const write = (name: string, text: string) => {
    try {
      makeFolder(folder, 0o777);
      writeFileSync(join(folder, name), text);
    } catch (error) {
      const advice = fileAdvice(error as NodeJS.ErrnoException);
      throw new CommandError(`--out ${folder}: cannot be written: ${advice}`, exitCode.environment);
    }
  };
  write('fleet.json', '');
  return ({ result, outcomes }) => {
    // What was drawn is no outcome of firmware.
    if (result.rung === 'firmware')
      write('clusters.jsonl', outcomes.map((outcome) => `${JSON.stringify(outcome)}\n`).join(''));
    write('fleet.json', `${JSON.stringify(result, null, 1)}\n`);
  };
}

/** The options of the flight that goes on, but for those that are given. */
function withCheckpoint(options: FleetOptions, command: Command, resumed: Checkpoint | null): FleetOptions {
  if (resumed === null) return options;
  const taken = { ...options };
  const { nodes, days, seed, image } = resumed.flight;
  for (const [name, value] of Object.entries({ nodes, days, seed, image }))
    if (command.getOptionValueSource(name) !== 'cli') Object.assign(taken, { [name]: value });
  return taken;
}

/** Refuses what has no meaning when no node flies. */
function refuseForModel({ resume }: FleetOptions, command: Command): void {
  const isGiven = (name: string) => command.getOptionValueSource(name) === 'cli';
  const wrong = [
    ...(resume ? ['--resume: the statistical rung makes no checkpoints'] : []),
    ...(isGiven('checkpointEvery') ? ['--checkpoint-every: the statistical rung makes no checkpoints'] : []),
    ...(isGiven('image') ? ['--image: the statistical rung draws from the fleet image'] : []),
  ];
  if (wrong.length > 0) throw new CommandError(`${wrong.join('; ')}. Leave it out`, exitCode.usage);
}

/**
 * Runs `heliograph fleet`: flies many clusters of real firmware on the contact plan. Exit 1 when a
 * check failed or an SLA was breached.
 */
export async function fleet(given: FleetOptions, command: Command): Promise<void> {
  const { out = null, resume = false, json } = given;
  if (resume && out === null)
    throw new CommandError('--resume: add --out with the folder of the flight that is to go on', exitCode.usage);
  if (given.rung === 'statistical') refuseForModel(given, command);
  else if (given.nodes > fleetNodes.max)
    throw new CommandError(
      `--nodes ${given.nodes}: ${fleetNodes.max} nodes fly at most; larger fleets need --rung statistical`,
      exitCode.usage,
    );
  const resumed = resume && out !== null ? readCheckpoint(out) : null;
  const { nodes, days, seed, image, checkpointEvery, ...options } = withCheckpoint(given, command, resumed);
  const sizes = sizesOf(nodes);
  const threads = Math.min(options.threads, sizes.length);
  const identity: FlightIdentity = {
    ...{ nodes, days, seed, image, engine: defaultEngine, firmware: sha256(readImage(image)) },
    program: sha256(readFileSync(workerPath('fleet.worker'))),
    node: process.version,
  };
  if (resumed !== null && out !== null) refuseForeign(out, resumed, identity);
  const keep = out === null ? null : openResult(out, resumed !== null);
  const journey = {
    folder: given.rung === 'statistical' ? null : out,
    everyMs: checkpointEvery * msPerMinute,
    identity,
    resumed,
  };
  const { rung } = given;
  const setting = { seed, sizes, scenario: fleetScenario(days), image, engine: defaultEngine, rung };
  const flight = await flown(setting, threads, journey);
  const { result } = flight;
  keep?.(flight);
  if (out !== null) removeCheckpoint(out);
  print(json ? JSON.stringify(result) : fleetText(result, againLine(command, { nodes, days, seed })));
  if (!isCleanFleet(result)) process.exitCode = exitCode.failed;
}
