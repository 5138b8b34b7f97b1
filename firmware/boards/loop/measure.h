/*
 * Marks around every call into the image. Each is an empty function of its own, so that an instrumented emulator finds its address in the symbol table and counts
 * what is executed between `measure_begin_<op>` and `measure_end`; on a real board they cost two calls and returns.
 */
#ifndef HELIOGRAPH_MEASURE_H
#define HELIOGRAPH_MEASURE_H

void measure_begin_boot(void);
void measure_begin_restore(void);
void measure_begin_receive(void);
void measure_begin_observe(void);
void measure_begin_tick(void);
void measure_begin_transmit(void);
void measure_begin_command(void);
void measure_begin_event(void);
void measure_begin_deadline(void);
void measure_begin_checkpoint(void);
void measure_begin_hash(void);
void measure_begin_inspect(void);
void measure_begin_verdict(void);
void measure_end(void);

#define MEASURED(op, result, call) \
  do {                             \
    measure_begin_##op();          \
    result = call;                 \
    measure_end();                 \
  } while (0)

#endif
