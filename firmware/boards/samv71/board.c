/*
 * SAM V71 Xplained Ultra (Microchip DS60001527: PMC, PIO, USART, EEFC, WDT, RSTC). The serial line
 * is USART1, which the debugger on the board shows as a serial port; the clock is the 12 MHz
 * oscillator of the reset state, so a step takes 25 times as long as at 300 MHz. Compiled and
 * linked by the tests, never run: there was no board.
 */
#include "board.h"

#include "linear.h"

/* Given by the build: NONVOLATILE_ADDRESS, NONVOLATILE_BYTES. */

#define REGISTER(address) (*(volatile u32 *)(uintptr_t)(address))

#define CLOCK_MHZ 12u
#define CLOCK_ENABLE REGISTER(0x400e0610u)
#define ID_PIO_A 10u
#define ID_PIO_B 11u
#define ID_USART1 14u

/* PB4 is the JTAG input TDI after reset; the debugger uses SWD. */
#define SYSTEM_PINS REGISTER(0x40088114u)
#define SYSTEM_PIN_PB4 (1u << 4)
#define PIO_A_DISABLE REGISTER(0x400e0e04u)
#define PIO_A_SELECT_1 REGISTER(0x400e0e70u)
#define PIO_A_SELECT_2 REGISTER(0x400e0e74u)
#define PIO_B_DISABLE REGISTER(0x400e1004u)
#define PIO_B_SELECT_1 REGISTER(0x400e1070u)
#define PIO_B_SELECT_2 REGISTER(0x400e1074u)
#define RXD_PA21 (1u << 21)
#define TXD_PB4 (1u << 4)

#define USART_CONTROL REGISTER(0x40028000u)
#define USART_MODE REGISTER(0x40028004u)
#define USART_INTERRUPT_ENABLE REGISTER(0x40028008u)
#define USART_STATUS REGISTER(0x40028014u)
#define USART_RECEIVE REGISTER(0x40028018u)
#define USART_TRANSMIT REGISTER(0x4002801cu)
#define USART_BAUD REGISTER(0x40028020u)
#define RX_READY 1u
#define TX_READY 2u
/* 8 bits, no parity, 8-fold oversampling: 12 MHz ÷ (8 · 13) = 115,385 Bd. */
#define USART_8N1_OVER_8 (3u << 6 | 4u << 9 | 1u << 19)
#define USART_DIVIDER 13u

#define DEBUG_CONTROL REGISTER(0xe000edfcu)
#define CYCLE_CONTROL REGISTER(0xe0001000u)
#define CYCLE_COUNT REGISTER(0xe0001004u)

#define SYSTICK_CONTROL REGISTER(0xe000e010u)
#define SYSTICK_RELOAD REGISTER(0xe000e014u)
#define SYSTICK_VALUE REGISTER(0xe000e018u)
#define SYSTICK_MS_MAX 1300u
#define INTERRUPT_ENABLE REGISTER(0xe000e100u)
#define INTERRUPT_DISABLE REGISTER(0xe000e180u)
#define INTERRUPT_CLEAR REGISTER(0xe000e280u)
#define INTERRUPT_CONTROL REGISTER(0xe000ed04u)
#define SYSTICK_CLEAR (1u << 25)

#define WATCHDOG_CONTROL REGISTER(0x400e1850u)
#define WATCHDOG_MODE REGISTER(0x400e1854u)
#define WATCHDOG_RESTART 0xa5000001u
/*
 * Sixteen seconds (4,095 ticks of 256 Hz), resets the processor; the mode may be written once after
 * a reset.
 */
#define WATCHDOG_SETTING (0xfffu | 1u << 13 | 0xfffu << 16)
#define SECOND_WATCHDOG_MODE REGISTER(0x400e1904u)
#define SECOND_WATCHDOG_OFF (1u << 15 | 0xfffu | 0xfffu << 16)
#define WAIT_MS_MAX 5000u

#define RESET_CONTROL REGISTER(0x400e1800u)
#define RESET_STATUS REGISTER(0x400e1804u)
#define RESET_PROCESSOR 0xa5000001u
#define RESET_TYPE_WATCHDOG 2u
#define RESET_TYPE_SOFTWARE 3u

#define FLASH_MODE REGISTER(0x400e0c00u)
#define FLASH_START 0x00400000u
#define FLASH_PAGE_BYTES 512u
#define FLASH_ERASE_PAGES 16u
#define FLASH_WRITE_PAGE 0x01u
#define FLASH_ERASE 0x07u
#define FLASH_ERASE_16 2u
#define FLASH_KEY 0x5a000000u
/* In ROM: gives a command to the flash and waits for it where no flash is read. */
#define FLASH_ROUTINE (*(u32 (*const *)(u32, u32))(uintptr_t)0x00800008u)

u32 start_cause[2] __attribute__((section(".noinit")));
static u32 cause;

