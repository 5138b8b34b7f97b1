/**
 * Compiles the firmware's images as asconfig.json describes them (SIM-4: one image, simulated and
 * flown alike).
 *
 * `npx asc firmware/edge/index.ts --target NAME` gives the same bytes. This file adds three things:
 * outputs appear under their names only when they are whole, the constants of an image are written
 * beside it, and sizes are read from the image.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { constantsPath, dist, root } from './paths.mjs';

/** Constants that are written beside an image: presets, bounds, memory map, codes of the schema. */
const constantName = /^firmware\/(?:memory\/(?:preset|limits|map)|wire\/generated\/codes)\/(\w+)$/;

/**
 * Compiles one image of the flight firmware, a target of asconfig.json, to
 * dist/heliograph-<target>.wasm and its constants to dist/heliograph-<target>.constants.json; with
 * `withText` also the compiler's text output, .wat. Throws with the compiler's own message.
 */
export async function compileFirmware(target, withText = false) {
  const constants = new Map();
  await compile('firmware/edge/index.ts', target, { withText, constants });
  writeAside(constantsPath(target), `${JSON.stringify(Object.fromEntries(constants), null, 1)}\n`);
}

/** Compiles dist/signature.wasm (firmware/signature), which boards run beside the image. */
export async function compileSignature(withText = false) {
  await compile('firmware/signature/index.ts', 'signature', { withText });
}

/** Runs the compiler on one target; fills `constants` when given. Throws with its message. */
async function compile(entry, target, { withText, constants }) {
  const { default: asc } = await import('assemblyscript/asc');
  const outputs = new Map();
  const stderr = asc.createMemoryStream();
  const words = [entry, '--target', target, '--baseDir', root];
  if (withText) words.push('--textFile', `dist/${target === 'signature' ? target : `heliograph-${target}`}.wat`);
  const { error } = await asc.main(words, {
    readFile: readSource,
    writeFile: (name, contents, baseDirectory) => void outputs.set(resolve(baseDirectory, name), contents),
    listFiles: () => [],
    stderr,
    stdout: asc.createMemoryStream(),
    transforms: constants === undefined ? [] : [await constantsTransform(constants)],
  });
  if (error) throw new Error(`${target} does not compile:\n${stderr.toString().replace(/^ +at .*\n/gm, '')}`);
  const warnings = stderr.toString();
  if (warnings) process.stderr.write(warnings);
  for (const [path, contents] of outputs) writeAside(path, contents);
}

function readSource(name, baseDirectory) {
  try {
    return readFileSync(resolve(baseDirectory, name), 'utf8');
  } catch {
    return null;
  }
}

/** A transform that collects constants by name, as unsigned numbers, before optimisation. */
async function constantsTransform(constants) {
  const { Transform } = await import('assemblyscript/transform');
  return class extends Transform {
    afterCompile(module) {
      const { binaryen } = this;
      for (let index = 0; index < module.getNumGlobals(); index += 1) {
        const { name, init } = binaryen.getGlobalInfo(module.getGlobalByIndex(index));
        const found = constantName.exec(name);
        if (found !== null) constants.set(found[1], binaryen.getExpressionInfo(init).value >>> 0);
      }
    }
  };
}

/** The built image's figures, read from the image itself. */
export async function measure(target) {
  const bytes = readFileSync(join(dist, `heliograph-${target}.wasm`));
  const { instance } = await WebAssembly.instantiate(bytes, {});
  const { context_bytes: contextBytes, memory_base: memoryBase, memory } = instance.exports;
  return {
    bytes: bytes.length,
    contextBytes: contextBytes(),
    staticBytes: memoryBase(),
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
