import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Preset } from '../../../host/build/root.ts';
import { TYPE } from '../../../host/cbor/generated.ts';
import { SHAPES } from '../../../host/cbor/generated/shapes.ts';
import { eventTypeMin } from '../../../host/cbor/types.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { inputBytesMax, readInput, readInputBytes } from '../../../host/cli/input.ts';
import { print, wrapped } from '../../../host/cli/output.ts';
import { readImage } from '../../../host/engine/image.ts';
import { createEngine } from '../../../host/engine/load.ts';
import type { EngineName } from '../../../host/engine/names.ts';
import type { TraceConsumer, WorldChange } from '../../kernel/trace.ts';
import type { Scenario } from '../../scenario/schema.ts';
import { readScenarioFile } from '../input.ts';
import { type Body, CatalogueError, recordedBody } from '../../world/bodies.ts';
import { createFleetEngine } from '../../board/fleet_engine.ts';
import { simulatedBoards } from '../../report/run_boards.ts';
import { EventLog } from '../event_log.ts';
import { fly } from '../../report/fly.ts';
import { meteredEngines } from '../../report/metered.ts';
import type { SimVerdict } from '../../report/verdict.ts';

export interface ReplayOptions {
  node?: number;
  event?: string[];
  from: number;
  to?: number;
  built?: boolean;
  engine: EngineName;
  json?: boolean;
}

/** Frequent events, which would hide all others: they are shown only by --event. */
const frequent = new Set<number>([TYPE.stored, TYPE.published, TYPE.settled, TYPE.dropped]);

/** Prints the events of the wanted time, node and name, and notes when the node had any events. */
class Timeline implements TraceConsumer {
  readonly log: EventLog;
  /**
   * Mission times of the first and last event of the wanted node, whatever its name; null: it has
   * none.
   */
  span: { firstMs: number; lastMs: number } | null = null;
  readonly #options: ReplayOptions;
  readonly #types: ReadonlySet<number> | null;

  constructor(options: ReplayOptions, types: ReadonlySet<number> | null) {
    this.#options = options;
    this.#types = types;
    this.log = new EventLog(options.json);
  }

