/**
 * Computes the codes of a context's lines outside the image: for tests that compare, and after a
 * write into a context, which the image would otherwise take for an upset.
 */

const rotated = (word: number, by: number) => (word << by) | (word >>> (32 - by));
/** By how many bits each of the sixteen words is rotated. */
const rotations = [0, 0, 23, 25, 5, 15, 2, 6, 26, 18, 9, 11, 19, 5, 3, 20];

/**
 * Returns [Q, P] of the line that begins at word `first`, as firmware/memory/lines.ts defines them.
 */
export function codeOf(words: Uint32Array, first: number): [number, number] {
  let p = 0x9e3779b9;
  let q = 0x7f4a7c15;
  for (const [index, by] of rotations.entries()) {
    const word = words[first + index];
    const placed = rotated(word, by);
    q ^= placed ^ rotated(placed, index % 2 === 0 ? 1 : 6);
    if (index < 15) p ^= word;
    else q ^= rotated(word, 16);
  }
  return [q >>> 0, p >>> 0];
}

/**
 * Renews the codes of the lines that bytes [from, end) of a context touch. An unprotected image has
 * none.
 */
export function renewCodes(
  context: Uint8Array,
  constants: ReadonlyMap<string, number>,
  from: number,
  end: number,
): void {
  if (constants.get('PROTECTED') === 0) return;
  const at = (name: string) => constants.get(name)!;
  const words = new Uint32Array(context.buffer, context.byteOffset, context.length >> 2);
  const last = Math.floor((end - 1 - at('LINES_AT')) / 64);
  for (let line = Math.floor((from - at('LINES_AT')) / 64); line <= last; line += 1)
    words.set(codeOf(words, (at('LINES_AT') + line * 64) >> 2), (at('CODES_AT') + line * 8) >> 2);
}
