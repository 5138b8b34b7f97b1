import { createV8Engine } from '../../../host/engine/v8.ts';
import { runScenario } from '../../fleet/run.ts';
import { shippedScenario } from '../../scenario/load.ts';
import { shippedBody } from '../../world/bodies.ts';
import { counted, countExport } from './instrument.ts';
import { readImage } from './setting.ts';

/**
 * What protection costs, in executed WebAssembly instructions; bulk operations count one per word.
 */
export interface Overhead {
  /**
   * Instructions of the image with protection but without its scrubber ÷ those of the unprotected
   * one.
   */
  instructionRatio: number;
  /** The same with the scrubber: the image as flown. */
  instructionRatioScrubbed: number;
  contextBytesRatio: number;
  /** Instructions of the scrubber per second and node, and their share of 300 million a second. */
  scrubbingPerS: number;
  scrubbingShareOf300M: number;
  instructionsPerNodeHour: { protected: number; unscrubbed: number; unprotected: number };
  contextBytes: { protected: number; unprotected: number };
  /** All three images fly the run to the same trace hash. */
  sameTrace: boolean;
  workload: string;
}

/** The cluster workload: 100 nodes that boot, claim, mine and haul. */
const workload = { scenario: 'cluster-neo', hours: 3 } as const;
/** Cycles of a Cortex-M7 per second. */
const m7Hz = 300e6;

async function countInstructions(image: 'protected' | 'unscrubbed' | 'unprotected', seed: number) {
  const engine = createV8Engine(await counted(readImage(image)));
  const scenario = shippedScenario(workload.scenario);
  const body = shippedBody(scenario.body);
  const { nodes } = scenario;
  const { traceHash } = runScenario(scenario, { seed, days: workload.hours / 24, nodes, body, engine });
  const counter = (engine.calls as unknown as Record<string, WebAssembly.Global>)[countExport];
  return {
    traceHash,
    perNodeHour: Number(counter.value) / nodes / workload.hours,
    contextBytes: engine.image.contextBytes,
  };
}

/** Flies the workload with three images, without any upset. */
export async function measureOverhead(seed: number): Promise<Overhead> {
  const flown = await countInstructions('protected', seed);
  const unscrubbed = await countInstructions('unscrubbed', seed);
  const bare = await countInstructions('unprotected', seed);
  const scrubbingPerS = (flown.perNodeHour - unscrubbed.perNodeHour) / 3600;
  return {
    instructionRatio: unscrubbed.perNodeHour / bare.perNodeHour,
    instructionRatioScrubbed: flown.perNodeHour / bare.perNodeHour,
    contextBytesRatio: flown.contextBytes / bare.contextBytes,
    scrubbingPerS,
    scrubbingShareOf300M: scrubbingPerS / m7Hz,
    instructionsPerNodeHour: {
      protected: flown.perNodeHour,
      unscrubbed: unscrubbed.perNodeHour,
      unprotected: bare.perNodeHour,
    },
    contextBytes: { protected: flown.contextBytes, unprotected: bare.contextBytes },
    sameTrace: new Set([flown.traceHash, unscrubbed.traceHash, bare.traceHash]).size === 1,
    workload: `${workload.scenario}, ${workload.hours} h`,
  };
}
