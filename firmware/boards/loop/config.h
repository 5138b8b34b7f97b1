/*
 * Raises the reservation in the configuration of a boot: counters of frames that the board's own
 * memory has as reserved are reserved, whatever the configuration says.
 */
#ifndef HELIOGRAPH_CONFIG_H
#define HELIOGRAPH_CONFIG_H

#include "types.h"

/*
 * An unsigned integer in CBOR (RFC 8949): its value, and its bytes with the head; 0 bytes: there is
 * none.
 */
struct item {
  u32 value;
  u32 bytes;
};

struct item item_at(const u8 *record, u32 bytes, u32 at);
/* Writes the shortest form; returns its bytes, at most 5. */
u32 item_put(u8 *to, u32 value);

/*
 * Writes a configuration to linear memory at `at`. Its first record, `config`, has the counter up
 * to which frames are reserved: it becomes `reserved` if that is more, and the record's check is
 * made anew. Returns the configuration's bytes, 0 if it exceeds `capacity`. A configuration without
 * such a record, or with a damaged one, is written as it is; the image refuses it.
 */
u32 config_write(u32 at, u32 capacity, const u8 *config, u32 bytes, u32 reserved);

#endif
