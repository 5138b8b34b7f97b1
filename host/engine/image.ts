import { readFileSync } from 'node:fs';
import { imagePath, type Preset, type Variant } from '../build/root.ts';
import { EngineError } from './addon.ts';

/**
 * Reads a built firmware image of dist/. Throws EngineError with the path and the next step when
 * the image is missing.
 */
export function readImage(preset: Preset | Variant): Uint8Array {
  const path = imagePath(preset);
  try {
    return readFileSync(path);
  } catch {
    throw new EngineError(`${path} is missing: run \`npm run build\``);
  }
}
