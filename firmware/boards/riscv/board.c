/*
 * QEMU's `virt` board, whose devices are those of common RISC-V parts: NS16550A UART, PLIC, CLINT
 * timer, test finisher.
 */
#include "board.h"


#define REGISTER(address) (*(volatile u32 *)(uintptr_t)(address))
#define REGISTER_8(address) (*(volatile u8 *)(uintptr_t)(address))

#define UART_DATA REGISTER_8(0x10000000u)
#define UART_INTERRUPT REGISTER_8(0x10000001u)
#define UART_FIFO REGISTER_8(0x10000002u)
#define UART_LINE REGISTER_8(0x10000003u)
#define UART_STATUS REGISTER_8(0x10000005u)
#define UART_RX_READY 1u
#define UART_TX_EMPTY 0x20u
#define UART_IRQ 10u

#define PLIC_PRIORITY REGISTER(0x0c000000u + 4u * UART_IRQ)
#define PLIC_ENABLE REGISTER(0x0c002000u)
#define PLIC_THRESHOLD REGISTER(0x0c200000u)
#define PLIC_CLAIM REGISTER(0x0c200004u)

#define TIMER_LOW REGISTER(0x0200bff8u)
#define TIMER_HIGH REGISTER(0x0200bffcu)
#define COMPARE_LOW REGISTER(0x02004000u)
#define COMPARE_HIGH REGISTER(0x02004004u)
#define TICKS_PER_US 10u
/*
 * Three and a half years. Not the largest number: an emulator that adds its own time to that would
 * get a time in the past.
 */
#define NEVER ((u64)1 << 50)

#define MACHINE_TIMER (1u << 7)
#define MACHINE_EXTERNAL (1u << 11)

#define FINISHER REGISTER(0x00100000u)
#define FINISHER_OFF 0x5555u
#define FINISHER_RESET 0x7777u

/*
 * Not cleared at start: [0] a mark which says that the memory kept its contents, [1] the cause of
 * the last reset: the watchdog, unless another cause was written.
 */
#define CAUSE_MARK 0x43415553u
static u32 start_cause[2] __attribute__((section(".noinit")));
static u32 cause;

static u64 ticks(void) {
  for (;;) {
    const u32 high = TIMER_HIGH;
    const u32 low = TIMER_LOW;
    if (high == TIMER_HIGH) return (u64)high << 32 | low;
  }
}

static void set_compare(u64 at) {
  COMPARE_HIGH = 0xffffffffu;
  COMPARE_LOW = (u32)at;
  COMPARE_HIGH = (u32)(at >> 32);
}

void board_start(void) {
  cause = start_cause[0] == CAUSE_MARK ? start_cause[1] : BOARD_CAUSE_POWER_ON;
  start_cause[0] = CAUSE_MARK;
  start_cause[1] = BOARD_CAUSE_WATCHDOG;
  /*
   * The fastest rate, and a receiver's queue of 14 bytes: byte by byte the emulator takes three
   * times as long.
   */
  UART_LINE = 0x83;
  UART_DATA = 1;
  UART_INTERRUPT = 0;
  UART_LINE = 3;
  UART_FIFO = 0xc1;
  UART_INTERRUPT = 1;
  PLIC_PRIORITY = 1;
  PLIC_ENABLE = 1u << UART_IRQ;
  PLIC_THRESHOLD = 0;
  board_watchdog_stop();
}

u32 board_cause(void) {
  return cause;
}

s32 board_read(void) {
  return UART_STATUS & UART_RX_READY ? (s32)UART_DATA : -1;
}

void board_write(u8 byte) {
  while ((UART_STATUS & UART_TX_EMPTY) == 0) {
  }
  UART_DATA = byte;
}

/* An interrupt that is enabled in `mie` ends the sleep although `mstatus` masks it. */
void board_wait(u32 ms) {
  const u32 claimed = PLIC_CLAIM;
  if (claimed != 0) PLIC_CLAIM = claimed;
  if (UART_STATUS & UART_RX_READY) return;
  if (ms != BOARD_FOREVER) set_compare(ticks() + (u64)ms * 1000u * TICKS_PER_US);
  __asm__ volatile("csrs mie, %0\n wfi\n csrc mie, %0" ::"r"(MACHINE_EXTERNAL | MACHINE_TIMER) : "memory");
  set_compare(NEVER);
}

u32 board_microseconds(void) {
  static u32 last;
  static u32 microseconds;
  static u32 rest;
  const u32 counted = TIMER_LOW;
  rest += counted - last;
  last = counted;
  microseconds += rest / TICKS_PER_US;
  rest %= TICKS_PER_US;
  return microseconds;
}

void board_watchdog_arm(u32 ms) {
  set_compare(ticks() + (u64)ms * 1000u * TICKS_PER_US);
  __asm__ volatile("csrs mie, %0\n csrsi mstatus, 8" ::"r"(MACHINE_TIMER) : "memory");
}

void board_watchdog_stop(void) {
  __asm__ volatile("csrci mstatus, 8\n csrc mie, %0" ::"r"(MACHINE_TIMER) : "memory");
  set_compare(NEVER);
}

void __attribute__((noreturn)) board_reset(u32 why) {
  start_cause[1] = why;
  __asm__ volatile("fence" ::: "memory");
  FINISHER = FINISHER_RESET;
  for (;;) {
  }
}

void __attribute__((noreturn)) board_off(void) {
  FINISHER = FINISHER_OFF;
  for (;;) __asm__ volatile("wfi");
}
