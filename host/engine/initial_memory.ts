/** Reads and writes the memory section of a WebAssembly module (WebAssembly Core 2.0, 5.5.8). */

const memorySection = 5;
const headerBytes = 8;

/** Reads an unsigned LEB128 number. */
function readLeb(bytes: Uint8Array, at: number): { value: number; next: number } {
  let value = 0;
  let next = at;
  for (let shift = 0; ; shift += 7, next += 1) {
    value |= (bytes[next] & 0x7f) << shift;
    if (bytes[next] < 0x80) return { value: value >>> 0, next: next + 1 };
  }
}

/** Writes an unsigned number as LEB128. */
function writeLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

/**
 * Returns the module with a memory of at least `pages` pages from the start. A module without a
 * memory of its own, or with a maximum, is returned as it is.
 */
export function withInitialPages(module: Uint8Array, pages: number): Uint8Array {
  for (let at = headerBytes; at < module.length; ) {
    const { value: bytes, next: begin } = readLeb(module, at + 1);
    if (module[at] !== memorySection) {
      at = begin + bytes;
      continue;
    }
    const { value: memories, next: flagsAt } = readLeb(module, begin);
    const initial = readLeb(module, flagsAt + 1).value;
    if (memories !== 1 || module[flagsAt] !== 0 || initial >= pages) return module;
    const section = [1, 0, ...writeLeb(pages)];
    const head = [memorySection, ...writeLeb(section.length)];
    return Buffer.concat([
      module.subarray(0, at),
      Uint8Array.from([...head, ...section]),
      module.subarray(begin + bytes),
    ]);
  }
  return module;
}
