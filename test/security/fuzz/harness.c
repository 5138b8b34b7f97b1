/*
 * libFuzzer's harness around the translated image: what a radio and a platform can do to one node,
 * in any order.
 *
 *   input:  state (1 byte), then steps: what, a, b, length (1 byte each), `length` bytes
 *
 * `what` is one of FUZZ_STEP_*. Before each run the context is put back to one of a few states
 * (setup.h). A crash is: a trap of the image, an access outside what a call was given (linear.h), a
 * rejected input that changed the state or queued an output, an output longer than its room, a
 * frame taken twice, and with the real cipher any frame taken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../native_baseline/harness.h"
#include "codes.h"
#include "image.h"
#include "inspect.h"
#include "linear.h"
#include "setup.h"

enum { STEP_KINDS = FUZZ_STEP_BOOT + 1, STEPS_MAX = 10, HEAD = 4, MEMBERS_HEARD = 256 };
/* The counts are reported every REPORT_RUNS_MASK + 1 runs: a long run may be interrupted. */
enum { REPORT_RUNS_MASK = (1 << 18) - 1 };

u8 linear_memory[LINEAR_BYTES] __attribute__((aligned(64)));
struct region linear_regions[REGIONS];

int LLVMFuzzerInitialize(int *count, char ***words);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned int seed);

static u32 context, context_bytes, in_end, out_at, out_bytes, lines_at, lines_bytes;
static u32 now_s;
static u32 last_counter[MEMBERS_HEARD];
static u8 again[FRAME_BYTES_MAX];
static u32 again_bytes;
/* The mission time at local zero when that frame was taken. */
static u32 again_zero_s;
static u8 *before;
/* By HELIOGRAPH_BROKEN: the harness changes the state itself where an input was rejected, which is
   what it is there to find. */
static int broken;
static int booted;

struct state {
  u8 *context;
  u32 now_s;
  u32 last_counter[MEMBERS_HEARD];
};
static struct state states[STATES];
static const char *doing = "start";
/* How often the image was given something, and took it. */
static struct {
  u64 runs, frames, frames_taken, records, records_taken, boots, boots_taken, ticks;
} given;

static void __attribute__((noreturn)) fail(const char *what) {
  fprintf(stderr, "heliograph: %s, while: %s, local second %u\n", what, doing, now_s);
  __builtin_trap();
}

void image_trap(u32 reason) {
  static const char *const names[] = { "", "the image asserts", "an access out of bounds", "a division by zero" };
  fprintf(stderr, "heliograph: trap site %u\n", image_trap_site());
  fail(names[reason & 3]);
}

void linear_elsewhere(u32 base, u32 at, u32 bytes) {
  if (at < base) image_trap(TRAP_BOUNDS);
  if (linear_within(REGION_STATIC, at, bytes) || linear_within(REGION_IN, at, bytes)) return;
  if (!linear_within(REGION_OUT, at, bytes)) image_trap(TRAP_BOUNDS);
}

/* The bytes of a call's input end where the memory that it may read ends. */
static u32 give(const u8 *bytes, u32 length) {
  const u32 at = in_end - length;
  memcpy(linear_memory + at, bytes, length);
  linear_regions[REGION_IN] = (struct region){ at, length };
  return at;
}

static void take(u32 bytes) {
  linear_regions[REGION_OUT] = (struct region){ out_at, bytes };
}

static u32 crc32c(const u8 *at, u32 length) {
  static u32 table[256];
  if (table[1] == 0)
    for (u32 i = 0; i < 256; i++) {
      u32 value = i;
      for (int bit = 0; bit < 8; bit++) value = (value & 1) != 0 ? (value >> 1) ^ 0x82f63b78u : value >> 1;
      table[i] = value;
    }
  u32 crc = 0xffffffffu;
  while (length-- > 0) crc = table[(crc ^ *at++) & 255] ^ (crc >> 8);
  return ~crc;
}

static void put16(u8 *at, u32 value) {
  at[0] = (u8)(value >> 8);
  at[1] = (u8)value;
}
static void put32(u8 *at, u32 value) {
  put16(at, value >> 16);
  put16(at + 2, value);
}

/* ---- the null cipher (firmware/security/cipher_null.ts) ---- */

