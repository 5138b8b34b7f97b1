/*
 * Executes a script that the host wrote into the emulated memory, and leaves the results in it. It
 * takes the place of the boards' main loop (firmware/boards/loop/loop.c). One start of the emulator
 * makes thousands of calls, of the image and of the native baseline beside it, each between the
 * marks that the counting plugin looks for.
 *
 * The script is a list of entries of u32 words in the processor's own order: kind, number of words,
 * then
 *
 *     WRITE   at, offset, bytes, data…          into linear memory, at + offset
 *     READ    at, offset, bytes, space…         out of linear memory
 *     CALL    export, eight arguments, result   addresses: see `place`
 *     KEEP, BACK                                saves and restores the context
 *     TABLES  all, the context's layout…        fills the native baseline's tables from the
 *                                               context: all, or those that a frame's check needs
 *     NATIVE  which, four arguments, result
 *     COMPARE all, result                       number of places in which context and tables
 *                                               differ: of all, or of those that a frame's check
 *                                               writes
 *     END
 */
#include "board.h"
#include "calls.h"
#include "image.h"
#include "linear.h"
#include "loop.h"
#include "harness.h"
#include "native.h"

/*
 * Defined by the build: SCRIPT_ADDRESS, and NODE_ADDRESS, where the native baseline's tables are,
 * outside the part's own memory.
 */

enum { CONTEXT_BYTES_MAX = 106496 };

/* The operands of TABLES: offsets in a context, and sizes of tables. */
struct layout {
  u32 edge, call, clock, queues, counters, scratch, plain, members, bitmaps, bitmap_bytes;
  u32 intents_state, intents, index, groups, notices, keys, peers;
  u32 members_max, intents_max, notices_max;
  u32 decoded, decoded_stride, decoded_max;
};

void runner_over(void);
void measure_begin_native_verdict(void);
void measure_begin_native_frame(void);
void __attribute__((noinline)) runner_over(void) { __asm__ volatile("nop" ::: "memory"); }
void __attribute__((noinline)) measure_begin_native_verdict(void) { __asm__ volatile("" ::: "memory"); }
void __attribute__((noinline)) measure_begin_native_frame(void) { __asm__ volatile("" ::: "memory"); }

/* Asks for a verdict, which no board's loop does, as calls.c makes its calls. */
void measure_begin_verdict(void);
void measure_end(void);
void __attribute__((noinline)) measure_begin_verdict(void) { __asm__ volatile("" ::: "memory"); }
static u32 __attribute__((noinline)) call_verdict(u32 ctx, u32 owner, u32 slot, u32 now_s, u32 now_ms) {
  board_enter();
  measure_begin_verdict();
  const u32 result = image_verdict(ctx, owner, slot, now_s, now_ms);
  measure_end();
  board_leave();
  return result;
}

#define node (*(struct node *)(uintptr_t)NODE_ADDRESS)
static struct layout layout;
static u32 frame_words[FRAME_BYTES_MAX / 4];
static u32 frame, record, config, checkpoint, context;

/* The saved context, before the script. */
static u8 *const kept = (u8 *)(uintptr_t)(SCRIPT_ADDRESS - CONTEXT_BYTES_MAX);

static u32 place(u32 argument) {
  switch (argument) {
    case SCRIPT_PLACE_CONTEXT: return context;
    case SCRIPT_PLACE_FRAME: return frame;
    case SCRIPT_PLACE_RECORD: return record;
    case SCRIPT_PLACE_CONFIG: return config;
    case SCRIPT_PLACE_CHECKPOINT: return checkpoint;
    default: return argument;
  }
}

static u32 call(u32 export, const u32 *a) {
  u32 result = 0;
  switch (export) {
    case SCRIPT_CALL_BOOT: result = call_boot(a[0], a[1], a[2], a[3], a[4], a[5]); break;
    case SCRIPT_CALL_RESTORE: result = call_restore(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]); break;
    case SCRIPT_CALL_RECEIVE: result = call_receive(a[0], a[1], a[2], a[3], a[4]); break;
    case SCRIPT_CALL_OBSERVE: result = call_observe(a[0], a[1], a[2], a[3], a[4]); break;
    case SCRIPT_CALL_TICK: result = call_tick(a[0], a[1], a[2]); break;
    case SCRIPT_CALL_TRANSMIT: result = call_transmit(a[0], a[1], a[2], a[3], a[4]); break;
    case SCRIPT_CALL_COMMAND: result = call_command(a[0], a[1], a[2]); break;
    case SCRIPT_CALL_EVENT: result = call_event(a[0], a[1], a[2]); break;
    case SCRIPT_CALL_CHECKPOINT: result = call_checkpoint(a[0], a[1], a[2]); break;
    case SCRIPT_CALL_HASH: result = call_hash(a[0]); break;
    case SCRIPT_CALL_INSPECT: result = call_inspect(a[0], a[1], a[2], a[3], a[4]); break;
    case SCRIPT_CALL_VERDICT: result = call_verdict(a[0], a[1], a[2], a[3], a[4]); break;
    default: break;
  }
  return result;
}

