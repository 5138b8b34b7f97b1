/* Linear memory: its place, and copying to and from it in the image's own byte order. */
#ifndef HELIOGRAPH_LINEAR_H
#define HELIOGRAPH_LINEAR_H

#include "codes.h"
#include "codes.h"
#include "types.h"

/* Given by the build: LINEAR_BYTES (a multiple of 16), BIG_ENDIAN_TARGET, LINEAR_CHECKED. */

/*
 * Gives up the present call into the image: the loop goes on, and the runtime waits to be booted.
 */
void __attribute__((noreturn, cold)) image_trap(u32 reason);

#if defined(__arm__)
#define LINEAR_REGISTER "r9"
#elif defined(__riscv)
#define LINEAR_REGISTER "s11"
#else
#define LINEAR_REGISTER "g7"
#endif

/* Set once at start; the whole program is compiled without using this register otherwise. */
register u8 *linear_origin __asm__(LINEAR_REGISTER);

#if BIG_ENDIAN_TARGET
#define LINEAR_AT(base, offset, bytes) ((void *)((linear_origin - (base)) - ((offset) + (bytes))))
#elif defined(__riscv) && __riscv_xlen == 64
/*
 * Addresses below 2^31 are the same signed, and 64-bit registers have 32-bit values sign-extended:
 * nothing has to be cleared. Other addresses are out of bounds on the other side.
 */
#define LINEAR_AT(base, offset, bytes) ((void *)((linear_origin + (intptr_t)(s32)(base)) + (offset)))
#else
#define LINEAR_AT(base, offset, bytes) ((void *)((linear_origin + (base)) + (offset)))
#endif

void linear_start(void);
void linear_fill(u32 at, u32 value, u32 bytes);
void linear_copy(u32 to, u32 from, u32 bytes);
/* Copies between linear memory and ordinary memory. Out of bounds traps. */
void linear_write(u32 at, const u8 *from, u32 bytes);
void linear_read(u32 at, u8 *to, u32 bytes);

#endif