static u64 turned(u64 value, u64 word, u64 factor) {
  const u64 product = (value ^ word) * factor;
  return (product << 29) | (product >> 35);
}
static u64 word_at(const u8 *at) {
  u64 word;
  memcpy(&word, at, 8);
  return word;
}
static u64 sum_of(u64 value, u64 factor, const u8 *at, u32 length) {
  for (; length >= 8; at += 8, length -= 8) value = turned(value, word_at(at), factor);
  for (; length > 0; at++, length--) value = turned(value, *at, factor);
  return value;
}
static void null_tag(const u8 *key, u32 n0, u32 n2, const u8 *aad, u32 aad_length, const u8 *text, u32 length,
                     u8 *tag) {
  static const u64 factors[] = { 0x9e3779b97f4a7c15u, 0xbf58476d1ce4e5b9u };
  u64 value = turned((u64)n0 << 32, n2, factors[0]);
  value = turned(value, ((u64)aad_length << 32) | length, factors[0]);
  for (u32 at = 0; at < 32; at += 8) value = turned(value, word_at(key + at), factors[0]);
  for (u32 i = 0; i < 2; i++) {
    const u64 sum = sum_of(sum_of(value, factors[i], aad, aad_length), factors[i], text, length);
    memcpy(tag + 8 * i, &sum, 8);
  }
}

/* A frame with a right envelope; its length. */
static u32 seal(u8 *frame, u32 sender, u32 addressee, u32 epoch, u32 counter, const u8 *text, u32 length) {
  static const u8 form[] = { 0xd0, 0x83, 0x55, 0xa3, 0x01, 0x18, 0x18, 0x04, 0x49, 0x01 };
  memcpy(frame, form, sizeof form);
  put16(frame + 10, CLUSTER);
  put16(frame + 12, epoch);
  put16(frame + 14, sender);
  put16(frame + 16, addressee);
  put16(frame + 18, 0x0644);
  put32(frame + 20, counter);
  frame[24] = 0xa0;
  const u32 body = length + TAG_BYTES;
  u32 at = 25;
  if (body < 24) frame[at++] = (u8)(0x40 + body);
  else {
    frame[at++] = 0x58;
    frame[at++] = (u8)body;
  }
  memcpy(frame + at, text, length);
  u8 aad[33] = { 0x83, 0x68, 'E', 'n', 'c', 'r', 'y', 'p', 't', '0' };
  memcpy(aad + 10, frame + 2, 22);
  aad[32] = 0x40;
  u32 n0 = frame[14] | (u32)frame[15] << 8, n2;
  memcpy(&n2, frame + 20, 4);
  null_tag(link_keys[epoch < LINK_KEYS ? epoch : 0], n0, n2, aad, sizeof aad, text, length, frame + at + length);
  at += body;
  put32(frame + at, crc32c(frame, at));
  return at + CRC_BYTES;
}

/* ---- the node ---- */

static void keep(void) {
  memcpy(before, linear_memory + context + lines_at, lines_bytes);
}
static void same(const char *what) {
  if (broken) linear_memory[context + lines_at] ^= 1;
  if (memcmp(before, linear_memory + context + lines_at, lines_bytes) != 0) fail(what);
}

/* Writes the check behind a record of `length`. Returns the bytes of both. */
static u32 checked(u8 *record, u32 length) {
  record[length] = CHECK_HEAD;
  put32(record + length + 1, crc32c(record, length));
  return length + CHECK_BYTES;
}

/* Makes the check of a record right, so that a mutated record is read past it. */
static void right_check(u8 *record, u32 length) {
  if (length > CHECK_BYTES && record[length - CHECK_BYTES] == CHECK_HEAD) checked(record, length - CHECK_BYTES);
}

static u32 observe(const u8 *bytes, u32 length) {
  return image_observe(context, now_s, 0, give(bytes, length), length);
}

