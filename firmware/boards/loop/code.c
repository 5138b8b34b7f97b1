#include "code.h"

#include "crc.h"

/* From the linker script. */
extern const u8 code_begin[];
extern const u8 code_end[];

/*
 * Written by the build after linking; placed behind what it covers. Volatile: the compiler must not
 * use the value that is here.
 */
static const volatile u32 code_checksum __attribute__((used, section(".checksum"))) = 0;

static struct {
  u32 cursor;
  u32 crc;
  u32 passes;
} code;

static u32 size(void) {
  return (u32)((uintptr_t)code_end - (uintptr_t)code_begin);
}

u32 code_verifies(void) {
  return ~crc_more(CRC_BEGIN, code_begin, size()) == code_checksum;
}

u32 code_step(void) {
  if (code.cursor >= size()) code.cursor = 0;
  if (code.cursor == 0) code.crc = CRC_BEGIN;
  const u32 left = size() - code.cursor;
  const u32 part = left < CODE_CHUNK_BYTES ? left : CODE_CHUNK_BYTES;
  code.crc = crc_more(code.crc, code_begin + code.cursor, part);
  code.cursor += part;
  if (part < left) return 1;
  code.cursor = 0;
  code.passes++;
  /*
   * An upset in the running checksum looks like one in the code: all of it is checked again before
   * the processor resets for it.
   */
  return ~code.crc == code_checksum || code_verifies();
}

u32 code_passes(void) {
  return code.passes;
}

u32 code_cursor(void) {
  return code.cursor;
}