/* Reads a little-endian field of the image at any address. */
static u32 field(u32 at, u32 bytes) {
  u8 read[4] = {0, 0, 0, 0};
  linear_read(at, read, bytes);
  return (u32)read[0] | (u32)read[1] << 8 | (u32)read[2] << 16 | (u32)read[3] << 24;
}

static void load_record(struct record *to, u32 at) {
  to->start_s = field(at, 4);
  to->end_s = field(at + 4, 4);
  to->bound_s = field(at + 8, 4);
  to->rate = field(at + 12, 4);
  to->resource = field(at + 16, 4);
  to->next = (u16)field(at + 20, 2);
  to->state = (u8)field(at + 22, 1);
  to->verdict = (u8)field(at + 23, 1);
  to->owner = (u16)field(at + 32, 2);
  to->slot = (u8)field(at + 34, 1);
  to->lease_s = field(at + 56, 4);
}

static void load_group(struct group *to, u32 at) {
  to->kind = field(at, 4);
  to->units = field(at + 4, 4);
  to->capacity = field(at + 8, 4);
  to->load_kg = field(at + 12, 4);
  to->first = (u16)field(at + 16, 2);
  to->dirty_from = (u16)field(at + 18, 2);
  to->length = (u16)field(at + 20, 2);
}

static void load_notice(struct notice *to, u32 at) {
  to->group = (u16)field(at, 2);
  to->unit = (u16)field(at + 2, 2);
  to->capacity = field(at + 4, 4);
  to->observed_s = field(at + 8, 4);
}

static void load_key(struct link_key *to, u32 at) {
  for (u32 i = 0; i < KEY_WORDS; i++) to->key[i] = field(at + 4 * i, 4);
  to->present = field(at + 32, 4);
  to->key_epoch = field(at + 36, 4);
}

static void load_peer(struct peer *to, u32 at) {
  to->top = field(at, 4);
  to->seen[0] = field(at + 8, 4);
  to->seen[1] = field(at + 12, 4);
}

static void load_small_tables(void) {
  const u32 edge = context + layout.edge;
  node.self = field(edge + 4, 4);
  node.members = field(edge + 8, 4);
  node.cluster = field(edge + 12, 2);
  node.time_known = field(edge + 36, 4);
  node.local_s = field(context + layout.call + 16, 4);
  node.mission_s = field(context + layout.call + 24, 4);
  node.mission_ms = field(context + layout.call + 28, 4);
  node.reserved = field(context + layout.queues, 4);
  for (u32 i = 0; i < LINK_KEYS; i++) load_key(&node.keys[i], context + layout.keys + 64 * i);
  for (u32 i = 0; i < layout.members_max; i++) load_peer(&node.peers[i], context + layout.peers + 16 * i);
  node.offset_s = field(context + layout.clock, 4);
  node.offset_ms = field(context + layout.clock + 4, 4);
  for (u32 i = 0; i < LOSSES_MAX; i++) {
    node.losses[i].count = field(context + layout.counters + 8 * i, 4);
    node.losses[i].first_s = field(context + layout.counters + 8 * i + 4, 4);
  }
  node.decoded_max = layout.decoded_max;
  for (u32 i = 0; i < layout.decoded_max; i++)
    for (u32 word = 0; word < DECODED_WORDS; word++)
      node.decoded[i][word] = field(context + layout.decoded + layout.decoded_stride * i + 4 * word, 4);
  for (u32 i = 0; i < MESSAGE_WORDS; i++) node.message[i] = field(context + layout.scratch + 4 * i, 4);
}

static void load_tables(void) {
  const u32 words = (layout.members_max + 31) / 32;
  load_small_tables();
  /* Bitmap 8: silent members. */
  for (u32 i = 0; i < words; i++) node.silent[i] = field(context + layout.bitmaps + 8 * layout.bitmap_bytes + 4 * i, 4);
  for (u32 i = 0; i < layout.members_max; i++)
    node.last_liveness_tick[i] = field(context + layout.members + 32 * i, 4);
  for (u32 i = 0; i < layout.members_max * OWN_SLOTS; i++)
    node.index[i] = (u16)field(context + layout.index + 2 * i, 2);
  for (u32 i = 0; i < GROUPS_MAX; i++) load_group(&node.groups[i], context + layout.groups + GROUP_RECORD_BYTES * i);
  node.notice_count = field(context + layout.intents_state + 28, 4);
  for (u32 i = 0; i < layout.notices_max; i++) load_notice(&node.notices[i], context + layout.notices + 16 * i);
  for (u32 i = 0; i < layout.intents_max; i++) load_record(&node.records[i], context + layout.intents + 64 * i);
}

/*
 * True when a word of the bytes that the tag covers is the same in a processor of the other byte
 * order. Of the last word only one byte is used.
 */
