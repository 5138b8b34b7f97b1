/*
 * Runs the image: takes one input at a time, calls the image, and polls its outputs in the order of
 * docs/abi.md. host/platform/loop.ts makes the same calls in the same order; a board that differs
 * by one call would differ in state. README.md defines the frames of the serial line.
 */
#include "loop.h"

#include "board.h"
#include "calls.h"
#include "check.h"
#include "code.h"
#include "codes.h"
#include "config.h"
#include "image.h"
#include "linear.h"
#include "out.h"
#include "port.h"
#include "stack.h"
#include "store.h"
#include "vote.h"

/*
 * Given by the build: TARGET_ID, IMAGE_ID (first four bytes of the image's SHA-256), IMAGE_PRESET.
 */

/*
 * Time limit of a step: twice the worst step found on the slowest part, 27 million instructions of
 * LEON3 at 100 MHz, for a table full of claims that cross.
 */
#define STEP_MS_MAX 1000u

/* Longest command, with its check: 26 bytes, rounded up. */
#define COMMAND_COPY_BYTES 32u

struct state {
  /* The runtime accepts calls. */
  u32 booted;
  u32 flags;
  u32 now_s;
  u32 now_ms;
  /* Own clock: the timer's last value, and microseconds not yet counted as milliseconds. */
  u32 timer_us;
  u32 rest_us;
  /* Milliseconds until the image wants to be called, counted from its answer. */
  u32 due_s;
  u32 due_ms;
  u32 due;
  u32 fed_s;
  u32 fed;
  u32 traps;
  /* Second of the own clock in which the program was checked last. */
  u32 code_checked_s;
  /* Commands that were not obeyed, because their check does not fit. */
  u32 commands_refused;
  /* Sleeps after which an upset in this state was corrected. */
  u32 corrected;
  /* Deadline of the present step. */
  u32 deadline;
  /* Counters were reserved, and the image was not yet notified. */
  u32 unconfirmed;
};

static struct state loop;
/*
 * Copies of the state from before the loop slept, when nearly all upsets happen. They are apart, so
 * that a burst does not change two of the three.
 */
static struct state replicas[2];
#define STATE_WORDS (sizeof(struct state) / sizeof(u32))

/* ---- places in linear memory: the image gives them, and nothing keeps them ---- */

static u32 frame_at(void) {
  return image_memory_base();
}
static u32 record_at(void) {
  return frame_at() + FRAME_BYTES_MAX;
}
static u32 config_at(void) {
  return frame_at();
}
static u32 checkpoint_at(void) {
  return config_at() + BOARD_CONFIG_BYTES_MAX;
}
static u32 context_at(void) {
  return checkpoint_at() + CHECKPOINT_HEADER_BYTES;
}

/* ---- the clock ---- */

static void clock_advance(void) {
  const u32 timer = board_microseconds();
  loop.rest_us += timer - loop.timer_us;
  loop.timer_us = timer;
  loop.now_ms += loop.rest_us / 1000u;
  loop.rest_us %= 1000u;
  loop.now_s += loop.now_ms / 1000u;
  loop.now_ms %= 1000u;
}

static void clock_zero(void) {
  loop.timer_us = board_microseconds();
  loop.rest_us = 0;
  loop.now_s = 0;
  loop.now_ms = 0;
}

static u32 is_driven(void) {
  return loop.flags & PORT_BOOT_DRIVEN;
}

/* Sets the time of an input: the time that it contains, or the board's own. */
static void set_time(const u8 *at) {
  if (is_driven()) {
    loop.now_s = read_32(at);
    loop.now_ms = read_16(at + 4);
  } else {
    clock_advance();
  }
}

static void set_due(u32 wait_ms) {
  loop.due = 1;
  loop.due_s = loop.now_s + wait_ms / 1000u;
  loop.due_ms = loop.now_ms + wait_ms % 1000u;
  if (loop.due_ms < 1000u) return;
  loop.due_ms -= 1000u;
  loop.due_s++;
}

static u32 ms_until_due(void) {
  if (!loop.due) return BOARD_FOREVER;
  if (loop.due_s < loop.now_s || (loop.due_s == loop.now_s && loop.due_ms <= loop.now_ms)) return 0;
  const u32 seconds = loop.due_s - loop.now_s;
  return seconds > 1000u ? 1000000u : seconds * 1000u + loop.due_ms - loop.now_ms;
}

