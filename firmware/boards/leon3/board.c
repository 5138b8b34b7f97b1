/* GRLIB's peripherals (GR712RC user manual): APBUART, IRQMP, GPTIMER. */
#include "board.h"

#include "linear.h"
#include "loop.h"

#define REGISTER(address) (*(volatile u32 *)(uintptr_t)(address))

#define UART_DATA REGISTER(0x80000100u)
#define UART_STATUS REGISTER(0x80000104u)
#define UART_CONTROL REGISTER(0x80000108u)
#define UART_SCALER REGISTER(0x8000010cu)
#define UART_RX_READY 1u
#define UART_TX_EMPTY 4u
#define UART_LEVEL 3u

#define IRQ_CLEAR REGISTER(0x8000020cu)
#define IRQ_MASK REGISTER(0x80000240u)

#define PRESCALER_RELOAD REGISTER(0x80000304u)
#define PRESCALER_VALUE REGISTER(0x80000300u)
#define CLOCK_VALUE REGISTER(0x80000310u)
#define CLOCK_RELOAD REGISTER(0x80000314u)
#define CLOCK_CONTROL REGISTER(0x80000318u)
#define ALARM_VALUE REGISTER(0x80000320u)
#define ALARM_RELOAD REGISTER(0x80000324u)
#define ALARM_CONTROL REGISTER(0x80000328u)
#define TIMER_ENABLE 1u
#define TIMER_RESTART 2u
#define TIMER_LOAD 4u
#define TIMER_INTERRUPT 8u
#define ALARM_LEVEL 7u
#define TICKS_PER_MICROSECOND 40u

#define PIL_ALL 0xf00u
#define PIL_BELOW_ALARM 0x600u

/*
 * Not cleared at start: [0] a mark which says that the memory kept its contents, [1] the cause of
 * the last reset: the watchdog, unless another cause was written.
 */
#define CAUSE_MARK 0x43415553u
static u32 start_cause[2] __attribute__((section(".noinit")));
static u32 cause;

extern u32 zero_begin[];
extern u32 zero_end[];

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

/* No protection of memory is used here: the image's code checks every access (LINEAR_CHECKED). */
void board_enter(void) {
}

void board_leave(void) {
}

static void set_level(u32 level) {
  u32 psr;
  __asm__ volatile("rd %%psr, %0" : "=r"(psr));
  psr = (psr & ~PIL_ALL) | level;
  __asm__ volatile("wr %0, %%psr\n nop\n nop\n nop" ::"r"(psr) : "memory");
}

static void set_alarm(u32 microseconds) {
  ALARM_CONTROL = 0;
  IRQ_CLEAR = 1u << ALARM_LEVEL;
  ALARM_RELOAD = microseconds;
  ALARM_CONTROL = TIMER_ENABLE | TIMER_LOAD | TIMER_INTERRUPT;
}

static void clear_alarm(void) {
  ALARM_CONTROL = 0;
  IRQ_CLEAR = 1u << ALARM_LEVEL;
}

void board_start(void) {
  cause = start_cause[0] == CAUSE_MARK ? start_cause[1] : BOARD_CAUSE_POWER_ON;
  start_cause[0] = CAUSE_MARK;
  start_cause[1] = BOARD_CAUSE_WATCHDOG;
  UART_SCALER = 42;
  UART_CONTROL = 1u | 2u | 4u;
  PRESCALER_RELOAD = TICKS_PER_MICROSECOND - 1;
  PRESCALER_VALUE = TICKS_PER_MICROSECOND - 1;
  CLOCK_RELOAD = 0xffffffffu;
  CLOCK_CONTROL = TIMER_ENABLE | TIMER_RESTART | TIMER_LOAD;
  IRQ_MASK = 1u << UART_LEVEL | 1u << ALARM_LEVEL;
  board_watchdog_stop();
}

u32 board_cause(void) {
  return cause;
}

s32 board_read(void) {
  return UART_STATUS & UART_RX_READY ? (s32)(UART_DATA & 0xffu) : -1;
}

void board_write(u8 byte) {
  while ((UART_STATUS & UART_TX_EMPTY) == 0) {
  }
  UART_DATA = byte;
}

/* Power-down (write to ASR19) ends with an interrupt request, taken or not. */
void board_wait(u32 ms) {
  IRQ_CLEAR = 1u << UART_LEVEL;
  if (UART_STATUS & UART_RX_READY) return;
  if (ms != BOARD_FOREVER) set_alarm((ms < 1000000u ? ms : 1000000u) * 1000u);
  __asm__ volatile("wr %%g0, %%asr19\n nop\n nop" ::: "memory");
  clear_alarm();
}

u32 board_microseconds(void) {
  return 0xffffffffu - CLOCK_VALUE;
}

void board_watchdog_arm(u32 ms) {
  set_alarm(ms * 1000u);
  set_level(PIL_BELOW_ALARM);
}

void board_watchdog_stop(void) {
  set_level(PIL_ALL);
  clear_alarm();
}

/*
 * The part's reset line is not on the processor's bus: the start is repeated, with interrupts off
 * and the cause in memory that is not cleared.
 */
void __attribute__((noreturn)) board_reset(u32 why) {
  start_cause[1] = why;
  clear_alarm();
  __asm__ volatile("sethi %%hi(reset_entry), %%g1\n jmp %%g1 + %%lo(reset_entry)\n nop" ::: "g1", "memory");
  __builtin_unreachable();
}

/* Error mode: a trap while traps are off ends the emulator. */
void __attribute__((noreturn)) board_off(void) {
  __asm__ volatile("wr %%g0, 0xfc0, %%psr\n nop\n nop\n nop\n ta 0\n nop" ::: "memory");
  for (;;) {
  }
}
