/*
 * Starts a Cortex-M: vectors, memory, memory protection, faults. No interrupt is ever taken: the
 * loop sleeps with interrupts masked and polls.
 *
 * Isolation (ARMv7-M ARM, B3.5): in a call into the image the processor is unprivileged. The MPU
 * then lets it execute and read flash, and read and write linear memory and the stack; peripherals,
 * the loop's data and the processor's own registers fault. `svc 0` restores the privileges, `svc 1`
 * gives the call up.
 */
#include "board.h"
#include "linear.h"
#include "loop.h"

extern u32 stack_bottom[];
extern u32 stack_top[];
extern u32 zero_begin[];
extern u32 zero_end[];
extern u8 linear_begin[];
extern u8 flash_begin[];

void reset_entry(void);
void fault_entry(void);
void service_entry(void);
void watchdog_entry(void);

/*
 * Sixteen system exceptions; no interrupt of a peripheral is ever unmasked. The watchdog's warning
 * is the NMI.
 */
static const void *const vectors[16] __attribute__((used, section(".vectors"))) = {
    stack_top,   reset_entry,   watchdog_entry, fault_entry,
    fault_entry, fault_entry,   fault_entry,    0,
    0,           0,             0,              service_entry,
    fault_entry, 0,             fault_entry,    fault_entry,
};

#define REGISTER(address) (*(volatile u32 *)(uintptr_t)(address))
/* CPACR: the compiler may use floating-point registers as plain storage. */
#define COPROCESSOR_ACCESS REGISTER(0xe000ed88u)
#define VECTOR_TABLE REGISTER(0xe000ed08u)

#define MPU_CONTROL REGISTER(0xe000ed94u)
#define MPU_NUMBER REGISTER(0xe000ed98u)
#define MPU_BASE REGISTER(0xe000ed9cu)
#define MPU_ATTRIBUTES REGISTER(0xe000eda0u)
#define MPU_ENABLE 1u
#define MPU_PRIVILEGED_DEFAULT 4u
/* Normal memory, not shared; execute never, read-write for all; read-only for all. */
#define NORMAL (1u << 19 | 1u << 17)
#define READ_WRITE (1u << 28 | 3u << 24 | NORMAL)
#define READ_EXECUTE (6u << 24 | NORMAL)

/* The smallest power of two that is at least `bytes`, as its exponent. */
#define EXPONENT(bytes) (32u - (u32)__builtin_clz((bytes) - 1u))

/*
 * Sets a region, which is a power of two, aligned by itself, in eighths that can be disabled: all
 * beyond `bytes` are.
 */
static void protect(u32 number, const void *base, u32 bytes, u32 access) {
  const u32 exponent = EXPONENT(bytes);
  const u32 eighth = 1u << (exponent - 3);
  const u32 used = (bytes + eighth - 1) / eighth;
  MPU_NUMBER = number;
  MPU_BASE = (u32)(uintptr_t)base;
  MPU_ATTRIBUTES = access | (0xff00u << used & 0xff00u) | (exponent - 1) << 1 | 1u;
}

void __attribute__((noreturn)) reset_entry(void) {
  COPROCESSOR_ACCESS |= 0xfu << 20;
  VECTOR_TABLE = (u32)(uintptr_t)vectors;
  for (volatile u32 *word = zero_begin; word < zero_end; word++) *word = 0;
  protect(0, flash_begin, FLASH_BYTES, READ_EXECUTE);
  protect(1, linear_begin, LINEAR_BYTES, READ_WRITE);
  protect(2, stack_bottom, (u32)((uintptr_t)stack_top - (uintptr_t)stack_bottom), READ_WRITE);
  MPU_CONTROL = MPU_ENABLE | MPU_PRIVILEGED_DEFAULT;
  __asm__ volatile("dsb\n isb" ::: "memory");
  board_start();
  loop_start();
  loop_run(TRAP_NONE);
}

void board_enter(void) {
  __asm__ volatile("msr control, %0\n isb" ::"r"(1) : "memory");
}

void board_leave(void) {
  __asm__ volatile("svc 0" ::: "memory");
}

/*
 * Continues after a call was given up: the stack is empty, and the register of linear memory is set
 * again.
 */
void __attribute__((noreturn, used)) resume(u32 reason) {
  linear_start();
  loop_run(reason);
}

void __attribute__((noreturn)) board_abandon(u32 reason) {
  register u32 argument __asm__("r0") = reason;
  __asm__ volatile("svc 1" ::"r"(argument) : "memory");
  __builtin_unreachable();
}

/*
 * Gives the present call up: the exception returns to `resume`(r1), privileged, on an empty stack.
 * Its frame is made anew at the top, since the old one may lie beyond it. If the call used
 * floating-point registers, the processor would save them to the old frame when the next call uses
 * some (FPCCR, LSPACT; ARMv7-M ARM, B1.5.7): that is cancelled.
 */
void __attribute__((naked, used)) abandon_entry(void) {
  __asm__ volatile(
      "mrs r0, control\n"
      "bic r0, #1\n"
      "msr control, r0\n"
      "isb\n"
      "ldr r0, =0xe000ef34\n"
      "ldr r2, [r0]\n"
      "bic r2, #1\n"
      "str r2, [r0]\n"
      "ldr r0, =stack_top\n"
      "sub r0, #32\n"
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

void __attribute__((naked)) fault_entry(void) {
  __asm__ volatile(
      "movs r1, #4\n"
      "b abandon_entry\n");
}

/* The number of the service is in the instruction before the stacked program counter. */
void __attribute__((naked)) service_entry(void) {
  __asm__ volatile(
      "ldr r1, [sp, #24]\n"
      "ldrb r1, [r1, #-2]\n"
      "cbnz r1, 1f\n"
      "mrs r0, control\n"
      "bic r0, #1\n"
      "msr control, r0\n"
      "isb\n"
      "bx lr\n"
      "1: ldr r1, [sp, #0]\n"
      "b abandon_entry\n");
}

/* First expiry of the watchdog; a second one would reset the processor. */
void __attribute__((noreturn)) watchdog_entry(void) {
  board_reset(BOARD_CAUSE_WATCHDOG);
}
