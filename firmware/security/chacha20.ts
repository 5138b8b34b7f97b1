// ChaCha20 (RFC 8439, 2.1–2.4): additions, xors and rotations of sixteen words. There is no table,
// and the only branches depend on the number of bytes.

const BLOCK_BYTES: u32 = 64;

/**
 * Writes one block of key stream, 64 bytes, to `into` (8-aligned). `key`: 32 bytes, 4-aligned; the
 * nonce as three words, loaded little-endian.
 *
 * The sixteen words are locals. Two quarter rounds are interleaved: of the orders tried, the one
 * that suits both few registers and wide processors best.
 */
export function chachaBlock(key: usize, counter: u32, n0: u32, n1: u32, n2: u32, into: usize): void {
  // "expand 32-byte k"
  let x0: u32 = 0x61707865,
    x1: u32 = 0x3320646e,
    x2: u32 = 0x79622d32,
    x3: u32 = 0x6b206574;
  let x4 = load<u32>(key),
    x5 = load<u32>(key, 4),
    x6 = load<u32>(key, 8),
    x7 = load<u32>(key, 12);
  let x8 = load<u32>(key, 16),
    x9 = load<u32>(key, 20),
    x10 = load<u32>(key, 24),
    x11 = load<u32>(key, 28);
  let x12 = counter,
    x13 = n0,
    x14 = n1,
    x15 = n2;
  for (let twice: u32 = 0; twice < 10; twice++) {
    // Columns.
    x0 += x4;
    x12 = rotl<u32>(x12 ^ x0, 16);
    x2 += x6;
    x14 = rotl<u32>(x14 ^ x2, 16);
    x8 += x12;
    x4 = rotl<u32>(x4 ^ x8, 12);
    x10 += x14;
    x6 = rotl<u32>(x6 ^ x10, 12);
    x0 += x4;
    x12 = rotl<u32>(x12 ^ x0, 8);
    x2 += x6;
    x14 = rotl<u32>(x14 ^ x2, 8);
    x8 += x12;
    x4 = rotl<u32>(x4 ^ x8, 7);
    x10 += x14;
    x6 = rotl<u32>(x6 ^ x10, 7);
    x1 += x5;
    x13 = rotl<u32>(x13 ^ x1, 16);
    x3 += x7;
    x15 = rotl<u32>(x15 ^ x3, 16);
    x9 += x13;
    x5 = rotl<u32>(x5 ^ x9, 12);
    x11 += x15;
    x7 = rotl<u32>(x7 ^ x11, 12);
    x1 += x5;
    x13 = rotl<u32>(x13 ^ x1, 8);
    x3 += x7;
    x15 = rotl<u32>(x15 ^ x3, 8);
    x9 += x13;
    x5 = rotl<u32>(x5 ^ x9, 7);
    x11 += x15;
    x7 = rotl<u32>(x7 ^ x11, 7);
    // Diagonals.
    x0 += x5;
    x15 = rotl<u32>(x15 ^ x0, 16);
    x2 += x7;
    x13 = rotl<u32>(x13 ^ x2, 16);
    x10 += x15;
    x5 = rotl<u32>(x5 ^ x10, 12);
    x8 += x13;
    x7 = rotl<u32>(x7 ^ x8, 12);
    x0 += x5;
    x15 = rotl<u32>(x15 ^ x0, 8);
    x2 += x7;
    x13 = rotl<u32>(x13 ^ x2, 8);
    x10 += x15;
    x5 = rotl<u32>(x5 ^ x10, 7);
    x8 += x13;
    x7 = rotl<u32>(x7 ^ x8, 7);
    x1 += x6;
    x12 = rotl<u32>(x12 ^ x1, 16);
    x3 += x4;
    x14 = rotl<u32>(x14 ^ x3, 16);
    x11 += x12;
    x6 = rotl<u32>(x6 ^ x11, 12);
    x9 += x14;
    x4 = rotl<u32>(x4 ^ x9, 12);
    x1 += x6;
    x12 = rotl<u32>(x12 ^ x1, 8);
    x3 += x4;
    x14 = rotl<u32>(x14 ^ x3, 8);
    x11 += x12;
    x6 = rotl<u32>(x6 ^ x11, 7);
    x9 += x14;
    x4 = rotl<u32>(x4 ^ x9, 7);
  }
  store<u32>(into, x0 + 0x61707865);
  store<u32>(into, x1 + 0x3320646e, 4);
  store<u32>(into, x2 + 0x79622d32, 8);
  store<u32>(into, x3 + 0x6b206574, 12);
  store<u32>(into, x4 + load<u32>(key), 16);
  store<u32>(into, x5 + load<u32>(key, 4), 20);
  store<u32>(into, x6 + load<u32>(key, 8), 24);
  store<u32>(into, x7 + load<u32>(key, 12), 28);
  store<u32>(into, x8 + load<u32>(key, 16), 32);
  store<u32>(into, x9 + load<u32>(key, 20), 36);
  store<u32>(into, x10 + load<u32>(key, 24), 40);
  store<u32>(into, x11 + load<u32>(key, 28), 44);
  store<u32>(into, x12 + counter, 48);
  store<u32>(into, x13 + n0, 52);
  store<u32>(into, x14 + n1, 56);
  store<u32>(into, x15 + n2, 60);
}

/**
 * Encrypts or decrypts `length` bytes from `text` to `out`, which may be the same place, starting
 * with block `counter`. `block`: 64 bytes of scratch, 8-aligned; it contains key stream afterwards.
 */
export function chacha20(
  key: usize,
  counter: u32,
  n0: u32,
  n1: u32,
  n2: u32,
  text: usize,
  length: u32,
  out: usize,
  block: usize,
): void {
  while (length != 0) {
    chachaBlock(key, counter, n0, n1, n2, block);
    counter++;
    const count = min<u32>(length, BLOCK_BYTES);
    length -= count;
    const end = block + count;
    const wordsEnd = block + (count & ~7);
    let from = block;
    while (from != wordsEnd) {
      store<u64>(out, load<u64>(text, 0, 1) ^ load<u64>(from), 0, 1);
      from += 8;
      text += 8;
      out += 8;
    }
    while (from != end) {
      store<u8>(out, load<u8>(text) ^ load<u8>(from));
      from++;
      text++;
      out++;
    }
  }
}