/* ---- polling the image ---- */

static void store_checkpoint(void) {
  const u32 bytes = call_checkpoint(context_at(), checkpoint_at(), image_checkpoint_bytes());
  if (bytes != 0) store_write(checkpoint_at(), bytes);
}

/*
 * Returns the type of a command, an array whose first element is its type, at least 128: two bytes
 * after the array's head. 0: it is none, or its check does not fit.
 */
static u32 command_type(u32 record, u32 bytes) {
  u8 command[COMMAND_COPY_BYTES];
  if (bytes < 3 || bytes > sizeof command) return 0;
  linear_read(record, command, bytes);
  return command[1] == 0x18 && check_fits(command, bytes) ? command[2] : 0;
}

static void drain_events(void) {
  for (;;) {
    const u32 bytes = call_event(context_at(), record_at(), OBSERVED_BYTES_MAX);
    if (bytes == 0) return;
    out_memory(PORT_OUT_RECORD, record_at(), bytes);
  }
}

/* Feeds the windowed watchdog, while the board's own clock runs. */
static void feed(void) {
  if (is_driven()) return;
  if (loop.fed && loop.now_s - loop.fed_s < FEED_EARLY_S) board_reset(BOARD_CAUSE_WATCHDOG);
  loop.fed = 1;
  loop.fed_s = loop.now_s;
}

/*
 * Stores a reservation, then leaves it to be confirmed: a driven board is confirmed by the host
 * that drives it.
 */
static void reserve(u32 bytes) {
  u8 record[8];
  const u32 length = bytes < sizeof record ? bytes : sizeof record;
  linear_read(record_at(), record, length);
  const struct item cycle = item_at(record, length, 3);
  if (cycle.bytes == 0) return;
  (void)store_reserve(cycle.value);
  loop.unconfirmed = !is_driven();
}

static void obey(u32 command, u32 bytes) {
  switch (command) {
    case TYPE_STORE_CHECKPOINT:
      store_checkpoint();
      return;
    case TYPE_RESERVE_COUNTERS:
      reserve(bytes);
      return;
    case TYPE_FEED_WATCHDOG:
      feed();
      return;
    case TYPE_RESTART_RUNTIME:
    case TYPE_RESET_PROCESSOR:
    case TYPE_ALTERNATE_IMAGE:
      drain_events();
      /* A driven board leaves recoveries to its host, which may make them fail. */
      if (is_driven()) return;
      if (command == TYPE_RESET_PROCESSOR) board_reset(BOARD_CAUSE_COMMANDED);
      loop.booted = 0;
      out_hello();
      return;
    default:
      return;
  }
}

static void drain_commands(void) {
  while (loop.booted) {
    const u32 bytes = call_command(context_at(), record_at(), OBSERVED_BYTES_MAX);
    if (bytes == 0) return;
    const u32 command = command_type(record_at(), bytes);
    loop.commands_refused += command == 0;
    out_memory(PORT_OUT_RECORD, record_at(), bytes);
    obey(command, bytes);
  }
}

/* Sends the frame that may be sent now. Returns the result of the call: it has the deadline. */
static u32 send_frame(void) {
  const u32 result = call_transmit(context_at(), loop.now_s, loop.now_ms, frame_at(), FRAME_BYTES_MAX);
  if ((result & OUTPUT_BYTES_MASK) != 0) out_memory(PORT_OUT_FRAME, frame_at(), result & OUTPUT_BYTES_MASK);
  return result;
}

static void drain_once(u32 status) {
  const u32 newest = (status & FLAG_FRAME) != 0 ? send_frame() : status;
  if (status & FLAG_COMMAND) drain_commands();
  if (!loop.booted) return;
  if (status & FLAG_EVENT) drain_events();
  if ((status & FLAG_DEADLINE) == 0) return;
  loop.deadline = newest >> DEADLINE_SHIFT;
  set_due(loop.deadline);
}

static void drain(u32 status) {
  drain_once(status);
  while (loop.booted && loop.unconfirmed) {
    u8 record[8 + CHECK_BYTES] = {0x83, 0x18, TYPE_COUNTERS_RESERVED};
    loop.unconfirmed = 0;
    u32 bytes = 3 + item_put(record + 3, store_reserved());
    bytes += check_put(record, bytes);
    linear_write(record_at(), record, bytes);
    drain_once(call_observe(context_at(), loop.now_s, loop.now_ms, record_at(), bytes));
  }
}