static bool same_bytes(u32 word, u32 own, u32 i) {
  const u32 turned = own << 24 | (own & 0xff00) << 8 | (own >> 8 & 0xff00) | own >> 24;
  return BIG_ENDIAN_TARGET && (i == 8 ? (word & 0xff) == (turned & 0xff) : word == turned);
}

/*
 * Counts words of a decoded message that differ. Addresses of byte strings are places in the plain
 * text here; the bytes that the tag covers were written as bytes.
 */
static u32 different_words(const u32 *own, u32 at, u32 words) {
  u32 count = 0;
  for (u32 i = 0; i < words; i++) {
    const u32 word = field(at + 4 * i, 4);
    if (word != own[i] && word != own[i] + context + layout.plain && !same_bytes(word, own[i], i)) count++;
  }
  return count;
}

/* Counts counters that differ, and words of decoded messages. */
static u32 small_differences(void) {
  u32 count = 0;
  for (u32 i = 0; i < LOSSES_MAX; i++)
    if (field(context + layout.counters + 8 * i, 4) != node.losses[i].count) count++;
  for (u32 i = 0; i < layout.decoded_max; i++)
    count += different_words(node.decoded[i], context + layout.decoded + layout.decoded_stride * i, DECODED_WORDS);
  /* The image notes after a message where its encoding ends. */
  return count + different_words(node.message, context + layout.scratch, DECODED_WORDS);
}

/* Counts records whose verdict or bound differs, and groups whose dirty mark differs. */
static u32 differences(void) {
  u32 count = 0;
  for (u32 i = 0; i < layout.intents_max; i++) {
    const u32 at = context + layout.intents + 64 * i;
    if (field(at + 8, 4) != node.records[i].bound_s || field(at + 23, 1) != node.records[i].verdict) count++;
  }
  for (u32 i = 0; i < GROUPS_MAX; i++)
    if (field(context + layout.groups + GROUP_RECORD_BYTES * i + 18, 2) != node.groups[i].dirty_from) count++;
  return count;
}

static u32 call_native(const u32 *a) {
  u32 result = 0;
  if (a[0] == SCRIPT_NATIVE_VERDICT) {
    measure_begin_native_verdict();
    result = native_verdict(&node, a[1], a[2], a[3], a[4]);
    measure_end();
  } else {
    linear_read(frame, (u8 *)frame_words, FRAME_BYTES_MAX);
    measure_begin_native_frame();
    result = native_check_frame(&node, (const u8 *)frame_words, a[1]);
    measure_end();
  }
  return result;
}

static void execute(u32 *entry) {
  u32 *const words = entry + 2;
  switch (entry[0]) {
    case SCRIPT_ENTRY_WRITE:
      linear_write(place(words[0]) + words[1], (const u8 *)(words + 3), words[2]);
      break;
    case SCRIPT_ENTRY_READ:
      linear_read(place(words[0]) + words[1], (u8 *)(words + 3), words[2]);
      break;
    case SCRIPT_ENTRY_CALL: {
      u32 arguments[8];
      for (u32 i = 0; i < 8; i++) arguments[i] = place(words[1 + i]);
      words[9] = call(words[0], arguments);
      break;
    }
    case SCRIPT_ENTRY_KEEP:
      linear_read(context, kept, image_context_bytes());
      break;
    case SCRIPT_ENTRY_BACK:
      linear_write(context, kept, image_context_bytes());
      break;
    case SCRIPT_ENTRY_TABLES: {
      u32 *const to = (u32 *)&layout;
      for (u32 i = 0; i < sizeof layout / 4; i++) to[i] = words[1 + i];
      if (words[0] != 0) load_tables();
      else load_small_tables();
      break;
    }
    case SCRIPT_ENTRY_NATIVE:
      words[5] = call_native(words);
      break;
    case SCRIPT_ENTRY_COMPARE:
      words[1] = words[0] != 0 ? differences() : small_differences();
      break;
    default:
      break;
  }
}

void loop_start(void) {
  linear_start();
  image_constants();
  native_start();
  frame = image_memory_base();
  record = frame + FRAME_BYTES_MAX;
  /* As in the boards' loop, at the place of frames and records. */
  config = frame;
  checkpoint = config + BOARD_CONFIG_BYTES_MAX;
  context = checkpoint + CHECKPOINT_HEADER_BYTES;
}

/* Executes the script. A trap ends it; the host reads how many entries were executed. */
void __attribute__((noreturn)) loop_run(u32 trap) {
  u32 *entry = (u32 *)(uintptr_t)SCRIPT_ADDRESS;
  u32 *const done = entry;
  if (trap == TRAP_NONE) {
    for (entry += 4; entry[0] != SCRIPT_ENTRY_END; entry += entry[1]) {
      execute(entry);
      done[1]++;
    }
  }
  done[2] = trap;
  done[3] = image_trap_site();
  runner_over();
  board_off();
}
