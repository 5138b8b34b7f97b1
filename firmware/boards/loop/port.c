#include "port.h"

#include "board.h"
#include "codes.h"
#include "crc.h"
#include "linear.h"

static u8 incoming[PORT_BYTES_MAX];
static u8 outgoing[PORT_OUT_BYTES_MAX];

static struct {
  u32 length;
  /* Bytes until the next code byte, and whether it stands for a zero. */
  u32 left;
  u32 zero;
  u32 bad;
  u32 discarded;
  u32 out;
} port;

static u32 checksum(const u8 *at, u32 bytes) {
  return ~crc_more(CRC_BEGIN, at, bytes);
}

static u32 begin_again(void) {
  const u32 length = port.bad || port.length > PORT_BYTES_MAX ? 0 : port.length;
  port.length = 0;
  port.left = 0;
  port.zero = 0;
  port.bad = 0;
  return length;
}

static void keep(u32 byte) {
  /* Not only when it is exactly full: an upset may have made it more. */
  if (port.length >= PORT_BYTES_MAX) port.bad = 1;
  else incoming[port.length++] = (u8)byte;
}

/* Decodes one byte of a COBS block that is not its end. */
static void take(u32 byte) {
  if (port.left > 0) {
    port.left--;
    keep(byte);
    return;
  }
  if (port.zero) keep(0);
  port.left = byte - 1;
  port.zero = byte != 255;
}

static u32 complete(struct port_frame *frame) {
  const u32 open = port.left;
  const u32 bad = port.bad;
  const u32 length = begin_again();
  if (length == 0 && !bad && open == 0) return 0;
  if (bad || open != 0 || length < CRC_BYTES + 1) {
    port.discarded++;
    return 0;
  }
  const u32 body = length - CRC_BYTES;
  const u8 *const end = incoming + body;
  const u32 received_crc = (u32)end[0] << 24 | (u32)end[1] << 16 | (u32)end[2] << 8 | end[3];
  if (received_crc != checksum(incoming, body)) {
    port.discarded++;
    return 0;
  }
  frame->kind = incoming[0];
  frame->body = incoming + 1;
  frame->bytes = body - 1;
  return 1;
}

u32 port_read(struct port_frame *frame) {
  for (;;) {
    const s32 byte = board_read();
    if (byte < 0) return 0;
    if (byte != 0) take((u32)byte);
    else if (complete(frame)) return 1;
  }
}

u32 port_discarded(void) {
  return port.discarded;
}

u8 *port_room(u32 bytes) {
  if (bytes > PORT_OUT_BYTES_MAX - CRC_BYTES - port.out) image_trap(TRAP_ASSERTION);
  u8 *const at = outgoing + port.out;
  port.out += bytes;
  return at;
}

void port_begin(u32 kind) {
  port.out = 0;
  port_byte(kind);
}

void port_byte(u32 value) {
  *port_room(1) = (u8)value;
}

void port_word(u32 value) {
  u8 *const at = port_room(4);
  at[0] = (u8)value;
  at[1] = (u8)(value >> 8);
  at[2] = (u8)(value >> 16);
  at[3] = (u8)(value >> 24);
}

void port_end(void) {
  const u32 crc = checksum(outgoing, port.out);
  u8 *const end = outgoing + port.out;
  end[0] = (u8)(crc >> 24);
  end[1] = (u8)(crc >> 16);
  end[2] = (u8)(crc >> 8);
  end[3] = (u8)crc;
  const u32 length = port.out + CRC_BYTES;
  u32 from = 0;
  for (;;) {
    u32 run = 0;
    while (run < 254 && from + run < length && outgoing[from + run] != 0) run++;
    board_write((u8)(run + 1));
    for (u32 i = 0; i < run; i++) board_write(outgoing[from + i]);
    from += run;
    if (from == length) break;
    if (run < 254) {
      from++;
      /* A frame that ends in zero closes with an empty run. */
      if (from == length) {
        board_write(1);
        break;
      }
    }
  }
  board_write(0);
}
