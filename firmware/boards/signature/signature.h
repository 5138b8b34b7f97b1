/*
 * Declares dist/signature.wasm as C (host/board/signature.ts), with the exports of
 * firmware/signature/index.ts. Addresses are in the module's own linear memory: `linear_origin`
 * must point to it around a call, and to the image's afterwards.
 */
#ifndef HELIOGRAPH_SIGNATURE_H
#define HELIOGRAPH_SIGNATURE_H

#include "types.h"

/*
 * Writes the module's constants to its linear memory: before the first call, and after a call that
 * trapped because they were changed.
 */
void signature_constants(void);

u32 signature_memory_base(void);
u32 signature_message_bytes_max(void);
/* 1: it is one. */
u32 signature_verify(u32 public_key, u32 message, u32 length, u32 signature);
/* 1: it is made. */
u32 signature_sign(u32 seed, u32 public_key, u32 message, u32 length, u32 out);
u32 signature_public_key(u32 seed, u32 out);

#endif
