/*
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78) of frames on the line, of non-volatile
 * memory, of the code.
 */
#ifndef HELIOGRAPH_CRC_H
#define HELIOGRAPH_CRC_H

#include "types.h"

#define CRC_BEGIN 0xffffffffu

/* Continues from `crc`: CRC_BEGIN at first; the checksum is the complement of the last result. */
u32 crc_more(u32 crc, const u8 *at, u32 bytes);

#endif
