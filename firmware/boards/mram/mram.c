/* Non-volatile memory as MRAM on the memory bus: written like any other memory. */
#include "board.h"

#include "linear.h"

/* Given by the build: NONVOLATILE_ADDRESS, NONVOLATILE_BYTES. */

static volatile u8 *place(u32 at, u32 bytes) {
  if (at > NONVOLATILE_BYTES || bytes > NONVOLATILE_BYTES - at) image_trap(TRAP_ASSERTION);
  return (volatile u8 *)((uintptr_t)NONVOLATILE_ADDRESS + at);
}

/* MRAM needs no erasing: clearing the first words, where the magic is, is enough. */
void board_store_erase(u32 at, u32 bytes) {
  static const u8 nothing[16];
  if (bytes >= sizeof nothing) board_store_write(at, nothing, sizeof nothing);
}

void board_store_write(u32 at, const u8 *from, u32 bytes) {
  volatile u8 *to = place(at, bytes);
  while (bytes-- > 0) *to++ = *from++;
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void board_store_read(u32 at, u8 *to, u32 bytes) {
  const volatile u8 *from = place(at, bytes);
  while (bytes-- > 0) *to++ = *from++;
}
