/*
 * The image's exports, as docs/abi.md defines them. `ctx` and buffers are addresses in linear
 * memory.
 */
#ifndef HELIOGRAPH_IMAGE_H
#define HELIOGRAPH_IMAGE_H

#include "types.h"

/* Writes the image's constants to linear memory: once, before any other call. */
void image_constants(void);

u32 image_abi_version(void);
u32 image_context_bytes(void);
u32 image_memory_base(void);
u32 image_checkpoint_bytes(void);
u32 image_boot(u32 ctx, u32 config, u32 length, u32 cause, u32 now_s, u32 now_ms);
u32 image_restore(u32 ctx, u32 image, u32 length, u32 config, u32 config_length, u32 cause, u32 now_s, u32 now_ms);
u32 image_receive(u32 ctx, u32 now_s, u32 now_ms, u32 frame, u32 length);
u32 image_observe(u32 ctx, u32 now_s, u32 now_ms, u32 record, u32 length);
u32 image_tick(u32 ctx, u32 now_s, u32 now_ms);
u32 image_transmit(u32 ctx, u32 now_s, u32 now_ms, u32 out, u32 capacity);
u32 image_command(u32 ctx, u32 out, u32 capacity);
u32 image_event(u32 ctx, u32 out, u32 capacity);
u32 image_checkpoint(u32 ctx, u32 out, u32 capacity);
u32 image_hash(u32 ctx);
u32 image_inspect(u32 ctx, u32 what, u32 index, u32 out, u32 capacity);
u32 image_trap_site(void);
u32 image_verdict(u32 ctx, u32 owner, u32 slot, u32 now_s, u32 now_ms);

#endif