void board_start(void) {
  const u32 type = RESET_STATUS >> 8 & 7u;
  cause = type == RESET_TYPE_WATCHDOG   ? BOARD_CAUSE_WATCHDOG
          : type == RESET_TYPE_SOFTWARE ? start_cause[1]
                                        : BOARD_CAUSE_POWER_ON;
  WATCHDOG_MODE = WATCHDOG_SETTING;
  SECOND_WATCHDOG_MODE = SECOND_WATCHDOG_OFF;
  CLOCK_ENABLE = 1u << ID_PIO_A | 1u << ID_PIO_B | 1u << ID_USART1;
  SYSTEM_PINS |= SYSTEM_PIN_PB4;
  PIO_A_SELECT_1 &= ~RXD_PA21;
  PIO_A_SELECT_2 &= ~RXD_PA21;
  PIO_A_DISABLE = RXD_PA21;
  PIO_B_SELECT_1 |= TXD_PB4;
  PIO_B_SELECT_2 |= TXD_PB4;
  PIO_B_DISABLE = TXD_PB4;
  USART_MODE = USART_8N1_OVER_8;
  USART_BAUD = USART_DIVIDER;
  USART_CONTROL = 1u << 4 | 1u << 6;
  USART_INTERRUPT_ENABLE = RX_READY;
  DEBUG_CONTROL |= 1u << 24;
  CYCLE_COUNT = 0;
  CYCLE_CONTROL |= 1u;
}

u32 board_cause(void) {
  return cause;
}

s32 board_read(void) {
  return USART_STATUS & RX_READY ? (s32)(USART_RECEIVE & 0xffu) : -1;
}

void board_write(u8 byte) {
  while ((USART_STATUS & TX_READY) == 0) {
  }
  USART_TRANSMIT = byte;
}

/*
 * Pending interrupts end the sleep although they are masked; they are enabled nowhere else. The
 * watchdog is restarted before and runs on meanwhile.
 */
void board_wait(u32 ms) {
  WATCHDOG_CONTROL = WATCHDOG_RESTART;
  INTERRUPT_CLEAR = 1u << ID_USART1;
  if (USART_STATUS & RX_READY) return;
  __asm__ volatile("cpsid i" ::: "memory");
  INTERRUPT_ENABLE = 1u << ID_USART1;
  SYSTICK_RELOAD = (ms < SYSTICK_MS_MAX ? ms : SYSTICK_MS_MAX) * 1000u * CLOCK_MHZ;
  SYSTICK_VALUE = 0;
  SYSTICK_CONTROL = 7u;
  __asm__ volatile("dsb\n wfi" ::: "memory");
  SYSTICK_CONTROL = 0;
  INTERRUPT_CONTROL = SYSTICK_CLEAR;
  INTERRUPT_DISABLE = 1u << ID_USART1;
  INTERRUPT_CLEAR = 1u << ID_USART1;
  __asm__ volatile("cpsie i" ::: "memory");
}

u32 board_microseconds(void) {
  static u32 last;
  static u32 microseconds;
  static u32 rest;
  const u32 counted = CYCLE_COUNT;
  rest += counted - last;
  last = counted;
  microseconds += rest / CLOCK_MHZ;
  rest %= CLOCK_MHZ;
  return microseconds;
}

/* The watchdog cannot be stopped: a step has what is left of its sixteen seconds. */
void board_watchdog_arm(u32 ms) {
  (void)ms;
  WATCHDOG_CONTROL = WATCHDOG_RESTART;
}

void board_watchdog_stop(void) {
  WATCHDOG_CONTROL = WATCHDOG_RESTART;
}

static void in_store(u32 at, u32 bytes) {
  if (at > NONVOLATILE_BYTES || bytes > NONVOLATILE_BYTES - at) image_trap(TRAP_ASSERTION);
}

static void flash_command(u32 command, u32 argument) {
  FLASH_MODE |= 6u << 8;
  (void)FLASH_ROUTINE(0, FLASH_KEY | argument << 8 | command);
  WATCHDOG_CONTROL = WATCHDOG_RESTART;
}

void board_store_erase(u32 at, u32 bytes) {
  in_store(at, bytes);
  for (u32 done = 0; done < bytes; done += FLASH_ERASE_PAGES * FLASH_PAGE_BYTES)
    flash_command(FLASH_ERASE, (NONVOLATILE_ADDRESS - FLASH_START + at + done) / FLASH_PAGE_BYTES | FLASH_ERASE_16);
}

/*
 * Words go to the page's latches by writing to its addresses; the command programs what was
 * written. No write crosses a page: 512 is a multiple of the loop's chunks.
 */
void board_store_write(u32 at, const u8 *from, u32 bytes) {
  in_store(at, bytes);
  for (u32 done = 0; done < bytes; done += 4) {
    const u32 word = from[done] | (u32)from[done + 1] << 8 | (u32)from[done + 2] << 16 | (u32)from[done + 3] << 24;
    REGISTER(NONVOLATILE_ADDRESS + at + done) = word;
  }
  __asm__ volatile("dsb" ::: "memory");
  flash_command(FLASH_WRITE_PAGE, (NONVOLATILE_ADDRESS - FLASH_START + at) / FLASH_PAGE_BYTES);
}

void board_store_read(u32 at, u8 *to, u32 bytes) {
  in_store(at, bytes);
  const volatile u8 *from = (const volatile u8 *)(uintptr_t)(NONVOLATILE_ADDRESS + at);
  while (bytes-- > 0) *to++ = *from++;
}

void __attribute__((noreturn)) board_reset(u32 why) {
  start_cause[1] = why;
  __asm__ volatile("dsb" ::: "memory");
  RESET_CONTROL = RESET_PROCESSOR;
  for (;;) {
  }
}

void __attribute__((noreturn)) board_off(void) {
  for (;;) WATCHDOG_CONTROL = WATCHDOG_RESTART;
}
