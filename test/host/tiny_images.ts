/** WebAssembly modules of a few bytes, written by hand: what no firmware would do. */

const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const section = (id: number, ...bytes: number[]) => [id, bytes.length, ...bytes];
const name = (text: string) => [text.length, ...Buffer.from(text)];
const i32 = 0x7f;
const i64 = 0x7e;
const noArgumentsToI32 = [0x60, 0, 1, i32];
const exportMemory = [...name('memory'), 2, 0];
const body = (...code: number[]) => [code.length + 2, 0, ...code, 0x0b];

/** (import "a" "b" (func)) */
export const importing = Uint8Array.of(
  ...header,
  ...section(1, 1, 0x60, 0, 0),
  ...section(2, 1, ...name('a'), ...name('b'), 0, 0),
);

/** A memory of 1 to 3 pages; `spin` never returns, `one` is 1, `stop` traps. */
export const mixed = Uint8Array.of(
  ...header,
  ...section(1, 1, ...noArgumentsToI32),
  ...section(3, 3, 0, 0, 0),
  ...section(5, 1, 1, 1, 3),
  ...section(7, 4, ...exportMemory, ...name('spin'), 0, 0, ...name('one'), 0, 1, ...name('stop'), 0, 2),
  ...section(10, 3, ...body(0x03, 0x40, 0x0c, 0, 0x0b, 0x00), ...body(0x41, 1), ...body(0x00)),
);

/** `wide` gives an i64, which would be a BigInt in JavaScript. */
export const wideResult = Uint8Array.of(
  ...header,
  ...section(1, 1, 0x60, 0, 1, i64),
  ...section(3, 1, 0),
  ...section(5, 1, 0, 1),
  ...section(7, 2, ...exportMemory, ...name('wide'), 0, 0),
  ...section(10, 1, ...body(0x42, 1)),
);
