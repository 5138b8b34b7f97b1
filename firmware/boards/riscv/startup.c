/*
 * Starts a RISC-V: stack, trap vector, memory, memory protection. Interrupts are enabled only while
 * the watchdog is armed.
 *
 * Isolation (RISC-V privileged architecture, 3.7): in a call into the image the processor is in
 * user mode. Physical memory protection then lets it execute and read flash, and read and write
 * linear memory and the stack. `ecall` with a7 = 0 restores machine mode, with a7 = 1 gives the
 * call up.
 */
#include "board.h"
#include "linear.h"
#include "loop.h"

extern u32 stack_bottom[];
extern u32 stack_top[];
extern u32 zero_begin[];
extern u32 zero_end[];
extern u8 linear_begin[];
extern u8 linear_guard[];
extern u8 flash_begin[];

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

#define PMP_READ 1u
#define PMP_WRITE 2u
#define PMP_EXECUTE 4u
#define PMP_TO_TOP 8u
#define PMP_POWER_OF_TWO 0x18u

static void write_pmp(u32 entry, uintptr_t value) {
  switch (entry) {
    case 0:
      __asm__ volatile("csrw pmpaddr0, %0" ::"r"(value));
      return;
    case 1:
      __asm__ volatile("csrw pmpaddr1, %0" ::"r"(value));
      return;
    case 2:
      __asm__ volatile("csrw pmpaddr2, %0" ::"r"(value));
      return;
    case 3:
      __asm__ volatile("csrw pmpaddr3, %0" ::"r"(value));
      return;
    default:
      __asm__ volatile("csrw pmpaddr4, %0" ::"r"(value));
  }
}

/* Entries 2 and 4 reach from the address of the entry before them to their own. */
static void protect(void) {
  write_pmp(0, ((uintptr_t)flash_begin >> 2) | (FLASH_BYTES / 8 - 1));
  write_pmp(1, (uintptr_t)linear_begin >> 2);
  write_pmp(2, (uintptr_t)linear_guard >> 2);
  write_pmp(3, (uintptr_t)stack_bottom >> 2);
  write_pmp(4, (uintptr_t)stack_top >> 2);
  const u32 first = (PMP_POWER_OF_TWO | PMP_READ | PMP_EXECUTE) | (PMP_TO_TOP | PMP_READ | PMP_WRITE) << 16;
  const u32 second = PMP_TO_TOP | PMP_READ | PMP_WRITE;
#if __riscv_xlen == 64
  __asm__ volatile("csrw pmpcfg0, %0" ::"r"((u64)second << 32 | first));
#else
  __asm__ volatile("csrw pmpcfg0, %0\n csrw pmpcfg1, %1" ::"r"(first), "r"(second));
#endif
}

void __attribute__((noreturn, used)) start(void) {
  for (volatile u32 *word = zero_begin; word < zero_end; word++) *word = 0;
  protect();
  board_start();
  loop_start();
  loop_run(TRAP_NONE);
}

void __attribute__((noreturn, used)) resume(u32 reason) {
  linear_start();
  loop_run(reason);
}

/*
 * Goes on with the next instruction in user mode, with interrupts as they are (MPIE becomes MIE).
 */
void board_enter(void) {
  uintptr_t scratch;
  __asm__ volatile(
      "li %0, 0x1880\n"
      "csrc mstatus, %0\n"
      "csrr %0, mstatus\n"
      "andi %0, %0, 8\n"
      "slli %0, %0, 4\n"
      "csrs mstatus, %0\n"
      "la %0, 1f\n"
      "csrw mepc, %0\n"
      "mret\n"
      "1:"
      : "=&r"(scratch)
      :
      : "memory");
}

void board_leave(void) {
  register uintptr_t service __asm__("a7") = 0;
  __asm__ volatile("ecall" : "+r"(service) : : "memory");
}

void __attribute__((noreturn)) board_abandon(u32 reason) {
  register uintptr_t argument __asm__("a0") = reason;
  register uintptr_t service __asm__("a7") = 1;
  __asm__ volatile("ecall" ::"r"(argument), "r"(service) : "memory");
  __builtin_unreachable();
}

/*
 * Handles every trap but `ecall` with a7 = 0, on an empty stack and in machine mode. The timer's
 * interrupt is the watchdog: only it is enabled.
 */
void __attribute__((noreturn, used)) trapped(u32 reason, intptr_t cause) {
  if (cause < 0) board_reset(BOARD_CAUSE_WATCHDOG);
  resume(cause == 8 || cause == 11 ? reason : TRAP_PROTECTION);
}

/* mcause 8: ecall from user mode, 11: from machine mode. */
void __attribute__((naked, aligned(4))) trap_entry(void) {
  __asm__ volatile(
      "csrw mscratch, t0\n"
      "csrr t0, mcause\n"
      "addi t0, t0, -8\n"
      "bnez t0, 1f\n"
      "bnez a7, 1f\n"
      "csrr t0, mepc\n"
      "addi t0, t0, 4\n"
      "csrw mepc, t0\n"
      "li t0, 0x1800\n"
      "csrs mstatus, t0\n"
      "csrr t0, mscratch\n"
      "mret\n"
      "1:\n"
      "csrr a1, mcause\n"
      "la sp, stack_top\n"
      "j trapped\n");
}
