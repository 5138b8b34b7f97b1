// Reads and writes bitmaps of u32 words: bit i of the map is bit (i & 31) of word (i >> 5). `at` is
// the address of word 0.

export function bitGet(at: usize, index: u32): bool {
  return ((load<u32>(at + ((index >>> 5) << 2)) >>> (index & 31)) & 1) != 0;
}

export function bitSet(at: usize, index: u32): void {
  const word = at + ((index >>> 5) << 2);
  store<u32>(word, load<u32>(word) | (1 << (index & 31)));
}

export function bitClear(at: usize, index: u32): void {
  const word = at + ((index >>> 5) << 2);
  store<u32>(word, load<u32>(word) & ~(1 << (index & 31)));
}

/** Counts the bits that are set in `words` words. */
export function bitCount(at: usize, words: u32): u32 {
  let count: u32 = 0;
  for (let i: u32 = 0; i < words; i++) count += popcnt<u32>(load<u32>(at + (i << 2)));
  return count;
}
