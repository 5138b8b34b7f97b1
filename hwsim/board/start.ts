import type { Engine } from '../../host/engine/engine.ts';
import { STATUS, STATUS_MASK } from '../../host/engine/status.ts';
import type { CheckpointStore } from './nonvolatile.ts';
import { bootCause } from '../../host/platform/config.ts';

/** Addresses in the engine's memory, and the configuration's length. */
export interface StartPlaces {
  context: number;
  /** Room for a checkpoint. */
  image: number;
  config: number;
  configBytes: number;
}

const isOk = (flags: number) => (flags & STATUS_MASK) === STATUS.ok;

/**
 * Begins to run a context: from the newest checkpoint that verifies, else from nothing; an alternate image trusts none. A checkpoint that the image refuses, or breaks off over, is
 * not tried again. Returns the status; lets a trap pass.
 */
export function startContext(
  engine: Engine,
  checkpointStore: CheckpointStore,
  { context, image, config, configBytes }: StartPlaces,
  cause: number,
  { nowS, nowMs }: { nowS: number; nowMs: number },
): number {
  const { calls } = engine;
  const refused: (0 | 1)[] = [];
  try {
    const ages: readonly (0 | 1)[] = cause === bootCause.powerOn || cause === bootCause.alternateImage ? [] : [0, 1];
    for (const age of ages) {
      const bytes = checkpointStore.read(age);
      if (bytes === null) continue;
      engine.view().set(bytes, image);
      refused.unshift(age);
      const flags = calls.restore(context, image, bytes.length, config, configBytes, cause, nowS, nowMs);
      if (!isOk(flags)) continue;
      refused.shift();
      return flags;
    }
    return calls.boot(context, config, configBytes, cause, nowS, nowMs);
  } finally {
    // The older first, so that ages do not move.
    for (const age of refused) checkpointStore.condemn(age);
  }
}