/* ---- inputs ---- */

static u32 begin_from_store(u32 cause, u32 config_bytes) {
  u32 status = STATUS_CHECKPOINT;
  if (cause == BOARD_CAUSE_POWER_ON || cause == BOOT_CAUSE_ALTERNATE_IMAGE) return status;
  for (u32 age = 0; age < STORE_SLOTS && (status & STATUS_MASK) != 0; age++) {
    const u32 bytes = store_read(age, checkpoint_at(), image_checkpoint_bytes());
    if (bytes == 0) continue;
    status = call_restore(context_at(), checkpoint_at(), bytes, config_at(), config_bytes, cause, loop.now_s,
                          loop.now_ms);
  }
  return status;
}

static u32 boot(const struct port_frame *in) {
  if (in->bytes < 8 || in->bytes - 8 > BOARD_CONFIG_BYTES_MAX) return NOT_ASKED;
  loop.flags = in->body[0];
  const u32 cause = in->body[1];
  if (is_driven()) set_time(in->body + 2);
  else clock_zero();
  loop.fed = 0;
  loop.unconfirmed = 0;
  /*
   * Below the context nothing of before remains either: an access that went astray may have written
   * there.
   */
  linear_fill(0, 0, image_memory_base());
  image_constants();
  /*
   * The host of a driven board knows what was reserved, because it receives all commands and
   * answers this one; otherwise the reservation stored here is valid.
   */
  const u32 reserved = is_driven() ? 0 : store_reserved();
  const u32 bytes = config_write(config_at(), BOARD_CONFIG_BYTES_MAX, in->body + 8, in->bytes - 8, reserved);
  if (bytes == 0) return NOT_ASKED;
  u32 status = begin_from_store(cause, bytes);
  if ((status & STATUS_MASK) != 0) status = call_boot(context_at(), config_at(), bytes, cause, loop.now_s, loop.now_ms);
  loop.booted = (status & STATUS_MASK) == 0;
  if (loop.booted) drain(status);
  return status;
}

static u32 tick(void) {
  const u32 status = call_tick(context_at(), loop.now_s, loop.now_ms);
  drain(status);
  return status;
}

static u32 receive(const struct port_frame *in) {
  const u32 bytes = in->bytes - 6;
  if (in->bytes < 6 || bytes > FRAME_BYTES_MAX) return NOT_ASKED;
  linear_write(frame_at(), in->body + 6, bytes);
  u32 status = call_receive(context_at(), loop.now_s, loop.now_ms, frame_at(), bytes);
  if ((status & STATUS_MASK) == STATUS_TICK_FIRST) {
    (void)tick();
    if (!loop.booted) return status;
    linear_write(frame_at(), in->body + 6, bytes);
    status = call_receive(context_at(), loop.now_s, loop.now_ms, frame_at(), bytes);
  }
  drain(status);
  return status;
}

static u32 observe(const struct port_frame *in) {
  const u32 bytes = in->bytes - 6;
  if (in->bytes < 6 || bytes > OBSERVED_BYTES_MAX) return NOT_ASKED;
  linear_write(record_at(), in->body + 6, bytes);
  const u32 status = call_observe(context_at(), loop.now_s, loop.now_ms, record_at(), bytes);
  drain(status);
  return status;
}

static void answer(const struct port_frame *in) {
  const u32 what = in->bytes >= 5 ? in->body[0] : 255u;
  const u32 index = in->bytes >= 5 ? read_32(in->body + 1) : 0;
  u32 words = 0;
  if (what >= PORT_ASK_INSPECT)
    words = call_inspect(context_at(), what - PORT_ASK_INSPECT, index, frame_at(), ANSWER_WORDS_MAX * 4);
  u32 hash = 0;
  if (what == PORT_ASK_HASH) hash = call_hash(context_at());
  port_begin(PORT_ANSWER);
  if (what == PORT_ASK_STACK_DEPTH) port_word(stack_used());
  if (what == PORT_ASK_HASH) port_word(hash);
  if (what == PORT_ASK_COUNTERS) {
    port_word(port_discarded());
    port_word(loop.traps);
    port_word(loop.commands_refused);
  }
  if (what == PORT_ASK_CODE) {
    port_word(code_passes());
    port_word(code_cursor());
    port_word(loop.corrected);
  }
  for (u32 i = 0; i < words && i < ANSWER_WORDS_MAX; i++) {
    u8 bytes[4];
    linear_read(frame_at() + 4 * i, bytes, sizeof bytes);
    port_word(read_32(bytes));
  }
  port_end();
}

