/*
 * Provides what translated code needs: linear memory, traps, and the WebAssembly operators that C
 * lacks. Included by the translated image only.
 *
 * Linear memory is LINEAR_BYTES long and ends on a 16-byte boundary. On a big-endian processor it
 * is stored byte-reversed: address a of n bytes is at end − a − n, so that words are right without
 * swapping. Its base (its end there) stays in one register for the whole program: a context's
 * address plus that register is one addition, then every field is a constant away, as in
 * hand-written C.
 *
 * Alignment: the image says of every access whether it is aligned by its size. An aligned access
 * becomes a single instruction everywhere; the few others (integers inside messages) are
 * `_unaligned`, and processors without such accesses load byte by byte. The loop aligns every
 * buffer by 16.
 */
#ifndef HELIOGRAPH_MEMORY_H
#define HELIOGRAPH_MEMORY_H

#include "linear.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#if LINEAR_CHECKED
/* Exact: all u32 addresses, offsets below LINEAR_BYTES, no wrap. */
#define CHECK(base, offset, bytes) \
  do { if (UNLIKELY((u32)(base) > (u32)(LINEAR_BYTES - (bytes)) - (u32)(offset))) image_trap(TRAP_BOUNDS); } while (0)
#else
/* The processor's memory protection checks instead: README.md. */
#define CHECK(base, offset, bytes) do { } while (0)
#endif

#define ACCESS(type, base, offset) (*(type *)LINEAR_AT((base), (offset), sizeof(type)))

/*
 * Every access is compiled where it stands, also in functions that the compiler holds to be large
 * already: a call for each access costs LEON3, which checks bounds in code, up to a sixth more
 * instructions in `receive`.
 */
#define ACCESSOR static inline __attribute__((always_inline))
#define DEFINE_LOAD(name, result, middle, stored)                    \
  ACCESSOR result name(u32 base, u32 offset) {                       \
    CHECK(base, offset, sizeof(stored));                             \
    return (result)(middle)ACCESS(const stored, base, offset);       \
  }
#define DEFINE_STORE(name, value_type, stored)                       \
  ACCESSOR void name(u32 base, u32 offset, value_type value) {       \
    CHECK(base, offset, sizeof(stored));                             \
    ACCESS(stored, base, offset) = (stored)value;                    \
  }

typedef u8 __attribute__((may_alias)) m8;
typedef s8 __attribute__((may_alias)) ms8;
typedef u16 __attribute__((may_alias)) m16;
typedef s16 __attribute__((may_alias)) ms16;
typedef u32 __attribute__((may_alias)) m32;
typedef u64 __attribute__((may_alias)) m64;
struct words {
  u32 of[256];
} __attribute__((may_alias));
typedef u16 __attribute__((may_alias, aligned(1))) u16_unaligned;
typedef u32 __attribute__((may_alias, aligned(1))) u32_unaligned;
typedef u64 __attribute__((may_alias, aligned(1))) u64_unaligned;

DEFINE_LOAD(i32_load, u32, u32, m32)
DEFINE_LOAD(i64_load, u64, u64, m64)
DEFINE_LOAD(i32_load8_s, u32, s32, ms8)
DEFINE_LOAD(i32_load8_u, u32, u32, m8)
DEFINE_LOAD(i32_load16_s, u32, s32, ms16)
DEFINE_LOAD(i32_load16_u, u32, u32, m16)
DEFINE_LOAD(i64_load8_u, u64, u64, m8)
DEFINE_LOAD(i64_load16_u, u64, u64, m16)
DEFINE_LOAD(i64_load32_u, u64, u64, m32)
DEFINE_STORE(i32_store, u32, m32)
DEFINE_STORE(i64_store, u64, m64)
DEFINE_STORE(i32_store8, u32, m8)
DEFINE_STORE(i32_store16, u32, m16)
DEFINE_STORE(i64_store8, u64, m8)
DEFINE_STORE(i64_store16, u64, m16)
DEFINE_STORE(i64_store32, u64, m32)

DEFINE_LOAD(i32_load_unaligned, u32, u32, u32_unaligned)
DEFINE_LOAD(i32_load16_u_unaligned, u32, u32, u16_unaligned)
DEFINE_LOAD(i64_load_unaligned, u64, u64, u64_unaligned)
DEFINE_LOAD(i64_load32_u_unaligned, u64, u64, u32_unaligned)
DEFINE_STORE(i32_store_unaligned, u32, u32_unaligned)
DEFINE_STORE(i64_store_unaligned, u64, u64_unaligned)
DEFINE_STORE(i64_store32_unaligned, u64, u32_unaligned)
DEFINE_STORE(i32_store16_unaligned, u32, u16_unaligned)

