import { join } from 'node:path';
import { root } from './paths.mjs';

export const rootFolder = root;

/** The sizing presets that the build makes. */
export type Preset = 'flight' | 'compact' | 'tiny';
/**
 * Builds of `flight` and of `compact` that are not flown: without protection, and without scrubbing, to measure against (those of `compact` are built when they are asked for); without bounds on what a byzantine can do (docs/insiders.md); and with a stand-in
 * for the cipher, to simulate fleets of thousands, and of `tiny` to be fuzzed (built when it is asked for).
 */
export type Variant =
  | 'bare'
  | 'unscrubbed'
  | 'trusting'
  | 'null-cipher'
  | 'compact-bare'
  | 'compact-unscrubbed'
  | 'tiny-null-cipher';

/** Path of a built firmware image. */
export function imagePath(preset: Preset | Variant): string {
  return join(rootFolder, 'dist', `heliograph-${preset}.wasm`);
}

/** Path of a bundled worker: `name` is the source's file name without `.ts`, as in `campaign.worker`. */
export function workerPath(name: string): string {
  return join(rootFolder, 'dist', `${name}.mjs`);
}
