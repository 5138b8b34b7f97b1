import { createV8Engine } from '../../host/engine/v8.ts';
import { runScenario } from '../fleet/run.ts';
import { findBody, shippedBodies } from '../world/bodies.ts';
import { readImages } from './images.ts';
import { counted, countExport } from './instrument.ts';
import { injectionScenario } from './scene.ts';

export interface Overhead {
  /** Instructions of the protected image ÷ those of the unprotected one, on the campaign's run without upsets. */
  instructionRatio: number;
  /** The same of the build without scrubbing. */
  instructionRatioUnscrubbed: number;
  contextBytesRatio: number;
  /** Instructions per node and hour. */
  instructionsPerNodeHour: { protected: number; unprotected: number };
  contextBytes: { protected: number; unprotected: number };
  /** Both fly the run to the same trace hash. */
  sameTrace: boolean;
}

/** Hours that are counted: all that happens in the run does so within them. */
const countedHours = 6;

async function count(bytes: Uint8Array, seed: number) {
  const engine = createV8Engine(await counted(bytes));
  const scenario = injectionScenario();
  const body = findBody(shippedBodies(), scenario.body);
  const { nodes } = scenario;
  const { traceHash } = runScenario(scenario, { seed, days: countedHours / 24, nodes, body, engine });
  const counter = (engine.calls as unknown as Record<string, WebAssembly.Global>)[countExport];
  return { traceHash, perNodeHour: Number(counter.value) / nodes / countedHours, contextBytes: engine.image.contextBytes };
}

/** What protection costs, counted: a WebAssembly instruction each, bulk operations by the word. */
export async function measureOverhead(seed: number): Promise<Overhead> {
  const one = await count(readImages('protected'), seed);
  const other = await count(readImages('unprotected'), seed);
  const unscrubbed = await count(readImages('unscrubbed'), seed);
  return {
    instructionRatio: one.perNodeHour / other.perNodeHour,
    instructionRatioUnscrubbed: unscrubbed.perNodeHour / other.perNodeHour,
    contextBytesRatio: one.contextBytes / other.contextBytes,
    instructionsPerNodeHour: { protected: one.perNodeHour, unprotected: other.perNodeHour },
    contextBytes: { protected: one.contextBytes, unprotected: other.contextBytes },
    sameTrace: one.traceHash === other.traceHash,
  };
}