/* Fetches commands and events; answers as a platform does, `right` to all heads. */
static void drain(int right) {
  take(64);
  for (u32 i = 0; i < 64; i++) {
    const u32 length = image_command(context, out_at, 64);
    if (length == 0) break;
    if (length > 64) fail("a command is longer than its room");
    u8 record[64 + 1];
    memcpy(record, linear_memory + out_at, length);
    if (length < 3 + CHECK_BYTES) fail("a command is too short");
    right_check(record, length);
    if (memcmp(record, linear_memory + out_at, length) != 0) fail("a command has no check that fits");
    if (record[1] != 0x18 || record[2] < TYPE_START_WORK) fail("a command is none");
    if (record[2] == TYPE_RESERVE_COUNTERS) {
      record[2] = TYPE_COUNTERS_RESERVED;
      observe(record, checked(record, length - CHECK_BYTES));
    } else if (record[2] == TYPE_CHECK_KEY_EPOCH) {
      record[0] = 0x84;
      record[2] = TYPE_KEY_EPOCH_CHECKED;
      record[length - CHECK_BYTES] = (u8)right;
      observe(record, checked(record, length - CHECK_BYTES + 1));
    }
  }
  for (u32 i = 0; i < 256; i++) {
    const u32 length = image_event(context, out_at, 64);
    if (length == 0) return;
    if (length > 64) fail("an event is longer than its room");
    if (linear_memory[out_at + 1] != 0x18 || linear_memory[out_at + 2] < 192) fail("an event is none");
  }
  fail("events do not end");
}

/* A processor's clock does not go back: at its end it stands. */
static void tick(u32 seconds) {
  now_s = seconds > 0xffffffffu - now_s ? 0xffffffffu : now_s + seconds;
  const u32 result = image_tick(context, now_s, 0);
  given.ticks++;
  if ((result & FLAG_DEADLINE) == 0 || result >> DEADLINE_SHIFT > DEADLINE_MS_MAX) {
    fprintf(stderr, "heliograph: deadline of result %u\n", result);
    fail("a tick gives no deadline");
  }
}

/* Whether the node knows the time; then, the mission time at local zero. */
static int time_known(u32 *zero_s) {
  u32 words[2];
  take(64);
  image_inspect(context, INSPECT_NODE, 0, out_at, 64);
  memcpy(words, linear_memory + out_at, sizeof words);
  *zero_s = words[NODE_ANSWER_MISSION_S] - now_s;
  return words[NODE_ANSWER_TIME_KNOWN] != 0;
}

static int receive(const u8 *frame, u32 length, int again_taken);

/*
 * A frame given again. A node that does not know the time takes it as a sample of the time and no
 * more, and one that learnt another time meanwhile begins its windows anew: there it may be taken.
 */
static void repeat(void) {
  u32 zero_s;
  const int same_time = time_known(&zero_s) && zero_s + 60 - again_zero_s <= 120;
  receive(again, again_bytes, same_time);
}

/* The one rejected frame that changes something: opened, of a time to come, at a node that heard
   nobody for long. That node no longer knows the time. */
static int time_was_lost(void) {
  u32 zero_s;
  if (time_known(&zero_s)) fail("a frame was said to be ahead and changed something else than the time");
  if (CIPHER_REAL) fail("a frame was opened that nobody sealed");
  return 0;
}

/* Gives a frame, as a platform does: a tick first where one is due. True if it was taken. */
static int receive(const u8 *frame, u32 length, int again_taken) {
  for (int turn = 0;; turn++) {
    keep();
    const u32 status = image_receive(context, now_s, 0, give(frame, length), length);
    given.frames++;
    if ((status & STATUS_MASK) == STATUS_OK) {
      given.frames_taken++;
      if (again_taken) fail("a frame was taken twice");
      return 1;
    }
    if ((status & STATUS_MASK) == STATUS_AHEAD && (status & FLAG_DEADLINE) != 0) return time_was_lost();
    same("a frame was rejected and yet changed the state");
    if (status > STATUS_MASK) fail("a frame was rejected and yet has flags");
    if (status != STATUS_TICK_FIRST) return 0;
    if (turn > 0) fail("a tick does not end what is due");
    tick(0);
  }
}

static void take_frame(const u8 *frame, u32 length, u32 epoch) {
  if (!receive(frame, length, 0)) return;
  if (CIPHER_REAL) fail("a frame was taken that nobody sealed");
  if (epoch == 0) return;
  memcpy(again, frame, length);
  again_bytes = time_known(&again_zero_s) ? length : 0;
}

