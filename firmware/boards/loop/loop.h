/* The one main loop of all boards. */
#ifndef HELIOGRAPH_LOOP_H
#define HELIOGRAPH_LOOP_H

#include "types.h"

/* Prepares stack and linear memory and sends `hello`; called after board_start. */
void loop_start(void);
/*
 * Handles inputs for ever. `trap` is 0 at first; otherwise the runtime has just given up a call and
 * waits to be booted.
 */
void __attribute__((noreturn)) loop_run(u32 trap);

#endif
