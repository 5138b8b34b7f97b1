import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sync as writeFileAtomicSync } from 'write-file-atomic';
import type { ProgramOptions, WasmtimeAddon, WasmtimeProgram } from './addon.ts';

/**
 * Machine code kept beside the image it was made from, so that the next start does not compile again.
 *
 *     heliograph cwasm 1\n
 *     SHA-256 of the image, hex\n
 *     compatibility: Wasmtime's version, the processor and the options\n
 *     SHA-256 of the machine code, hex\n
 *     machine code
 *
 * Wasmtime runs machine code as it finds it; the last digest is what keeps a half-written or flipped file from being run. It is no
 * protection from someone who may write into dist/: such a person may replace the addon itself.
 */
const magic = 'heliograph cwasm 1';
const headLines = 4;

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Where the machine code of an image lies: images and options do not overwrite each other. */
export function precompiledPath(folder: string, image: Uint8Array, compatibility: string): string {
  return join(folder, `heliograph-${sha256(image).slice(0, 16)}-${compatibility}.cwasm`);
}

/** The machine code in `file`, or null when it is of another image or engine, or not what was written. */
function machineCodeIn(file: Uint8Array, image: Uint8Array, compatibility: string): Uint8Array | null {
  let at = 0;
  const lines: string[] = [];
  while (lines.length < headLines) {
    const end = file.indexOf(0x0a, at);
    if (end < 0) return null;
    lines.push(Buffer.from(file.subarray(at, end)).toString('latin1'));
    at = end + 1;
  }
  const code = file.subarray(at);
  const expected = [magic, sha256(image), compatibility, sha256(code)];
  return lines.every((line, index) => line === expected[index]) ? code : null;
}

function read(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}

export interface Precompiled {
  program: WasmtimeProgram;
  /** `reused`: from the file. `compiled`: there was none. `rebuilt`: there was one that did not fit or was damaged. */
  origin: 'reused' | 'compiled' | 'rebuilt';
}

/** The program of an image: from its file in `folder`, or compiled and, where the folder allows it, kept there. */
export function programOf(
  addon: WasmtimeAddon,
  image: Uint8Array,
  options: ProgramOptions,
  folder: string | null,
): Precompiled {
  if (folder === null) return { program: addon.Program.compile(image, options), origin: 'compiled' };
  const compatibility = addon.compatibility(options);
  const path = precompiledPath(folder, image, compatibility);
  const file = read(path);
  const code = file === null ? null : machineCodeIn(file, image, compatibility);
  if (code !== null) {
    try {
      return { program: addon.Program.load(code, options), origin: 'reused' };
    } catch {
      // Wasmtime itself refuses it: compiled again below, and told as rebuilt.
    }
  }
  const program = addon.Program.compile(image, options);
  keep(path, image, compatibility, program.serialize());
  return { program, origin: file === null ? 'compiled' : 'rebuilt' };
}

/** A folder that cannot be written costs the next start a tenth of a second, no more: not worth an error. */
function keep(path: string, image: Uint8Array, compatibility: string, code: Uint8Array): void {
  const head = `${[magic, sha256(image), compatibility, sha256(code)].join('\n')}\n`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileAtomicSync(path, Buffer.concat([Buffer.from(head, 'latin1'), code]), { fsync: false });
  } catch {
    // Nothing depends on it.
  }
}
