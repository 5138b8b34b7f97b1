/*
 * Checks the program itself: its code and constants, from the linker's code_begin to code_end,
 * against the CRC-32C that the build wrote behind them (host/board/build.ts). A start checks all of
 * it before anything else, then the loop a piece at a time. A program that differs is not run on:
 * the processor resets, and where that does not help it stays silent.
 */
#ifndef HELIOGRAPH_CODE_H
#define HELIOGRAPH_CODE_H

#include "types.h"

/*
 * Bytes of one check: some 2,500 instructions. A whole pass takes code ÷ this checks, 300 for the
 * largest image: five minutes of a board that wakes once a second.
 */
#define CODE_CHUNK_BYTES 256u
/* Resets in a row after which a program that does not verify is not started again. */
#define CODE_RESETS_MAX 3u

/* Returns 1 if all of it is as it was built. */
u32 code_verifies(void);
/* Checks the next piece; 0 when a pass ends that found a difference. */
u32 code_step(void);
/* Whole passes since the start, and bytes of the present one. */
u32 code_passes(void);
u32 code_cursor(void);

#endif
