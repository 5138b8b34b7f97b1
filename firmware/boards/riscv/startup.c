/* RISC-V startup (machine mode only): stack, trap vector, memory. Interrupts are enabled only while the watchdog is armed. */
#include "board.h"
#include "linear.h"
#include "loop.h"

extern u32 zero_begin[];
extern u32 zero_end[];

void trap_entry(void);

void __attribute__((naked, section(".start"))) reset_entry(void) {
  __asm__ volatile(
      "csrw mie, zero\n"
      "csrci mstatus, 8\n"
      "la sp, stack_top\n"
      "la t0, trap_entry\n"
      "csrw mtvec, t0\n"
      "j start\n");
}

void __attribute__((noreturn, used)) start(void) {
  for (volatile u32 *word = zero_begin; word < zero_end; word++) *word = 0;
  board_start();
  loop_start();
  loop_run(TRAP_NONE);
}

void __attribute__((noreturn, used)) resume(u32 reason) {
  linear_start();
  loop_run(reason);
}

void __attribute__((noreturn)) board_abandon(u32 reason) {
  register uintptr_t argument __asm__("a0") = reason;
  __asm__ volatile("la sp, stack_top\n j resume" ::"r"(argument) : "memory");
  __builtin_unreachable();
}

/* The timer's interrupt is the watchdog: only it is enabled. All else is a fault of the present call, which is given up; it may have been the stack. */
void __attribute__((noreturn, used)) trapped(void) {
  intptr_t cause;
  __asm__ volatile("csrr %0, mcause" : "=r"(cause));
  if (cause < 0) board_reset(CAUSE_WATCHDOG);
  board_abandon(TRAP_PROTECTION);
}

void __attribute__((naked, aligned(4))) trap_entry(void) {
  __asm__ volatile(
      "la sp, stack_top\n"
      "j trapped\n");
}
