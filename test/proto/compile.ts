// Compiles the firmware's codec alone, behind one `encode` and one `decode` that choose by type
// number.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';
import { pascal } from '../../proto/gen/names.ts';
import type { Rule } from '../../proto/gen/schema.ts';

/**
 * The codec's wasm: addresses in its one memory of two pages, everything above `memoryBase` free to
 * use.
 */
export interface FirmwareCodec {
  readonly memory: WebAssembly.Memory;
  readonly memoryBase: number;
  /**
   * Encodes the struct at `struct` as a message of `type` into at..end; the place after it, 0 if
   * refused.
   */
  encode(type: number, at: number, end: number, struct: number): number;
  decode(type: number, at: number, end: number, struct: number): number;
  messageType(at: number, end: number): number;
  skipItem(at: number, end: number): number;
  /** Encodes and decodes an intent n times; for measuring. */
  repeatIntent(n: number, at: number, end: number, struct: number): number;
  repeatHeartbeat(n: number, at: number, end: number, struct: number): number;
}

function repeat(name: string): string {
  return `export function repeat${name}(n: u32, at: usize, end: usize, struct: usize): usize {
  let next: usize = 0;
  for (let i: u32 = 0; i < n; i++) {
    next = messages.encode${name}(at, end, changetype<messages.${name}>(struct));
    if (next == 0 || messages.decode${name}(at, next, changetype<messages.${name}>(struct)) == 0) return 0;
  }
  return next;
}`;
}

function entryText(rules: readonly Rule[]): string {
  const chosen = rules.filter((rule) => rule.type !== null);
  const cases = (verb: string): string =>
    chosen
      .map(({ type, name }) => {
        const record = `changetype<messages.${pascal(name)}>(struct)`;
        return `    case ${type ?? 0}: return messages.${verb}${pascal(name)}(at, end, ${record});`;
      })
      .join('\n');
  const choice = (
    verb: string,
  ): string => `export function ${verb}(type: u32, at: usize, end: usize, struct: usize): usize {
  switch (type) {
${cases(verb)}
    default: return 0;
  }
}`;
  return [
    'import * as messages from "./firmware/wire/generated/messages";',
    'export { messageType, skipItem } from "./firmware/wire/cbor";',
    'export function memoryBase(): usize { return __heap_base; }',
    choice('encode'),
    choice('decode'),
    repeat('Intent'),
    repeat('Heartbeat'),
  ].join('\n');
}

/** Compiles and instantiates; throws with asc's diagnostics. */
export async function compileFirmwareCodec(
  root: string,
  rules: readonly Rule[],
): Promise<FirmwareCodec & { readonly wasmBytes: number }> {
  const entry = 'codec_entry.ts';
  let wasm: Uint8Array | null = null;
  const { error, stderr } = await asc.main(
    [
      entry,
      '--outFile',
      'codec.wasm',
      '--runtime',
      'stub',
      '-O3',
      '--use',
      'abort=',
      '--initialMemory',
      '2',
      '--maximumMemory',
      '2',
    ],
    {
      readFile: async (name) =>
        name === entry ? entryText(rules) : readFile(join(root, name), 'utf8').catch(() => null),
      writeFile: (_name, contents) => {
        if (typeof contents !== 'string') wasm = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || wasm === null) throw new Error(`${error?.message}\n${stderr.toString()}`);
  const { instance } = await WebAssembly.instantiate(new Uint8Array(wasm));
  const exports = instance.exports as unknown as Omit<FirmwareCodec, 'memoryBase'> & { memoryBase(): number };
  return { ...exports, memoryBase: (exports.memoryBase() + 15) & ~15, wasmBytes: (wasm as Uint8Array).length };
}
