/*
 * Opens sealed bytes: ChaCha20/Poly1305 (RFC 8439) as in
 * firmware/security/{cipher,chacha20,poly1305}.ts: the same 32-bit words, the same order of steps,
 * one block of key stream after the other, a number of five words for the tag.
 */
#include "native.h"

typedef uint64_t u64;

enum { BLOCK_WORDS = 16, DIGIT_BYTES = 16 };

/*
 * Reads four bytes at any address. On a little-endian processor that can, the compiler makes one
 * access.
 */
static inline u32 load(const u8 *at) {
  return (u32)at[0] | (u32)at[1] << 8 | (u32)at[2] << 16 | (u32)at[3] << 24;
}

static inline void save(u8 *at, u32 word) {
  at[0] = (u8)word;
  at[1] = (u8)(word >> 8);
  at[2] = (u8)(word >> 16);
  at[3] = (u8)(word >> 24);
}

static inline u32 turn(u32 word, u32 by) {
  return word << by | word >> (32 - by);
}

#define HALF(a, b, c, d, x, y) \
  a += b, d = turn(d ^ a, x); \
  c += d, b = turn(b ^ c, y)
#define QUARTER(a, b, c, d)  \
  HALF(a, b, c, d, 16, 12); \
  HALF(a, b, c, d, 8, 7)

/* Computes one block of key stream, as words. */
static __attribute__((noinline)) void block(const u32 *key, u32 counter, u32 n0, u32 n2, u32 *into) {
  u32 x0 = 0x61707865, x1 = 0x3320646e, x2 = 0x79622d32, x3 = 0x6b206574;
  u32 x4 = key[0], x5 = key[1], x6 = key[2], x7 = key[3], x8 = key[4], x9 = key[5], x10 = key[6], x11 = key[7];
  u32 x12 = counter, x13 = n0, x14 = 0, x15 = n2;
  for (u32 twice = 0; twice < 10; twice++) {
    QUARTER(x0, x4, x8, x12);
    QUARTER(x2, x6, x10, x14);
    QUARTER(x1, x5, x9, x13);
    QUARTER(x3, x7, x11, x15);
    QUARTER(x0, x5, x10, x15);
    QUARTER(x2, x7, x8, x13);
    QUARTER(x1, x6, x11, x12);
    QUARTER(x3, x4, x9, x14);
  }
  into[0] = x0 + 0x61707865, into[1] = x1 + 0x3320646e, into[2] = x2 + 0x79622d32, into[3] = x3 + 0x6b206574;
  into[4] = x4 + key[0], into[5] = x5 + key[1], into[6] = x6 + key[2], into[7] = x7 + key[3];
  into[8] = x8 + key[4], into[9] = x9 + key[5], into[10] = x10 + key[6], into[11] = x11 + key[7];
  into[12] = x12 + counter, into[13] = x13 + n0, into[14] = x14, into[15] = x15 + n2;
}

static void decrypt(const u32 *key, u32 n0, u32 n2, const u8 *text, u32 length, u8 *out) {
  u32 stream[BLOCK_WORDS];
  for (u32 counter = 1; length != 0; counter++) {
    block(key, counter, n0, n2, stream);
    const u32 count = length < 4 * BLOCK_WORDS ? length : 4 * BLOCK_WORDS;
    length -= count;
    for (u32 i = 0; i < count / 4; i++, text += 4, out += 4) save(out, load(text) ^ stream[i]);
    for (u32 i = count & ~3u; i < count; i++) *out++ = *text++ ^ (u8)(stream[i / 4] >> 8 * (i & 3));
  }
}

struct poly {
  u32 r0, r1, r2, r3, h0, h1, h2, h3, h4, fold;
};

