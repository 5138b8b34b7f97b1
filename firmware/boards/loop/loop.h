/* The one main loop of all boards. */
#ifndef HELIOGRAPH_LOOP_H
#define HELIOGRAPH_LOOP_H

#include "types.h"

/* After board_start: paints the stack, prepares linear memory, says hello. */
void loop_start(void);
/* Takes inputs for ever. `trap` is 0 at first; otherwise the runtime has just given up a call, and waits to be booted. */
void __attribute__((noreturn)) loop_run(u32 trap);

#endif
