/*
 * Starts a LEON3: trap table, register windows, stack. Eight windows (GR712RC): a call deeper than
 * that spills the oldest to its stack frame. External interrupts stay masked (PIL 15) but end the
 * processor's power-down; only the watchdog's timer (level 7) interrupts while it is armed.
 */
#define WINDOWS 8
#define PSR_RUNNING 0xfe0 /* PIL 15, supervisor, traps enabled, window 0 */
#define FRAME_BYTES 96
#define WATCHDOG_LEVEL 7

  .section .start, "ax"
  .align 4096
  .globl trap_table
trap_table:
  .macro entry target
    rd %psr, %l0
    sethi %hi(\target), %l4
    jmp %l4 + %lo(\target)
    nop
  .endm
  .macro fault_entries count
    .rept \count
    entry fault_entry
    .endr
  .endm
  /* Traps on, window 0, an empty stack. */
  .macro fresh_stack
    wr %g0, PSR_RUNNING, %psr
    nop
    nop
    nop
    sethi %hi(stack_top), %sp
    or %sp, %lo(stack_top), %sp
    sub %sp, FRAME_BYTES, %sp
    clr %fp
    clr %i7
  .endm
  entry reset_entry             /* 0x00 reset */
  fault_entries 4               /* 0x01 instruction access … 0x04 */
  entry window_overflow         /* 0x05 */
  entry window_underflow        /* 0x06 */
  fault_entries 10              /* 0x07 alignment, … 0x10 */
  .rept WATCHDOG_LEVEL - 1
  entry fault_entry             /* 0x11 interrupts 1 … */
  .endr
  entry watchdog_entry          /* 0x17 */
  fault_entries 232             /* 0x18 … 0xff */

  .section .text
  .globl reset_entry
reset_entry:
  wr %g0, 0xfc0, %psr           /* traps off */
  nop
  nop
  nop
  wr %g0, 2, %wim
  sethi %hi(trap_table), %g1
  wr %g1, %tbr
  nop
  nop
  nop
  fresh_stack
  call start
  nop

/* board_abandon(reason): discards all windows; the loop starts anew on an empty stack. */
  .globl board_abandon
board_abandon:
  mov %o0, %g1
abandon:
  wr %g0, 0xfc0, %psr
  nop
  nop
  nop
  wr %g0, 2, %wim
  nop
  nop
  nop
  fresh_stack
  call resume
  mov %g1, %o0

/* A fault inside a call gives that call up (reason 4). */
fault_entry:
  ba abandon
  mov 4, %g1

watchdog_entry:
  sethi %hi(stack_top), %sp
  or %sp, %lo(stack_top), %sp
  sub %sp, FRAME_BYTES, %sp
  call board_reset
  mov 2, %o0

/*
 * Spills the window that is about to be entered to its own stack (SPARC V8 manual, window
 * management).
 */
window_overflow:
  rd %wim, %l3
  mov %g1, %l7
  srl %l3, 1, %g1
  sll %l3, WINDOWS - 1, %l4
  or %l4, %g1, %g1
  and %g1, (1 << WINDOWS) - 1, %g1
  save
  wr %g1, %wim
  nop
  nop
  nop
  std %l0, [%sp + 0]
  std %l2, [%sp + 8]
  std %l4, [%sp + 16]
  std %l6, [%sp + 24]
  std %i0, [%sp + 32]
  std %i2, [%sp + 40]
  std %i4, [%sp + 48]
  std %i6, [%sp + 56]
  restore
  mov %l7, %g1
  jmp %l1
  rett %l2

window_underflow:
  rd %wim, %l3
  sll %l3, 1, %l4
  srl %l3, WINDOWS - 1, %l5
  or %l5, %l4, %l5
  and %l5, (1 << WINDOWS) - 1, %l5
  wr %l5, %wim
  nop
  nop
  nop
  restore
  restore
  ldd [%sp + 0], %l0
  ldd [%sp + 8], %l2
  ldd [%sp + 16], %l4
  ldd [%sp + 24], %l6
  ldd [%sp + 32], %i0
  ldd [%sp + 40], %i2
  ldd [%sp + 48], %i4
  ldd [%sp + 56], %i6
  save
  save
  jmp %l1
  rett %l2

  .section .note.GNU-stack, "", @progbits
