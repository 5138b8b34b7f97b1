/* CRC-32C (Castagnoli, reflected polynomial 0x82f63b78): of frames on the line, of what lies in non-volatile memory, of the code. */
#ifndef HELIOGRAPH_CRC_H
#define HELIOGRAPH_CRC_H

#include "types.h"

#define CRC_BEGIN 0xffffffffu

/* Carries on from `crc`: CRC_BEGIN at first; the checksum is the complement of what comes of the last bytes. */
u32 crc_more(u32 crc, const u8 *at, u32 bytes);

#endif
