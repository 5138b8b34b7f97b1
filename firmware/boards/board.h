/*
 * What a board must provide for the loop: one implementation per folder. No function allocates, and
 * only `board_wait` sleeps.
 */
#ifndef HELIOGRAPH_BOARD_H
#define HELIOGRAPH_BOARD_H

#include "codes.h"
#include "types.h"

/* Starts serial line and timers. Called once, by the startup code. */
void board_start(void);

/* Returns the next byte from the serial line, or -1 if there is none. */
s32 board_read(void);
/* Waits until the line accepts the byte. */
void board_write(u8 byte);
/*
 * Sleeps until a byte comes, at the latest after `ms` milliseconds (BOARD_FOREVER: no limit). May
 * return early.
 */
#define BOARD_FOREVER 0xffffffffu
void board_wait(u32 ms);

/*
 * Returns the processor's own clock, microseconds since start, wrapping at 2^32: read it at least
 * once a minute.
 */
u32 board_microseconds(void);

/*
 * Resets the processor unless stopped or armed anew within `ms` (at most 60,000). The loop arms it
 * around every step.
 */
void board_watchdog_arm(u32 ms);
void board_watchdog_stop(void);

/*
 * Memory that keeps its contents without power, NONVOLATILE_BYTES of it. It may be flash: `at` and
 * `bytes` of an erasure are multiples of 8,192, a write begins at a multiple of 16 and crosses no
 * multiple of 512, and between two erasures every place is written once. Erased memory reads as no
 * valid contents.
 */
void board_store_erase(u32 at, u32 bytes);
void board_store_write(u32 at, const u8 *from, u32 bytes);
void board_store_read(u32 at, u8 *to, u32 bytes);

/* Returns why the processor started, from memory that a reset does not clear. */
u32 board_cause(void);
/* Resets the processor; board_cause returns `cause` afterwards. */
void __attribute__((noreturn)) board_reset(u32 cause);
/* Ends the emulator; a real board sleeps for ever. */
void __attribute__((noreturn)) board_off(void);

/*
 * Called around every call into the image. Where the processor protects memory, the image runs
 * without privileges in between: it reaches its code, linear memory and the stack, nothing else,
 * and its code has no bounds checks. Elsewhere these functions do nothing and the checks are there
 * (LINEAR_CHECKED).
 */
void board_enter(void);
void board_leave(void);

/*
 * Discards the stack and starts the loop anew, with privileges (loop_run), with the reason of a
 * trap. May be called between enter and leave.
 */
void __attribute__((noreturn)) board_abandon(u32 reason);

#endif