static u32 step(const struct port_frame *in) {
  if (in->kind == PORT_BOOT) return boot(in);
  if (!loop.booted || in->bytes < 6) return NOT_ASKED;
  set_time(in->body);
  switch (in->kind) {
    case PORT_FRAME:
      return receive(in);
    case PORT_RECORD:
      return observe(in);
    case PORT_TICK:
      return tick();
    case PORT_STORE:
      store_checkpoint();
      return 0;
    default:
      return NOT_ASKED;
  }
}

/* Checks a piece of the program. A program that is not as it was built is not run on. */
static void check_code(void) {
  if (!code_step()) board_reset(BOARD_CAUSE_CODE);
}

static void handle(const struct port_frame *in) {
  loop.deadline = NOT_ASKED;
  board_watchdog_arm(STEP_MS_MAX);
  switch (in->kind) {
    case PORT_RESET:
      if (in->bytes > 0 && in->body[0] == PORT_RESET_EMULATOR) board_off();
      board_reset(BOARD_CAUSE_COMMANDED);
    case PORT_ASK:
      answer(in);
      break;
    default: {
      const u32 status = step(in);
      const u32 is_hashed = (loop.flags & PORT_BOOT_HASHED) != 0 && loop.booted;
      out_done(status, loop.deadline, is_hashed ? call_hash(context_at()) : 0);
    }
  }
  /* With the watchdog still armed: the check is part of the loop's own work. */
  check_code();
  board_watchdog_stop();
}

/*
 * Runs the image between inputs, while the board's own clock runs. Returns how long to sleep, ms.
 */
static u32 run_own_clock(void) {
  if (is_driven() || !loop.booted) return BOARD_FOREVER;
  clock_advance();
  if (loop.now_s != loop.code_checked_s) check_code();
  loop.code_checked_s = loop.now_s;
  if (loop.now_s >= STABLE_S) store_stable();
  const u32 since_s = loop.now_s - loop.fed_s;
  if ((loop.fed ? since_s : loop.now_s) > FEED_LATE_S) board_reset(BOARD_CAUSE_WATCHDOG);
  const u32 wait_ms = ms_until_due();
  if (wait_ms != 0) return wait_ms < 1000u ? wait_ms : 1000u;
  board_watchdog_arm(STEP_MS_MAX);
  (void)tick();
  board_watchdog_stop();
  return 0;
}

/* ---- starting ---- */

/*
 * Refuses to start. Another start reads the program anew, which helps where the program is copied
 * into RAM or was misread. Otherwise, and if the program must not fly, the board is silent from now
 * on.
 */
static void __attribute__((noreturn)) refuse_to_start(void) {
  if (store_resets() < CODE_RESETS_MAX) board_reset(BOARD_CAUSE_CODE);
  out_trapped(0, TRAP_CODE);
  board_off();
}

void loop_start(void) {
  const u32 is_whole = code_verifies();
  stack_paint();
  linear_start();
  store_start(board_cause() == BOARD_CAUSE_POWER_ON);
  if (!is_whole || (image_abi_version() & ABI_NULL_CIPHER) != 0) refuse_to_start();
  image_constants();
  if (context_at() + image_context_bytes() > LINEAR_BYTES) image_trap(TRAP_BOUNDS);
  out_hello();
}

static void sleep_for(u32 ms) {
  copy_twice((const u32 *)&loop, (u32 *)&replicas[0], (u32 *)&replicas[1], STATE_WORDS);
  board_wait(ms);
  loop.corrected += vote((u32 *)&loop, (u32 *)&replicas[0], (u32 *)&replicas[1], STATE_WORDS);
}

void loop_run(u32 trap) {
  if (trap != TRAP_NONE) {
    board_watchdog_stop();
    loop.traps++;
    loop.booted = 0;
    out_trapped(image_trap_site(), trap);
  }
  for (;;) {
    struct port_frame in;
    if (port_read(&in)) {
      handle(&in);
      continue;
    }
    const u32 wait_ms = run_own_clock();
    if (wait_ms != 0) sleep_for(wait_ms);
  }
}
