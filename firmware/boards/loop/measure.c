#include "measure.h"

/* Empty but for a mark that keeps the compiler from folding them into one. */
#define MARK(name) \
  void __attribute__((noinline)) measure_##name(void) { __asm__ volatile("" ::: "memory"); }

MARK(begin_boot)
MARK(begin_restore)
MARK(begin_receive)
MARK(begin_observe)
MARK(begin_tick)
MARK(begin_transmit)
MARK(begin_command)
MARK(begin_event)
MARK(begin_deadline)
MARK(begin_checkpoint)
MARK(begin_hash)
MARK(begin_inspect)
MARK(begin_verdict)
MARK(end)
