import { FRAME_BYTES_MAX, RECORD_BYTES_MAX } from '../cbor/generated.ts';
import type { Engine } from '../engine/engine.ts';

/**
 * Addresses of the inputs and outputs of calls in an engine's memory. Loops of one engine may share
 * them, because calls never overlap.
 */
export interface LoopBuffers {
  /** A frame to be received: FRAME_BYTES_MAX bytes. The image leaves it as it is. */
  readonly frame: number;
  /** A record to be observed, or polled: RECORD_BYTES_MAX bytes. */
  readonly record: number;
  /** The configuration of a boot. */
  readonly config: number;
  /** A checkpoint, or what the image shows of itself: the image's `checkpointBytes`. */
  readonly checkpoint: number;
}

/**
 * Reserves the buffers in an engine's memory; a configuration takes at most `configBytesMax` bytes.
 */
export function reserveBuffers(engine: Engine, configBytesMax: number): LoopBuffers {
  return {
    frame: engine.reserve(FRAME_BYTES_MAX),
    record: engine.reserve(RECORD_BYTES_MAX),
    config: engine.reserve(configBytesMax),
    checkpoint: engine.reserve(engine.image.checkpointBytes),
  };
}

/** The checkpoints in a node's non-volatile memory. */
export interface CheckpointSource {
  /** The newest (0) or the older (1) checkpoint; null: there is none that verifies. */
  read(age: 0 | 1): Uint8Array | null;
  /**
   * The checkpoint was refused, and `why`: it is not to be tried again. Left out: it may be.
   */
  invalidate?(age: 0 | 1, why: string): void;
}
