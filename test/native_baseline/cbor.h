/*
 * Reads items of CBOR. A reader takes the place of an item and returns the place after it, or NULL
 * when the item is not as expected.
 */
#ifndef HELIOGRAPH_NATIVE_CBOR_H
#define HELIOGRAPH_NATIVE_CBOR_H

#include "native.h"

#define ANY 0xffffffffu
#define INLINE static inline __attribute__((always_inline))

INLINE u32 word_at(const u8 *at) {
  return (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | at[3];
}

/* Reads an integer of more than one byte. */
static __attribute__((noinline)) const u8 *long_uint(const u8 *at, const u8 *end, u32 max, u32 *into) {
  if (at >= end) return NULL;
  const u32 left = (u32)(end - at);
  u32 value = at[0];
  u32 bytes = 1;
  if (value == 0x1a) {
    if (left < 5 || (value = word_at(at + 1)) < 0x10000) return NULL;
    bytes = 5;
  } else if (value == 0x19) {
    if (left < 3 || (value = (u32)at[1] << 8 | at[2]) < 0x100) return NULL;
    bytes = 3;
  } else if (value == 0x18) {
    if (left < 2 || (value = at[1]) < 24) return NULL;
    bytes = 2;
  } else if (value > 0x18)
    return NULL;
  if (value > max) return NULL;
  *into = value;
  return at + bytes;
}

INLINE const u8 *uint(const u8 *at, const u8 *end, u32 max, u32 *into) {
  if (at < end && *at < 24 && *at <= max) {
    *into = *at;
    return at + 1;
  }
  return long_uint(at, end, max, into);
}

/* Reads `count` integers up to `max`, as most fields are. */
INLINE const u8 *uints(const u8 *at, const u8 *end, u32 count, u32 max, u32 *into) {
  for (u32 i = 0; i < count; i++)
    if ((at = uint(at, end, max, into + i)) == NULL) return NULL;
  return at;
}

INLINE const u8 *byte_string(const u8 *at, const u8 *end, u32 max, const u8 *frame, u32 *into) {
  if (at >= end) return NULL;
  const u32 left = (u32)(end - at);
  u32 length = (u32)*at++ - 0x40u;
  u32 head = 1;
  if (length >= 24) {
    if (length != 0x18 || left < 2 || (length = *at++) < 24) return NULL;
    head = 2;
  }
  if (length > max || left - head < length) return NULL;
  into[0] = (u32)(at - frame);
  into[1] = length;
  return at + length;
}

/* Reads the head of an array of min..max items. */
INLINE const u8 *items(const u8 *at, const u8 *end, u32 min, u32 max, u32 *count) {
  if (at >= end) return NULL;
  const u32 length = (u32)*at - 0x80u;
  if (length < min || length > max) return NULL;
  *count = length;
  return at + 1;
}

INLINE const u8 *array(const u8 *at, const u8 *end, u32 length) {
  return at < end && *at == (0x80u | length) ? at + 1 : NULL;
}

/* Returns the bytes of a head; 0 when it is truncated, reserved or longer than needed. */
INLINE u32 head_bytes(const u8 *at, const u8 *end) {
  const u32 info = *at & 0x1fu;
  const u32 left = (u32)(end - at);
  if (info < 24) return 1;
  if (info == 24) return left >= 2 && at[1] >= 24 ? 2 : 0;
  if (info == 25) return left >= 3 && at[1] != 0 ? 3 : 0;
  if (info == 26) return left >= 5 && (at[1] | at[2]) != 0 ? 5 : 0;
  if (info == 27) return left >= 9 && word_at(at + 1) != 0 ? 9 : 0;
  return 0;
}

INLINE u32 head_argument(const u8 *at, u32 bytes) {
  if (bytes == 1) return *at & 0x1fu;
  if (bytes == 2) return at[1];
  if (bytes == 3) return (u32)at[1] << 8 | at[2];
  return word_at(at + 1);
}

/* Skips an item of a later version, whatever it is. */
static __attribute__((noinline)) const u8 *skip_item(const u8 *at, const u8 *end) {
  u32 open[SKIP_DEPTH_MAX];
  u32 depth = 0;
  for (;;) {
    if (at >= end) return NULL;
    const u32 first = *at;
    const u32 major = first >> 5;
    const u32 bytes = head_bytes(at, end);
    if (bytes == 0 || major == 3 || (major == 7 && (first < 0xf4 || first > 0xf6))) return NULL;
    u32 inner = 0;
    if (major == 2 || major == 4 || major == 5) {
      const u32 argument = bytes == 9 ? ANY : head_argument(at, bytes);
      if (argument > (u32)(end - at) || argument > 0x7fff) return NULL;
      if (major == 2) at += argument;
      else inner = major == 5 ? argument * 2 : argument;
    } else if (major == 6) inner = 1;
    at += bytes;
    if (at > end) return NULL;
    if (major >= 4 && major <= 6) {
      if (depth == SKIP_DEPTH_MAX) return NULL;
      open[depth++] = inner;
    }
    while (depth > 0 && open[depth - 1] == 0) depth--;
    if (depth == 0) return at;
    open[depth - 1]--;
  }
}

#endif
