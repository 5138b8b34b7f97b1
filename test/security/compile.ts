// Compiles parts of the firmware's security module alone, with the image's own compiler options,
// and reaches them from tests.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';
import { rootFolder } from '../../host/build/root.ts';

export interface Compiled {
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly text: string;
}

/**
 * Compiles an entry that is given as text with the options of the flight image (asconfig.json).
 * Throws with asc's diagnostics. Memory has two pages, as no context lies in them.
 */
export async function compileEntry(entryText: string): Promise<Compiled> {
  const entry = 'entry.ts';
  const outputs = new Map<string, Uint8Array | string>();
  const options = [
    entry,
    ...['--target', 'flight'],
    ...['--outFile', 'entry.wasm', '--textFile', 'entry.wat'],
    ...['--initialMemory', '2', '--maximumMemory', '2'],
  ];
  const { error, stderr } = await asc.main(options, {
    readFile: async (name) => (name === entry ? entryText : readFile(join(rootFolder, name), 'utf8').catch(() => null)),
    writeFile: (name, contents) => void outputs.set(name, contents),
    listFiles: () => [],
  });
  if (error !== null) throw new Error(`${error.message}\n${stderr.toString()}`);
  return { wasm: new Uint8Array(outputs.get('entry.wasm') as Uint8Array), text: outputs.get('entry.wat') as string };
}

/** What an entry exports; addresses are places in `memory`, free from `memoryBase` on. */
export interface Instance {
  readonly memory: WebAssembly.Memory;
  readonly base: number;
  readonly calls: Record<string, (...values: number[]) => number>;
}

export async function instantiate({ wasm }: Compiled): Promise<Instance> {
  const { instance } = await WebAssembly.instantiate(wasm);
  const { memory, ...calls } = instance.exports as Record<string, unknown>;
  const functions = calls as Instance['calls'];
  return { memory: memory as WebAssembly.Memory, base: (functions.memoryBase() + 63) & ~63, calls: functions };
}

const base = 'export function memoryBase(): usize { return __heap_base; }';

/** The cipher alone: `cipher` or the null cipher. */
export const cipherEntry = (module: 'cipher' | 'cipher_null'): string =>
  `export { seal, open } from "./firmware/security/${module}";\n${base}`;

/** All that an image takes in. */
export const roomEntry = `${cipherEntry('cipher')}\nexport { hkdf } from "./firmware/security/hkdf";`;

/** Every part by itself. */
export const partsEntry = [
  'export { chachaBlock, chacha20 } from "./firmware/security/chacha20";',
  'export { poly1305Begin, poly1305Add, poly1305End } from "./firmware/security/poly1305";',
  'export { sha256 } from "./firmware/security/sha256";',
  'export { hmac, hkdf } from "./firmware/security/hkdf";',
  base,
].join('\n');
