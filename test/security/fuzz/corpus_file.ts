// The corpus that is kept: all inputs in one file, each behind its length in two bytes, so that a
// folder of thousands is one line in a review.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const lengthBytes = 2;
const keptBytesMax = 190 * 1024;

/** Inputs of a folder as one file's bytes, the shortest first, as many as are kept. */
export function packFolder(folder: string): Uint8Array {
  const inputs = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
  inputs.sort((a, b) => a.length - b.length || Buffer.compare(a, b));
  let bytes = 0;
  const kept = inputs.filter((input) => {
    bytes += lengthBytes + input.length;
    return bytes <= keptBytesMax;
  });
  return Buffer.concat(kept.flatMap((input) => [Uint8Array.of(input.length >> 8, input.length & 255), input]));
}

/** The inputs of a packed file. Throws when it is cut off. */
export function unpack(bytes: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + lengthBytes + ((bytes[at] << 8) | bytes[at + 1]);
    if (!(end <= bytes.length)) throw new Error(`the corpus is cut off at byte ${at}`);
    out.push(bytes.subarray(at + lengthBytes, end));
    at = end;
  }
  return out;
}

/** Writes inputs to a folder, numbered. */
export function writeInputs(folder: string, inputs: readonly Uint8Array[]): void {
  mkdirSync(folder, { recursive: true });
  for (const [index, input] of inputs.entries()) writeFileSync(join(folder, `input-${index}`), input);
}
