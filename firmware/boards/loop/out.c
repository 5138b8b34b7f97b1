#include "out.h"

#include "board.h"
#include "image.h"
#include "linear.h"
#include "port.h"
#include "store.h"

/* Given by the build: TARGET_ID, IMAGE_PRESET, and IMAGE_ID, first four bytes of the SHA-256. */

void out_memory(u32 kind, u32 at, u32 bytes) {
  port_begin(kind);
  linear_read(at, port_room(bytes), bytes);
  port_end();
}

void out_done(u32 status, u32 deadline, u32 hash) {
  port_begin(PORT_DONE);
  port_word(status);
  port_word(deadline);
  port_word(hash);
  port_end();
}

void out_hello(void) {
  port_begin(PORT_HELLO);
  port_byte(TARGET_ID);
  port_byte(image_abi_version());
  port_byte(IMAGE_PRESET);
  port_byte(board_cause());
  port_word(store_boots());
  port_byte(store_resets());
  port_byte(store_filled());
  port_word(image_context_bytes());
  port_word(IMAGE_ID);
  port_word(store_reserved());
  port_end();
}

void out_trapped(u32 site, u32 reason) {
  port_begin(PORT_TRAPPED);
  port_word(site);
  port_byte(reason);
  port_end();
}
