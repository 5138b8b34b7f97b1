import { join } from 'node:path';
import type asconfig from '../../asconfig.json';
import { root, imagePath as pathOfImage } from './paths.mjs';

export const rootFolder = root;

/** Names of the firmware's images, as asconfig.json has them. */
export type ImageName = Exclude<keyof typeof asconfig.targets, 'signature'>;
/** Images that fly, in three sizes (`tiny` in tests only). */
export type Preset = Extract<ImageName, 'flight' | 'compact' | 'tiny'>;
/**
 * Images that are measured, simulated or fuzzed, but not flown: a preset without one of its parts.
 */
export type Variant = Exclude<ImageName, Preset>;

/** Path of a built firmware image. */
export function imagePath(image: ImageName): string {
  return pathOfImage(image);
}

/**
 * Path of a bundled worker: `name` is the source's file name without `.ts`, as in
 * `campaign.worker`.
 */
export function workerPath(name: string): string {
  return join(rootFolder, 'dist', `${name}.mjs`);
}
