/*
 * In place of the boards' main loop: seals and opens what the host wrote into the emulated memory,
 * each call between the marks of the counting plugin, and leaves the results there.
 *
 * CASES_ADDRESS (given by the build): how many, how many are done, the trap, then the cases, words
 * in the processor's own order.
 */
#include "board.h"
#include "../native_baseline/harness.h"
#include "image.h"
#include "linear.h"
#include "loop.h"

enum { TEXT_BYTES = 512, SHIFT_MAX = 16 };

struct cipher_case {
  u32 operation, result, shift, n0, n1, n2, aad_length, length;
  u8 key[32];
  u8 aad[128];
  u8 text[TEXT_BYTES];
  u8 out[TEXT_BYTES];
};
struct cases {
  u32 count, done, trap, unused;
  struct cipher_case of[];
};

/* The exports of the entry that test/security/boards.ts compiles. */
u32 image_seal(u32 key, u32 n0, u32 n1, u32 n2, u32 aad, u32 aad_length, u32 text, u32 length, u32 out);
u32 image_open(u32 key, u32 n0, u32 n1, u32 n2, u32 aad, u32 aad_length, u32 text, u32 length, u32 out);

void runner_over(void);
void measure_begin_seal(void);
void measure_begin_open(void);
void measure_end(void);
void __attribute__((noinline)) runner_over(void) { __asm__ volatile("nop" ::: "memory"); }
void __attribute__((noinline)) measure_begin_seal(void) { __asm__ volatile("" ::: "memory"); }
void __attribute__((noinline)) measure_begin_open(void) { __asm__ volatile("" ::: "memory"); }
void __attribute__((noinline)) measure_end(void) { __asm__ volatile("" ::: "memory"); }

static struct cases *const cases = (struct cases *)(uintptr_t)CASES_ADDRESS;

static u32 __attribute__((noinline)) seal(u32 key, u32 n0, u32 n1, u32 n2, u32 aad, u32 aad_length, u32 text,
                                          u32 length, u32 out) {
  board_enter();
  measure_begin_seal();
  const u32 result = image_seal(key, n0, n1, n2, aad, aad_length, text, length, out);
  measure_end();
  board_leave();
  return result;
}

static u32 __attribute__((noinline)) open(u32 key, u32 n0, u32 n1, u32 n2, u32 aad, u32 aad_length, u32 text,
                                          u32 length, u32 out) {
  board_enter();
  measure_begin_open();
  const u32 result = image_open(key, n0, n1, n2, aad, aad_length, text, length, out);
  measure_end();
  board_leave();
  return result;
}

static void work_off(struct cipher_case *each) {
  const u32 key = (image_memory_base() + 63u) & ~63u;
  const u32 aad = key + 64 + each->shift;
  const u32 text = aad + 128 + SHIFT_MAX;
  const u32 out = text + TEXT_BYTES + SHIFT_MAX;
  linear_write(key, each->key, sizeof each->key);
  linear_write(aad, each->aad, sizeof each->aad);
  linear_write(text, each->text, TEXT_BYTES);
  linear_write(out, each->out, TEXT_BYTES);
  each->result = each->operation == CIPHER_OP_SEAL
                     ? seal(key, each->n0, each->n1, each->n2, aad, each->aad_length, text, each->length, out)
                     : open(key, each->n0, each->n1, each->n2, aad, each->aad_length, text, each->length, out);
  linear_read(out, each->out, TEXT_BYTES);
}

void loop_start(void) {
  linear_start();
  image_constants();
}

void __attribute__((noreturn)) loop_run(u32 trap) {
  cases->trap = trap;
  for (u32 i = 0; trap == TRAP_NONE && i < cases->count; i++) {
    work_off(&cases->of[i]);
    cases->done++;
  }
  runner_over();
  board_off();
}

void image_trap(u32 reason) {
  board_abandon(reason);
}
