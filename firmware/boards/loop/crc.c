#include "crc.h"

/* Four bits a step: the table has 64 bytes, and nothing that is checked here is in a hurry. */
u32 crc_more(u32 crc, const u8 *at, u32 bytes) {
  static const u32 table[16] = {
      0x00000000u, 0x105ec76fu, 0x20bd8edeu, 0x30e349b1u, 0x417b1dbcu, 0x5125dad3u, 0x61c69362u, 0x7198540du,
      0x82f63b78u, 0x92a8fc17u, 0xa24bb5a6u, 0xb21572c9u, 0xc38d26c4u, 0xd3d3e1abu, 0xe330a81au, 0xf36e6f75u,
  };
  while (bytes-- > 0) {
    crc ^= *at++;
    crc = (crc >> 4) ^ table[crc & 15u];
    crc = (crc >> 4) ^ table[crc & 15u];
  }
  return crc;
}