static void sealed(u32 a, u32 b, const u8 *text, u32 length) {
  static const u32 to[] = { 0xffff, 0, 1, 0xffff };
  u8 frame[FRAME_BYTES_MAX + 64];
  const u32 sender = a & 15, epoch = a >> 6, now = (now_s + CYCLE_S) / CYCLE_S;
  u32 counter = now + b - 128;
  if (b == 0) {
    const u32 lowest = now > WINDOW_CYCLES ? now - WINDOW_CYCLES + 2 : 1;
    counter = last_counter[sender] + 1 > lowest ? last_counter[sender] + 1 : lowest;
    last_counter[sender] = counter;
  }
  take_frame(frame, seal(frame, sender, to[(a >> 4) & 3], epoch, counter, text, length < 214 ? length : 214), epoch);
}

static void observed(const u8 *bytes, u32 length, int as_it_is) {
  u8 record[256];
  memcpy(record, bytes, length);
  if (!as_it_is) right_check(record, length);
  // What time brings is done first, so that nothing but the record can change the state.
  static const u8 none[] = { 0xff };
  observe(none, 1);
  keep();
  const u32 status = observe(record, length);
  given.records++;
  if ((status & STATUS_MASK) == STATUS_OK) {
    given.records_taken++;
    return;
  }
  same("a record was rejected and yet changed the state");
}

static void transmit(u32 capacity) {
  take(capacity);
  const u32 length = image_transmit(context, now_s, 0, out_at, capacity) & OUTPUT_BYTES_MASK;
  if (length > capacity) fail("a frame is longer than its room");
}

/* A checkpoint can always be made, and be restored. */
static void restart(u32 a) {
  static u8 image[LINEAR_BYTES];
  take(out_bytes);
  const u32 length = image_checkpoint(context, out_at, out_bytes);
  if (length != image_checkpoint_bytes()) fail("no checkpoint");
  memcpy(image, linear_memory + out_at, length);
  const u32 config_at = give(config[a % CONFIGS].bytes, config[a % CONFIGS].length);
  const u32 status = image_restore(context, out_at, length, config_at, config[a % CONFIGS].length, 2, now_s, 0);
  if ((status & STATUS_MASK) != STATUS_OK) fail("a checkpoint cannot be restored");
  memset(last_counter, 0, sizeof last_counter);
  again_bytes = 0;
}

static void boot(const u8 *bytes, u32 length) {
  now_s = 0;
  const u32 status = image_boot(context, give(bytes, length), length, 1, 0, 0);
  booted = (status & STATUS_MASK) == STATUS_OK;
  given.boots++;
  given.boots_taken += (u64)booted;
  memset(last_counter, 0, sizeof last_counter);
  again_bytes = 0;
}

/* A configuration of which the beginning is right, or nothing need be. */
static void boot_with(u32 a, const u8 *rest, u32 length) {
  u8 bytes[1024];
  const u32 head = (a & 1) != 0 ? config[0].record : 0;
  memcpy(bytes, config[0].bytes, head);
  memcpy(bytes + head, rest, length);
  right_check(bytes + head, length);
  boot(bytes, head + length);
}

static const u32 leaps[] = { 60, 300, 600, 900, 2700, 14400, 86400, 31 * 86400, 62 * 86400, 0x7fffffff };

static void step(u32 what, u32 a, u32 b, const u8 *bytes, u32 length) {
  static const char *const names[] = { "sealed", "enveloped", "bare",  "observe", "tick", "transmit",
                                       "drain",  "restart",   "again", "leap",    "boot" };
  what %= STEP_KINDS;
  doing = names[what];
  u8 frame[FRAME_BYTES_MAX + 8];
  switch (what) {
    case FUZZ_STEP_SEALED: sealed(a, b, bytes, length); break;
    case FUZZ_STEP_ENVELOPED:
      memcpy(frame, bytes, length);
      put32(frame + length, crc32c(bytes, length));
      take_frame(frame, length + CRC_BYTES, length > 13 ? frame[12] << 8 | frame[13] : 1);
      break;
    case FUZZ_STEP_BARE: take_frame(bytes, length, length > 13 ? bytes[12] << 8 | bytes[13] : 1); break;
    case FUZZ_STEP_OBSERVE: observed(bytes, length, (int)(a & 1)); break;
    case FUZZ_STEP_TICK: tick(a); break;
    case FUZZ_STEP_TRANSMIT: transmit(b == 0 ? FRAME_BYTES_MAX : b); break;
    case FUZZ_STEP_DRAIN: drain((int)(a & 1)); break;
    case FUZZ_STEP_RESTART: restart(a); break;
    case FUZZ_STEP_AGAIN: if (again_bytes != 0) repeat(); break;
    case FUZZ_STEP_LEAP: tick(leaps[a % (sizeof leaps / sizeof leaps[0])]); break;
    default: boot_with(a, bytes, length);
  }
}

