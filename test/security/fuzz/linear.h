/*
 * Linear memory as the fuzzer sees it, in place of firmware/boards/image/linear.h: exact to the
 * byte. An access is right inside the image's static data, the context, or a buffer that the
 * present call was given, whose ends are those of the bytes in it; anywhere else it is a crash,
 * though memory be there.
 */
#ifndef HELIOGRAPH_LINEAR_H
#define HELIOGRAPH_LINEAR_H

#include "codes.h"
#include "codes.h"
#include "types.h"

void __attribute__((noreturn, cold)) image_trap(u32 reason);

struct region {
  u32 at;
  u32 bytes;
};
enum { REGION_CONTEXT, REGION_STATIC, REGION_IN, REGION_OUT, REGIONS };

extern u8 linear_memory[LINEAR_BYTES];
extern struct region linear_regions[REGIONS];
#define linear_origin linear_memory

static inline u32 linear_within(u32 region, u32 at, u32 bytes) {
  const struct region *const r = &linear_regions[region];
  return (u64)(at - r->at) + bytes <= r->bytes;
}

/* Traps unless all of it lies in one of the others. Apart, and not instrumented, so that each
   access is one branch only to the fuzzer. */
void __attribute__((noinline)) linear_elsewhere(u32 base, u32 at, u32 bytes);

static inline u8 *linear_at(u32 base, u32 offset, u32 bytes) {
  const u32 at = base + offset;
  if (__builtin_expect(!linear_within(REGION_CONTEXT, at, bytes), 0)) linear_elsewhere(base, at, bytes);
  return linear_memory + at;
}
#define LINEAR_AT(base, offset, bytes) ((void *)linear_at((base), (offset), (u32)(bytes)))

static inline void linear_fill(u32 at, u32 value, u32 bytes) {
  if (bytes != 0) __builtin_memset(linear_at(at, 0, bytes), (int)value, bytes);
}
static inline void linear_copy(u32 to, u32 from, u32 bytes) {
  if (bytes != 0) __builtin_memmove(linear_at(to, 0, bytes), linear_at(from, 0, bytes), bytes);
}
static inline void linear_write(u32 at, const u8 *from, u32 bytes) {
  __builtin_memcpy(linear_memory + at, from, bytes);
}

#endif
