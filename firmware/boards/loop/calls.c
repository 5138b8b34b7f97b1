#include "calls.h"

#include "board.h"
#include "image.h"

/* Empty but for an instruction that keeps the compiler from merging the marks. */
#define MARK(name)                                      \
  void measure_##name(void);                            \
  void __attribute__((noinline)) measure_##name(void) { \
    __asm__ volatile("" ::: "memory");                  \
  }

MARK(end)

/*
 * The arguments are in registers before privileges are given up: afterwards the loop's own data
 * cannot be read.
 */
#define CALL(op, parameters, arguments)                 \
  MARK(begin_##op)                                      \
  u32 __attribute__((noinline)) call_##op parameters { \
    board_enter();                                      \
    measure_begin_##op();                               \
    const u32 result = image_##op arguments;            \
    measure_end();                                      \
    board_leave();                                      \
    return result;                                      \
  }

CALL(boot, (u32 ctx, u32 config, u32 length, u32 cause, u32 now_s, u32 now_ms),
     (ctx, config, length, cause, now_s, now_ms))
CALL(restore, (u32 ctx, u32 image, u32 length, u32 config, u32 config_length, u32 cause, u32 now_s, u32 now_ms),
     (ctx, image, length, config, config_length, cause, now_s, now_ms))
CALL(receive, (u32 ctx, u32 now_s, u32 now_ms, u32 frame, u32 length), (ctx, now_s, now_ms, frame, length))
CALL(observe, (u32 ctx, u32 now_s, u32 now_ms, u32 record, u32 length), (ctx, now_s, now_ms, record, length))
CALL(tick, (u32 ctx, u32 now_s, u32 now_ms), (ctx, now_s, now_ms))
CALL(transmit, (u32 ctx, u32 now_s, u32 now_ms, u32 out, u32 capacity), (ctx, now_s, now_ms, out, capacity))
CALL(command, (u32 ctx, u32 out, u32 capacity), (ctx, out, capacity))
CALL(event, (u32 ctx, u32 out, u32 capacity), (ctx, out, capacity))
CALL(checkpoint, (u32 ctx, u32 out, u32 capacity), (ctx, out, capacity))
CALL(hash, (u32 ctx), (ctx))
CALL(inspect, (u32 ctx, u32 what, u32 index, u32 out, u32 capacity), (ctx, what, index, out, capacity))

void image_trap(u32 reason) {
  board_abandon(reason);
}
