/* Measures the stack: it is filled with a pattern at start; what is no longer pattern was used. */
#ifndef HELIOGRAPH_STACK_H
#define HELIOGRAPH_STACK_H

#include "types.h"

void stack_paint(void);
/* Returns the greatest depth so far, bytes. */
u32 stack_used(void);

#endif
