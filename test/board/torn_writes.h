/* Stands in for image/linear.h, whose register variable no host has: linear memory is an array of
   torn_writes.c. */
#ifndef HELIOGRAPH_LINEAR_H
#define HELIOGRAPH_LINEAR_H

#include "codes.h"
#include "codes.h"
#include "types.h"

void __attribute__((noreturn)) image_trap(u32 reason);
void linear_write(u32 at, const u8 *from, u32 bytes);
void linear_read(u32 at, u8 *to, u32 bytes);

#endif
