/*
 * Non-volatile memory: two checkpoint slots, written in turn so that one always survives the
 * writing of the other, and the counters: of starts, and of frames as far as they are reserved.
 *
 *   0       256 entries, one behind the other: magic u32 · sequence u32 · boots u32 · resets in a
 *           row u32 · reserved u32 · CRC-32C of the 20 bytes before u32 · 8 zeros (little-endian
 *           on every board)
 *   8192    the same, in turn with the first: the newest entry that verifies counts, wherever it is
 *   16384   checkpoint slot 0: magic XOR CRC-32C of the 12 bytes behind u32 · sequence u32 ·
 *           bytes u32 · CRC-32C of the checkpoint u32 · checkpoint in the image's byte order
 *   16384 + STORE_SLOT_BYTES   checkpoint slot 1
 *
 * A block is erased first, and its header is written last. Power may fail at any moment of that: a
 * checkpoint that verifies is never overwritten while no newer one does, and only what was being
 * written is lost. test/board/torn_writes.c goes through every such moment.
 *
 * Counters of frames are reserved once a minute: 256 entries to an erasure are 1,030 erasures of
 * each block a year, which flash of 10,000 erasures withstands for nine years; MRAM has no such
 * limit.
 */
#ifndef HELIOGRAPH_STORE_H
#define HELIOGRAPH_STORE_H

#include "codes.h"
#include "types.h"

#define STORE_RESETS_MAX 255u

/* Counts this start; `clean` (power-on) clears the resets in a row. */
void store_start(u32 clean);
u32 store_boots(void);
/* Returns at most STORE_RESETS_MAX. */
u32 store_resets(void);
/* Clears the resets in a row, after an hour without another start. */
void store_stable(void);

/* Returns the counter of frames up to which there is a reservation; 0: none that can be read. */
u32 store_reserved(void);
/*
 * Reserves up to `cycle`, never less than before. Returns what can be read again: only that is
 * reserved.
 */
u32 store_reserve(u32 cycle);

/* Returns the number of checkpoint slots whose checkpoint verifies. */
u32 store_filled(void);
/*
 * Writes `bytes` bytes of linear memory from `at` on into the checkpoint slot that does not have
 * the newest checkpoint that verifies.
 */
void store_write(u32 at, u32 bytes);
/*
 * Reads the newest (age 0) or the older (1) checkpoint to linear memory. Returns its bytes, 0 if
 * there is none or it does not fit in `capacity`. The image verifies the checkpoint: it corrects
 * what has flipped in it and refuses what is torn.
 */
u32 store_read(u32 age, u32 at, u32 capacity);

#endif
