/** SIM-4: the one image, simulated and flashed alike. Compiles the firmware for each sizing preset with the AssemblyScript compiler's own API. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { dist, root } from './paths.mjs';

const entry = 'firmware/edge/index.ts';
const runtime = 'firmware/memory/runtime/index';
const trapSource = 'firmware/memory/trap.ts';

/** The compiler's own traps go to our handler when the firmware has one, else to a bare `unreachable`; no import either way. */
function abortAlias() {
  const handler = /^export function abort\(/m.test(readFileSync(join(root, trapSource), 'utf8'));
  return handler ? `abort=${trapSource.replace(/\.ts$/, '')}/abort` : 'abort=';
}

/**
 * `--runtime` by path makes the heap a compile error; such a runtime reserves a 32 KiB stack unless told otherwise, and
 * reads 0 as unset, hence 4. Asserts fly: no `--noAssert`. `--shrinkLevel 0` would inline everything and be a quarter larger, beyond 64 KiB; what is called
 * all the time, the tables' accessors, is `@inline` instead: a tenth slower (`npm run bench`, in turn: 50,600 and 56,000 × real time).
 */
function compilerArguments(name, withText, source = entry) {
  const output = ['--outFile', `dist/${name}.wasm`];
  if (withText) output.push('--textFile', `dist/${name}.wat`);
  return [
    source,
    ...['--baseDir', root],
    ...output,
    ...['--optimizeLevel', '3', '--shrinkLevel', '1'],
    ...['--runtime', runtime, '--stackSize', '4'],
    ...['--use', abortAlias()],
    ...['--transform', './host/build/decorator_transform.mjs'],
  ];
}

const unprotected = [
  ['PROTECTED', 'false'],
  ['SCRUBBED', 'false'],
];
const unscrubbed = [['SCRUBBED', 'false']];
const nullCipher = ['firmware/security/cipher.ts', 'firmware/security/cipher_null.ts'];
/** Images that are measured or simulated, not flown: a preset (firmware/memory/preset/<name>.ts) with other constants, or with one source in another's place. */
const variants = {
  bare: { base: 'flight', settings: unprotected },
  unscrubbed: { base: 'flight', settings: unscrubbed },
  trusting: { base: 'flight', settings: [['CONTAINED', 'false']] },
  'compact-bare': { base: 'compact', settings: unprotected },
  'compact-unscrubbed': { base: 'compact', settings: unscrubbed },
  'null-cipher': { base: 'flight', settings: [], replaced: nullCipher },
  'tiny-null-cipher': { base: 'tiny', settings: [], replaced: nullCipher },
};

/** The text that answers the import of firmware/memory/preset.ts. Throws when a constant is not there to be set. */
function presetText(preset, baseDirectory) {
  const { base, settings } = variants[preset] ?? { base: preset, settings: [] };
  const text = readFileSync(join(baseDirectory, `firmware/memory/preset/${base}.ts`), 'utf8');
  return settings.reduce((changed, [name, value]) => {
    const declared = new RegExp(`(export const ${name}: bool = )\\w+;`);
    if (!declared.test(changed))
      throw new Error(`preset/${base}.ts declares no constant ${name}, which the image \`${preset}\` sets`);
    return changed.replace(declared, `$1${value};`);
  }, text);
}

/**
 * Builds one preset: the import of firmware/memory/preset.ts is answered with preset/<name>.ts, or a variant's base with constants changed.
 * Returns {preset, bytes, contextBytes, memoryBytes, sha256}; throws with the compiler's own words.
 * Output is written aside and renamed, so that a failed build leaves the last good image and readers never see half a file.
 */
export async function compileFirmware(preset, withText = false) {
  const { default: asc } = await import('assemblyscript/asc');
  const readFile = (name, baseDirectory) => {
    if (name.endsWith('firmware/memory/preset.ts')) return presetText(preset, baseDirectory);
    const [source, standIn] = variants[preset]?.replaced ?? [];
    try {
      return readFileSync(join(baseDirectory, source !== undefined && name.endsWith(source) ? standIn : name), 'utf8');
    } catch {
      return null;
    }
  };
  await compile(asc, compilerArguments(`heliograph-${preset}`, withText), `firmware (${preset})`, readFile);
  return measure(preset);
}

/** Runs the compiler and writes what it made aside. Throws with its own words. */
async function compile(asc, words, what, readFile) {
  const outputs = new Map();
  const writeFile = (name, contents) => void outputs.set(name, contents);
  const stderr = asc.createMemoryStream();
  const stdout = asc.createMemoryStream();
  const listFiles = () => [];
  const { error } = await asc.main(words, { readFile, writeFile, listFiles, stderr, stdout });
  if (error) throw new Error(`${what} does not compile:\n${stderr.toString().replace(/^ +at .*\n/gm, '')}`);
  const warnings = stderr.toString();
  if (warnings) process.stderr.write(warnings);
  for (const [name, contents] of outputs) writeAside(join(root, name), contents);
}

/** Builds dist/signature.wasm (firmware/signature), which boards run beside the image. Unlike the image's, its memory is fixed: inputs and outputs have room in its one page. */
export async function compileSignature(withText = false) {
  const { default: asc } = await import('assemblyscript/asc');
  const readFile = (name, baseDirectory) => {
    try {
      return readFileSync(join(baseDirectory, name), 'utf8');
    } catch {
      return null;
    }
  };
  const words = compilerArguments('signature', withText, 'firmware/signature/index.ts');
  await compile(asc, [...words, '--initialMemory', '1', '--maximumMemory', '1'], 'firmware/signature', readFile);
}

/** The built image's figures, read from the image itself. */
export async function measure(preset) {
  const bytes = readFileSync(join(dist, `heliograph-${preset}.wasm`));
  const { instance } = await WebAssembly.instantiate(bytes, {});
  const { context_bytes: contextBytes, memory_base: memoryBase, memory } = instance.exports;
  return {
    preset,
    bytes: bytes.length,
    contextBytes: contextBytes ? contextBytes() : 0,
    staticBytes: memoryBase ? memoryBase() : 0,
    memoryPages: memory.buffer.byteLength / 65536,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}

/** Writes beside, then renames over: a reader sees the old file or the new one, never a part. */
export function writeAside(path, contents) {
  mkdirSync(dirname(path), { recursive: true });
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, contents);
  renameSync(aside, path);
}
