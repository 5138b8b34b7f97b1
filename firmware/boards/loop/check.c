#include "check.h"

#include "crc.h"

u32 check_put(u8 *record, u32 bytes) {
  const u32 crc = ~crc_more(CRC_BEGIN, record, bytes);
  record[bytes] = CHECK_HEAD;
  for (u32 i = 0; i < 4; i++) record[bytes + 1 + i] = (u8)(crc >> (24 - 8 * i));
  return CHECK_BYTES;
}

u32 check_fits(const u8 *record, u32 bytes) {
  if (bytes <= CHECK_BYTES) return 0;
  const u8 *check = record + bytes - CHECK_BYTES;
  const u32 crc = (u32)check[1] << 24 | (u32)check[2] << 16 | (u32)check[3] << 8 | check[4];
  return check[0] == CHECK_HEAD && crc == ~crc_more(CRC_BEGIN, record, bytes - CHECK_BYTES);
}
