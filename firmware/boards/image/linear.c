#include "linear.h"

/*
 * One block, zeroed by the startup code, 16-aligned at both ends, so that either end may be its
 * origin.
 */
static u8 linear[LINEAR_BYTES] __attribute__((aligned(32), section(".linear")));

void linear_start(void) {
  linear_origin = BIG_ENDIAN_TARGET ? linear + LINEAR_BYTES : linear;
}

static void in_bounds(u32 at, u32 bytes) {
  if (bytes > LINEAR_BYTES || at > LINEAR_BYTES - bytes) image_trap(TRAP_BOUNDS);
}

static void fill_bytes(u8 *to, u32 value, u32 bytes) {
  u8 *const end = to + bytes;
  const u32 word = (value & 255u) * 0x01010101u;
  while (to < end && ((uintptr_t)to & 3u) != 0) *to++ = (u8)value;
  for (; end - to >= 16; to += 16) {
    u32 *const words = (u32 *)(void *)to;
    words[0] = word;
    words[1] = word;
    words[2] = word;
    words[3] = word;
  }
  while (to < end) *to++ = (u8)value;
}

/* Copies forwards; safe when `to` is below `from`. */
static void copy_up(u8 *to, const u8 *from, u32 bytes) {
  const u8 *const end = from + bytes;
  if ((((uintptr_t)to ^ (uintptr_t)from) & 3u) == 0) {
    while (from < end && ((uintptr_t)from & 3u) != 0) *to++ = *from++;
    for (; end - from >= 16; from += 16, to += 16) {
      const u32 *const read = (const u32 *)(const void *)from;
      u32 *const write = (u32 *)(void *)to;
      write[0] = read[0];
      write[1] = read[1];
      write[2] = read[2];
      write[3] = read[3];
    }
  }
  while (from < end) *to++ = *from++;
}

static void copy_down(u8 *to, const u8 *from, u32 bytes) {
  while (bytes-- > 0) to[bytes] = from[bytes];
}

void linear_fill(u32 at, u32 value, u32 bytes) {
  in_bounds(at, bytes);
  fill_bytes((u8 *)LINEAR_AT(at, 0u, bytes), value, bytes);
}

void linear_copy(u32 to, u32 from, u32 bytes) {
  in_bounds(to, bytes);
  in_bounds(from, bytes);
  if (to == from) return;
  u8 *const write = (u8 *)LINEAR_AT(to, 0u, bytes);
  const u8 *const read = (const u8 *)LINEAR_AT(from, 0u, bytes);
  if (write < read) copy_up(write, read, bytes);
  else copy_down(write, read, bytes);
}

void linear_write(u32 at, const u8 *from, u32 bytes) {
  in_bounds(at, bytes);
#if BIG_ENDIAN_TARGET
  u8 *to = linear_origin - at;
  while (bytes-- > 0) *--to = *from++;
#else
  copy_up(linear_origin + at, from, bytes);
#endif
}

void linear_read(u32 at, u8 *to, u32 bytes) {
  in_bounds(at, bytes);
#if BIG_ENDIAN_TARGET
  const u8 *from = linear_origin - at;
  while (bytes-- > 0) *to++ = *--from;
#else
  copy_up(to, linear_origin + at, bytes);
#endif
}
