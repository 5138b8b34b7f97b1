/* ARM's CMSDK peripherals, as on the MPS2 boards (ARM DDI 0479): UART, timer, watchdog. */
#include "board.h"


#define REGISTER(address) (*(volatile u32 *)(uintptr_t)(address))

#define UART_DATA REGISTER(0x40004000u)
#define UART_STATE REGISTER(0x40004004u)
#define UART_CONTROL REGISTER(0x40004008u)
#define UART_INTERRUPT REGISTER(0x4000400cu)
#define UART_DIVIDER REGISTER(0x40004010u)
#define UART_TX_FULL 1u
#define UART_RX_FULL 2u
#define UART_RX_INTERRUPT 2u

#define TIMER_CONTROL REGISTER(0x40000000u)
#define TIMER_VALUE REGISTER(0x40000004u)
#define TIMER_RELOAD REGISTER(0x40000008u)
#define CLOCK_MHZ 25u

#define SYSTICK_CONTROL REGISTER(0xe000e010u)
#define SYSTICK_RELOAD REGISTER(0xe000e014u)
#define SYSTICK_VALUE REGISTER(0xe000e018u)
#define SYSTICK_MS_MAX 600u

#define INTERRUPT_ENABLE REGISTER(0xe000e100u)
#define INTERRUPT_DISABLE REGISTER(0xe000e180u)
#define INTERRUPT_CLEAR REGISTER(0xe000e280u)
#define INTERRUPT_CONTROL REGISTER(0xe000ed04u)
#define SYSTICK_CLEAR (1u << 25)
#define RESET_CONTROL REGISTER(0xe000ed0cu)
#define RESET_REQUEST 0x05fa0004u

#define WATCHDOG_LOAD REGISTER(0x40008000u)
#define WATCHDOG_CONTROL REGISTER(0x40008008u)
#define WATCHDOG_CLEAR REGISTER(0x4000800cu)
#define WATCHDOG_LOCK REGISTER(0x40008c00u)
#define WATCHDOG_KEY 0x1acce551u

/*
 * Not cleared at start: [0] a mark which says that the memory kept its contents, [1] the cause of
 * the last reset: the watchdog, unless another cause was written.
 */
#define CAUSE_MARK 0x43415553u
u32 start_cause[2] __attribute__((section(".noinit")));
static u32 cause;

void board_start(void) {
  cause = start_cause[0] == CAUSE_MARK ? start_cause[1] : BOARD_CAUSE_POWER_ON;
  start_cause[0] = CAUSE_MARK;
  start_cause[1] = BOARD_CAUSE_WATCHDOG;
  UART_DIVIDER = 217;
  UART_CONTROL = 1u | 2u | 8u;
  TIMER_RELOAD = 0xffffffffu;
  TIMER_VALUE = 0xffffffffu;
  TIMER_CONTROL = 1u;
  board_watchdog_stop();
}

u32 board_cause(void) {
  return cause;
}

s32 board_read(void) {
  return UART_STATE & UART_RX_FULL ? (s32)(UART_DATA & 0xffu) : -1;
}

void board_write(u8 byte) {
  while (UART_STATE & UART_TX_FULL) {
  }
  UART_DATA = byte;
}

/* Pending interrupts end the sleep although they are masked; they are enabled nowhere else. */
void board_wait(u32 ms) {
  UART_INTERRUPT = UART_RX_INTERRUPT;
  INTERRUPT_CLEAR = 1u;
  if (UART_STATE & UART_RX_FULL) return;
  __asm__ volatile("cpsid i" ::: "memory");
  INTERRUPT_ENABLE = 1u;
  if (ms != BOARD_FOREVER) {
    SYSTICK_RELOAD = (ms < SYSTICK_MS_MAX ? ms : SYSTICK_MS_MAX) * 1000u * CLOCK_MHZ;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = 7u;
  }
  __asm__ volatile("dsb\n wfi" ::: "memory");
  SYSTICK_CONTROL = 0;
  INTERRUPT_CONTROL = SYSTICK_CLEAR;
  INTERRUPT_DISABLE = 1u;
  INTERRUPT_CLEAR = 1u;
  __asm__ volatile("cpsie i" ::: "memory");
}

u32 board_microseconds(void) {
  static u32 last;
  static u32 microseconds;
  static u32 rest;
  const u32 counted = 0xffffffffu - TIMER_VALUE;
  rest += counted - last;
  last = counted;
  microseconds += rest / CLOCK_MHZ;
  rest %= CLOCK_MHZ;
  return microseconds;
}

void board_watchdog_arm(u32 ms) {
  WATCHDOG_LOCK = WATCHDOG_KEY;
  WATCHDOG_LOAD = ms * 1000u * CLOCK_MHZ;
  WATCHDOG_CLEAR = 0;
  WATCHDOG_CONTROL = 3u;
  WATCHDOG_LOCK = 0;
}

/*
 * The emulated watchdog counts on while it is stopped, and if it expired meanwhile it resets as
 * soon as it is armed: it gets the longest time, and the loop sleeps for less.
 */
void board_watchdog_stop(void) {
  WATCHDOG_LOCK = WATCHDOG_KEY;
  WATCHDOG_CONTROL = 0;
  WATCHDOG_LOAD = 0xffffffffu;
  WATCHDOG_CLEAR = 0;
  WATCHDOG_LOCK = 0;
}

void __attribute__((noreturn)) board_reset(u32 why) {
  start_cause[1] = why;
  __asm__ volatile("dsb" ::: "memory");
  RESET_CONTROL = RESET_REQUEST;
  for (;;) {
  }
}

/* The emulator is ended from outside. */
void __attribute__((noreturn)) board_off(void) {
  for (;;) __asm__ volatile("cpsid i\n wfi" ::: "memory");
}
