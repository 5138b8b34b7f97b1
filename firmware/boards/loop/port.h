/* Frames on the serial line: COBS( kind ‖ body ‖ CRC-32C ) 0x00. README.md defines them. */
#ifndef HELIOGRAPH_PORT_H
#define HELIOGRAPH_PORT_H

#include "codes.h"
#include "types.h"

/*
 * The longest is `boot`: kind, header, a configuration of 1,536 bytes, checksum. Longer frames are
 * discarded and counted.
 */
#define PORT_BYTES_MAX 1680u
/* The longest is a link frame of 256 bytes or an answer of 64 words. */
#define PORT_OUT_BYTES_MAX 272u

/*
 * A frame that was read: `kind` and `bytes` of body at `body`. Valid until the next call of
 * port_read.
 */
struct port_frame {
  u32 kind;
  u32 bytes;
  const u8 *body;
};

/* Reads the bytes that there are; 1 when a frame is complete. */
u32 port_read(struct port_frame *frame);
/* Returns the frames that were discarded: bad checksum, bad coding, too long. */
u32 port_discarded(void);

/*
 * Sends one frame: begin, then bytes and words, then end. More than PORT_OUT_BYTES_MAX is an error
 * of our own and traps.
 */
void port_begin(u32 kind);
void port_byte(u32 value);
void port_word(u32 value);
/* Returns the place of `bytes` bytes of body, to be filled by the caller. */
u8 *port_room(u32 bytes);
void port_end(void);

static inline u32 read_16(const u8 *at) {
  return at[0] | (u32)at[1] << 8;
}
static inline u32 read_32(const u8 *at) {
  return read_16(at) | read_16(at + 2) << 16;
}

#endif
