/* Frames that the loop sends over the serial line. README.md defines them. */
#ifndef HELIOGRAPH_OUT_H
#define HELIOGRAPH_OUT_H

#include "types.h"

/* Sends `bytes` bytes of linear memory from `at` on: a frame or a record. */
void out_memory(u32 kind, u32 at, u32 bytes);
void out_done(u32 status, u32 deadline, u32 hash);
void out_hello(void);
void out_trapped(u32 site, u32 reason);

#endif
