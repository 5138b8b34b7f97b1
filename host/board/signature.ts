/**
 * Translates dist/signature.wasm to C for a board, with names that do not collide with those of the
 * flight image.
 */
import { signatureModulePath } from '../security/signature.ts';
import { translateImage } from './translate.ts';

/**
 * Translates the module's functions: exports become `signature_…`
 * (firmware/boards/signature/signature.h), all others `sg_…`. Throws as `translateImage` does.
 */
export function translateSignature(): string {
  return translateImage(signatureModulePath)
    .replace('from the flight image', 'from the signature module')
    .replace('#include "image.h"', '#include "signature.h"')
    .replaceAll(/\bfw_(?=\w)/g, 'sg_')
    .replaceAll(/\bimage_(?!trap\b)(?=\w+\()/g, 'signature_');
}
