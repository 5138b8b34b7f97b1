/*
 * Non-volatile memory: two checkpoint slots written in turn, so that one always survives the writing of the other, and the counters of starts.
 *
 *   0       magic u32 · boots u32 · resets in a row u32                      (little-endian on every board)
 *   4096    slot 0: magic u32 · sequence u32 · bytes u32 · unused u32 · checkpoint in the image's byte order
 *   4096 + STORE_SLOT_BYTES   slot 1
 *
 * A slot's magic is cleared before its contents change and written last; what lies between is verified by the image's own CRC-32C.
 */
#ifndef HELIOGRAPH_STORE_H
#define HELIOGRAPH_STORE_H

#include "types.h"

#define STORE_SLOTS_AT 4096u
#define STORE_SLOT_BYTES (256u << 10)
#define STORE_SLOTS 2u
#define STORE_HEADER_BYTES 16u
#define STORE_SLOT_MAGIC 0x544f4c53u
#define STORE_COUNTERS_MAGIC 0x544e4348u

/* Counts this start; `clean` (power-on) clears the resets in a row. */
void store_start(u32 clean);
u32 store_boots(void);
u32 store_resets(void);
/* An hour without another start. */
void store_stable(void);

/* Slots that hold a checkpoint. */
u32 store_filled(void);
/* Writes `bytes` bytes of linear memory from `at` on into the older slot. */
void store_write(u32 at, u32 bytes);
/* Reads the newest (age 0) or the older (1) checkpoint to linear memory; its bytes, 0 if there is none or it does not fit in `capacity`. */
u32 store_read(u32 age, u32 at, u32 capacity);

#endif