/* Adds bytes; the last ones are padded with zeros to a digit. */
static __attribute__((noinline)) void add(struct poly *poly, const u8 *at, u32 length) {
  const u32 r0 = poly->r0, r1 = poly->r1, r2 = poly->r2, r3 = poly->r3;
  const u32 s1 = r1 + (r1 >> 2), s2 = r2 + (r2 >> 2), s3 = r3 + (r3 >> 2);
  u32 h0 = poly->h0, h1 = poly->h1, h2 = poly->h2, h3 = poly->h3, h4 = poly->h4, fold = poly->fold;
  u8 rest[DIGIT_BYTES];
  while (length != 0) {
    if (length < DIGIT_BYTES) {
      for (u32 i = 0; i < DIGIT_BYTES; i++) rest[i] = i < length ? at[i] : 0;
      at = rest;
      length = DIGIT_BYTES;
    }
    u64 t = (u64)h0 + load(at) + fold;
    h0 = (u32)t;
    t = (u64)h1 + load(at + 4) + (t >> 32);
    h1 = (u32)t;
    t = (u64)h2 + load(at + 8) + (t >> 32);
    h2 = (u32)t;
    t = (u64)h3 + load(at + 12) + (t >> 32);
    h3 = (u32)t;
    h4 += (u32)(t >> 32) + 1;
    u64 d = (u64)h0 * r0 + (u64)h1 * s3 + (u64)h2 * s2 + (u64)h3 * s1;
    const u64 e = (u64)h0 * r1 + (u64)h1 * r0 + (u64)h2 * s3 + (u64)h3 * s2 + h4 * s1;
    const u64 f = (u64)h0 * r2 + (u64)h1 * r1 + (u64)h2 * r0 + (u64)h3 * s3 + h4 * s2;
    const u64 g = (u64)h0 * r3 + (u64)h1 * r2 + (u64)h2 * r1 + (u64)h3 * r0 + h4 * s3;
    h0 = (u32)d;
    d = e + (d >> 32);
    h1 = (u32)d;
    d = f + (d >> 32);
    h2 = (u32)d;
    d = g + (d >> 32);
    h3 = (u32)d;
    const u32 top = h4 * r0 + (u32)(d >> 32);
    h4 = top & 3;
    fold = (top >> 2) + (top & ~3u);
    at += DIGIT_BYTES;
    length -= DIGIT_BYTES;
  }
  poly->h0 = h0, poly->h1 = h1, poly->h2 = h2, poly->h3 = h3, poly->h4 = h4, poly->fold = fold;
}

/* Computes the tag, as words. */
static void finish(const struct poly *poly, const u32 *s, u32 *tag) {
  u64 t = (u64)poly->h0 + poly->fold;
  const u32 h0 = (u32)t;
  t = (u64)poly->h1 + (t >> 32);
  const u32 h1 = (u32)t;
  t = (u64)poly->h2 + (t >> 32);
  const u32 h2 = (u32)t;
  t = (u64)poly->h3 + (t >> 32);
  const u32 h3 = (u32)t;
  const u32 h4 = poly->h4 + (u32)(t >> 32);
  t = (u64)h0 + 5;
  t = (u64)h1 + (t >> 32);
  t = (u64)h2 + (t >> 32);
  t = (u64)h3 + (t >> 32);
  const u32 beyond = (h4 + (u32)(t >> 32)) >> 2;
  t = (u64)h0 + beyond * 5 + s[0];
  tag[0] = (u32)t;
  t = (u64)h1 + s[1] + (t >> 32);
  tag[1] = (u32)t;
  t = (u64)h2 + s[2] + (t >> 32);
  tag[2] = (u32)t;
  t = (u64)h3 + s[3] + (t >> 32);
  tag[3] = (u32)t;
}

bool native_open(const u32 *key, u32 n0, u32 n2, const u8 *aad, u32 aad_bytes, const u8 *text, u32 length, u8 *out) {
  u32 once[BLOCK_WORDS];
  block(key, 0, n0, n2, once);
  struct poly poly = {.r0 = once[0] & 0x0fffffff, .r1 = once[1] & 0x0ffffffc};
  poly.r2 = once[2] & 0x0ffffffc;
  poly.r3 = once[3] & 0x0ffffffc;
  add(&poly, aad, aad_bytes);
  add(&poly, text, length);
  u8 lengths[DIGIT_BYTES] = {0};
  save(lengths, aad_bytes);
  save(lengths + 8, length);
  add(&poly, lengths, sizeof lengths);
  u32 tag[4];
  finish(&poly, once + 4, tag);
  u32 difference = 0;
  for (u32 i = 0; i < 4; i++) difference |= tag[i] ^ load(text + length + 4 * i);
  if (difference == 0) decrypt(key, n0, n2, text, length, out);
  return difference == 0;
}
