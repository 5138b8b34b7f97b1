/*
 * Calls the image, as image.h declares it: each call without privileges (board_enter, board_leave)
 * and between two marks. A mark is an empty function of its own, so that an instrumented emulator
 * finds its address in the symbol table and counts what is executed between `measure_begin_<op>`
 * and `measure_end`; on a real board it costs a call and a return.
 */
#ifndef HELIOGRAPH_CALLS_H
#define HELIOGRAPH_CALLS_H

#include "types.h"

u32 call_boot(u32 ctx, u32 config, u32 length, u32 cause, u32 now_s, u32 now_ms);
u32 call_restore(u32 ctx, u32 image, u32 length, u32 config, u32 config_length, u32 cause, u32 now_s, u32 now_ms);
u32 call_receive(u32 ctx, u32 now_s, u32 now_ms, u32 frame, u32 length);
u32 call_observe(u32 ctx, u32 now_s, u32 now_ms, u32 record, u32 length);
u32 call_tick(u32 ctx, u32 now_s, u32 now_ms);
u32 call_transmit(u32 ctx, u32 now_s, u32 now_ms, u32 out, u32 capacity);
u32 call_command(u32 ctx, u32 out, u32 capacity);
u32 call_event(u32 ctx, u32 out, u32 capacity);
u32 call_checkpoint(u32 ctx, u32 out, u32 capacity);
u32 call_hash(u32 ctx);
u32 call_inspect(u32 ctx, u32 what, u32 index, u32 out, u32 capacity);

#endif
