/**
 * Computes the codes of a context's lines outside the image: for tests that compare, and after a
 * write into a context, which the image would otherwise take for an upset.
 */

const rotated = (word: number, by: number) => (word << by) | (word >>> (32 - by));
/** The sums, of four, to which each of the eight words is added. */
const sumsOf = [[0], [1], [2], [3], [1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]];

/**
 * Returns [Q, P] of the line that begins at word `first`, as firmware/memory/lines.ts defines them.
 */
export function codeOf(words: Uint32Array, first: number): [number, number] {
  let q = 0;
  let p = 0;
  for (let half = 0; half < 16; half += 1) {
    const word = words[first + half];
    const placed = half % 2 === 0 ? word : rotated(word, 16);
    p ^= word;
    q ^= placed;
    for (const sum of sumsOf[half >> 1]) q ^= rotated(placed, 1 << sum);
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