  event(timeMs: number, node: number, fields: Uint32Array, length: number): void {
    if (this.#options.node !== undefined && node !== this.#options.node) return;
    this.span = { firstMs: this.span?.firstMs ?? timeMs, lastMs: timeMs };
    const isNamed = this.#types === null ? !frequent.has(fields[0]) : this.#types.has(fields[0]);
    if (isNamed && this.#isInTime(timeMs)) this.log.record(timeMs, node, `node ${node}`, fields, length);
  }

  world(timeMs: number, change: WorldChange): void {
    if (change.kind === 'credit' || this.#types !== null || !this.#isInTime(timeMs)) return;
    if (this.#options.node === undefined) this.log.world(timeMs, change);
  }

  #isInTime(timeMs: number): boolean {
    const { from, to } = this.#options;
    return timeMs >= from * 1000 && (to === undefined || timeMs <= to * 1000);
  }
}

function parseJson<T>(path: string): T {
  try {
    return JSON.parse(readInput(path)) as T;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`${path}: ${(error as Error).message} (was the recording cut short?)`, exitCode.input);
  }
}

function readBody(path: string): Body {
  try {
    return recordedBody(parseJson(path), path);
  } catch (error) {
    if (error instanceof CatalogueError) throw new CommandError(error.message, exitCode.input);
    throw error;
  }
}

function readVerdict(path: string): SimVerdict {
  const verdict = parseJson<Partial<SimVerdict> | null>(path);
  if (typeof verdict?.traceHash !== 'string' || typeof verdict.firmware?.sha256 !== 'string')
    throw new CommandError(`${path}: is no verdict of \`heliograph sim\``, exitCode.input);
  return verdict as SimVerdict;
}

/**
 * Finds the types of the named events; null: none was named. Throws CommandError (2) with the known
 * names.
 */
function typesOf(names: readonly string[] | undefined): ReadonlySet<number> | null {
  if (names === undefined) return null;
  const events = new Map(
    SHAPES.flatMap(({ name, type }) => (type !== null && type >= eventTypeMin ? [[name, type]] : [])),
  );
  const types = names.map((name) => {
    const type = events.get(name);
    if (type !== undefined) return type;
    throw new CommandError(
      `--event '${name}' is no event; events are ${[...events.keys()].join(', ')}`,
      exitCode.usage,
    );
  });
  return new Set(types);
}

/** Checks that node and time lie within the run. Throws CommandError (2) with the valid range. */
function refuseOutside({ nodes, days }: Scenario, { node, from, to }: ReplayOptions): void {
  const endS = Math.floor(days * 86_400);
  const refuse = (message: string) => {
    throw new CommandError(message, exitCode.usage);
  };
  if (node !== undefined && node >= nodes) refuse(`--node ${node} selects nothing: nodes are 0 to ${nodes - 1}`);
  if (from > endS) refuse(`--from ${from} selects nothing: this run has mission seconds 0 to ${endS}`);
  if (to !== undefined && from > to)
    refuse(`--from ${from} is after --to ${to}: this run has mission seconds 0 to ${endS}`);
}

/** Checks that an event passed the given filters. Throws CommandError (2) with the valid range. */
function refuseEmpty({ log, span }: Timeline, { node, event, from, to }: ReplayOptions): void {
  if (log.lines > 0 || (node === undefined && event === undefined && from === 0 && to === undefined)) return;
  const who = node === undefined ? 'the run' : `node ${node}`;
  const seconds = (timeMs: number) => Math.floor(timeMs / 1000);
  const range =
    span === null
      ? `${who} has no events`
      : `events of ${who} are from mission second ${seconds(span.firstMs)} to ${seconds(span.lastMs)}`;
  throw new CommandError(`the filters select no event: ${range}`, exitCode.usage);
}

/** Reads an image of a recording. Throws CommandError (3) when no engine runs it. */
function readRecordedImage(path: string): Uint8Array {
  const image = readInputBytes(path, inputBytesMax.image);
  try {
    createEngine('v8', image);
  } catch (error) {
    const reason = (error as Error).message;
    throw new CommandError(
      `${path}: is no image of this version: ${reason} (--built flies the built one)`,
      exitCode.input,
    );
  }
  return image;
}

interface RecordedRun {
  scenario: Scenario;
  body: Body;
  verdict: SimVerdict;
}

function readRun(folder: string): RecordedRun {
  const scenario = readScenarioFile(join(folder, 'scenario.yaml'), true);
  return { scenario, body: readBody(join(folder, 'body.json')), verdict: readVerdict(join(folder, 'verdict.json')) };
}

/**
 * Runs `heliograph replay`: flies the recorded scenario again with the recorded image and compares
 * the trace hash. Exit 1 when the hashes differ.
 */
export async function replay(folder: string, options: ReplayOptions): Promise<void> {
  const types = typesOf(options.event);
  const { scenario, body, verdict } = readRun(folder);
  refuseOutside(scenario, options);
  const built = readImage(verdict.image ?? scenario.preset);
  const image = options.built ? built : readRecordedImage(join(folder, 'heliograph.wasm'));
  noteOtherImage(verdict, built, options);
  const other = (preset: Preset) =>
    options.built ? readImage(preset) : readRecordedImage(join(folder, `heliograph-${preset}.wasm`));
  const { controllers } = simulatedBoards(scenario, (preset) => createEngine(options.engine, other(preset)));
  const ownEngine = scenario.upsets && (await meteredEngines(options.engine, image));
  const timeline = new Timeline(options, types);
  const engine = createFleetEngine(options.engine, image);
  // A bar between events on a terminal could not be read.
  const silent = process.stdout.isTTY;
  const flight = { scenario, body, engine, controllers, ownEngine, silent, consumers: [timeline] };
  const { traceHash } = fly(flight).facts;
  const isSame = traceHash === verdict.traceHash;
  if (options.json) print(JSON.stringify({ recorded: verdict.traceHash, replayed: traceHash, same: isSame }));
  else
    print(`trace hash: recorded ${verdict.traceHash}, replayed ${traceHash}: ${isSame ? 'the same' : 'THEY DIFFER'}`);
  if (!isSame) process.exitCode = exitCode.failed;
  else refuseEmpty(timeline, options);
}

/** Reports on stderr that the recorded image is not the built one, and which of them is flown. */
function noteOtherImage(
  { firmware, unprotected, uncontained }: SimVerdict,
  built: Uint8Array,
  options: ReplayOptions,
): void {
  const builtSha = createHash('sha256').update(built).digest('hex');
  if (builtSha === firmware.sha256) return;
  const isVariant = unprotected === true || uncontained === true;
  const which = options.built ? 'the built one is flown' : 'the recorded one is flown (--built takes the other)';
  const why = isVariant ? ' (a baseline was recorded)' : '';
  const images = `recorded ${firmware.sha256.slice(0, 16)}…, built ${builtSha.slice(0, 16)}…`;
  const line = `image: ${images}: they differ${why}; ${which}`;
  console.error(wrapped(line, 2));
}
