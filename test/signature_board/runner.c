/*
 * Makes the calls of firmware/boards/signature/signature.h that the host wrote into the emulated
 * memory, each between the marks that the counting plugin looks for. It takes the place of the
 * boards' main loop.
 *
 *     words: calls · calls done · reason of a trap · unused; then per call
 *     op (1 verify, 2 sign, 3 public key) · length of the message · result · unused;
 *     bytes: seed 32 · key 32 · signature 64 · message 2048
 *
 * Results, and the key or signature that a call wrote, are returned in the same places.
 */
#include "board.h"
#include "../native_baseline/harness.h"
#include "linear.h"
#include "loop.h"
#include "signature.h"

/* Defined by the build: SCRIPT_ADDRESS. */

enum { SEED = 0, KEY = 32, SIGNATURE = 64, MESSAGE = 128, BUFFER_BYTES = 128 + 2048 };

struct call {
  u32 op, length, result, unused;
  u8 bytes[BUFFER_BYTES];
};
struct script {
  u32 calls, done, trap, unused;
  struct call call[];
};

#define script ((struct script *)(uintptr_t)SCRIPT_ADDRESS)

#define MARK(name)                                      \
  void measure_##name(void);                            \
  void __attribute__((noinline)) measure_##name(void) { \
    __asm__ volatile("" ::: "memory");                  \
  }
MARK(end)
MARK(begin_verify)
MARK(begin_sign)
MARK(begin_public_key)

void runner_over(void);
void __attribute__((noinline)) runner_over(void) { __asm__ volatile("nop" ::: "memory"); }

static u32 base;

/* The calls are made unprivileged: they need nothing else after board_enter, as in calls.c. */
static u32 __attribute__((noinline)) call_verify(u32 at, u32 length) {
  board_enter();
  measure_begin_verify();
  const u32 result = signature_verify(at + KEY, at + MESSAGE, length, at + SIGNATURE);
  measure_end();
  board_leave();
  return result;
}
static u32 __attribute__((noinline)) call_sign(u32 at, u32 length) {
  board_enter();
  measure_begin_sign();
  const u32 result = signature_sign(at + SEED, at + KEY, at + MESSAGE, length, at + SIGNATURE);
  measure_end();
  board_leave();
  return result;
}
static u32 __attribute__((noinline)) call_public_key(u32 at) {
  board_enter();
  measure_begin_public_key();
  const u32 result = signature_public_key(at + SEED, at + KEY);
  measure_end();
  board_leave();
  return result;
}

void loop_start(void) {
  linear_start();
  signature_constants();
  base = signature_memory_base();
}

void __attribute__((noreturn)) loop_run(u32 trap) {
  script->trap = trap;
  if (trap == TRAP_NONE)
    for (struct call *call = script->call; script->done < script->calls; call++, script->done++) {
      linear_write(base, call->bytes, BUFFER_BYTES);
      if (call->op == SIGNATURE_OP_VERIFY) call->result = call_verify(base, call->length);
      else if (call->op == SIGNATURE_OP_SIGN) call->result = call_sign(base, call->length);
      else call->result = call_public_key(base);
      linear_read(base, call->bytes, BUFFER_BYTES);
    }
  runner_over();
  board_off();
}

void image_trap(u32 reason) {
  board_abandon(reason);
}
