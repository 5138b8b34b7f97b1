import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { parseScenario } from '../scenario/load.ts';
import type { Body } from '../world/bodies.ts';
import type { TraceConsumer, WorldChange } from '../kernel/trace.ts';
import { meteredEngines } from './metered.ts';
import { createEngine } from '../../host/engine/load.ts';
import type { EngineName } from '../../host/engine/names.ts';
import { TYPE } from '../../host/cbor/generated.ts';
import type { Preset } from '../../host/build/root.ts';
import { simulatedBoards } from './boards.ts';
import { CommandError, exitCode } from '../../host/cli/exit.ts';
import { fly } from './fly.ts';
import { readInput, readInputBytes } from '../../host/cli/input.ts';
import { missionClock } from '../../host/cli/mission_clock.ts';
import { nameRecord } from '../../host/cli/names.ts';
import { readImage } from '../../host/engine/image.ts';
import type { SimVerdict } from './sim.ts';

export interface ReplayOptions {
  node?: number;
  from: number;
  to?: number;
  built?: boolean;
  engine: EngineName;
}

/** Told of so often that a person would see nothing else. */
const tooMany = new Set<number>([TYPE.held, TYPE.published, TYPE.settled, TYPE.dropped]);

/** Prints what happened, a line each, within the wanted span and node. */
class Timeline implements TraceConsumer {
  private readonly options: ReplayOptions;

  constructor(options: ReplayOptions) {
    this.options = options;
  }

  event(timeMs: number, node: number, fields: Uint32Array, length: number): void {
    if (tooMany.has(fields[0]) || !this.wanted(timeMs, node)) return;
    const { name, fields: named } = nameRecord(fields, length);
    const figures = Object.entries(named).map(([field, value]) => `${field} ${value}`);
    this.line(timeMs, `node ${node}`, `${name} ${figures.join(' ')}`);
  }

  world(timeMs: number, change: WorldChange): void {
    if (change.kind === 'credit' || !this.wanted(timeMs, null)) return;
    if (change.kind === 'disruption') {
      const { id, detail, nodes } = change.disruption;
      this.line(timeMs, 'world', `disruption ${id}: ${detail} (${nodes.length} nodes)`);
    } else this.line(timeMs, 'world', JSON.stringify(change));
  }

  private wanted(timeMs: number, node: number | null): boolean {
    const { from, to } = this.options;
    if (timeMs < from * 1000 || (to !== undefined && timeMs > to * 1000)) return false;
    return node === null || this.options.node === undefined || node === this.options.node;
  }

  private line(timeMs: number, who: string, what: string): void {
    console.log(`${missionClock(timeMs)}  ${who.padEnd(9)} ${what}`);
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

/** `heliograph replay`: flies the recorded scenario again with the recorded image and compares the trace hash. */
export async function replay(folder: string, options: ReplayOptions): Promise<void> {
  const path = join(folder, 'scenario.yaml');
  const scenario = parseScenario(readInput(path), path, true);
  const body = parseJson<Body>(join(folder, 'body.json'));
  const recorded = parseJson<SimVerdict>(join(folder, 'verdict.json'));
  const built = readImage(scenario.preset);
  const builtSha = createHash('sha256').update(built).digest('hex');
  const differs = builtSha !== recorded.firmware.sha256;
  if (differs) {
    const which = options.built ? 'the built one is flown' : 'the recorded one is flown (--built takes the other)';
    console.log(
      `image: recorded ${recorded.firmware.sha256.slice(0, 16)}…, built ${builtSha.slice(0, 16)}…: they differ; ${which}`,
    );
  }
  const image = options.built ? built : readInputBytes(join(folder, 'heliograph.wasm'));
  const other = (preset: Preset) =>
    options.built ? readImage(preset) : readInputBytes(join(folder, `heliograph-${preset}.wasm`));
  const { controllers } = simulatedBoards(scenario, (preset) => createEngine(options.engine, other(preset)));
  const engine = createEngine(options.engine, image);
  const ownEngine = scenario.upsets && (await meteredEngines(options.engine, image));
  const { facts } = fly({
    scenario,
    body,
    engine,
    controllers,
    ownEngine,
    consumers: [new Timeline(options)],
  });
  const same = facts.traceHash === recorded.traceHash;
  console.log(
    `trace hash: recorded ${recorded.traceHash}, replayed ${facts.traceHash}: ${same ? 'the same' : 'THEY DIFFER'}`,
  );
  if (!same) process.exitCode = exitCode.failed;
}