/*
 * Loads entry `index`, below 256, of the table of words at `at`, a constant: the translator found
 * both in the code that forms the address. The compiler knows that it is within linear memory; as
 * an array's element, its address is part of the load.
 */
ACCESSOR u32 i32_load_entry(u32 index, u32 at) {
  if (at + 1024u > LINEAR_BYTES) image_trap(TRAP_BOUNDS);
#if BIG_ENDIAN_TARGET
  return *(const m32 *)LINEAR_AT(index << 2, at, 4u);
#else
  return ((const struct words *)(const void *)(linear_origin + at))->of[index];
#endif
}

#define memory_fill linear_fill
#define memory_copy linear_copy

#define UNREACHABLE image_trap(TRAP_ASSERTION)

static inline u32 checked_divisor(u32 y) {
  if (UNLIKELY(y == 0)) image_trap(TRAP_DIVISION);
  return y;
}
static inline u32 signed_quotient(s32 x, s32 y) {
  if (UNLIKELY(y == 0 || (x == INT32_MIN && y == -1))) image_trap(TRAP_DIVISION);
  return (u32)(x / y);
}
static inline u32 signed_remainder(s32 x, s32 y) {
  if (UNLIKELY(y == 0)) image_trap(TRAP_DIVISION);
  return y == -1 ? 0 : (u32)(x % y);
}

/*
 * The image divides no 64-bit numbers: that is slow on every target, and not all have a library for
 * it. Such a division does not link.
 */
u64 no_division_of_64_bits(u64 x, u64 y);
#define UNSIGNED_32(x, operator, y) ((__typeof__(x))((u32)(x) operator checked_divisor((u32)(y))))
#define DIV_U(x, y) (sizeof(x) == 8 ? (__typeof__(x))no_division_of_64_bits((x), (y)) : UNSIGNED_32(x, /, y))
#define REM_U(x, y) (sizeof(x) == 8 ? (__typeof__(x))no_division_of_64_bits((x), (y)) : UNSIGNED_32(x, %, y))
#define I32_DIV_S(x, y) signed_quotient((s32)(x), (s32)(y))
#define I32_REM_S(x, y) signed_remainder((s32)(x), (s32)(y))
#define I32_ROTL(x, y) (((u32)(x) << ((y) & 31)) | ((u32)(x) >> ((32 - (y)) & 31)))
#define I64_ROTL(x, y) (((u64)(x) << ((y) & 63)) | ((u64)(x) >> ((64 - (y)) & 63)))
#define I32_ROTR(x, y) (((u32)(x) >> ((y) & 31)) | ((u32)(x) << ((32 - (y)) & 31)))
#define I32_POPCNT(x) ones_in(x)
#define I64_POPCNT(x) ones_in_64(x)
#define I32_CLZ(x) zeros_above(x)
#define I32_CTZ(x) zeros_below(x)

/* Counts ones without a table or a library call: the same on every processor. */
static inline u32 ones_in(u32 x) {
  x = x - ((x >> 1) & 0x55555555u);
  x = (x & 0x33333333u) + ((x >> 2) & 0x33333333u);
  return (((x + (x >> 4)) & 0x0f0f0f0fu) * 0x01010101u) >> 24;
}

static inline u64 ones_in_64(u64 x) { return ones_in((u32)x) + ones_in((u32)(x >> 32)); }

#if defined(__arm__)
static inline u32 zeros_above(u32 x) { return x != 0 ? (u32)__builtin_clz(x) : 32u; }
static inline u32 zeros_below(u32 x) { return x != 0 ? (u32)__builtin_ctz(x) : 32u; }
#else
/*
 * Without an instruction for it: counts the bits below the lowest one, or all bits from the highest
 * one on.
 */
static inline u32 zeros_above(u32 x) {
  x |= x >> 1;
  x |= x >> 2;
  x |= x >> 4;
  x |= x >> 8;
  x |= x >> 16;
  return 32u - ones_in(x);
}
static inline u32 zeros_below(u32 x) { return ones_in(~x & (x - 1u)); }
#endif

#endif
