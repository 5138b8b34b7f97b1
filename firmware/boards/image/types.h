/* The names of integers. Nothing else of C's library is used. */
#ifndef HELIOGRAPH_TYPES_H
#define HELIOGRAPH_TYPES_H

#include <stdint.h>

typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;

#endif
