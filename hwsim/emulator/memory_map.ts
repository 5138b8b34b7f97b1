/** Reads the constants that an image was compiled with: its preset, bounds and memory map. */
import { readFileSync } from 'node:fs';
import type { ImageName } from '../../host/build/root.ts';
import { constantsPath } from '../../host/build/paths.mjs';

/**
 * Returns the constants of firmware/memory/{preset,limits,map}.ts and of the schema by name, in the
 * units that their names say. Booleans are 0 and 1. The build writes them beside the image. Throws
 * when the image is not built.
 */
export function firmwareConstants(image: ImageName): ReadonlyMap<string, number> {
  return new Map(Object.entries(JSON.parse(readFileSync(constantsPath(image), 'utf8')) as Record<string, number>));
}