static void run(const u8 *data, size_t size) {
  for (u32 steps = 0; size >= HEAD && steps < STEPS_MAX && booted; steps++) {
    const u32 length = data[3] < size - HEAD ? data[3] : (u32)(size - HEAD);
    step(data[0], data[1], data[2], data + HEAD, length);
    data += HEAD + length;
    size -= HEAD + length;
  }
}

static void report_count(const char *name, u64 count) {
  fprintf(stderr, " %s %llu", name, (unsigned long long)count);
}

static void report(void) {
  fprintf(stderr, "heliograph:");
  report_count("runs", given.runs);
  report_count("frames", given.frames);
  report_count("taken", given.frames_taken);
  report_count("records", given.records);
  report_count("taken", given.records_taken);
  report_count("boots", given.boots);
  report_count("taken", given.boots_taken);
  report_count("ticks", given.ticks);
  fprintf(stderr, "\n");
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
  if (size == 0) return 0;
  const struct state *const state = &states[data[0] % STATES];
  memcpy(linear_memory + context, state->context, context_bytes);
  memcpy(last_counter, state->last_counter, sizeof last_counter);
  now_s = state->now_s;
  again_bytes = 0;
  booted = 1;
  run(data + 1, size - 1);
  if ((++given.runs & REPORT_RUNS_MASK) == 0) report();
  return 0;
}

int LLVMFuzzerInitialize(int *count, char ***words) {
  (void)count;
  (void)words;
  atexit(report);
  fprintf(stderr, "heliograph: image %s\n", image_sha256);
  linear_regions[REGION_STATIC] = (struct region){ 0, LINEAR_BYTES };
  image_constants();
  const u32 static_end = image_memory_base();
  linear_regions[REGION_STATIC] = (struct region){ 0, static_end };
  context = ((static_end + 63) & ~63u) + 64;
  context_bytes = image_context_bytes();
  linear_regions[REGION_CONTEXT] = (struct region){ context, context_bytes };
  out_at = ((context + context_bytes + 63) & ~63u) + 64;
  out_bytes = (image_checkpoint_bytes() + 15) & ~15u;
  in_end = LINEAR_BYTES;
  if (out_at + out_bytes + 4096 > in_end) fail("linear memory is too small");
  boot(config[0].bytes, config[0].length);
  if (!booted) fail("the configuration is refused");
  take(64);
  image_inspect(context, INSPECT_LAYOUT, 0, out_at, 64);
  memcpy(&lines_at, linear_memory + out_at, 4);
  memcpy(&lines_bytes, linear_memory + out_at + 4, 4);
  lines_bytes -= lines_at;
  before = malloc(lines_bytes);
  for (u32 i = 0; i < STATES; i++) {
    boot(config[beginnings[i].config].bytes, config[beginnings[i].config].length);
    booted = 1;
    const u8 *data = beginnings[i].steps;
    u32 size = beginnings[i].length;
    while (size >= HEAD) {
      step(data[0], data[1], data[2], data + HEAD, data[3]);
      size -= HEAD + data[3];
      data += HEAD + data[3];
    }
    states[i].context = malloc(context_bytes);
    memcpy(states[i].context, linear_memory + context, context_bytes);
    memcpy(states[i].last_counter, last_counter, sizeof last_counter);
    states[i].now_s = now_s;
  }
  broken = getenv("HELIOGRAPH_BROKEN") != 0;
  return 0;
}

#include "mutate.h"
