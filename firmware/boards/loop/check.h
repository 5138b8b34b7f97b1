/*
 * The check that ends a record between platform and firmware (docs/messages.md): a byte string of
 * four bytes, the CRC-32C, big-endian, of the record before it.
 */
#ifndef HELIOGRAPH_CHECK_H
#define HELIOGRAPH_CHECK_H

#include "codes.h"
#include "types.h"

/* Writes the check behind a record of `bytes`, announced in its head. Returns CHECK_BYTES. */
u32 check_put(u8 *record, u32 bytes);
/* Returns 1 if the record of `bytes` ends with the check that fits it. */
u32 check_fits(const u8 *record, u32 bytes);

#endif
