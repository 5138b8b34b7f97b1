#include "stack.h"

#define PATTERN 0x5aa5c33cu
/* Not painted: the painter's own frame and its callers'. */
#define MARGIN_BYTES 256u

/* From the linker script; the stack grows down from `stack_top`. */
extern u32 stack_bottom[];
extern u32 stack_top[];

void stack_paint(void) {
  u32 *const here = (u32 *)__builtin_frame_address(0) - MARGIN_BYTES / 4;
  for (volatile u32 *word = stack_bottom; word < here; word++) *word = PATTERN;
}

u32 stack_used(void) {
  const u32 *word = stack_bottom;
  while (word < stack_top && *word == PATTERN) word++;
  return (u32)((const u8 *)stack_top - (const u8 *)word);
}
