/* Cortex-M startup: vectors, memory, faults. No interrupt is ever taken in normal running: the loop sleeps with interrupts masked and polls. */
#include "board.h"
#include "linear.h"
#include "loop.h"

extern u32 stack_top[];
extern u32 zero_begin[];
extern u32 zero_end[];

void reset_entry(void);
void fault_entry(void);
void watchdog_entry(void);

/* Sixteen system exceptions; no interrupt of a peripheral is ever unmasked. The watchdog's warning is the NMI. */
static const void *const vectors[16] __attribute__((used, section(".vectors"))) = {
    stack_top, reset_entry, watchdog_entry, fault_entry, fault_entry, fault_entry, fault_entry, 0, 0, 0, 0, fault_entry, fault_entry, 0, fault_entry, fault_entry,
};

/* CPACR: the compiler may use floating-point registers as plain storage. */
#define COPROCESSOR_ACCESS (*(volatile u32 *)0xe000ed88u)
#define VECTOR_TABLE (*(volatile u32 *)0xe000ed08u)

void __attribute__((noreturn)) reset_entry(void) {
  __asm__ volatile("cpsid i" ::: "memory");
  COPROCESSOR_ACCESS |= 0xfu << 20;
  VECTOR_TABLE = (u32)(uintptr_t)vectors;
  __asm__ volatile("dsb\n isb" ::: "memory");
  for (volatile u32 *word = zero_begin; word < zero_end; word++) *word = 0;
  board_start();
  loop_start();
  loop_run(TRAP_NONE);
}

/* The stack is thrown away, the linear memory's register set again. */
void __attribute__((noreturn, used)) resume(u32 reason) {
  linear_start();
  loop_run(reason);
}

void __attribute__((noreturn)) board_abandon(u32 reason) {
  register u32 argument __asm__("r0") = reason;
  __asm__ volatile("msr msp, %1\n b resume" ::"r"(argument), "r"(stack_top) : "memory");
  __builtin_unreachable();
}

/*
 * A fault inside a call gives that call up: the exception returns to `resume` on a fresh stack. Its frame is made anew at the top, since the old one may lie beyond it.
 */
void __attribute__((naked)) fault_entry(void) {
  __asm__ volatile(
      "ldr r0, =stack_top\n"
      "sub r0, #32\n"
      "movs r1, #4\n"
      "str r1, [r0, #0]\n"
      "ldr r1, =resume\n"
      "bic r1, #1\n"
      "str r1, [r0, #24]\n"
      "movs r1, #1\n"
      "lsls r1, #24\n"
      "str r1, [r0, #28]\n"
      "msr msp, r0\n"
      "ldr r1, =0xfffffff9\n"
      "bx r1\n");
}

/* First expiry of the watchdog; a second would reset without us. */
void __attribute__((noreturn)) watchdog_entry(void) {
  board_reset(CAUSE_WATCHDOG);
}
