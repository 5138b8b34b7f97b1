import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sync as writeFileAtomicSync } from 'write-file-atomic';
import type { ProgramOptions, WasmtimeAddon, WasmtimeProgram } from './addon.ts';

/**
 * Keeps machine code beside its image, so that the next start does not compile again.
 *
 *     heliograph cwasm 1\n
 *     SHA-256 of the image, hex\n
 *     compatibility: Wasmtime's version, the processor and the options\n
 *     SHA-256 of the machine code, hex\n
 *     machine code
 *
 * Wasmtime runs machine code without a check. The last digest keeps a half-written or damaged file
 * from being run. It does not protect from someone who may write into dist/: such a person may
 * replace the addon itself.
 */
const magic = 'heliograph cwasm 1';
const headLines = 4;

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Path of an image's machine code. Images and options do not overwrite each other. */
export function precompiledPath(folder: string, image: Uint8Array, compatibility: string): string {
  return join(folder, `heliograph-${sha256(image).slice(0, 16)}-${compatibility}.cwasm`);
}

/**
 * Reads the machine code in `file`; null when it belongs to another image or engine, or is damaged.
 */
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
  /**
   * `reused`: from the file. `compiled`: there was no file. `rebuilt`: the file did not fit or was
   * damaged.
   */
  origin: 'reused' | 'compiled' | 'rebuilt';
}

/**
 * Loads the program of an image from its file in `folder`, or compiles it and keeps it there if the
 * folder can be written.
 */
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
      // Wasmtime refuses the code: it is compiled again below, and reported as rebuilt.
    }
  }
  const program = addon.Program.compile(image, options);
  keep(path, image, compatibility, program.serialize());
  return { program, origin: file === null ? 'compiled' : 'rebuilt' };
}

/**
 * Writes the machine code to its file. A folder that cannot be written is no error: it costs the
 * next start a tenth of a second.
 */
function keep(path: string, image: Uint8Array, compatibility: string, code: Uint8Array): void {
  const head = `${[magic, sha256(image), compatibility, sha256(code)].join('\n')}\n`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileAtomicSync(path, Buffer.concat([Buffer.from(head, 'latin1'), code]), { fsync: false });
  } catch {
    // The next start compiles again.
  }
}
