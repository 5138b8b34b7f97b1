/*
 * Simulates power cuts at every word that is written to non-volatile memory. It runs
 * firmware/boards/loop/store.c as it flies, over a memory that loses power after any number of
 * words and leaves the word under way torn in one of several ways. The board starts after each cut:
 * it must load the checkpoint that was written last and whole, or the one before, and nothing else.
 *
 * The memory is of one of the drivers' two kinds: MRAM (erasing clears the header) or flash
 * (erasing takes a block, whose content is arbitrary after a power cut).
 *
 * Usage: torn_writes mram|flash BYTES         cuts the writing of checkpoints of BYTES bytes, of
 *                                             starts and of reservations, and counts the cuts
 *        torn_writes mram|flash random CUTS   starts and reserves until CUTS random power cuts
 * Exit code 1 at the first cut after which the memory is wrong.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "crc.h"
#include "linear.h"
#include "store.h"

#define MEMORY_BYTES (STORE_SLOTS_AT + STORE_SLOTS * STORE_SLOT_BYTES)
#define WORD_BYTES 4u
#define PAGE_BYTES 512u
#define NO_CUT 0xffffffffu

/* What a torn word contains: its first new bytes only, or old and new bits mixed. */
enum tear { TEAR_NOTHING, TEAR_ONE, TEAR_TWO, TEAR_THREE, TEAR_MIX, TEAR_OTHER_MIX, TEARS };

static u8 memory[MEMORY_BYTES];
static u8 linear[STORE_SLOT_BYTES];
static u32 is_flash;
static u32 checkpoint_bytes;
/* What a checkpoint slot uses: copies leave out the rest. */
static u32 slot_bytes;

/* Number of words that are written before the power fails, and how the next word is torn. */
static u32 words_left = NO_CUT;
static enum tear tear;
static jmp_buf power_cut;
static u32 words_written;
static u32 mixture = 1;
static unsigned long cuts;

static u32 mix(void) {
  mixture ^= mixture << 13;
  mixture ^= mixture >> 17;
  mixture ^= mixture << 5;
  return mixture;
}

/* ---- the memory ---- */

static void tear_word(u8 *to, const u8 *word, u32 bytes) {
  for (u32 i = 0; i < bytes; i++) {
    const u8 from_new = tear <= TEAR_THREE ? (u8)(i < (u32)tear ? 0xff : 0) : (u8)mix();
    to[i] = (u8)((to[i] & ~from_new) | (word[i] & from_new));
  }
}

static void write_words(u32 at, const u8 *from, u32 bytes) {
  for (u32 done = 0; done < bytes; done += WORD_BYTES) {
    const u32 part = bytes - done < WORD_BYTES ? bytes - done : WORD_BYTES;
    if (words_left == 0) {
      tear_word(memory + at + done, from + done, part);
      longjmp(power_cut, 1);
    }
    if (words_left != NO_CUT) words_left--;
    words_written++;
    memcpy(memory + at + done, from + done, part);
  }
}

void board_store_erase(u32 at, u32 bytes) {
  static const u8 nothing[16];
  if (!is_flash) {
    write_words(at, nothing, sizeof nothing);
    return;
  }
  /* Erasing is one command: a power cut leaves any content, and often the old header. */
  if (words_left == 0) {
    for (u32 i = 0; i < bytes && tear != TEAR_NOTHING; i += 1 + mix() % 64) memory[at + i] |= (u8)mix();
    longjmp(power_cut, 1);
  }
  if (words_left != NO_CUT) words_left--;
  words_written++;
  memset(memory + at, 0xff, bytes);
}

/* Checks what board.h demands: no write crosses a page of flash. */
void board_store_write(u32 at, const u8 *from, u32 bytes) {
  if (at % 16 != 0 || at / PAGE_BYTES != (at + bytes - 1) / PAGE_BYTES) {
    printf("a write of %u bytes at %u crosses a page of flash\n", bytes, at);
    exit(1);
  }
  for (u32 i = 0; is_flash && i < bytes; i++) {
    if (memory[at + i] == 0xff) continue;
    printf("byte %u of flash is written twice between two erasures\n", at + i);
    exit(1);
  }
  write_words(at, from, bytes);
}

void board_store_read(u32 at, u8 *to, u32 bytes) {
  memcpy(to, memory + at, bytes);
}

void linear_read(u32 at, u8 *to, u32 bytes) {
  memcpy(to, linear + at, bytes);
}

void linear_write(u32 at, const u8 *from, u32 bytes) {
  memcpy(linear + at, from, bytes);
}

void image_trap(u32 reason) {
  printf("trap %u\n", reason);
  exit(1);
}

/* ---- writing and reading checkpoints ---- */

/* Fills linear memory with a checkpoint whose every byte depends on its number. */
static void make_checkpoint(u32 number) {
  for (u32 i = 0; i < checkpoint_bytes; i++) linear[i] = (u8)(number * 37u + i * 11u + (i >> 8));
  const u32 crc = crc_more(CRC_BEGIN, linear, checkpoint_bytes - 4);
  for (u32 i = 0; i < 4; i++) linear[checkpoint_bytes - 4 + i] = (u8)(crc >> (8 * i));
}

/* Verifies the loaded checkpoint by its own checksum, as the image does. */
static u32 is_restored(u32 bytes) {
  if (bytes != checkpoint_bytes) return 0;
  const u32 crc = crc_more(CRC_BEGIN, linear, bytes - 4);
  for (u32 i = 0; i < 4; i++)
    if (linear[bytes - 4 + i] != (u8)(crc >> (8 * i))) return 0;
  return 1;
}

static u32 is_checkpoint(u32 number) {
  for (u32 i = 0; i < checkpoint_bytes - 4; i++)
    if (linear[i] != (u8)(number * 37u + i * 11u + (i >> 8))) return 0;
  return 1;
}

/* Loads a checkpoint as the loop does at a start. Returns which of the two numbers was loaded, 0 if
   none was; anything else ends the test. */
static u32 load(u32 before, u32 written) {
  for (u32 age = 0; age < STORE_SLOTS; age++) {
    memset(linear, 0xee, slot_bytes);
    const u32 bytes = store_read(age, 0, STORE_SLOT_BYTES);
    if (bytes == 0 || !is_restored(bytes)) continue;
    if (bytes == checkpoint_bytes && written != 0 && is_checkpoint(written)) return written;
    if (bytes == checkpoint_bytes && before != 0 && is_checkpoint(before)) return before;
    printf("loaded what is neither checkpoint %u nor %u: %u bytes\n", before, written, bytes);
    exit(1);
  }
  return 0;
}

static void store(u32 number) {
  make_checkpoint(number);
  store_write(0, checkpoint_bytes);
}

static void restore_power(void) {
  words_left = NO_CUT;
}

/* Copies counters, and of each checkpoint slot what is used. */
static void copy_memory(u8 *to, const u8 *from) {
  memcpy(to, from, STORE_SLOTS_AT);
  for (u32 slot = 0; slot < STORE_SLOTS; slot++) {
    const u32 at = STORE_SLOTS_AT + slot * STORE_SLOT_BYTES;
    memcpy(to + at, from + at, slot_bytes);
  }
}

/* ---- states of the memory before a cut ---- */

/* Gives the checkpoint in a checkpoint slot another sequence, with a valid header. */
static void renumber(u32 slot, u32 sequence) {
  u8 *const at = memory + STORE_SLOTS_AT + slot * STORE_SLOT_BYTES;
  for (u32 i = 0; i < 4; i++) at[4 + i] = (u8)(sequence >> (8 * i));
  const u32 mark = STORE_SLOT_MAGIC ^ ~crc_more(CRC_BEGIN, at + 4, 12);
  for (u32 i = 0; i < 4; i++) at[i] = (u8)(mark >> (8 * i));
}

static void flip_bit(u32 slot, u32 at) {
  memory[STORE_SLOTS_AT + slot * STORE_SLOT_BYTES + at] ^= 0x10;
}

enum start {
  EMPTY,
  NOISE,
  ONE,
  TWO,
  THREE,
  WRAPPING,
  WRAPPED,
  NEWEST_BAD,
  OLDER_BAD,
  BOTH_BAD,
  NEWEST_HEADER_BAD,
  OLDER_HEADER_BAD,
  STARTS
};

/* Prepares the memory. Returns the number of the newest checkpoint that must not be lost, 0 if
   there is none. */
static u32 begin(enum start start) {
  memset(memory, is_flash ? 0xff : 0, sizeof memory);
  restore_power();
  if (start == NOISE)
    for (u32 i = 0; i < sizeof memory; i++) memory[i] = (u8)mix();
  if (start <= NOISE) return 0;
  store(1);
  if (start == ONE) return 1;
  store(2);
  if (start == THREE) store(3);
  if (start == WRAPPING || start == WRAPPED) {
    renumber(0, start == WRAPPING ? 0xfffffffeu : 0xffffffffu);
    renumber(1, start == WRAPPING ? 0xffffffffu : 1u);
  }
  if (start == NEWEST_BAD || start == BOTH_BAD) flip_bit(1, STORE_HEADER_BYTES + checkpoint_bytes - 1);
  if (start == OLDER_BAD || start == BOTH_BAD) flip_bit(0, STORE_HEADER_BYTES);
  if (start == NEWEST_HEADER_BAD) flip_bit(1, 5);
  if (start == OLDER_HEADER_BAD) flip_bit(0, 7);
  switch (start) {
    case THREE:
      return 3;
    case BOTH_BAD:
      return 0;
    case NEWEST_BAD:
    case NEWEST_HEADER_BAD:
      return 1;
    default:
      return 2;
  }
}

static void expect(u32 ok, const char *what, u32 start, u32 words, u32 how) {
  if (ok) return;
  printf("%s: start %u, power cut after %u words, tear %u\n", what, start, words, how);
  exit(1);
}

/* Runs `what` and cuts the power after `words` words; returns 1 if it ended before that. */
static u32 cut_short(void (*what)(u32), u32 argument, u32 words, enum tear how) {
  tear = how;
  words_left = words;
  if (setjmp(power_cut) == 0) {
    what(argument);
    restore_power();
    return 1;
  }
  restore_power();
  cuts++;
  return 0;
}

/* ---- checkpoints ---- */

/* Cuts the writing of a checkpoint after every `step` words. `again`: after each cut it also cuts
   the writing of another checkpoint after every word. */
static void cut_checkpoints(enum start start, u32 step, u32 again) {
  static u8 first[MEMORY_BYTES];
  static u8 torn[MEMORY_BYTES];
  const u32 kept = begin(start);
  copy_memory(first, memory);
  for (u32 how = TEAR_NOTHING; how < TEARS; how++) {
    for (u32 words = 0;; words += step) {
      copy_memory(memory, first);
      if (cut_short(store, 4, words, (enum tear)how)) {
        expect(load(kept, 4) == 4, "a whole checkpoint is not the one that is loaded", start, words, how);
        break;
      }
      copy_memory(torn, memory);
      const u32 loaded = load(kept, 4);
      expect(kept == 0 || loaded != 0, "a power cut lost both checkpoints", start, words, how);
      /* The next checkpoint is written and loaded normally. */
      copy_memory(memory, torn);
      store(5);
      expect(load(loaded, 5) == 5, "the checkpoint after a power cut is not the one that is loaded", start, words, how);
      for (u32 second = 0; again; second++) {
        copy_memory(memory, torn);
        if (cut_short(store, 5, second, (enum tear)(TEARS - 1 - how))) break;
        expect(loaded == 0 || load(loaded, 5) != 0, "a second power cut lost both checkpoints", start, words, how);
      }
    }
  }
}

/* ---- counters ---- */

static void count_start(u32 clean) {
  store_start(clean);
}

/* Cuts the counting of a start after every word: the next start knows of all earlier ones, except
   perhaps the one that was cut short. */
static void cut_counters(u32 starts_before, u32 resets_before) {
  static u8 first[STORE_SLOTS_AT];
  memset(memory, is_flash ? 0xff : 0, STORE_SLOTS_AT);
  restore_power();
  for (u32 i = 0; i < starts_before; i++) store_start(i == 0 || i + resets_before < starts_before);
  memcpy(first, memory, STORE_SLOTS_AT);
  for (u32 how = TEAR_NOTHING; how < TEARS; how++) {
    for (u32 words = 0;; words++) {
      memcpy(memory, first, STORE_SLOTS_AT);
      const u32 whole = cut_short(count_start, 0, words, (enum tear)how);
      store_start(0);
      const u32 least = starts_before + 1;
      const u32 boots = store_boots();
      const u32 resets = store_resets();
      const u32 resets_least = resets_before + 1 < STORE_RESETS_MAX ? resets_before + 1 : STORE_RESETS_MAX;
      const u32 resets_most = resets_least < STORE_RESETS_MAX ? resets_least + 1 : STORE_RESETS_MAX;
      expect(boots == least || boots == least + 1, "starts are miscounted", starts_before, words, how);
      expect(resets == resets_least || resets == resets_most, "resets are miscounted", starts_before, words, how);
      if (whole) break;
    }
  }
}

static void reserve(u32 cycle) {
  (void)store_reserve(cycle);
}

/* Cuts the reservation of counters after every word, given the starts and reservations before: a
   confirmed reservation stays, and nothing is reserved that was not asked for. */
static void cut_reservations(u32 starts_before, u32 reserved_before) {
  static u8 first[STORE_SLOTS_AT];
  static u8 torn[STORE_SLOTS_AT];
  memset(memory, is_flash ? 0xff : 0, STORE_SLOTS_AT);
  restore_power();
  for (u32 i = 0; i < starts_before; i++) store_start(i == 0);
  for (u32 i = 1; i <= reserved_before; i++)
    expect(store_reserve(i * 7) == i * 7, "what was reserved is not reported", starts_before, i, TEARS);
  const u32 before = reserved_before * 7;
  const u32 asked = before + 7;
  memcpy(first, memory, STORE_SLOTS_AT);
  for (u32 how = TEAR_NOTHING; how < TEARS; how++) {
    for (u32 words = 0;; words++) {
      memcpy(memory, first, STORE_SLOTS_AT);
      const u32 whole = cut_short(reserve, asked, words, (enum tear)how);
      memcpy(torn, memory, STORE_SLOTS_AT);
      const u32 held = store_reserved();
      expect(held == asked || (!whole && held == before), "a reservation was lost", starts_before, words, how);
      /* The following start is cut after every word as well; then a whole start follows. */
      for (u32 second = 0;; second++) {
        memcpy(memory, torn, STORE_SLOTS_AT);
        const u32 started = cut_short(count_start, 0, second, (enum tear)(TEARS - 1 - how));
        store_start(0);
        expect(store_reserved() == held, "a start lost a reservation", starts_before, words, how);
        const u32 starts = store_boots() - starts_before;
        expect(starts == 1 || starts == 2, "starts are miscounted", starts_before, words, how);
        const u32 further = store_reserve(asked + 7);
        expect(further == asked + 7, "after a power cut nothing can be reserved", starts_before, words, how);
        if (started) break;
      }
      if (whole) break;
    }
  }
}

/* Starts and reserves, with the power cut at random words, until `wanted` cuts. `reported`:
   greatest confirmed reservation; `asked`: greatest that was asked for. */
static void cut_at_random(unsigned long wanted) {
  u32 reported = 0;
  u32 asked = 0;
  u32 starts = 0;
  memset(memory, is_flash ? 0xff : 0, sizeof memory);
  restore_power();
  store_start(1);
  while (cuts < wanted) {
    /* Erasing MRAM or writing an entry takes at most this many words. */
    const u32 words = mix() % 16;
    const enum tear how = (enum tear)(mix() % TEARS);
    if (mix() % 4 == 0) {
      starts += cut_short(count_start, 0, words, how);
    } else {
      const u32 cycle = reported + 1 + mix() % 40;
      if (cycle > asked) asked = cycle;
      if (cut_short(reserve, cycle, words, how)) {
        reported = store_reserved();
        expect(reported >= cycle, "what was reserved is not reported", starts, words, how);
        continue;
      }
    }
    store_start(0);
    starts++;
    const u32 held = store_reserved();
    expect(held >= reported && held <= asked, "a reservation was lost", starts, words, how);
    reported = held;
  }
  const char *const memory_kind = is_flash ? "flash" : "mram";
  printf("%s: %lu random cuts, %u starts, %u cycles reserved\n", memory_kind, cuts, starts, reported);
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[2], "random") == 0) {
    is_flash = strcmp(argv[1], "flash") == 0;
    cut_at_random(strtoul(argv[3], NULL, 0));
    return 0;
  }
  if (argc != 3) return 2;
  is_flash = strcmp(argv[1], "flash") == 0;
  checkpoint_bytes = (u32)strtoul(argv[2], NULL, 0);
  const u32 is_small = checkpoint_bytes <= 1024;
  slot_bytes = STORE_HEADER_BYTES + checkpoint_bytes + PAGE_BYTES;
  if (slot_bytes > STORE_SLOT_BYTES) slot_bytes = STORE_SLOT_BYTES;
  for (u32 start = 0; start < STARTS; start++) cut_checkpoints((enum start)start, is_small ? 1 : 2503, is_small);
  const unsigned long of_checkpoints = cuts;
  cuts = 0;
  static const u32 befores[] = {0, 1, 2, 3, 4, 255, 256, 300};
  for (u32 i = 0; i < sizeof befores / sizeof befores[0]; i++)
    cut_counters(befores[i], befores[i] > 2 ? (befores[i] > 256 ? 255 : befores[i] - 2) : 0);
  const unsigned long of_starts = cuts;
  cuts = 0;
  static const u32 reserved_befores[] = {0, 1, 2, 254, 255, 256, 300, 511, 512, 1100};
  for (u32 i = 0; is_small && i < sizeof reserved_befores / sizeof reserved_befores[0]; i++)
    for (u32 starts = 1; starts <= 3; starts++) cut_reservations(starts, reserved_befores[i]);
  printf("%s, %u bytes: %lu cuts of writing a checkpoint, %lu of counting a start, %lu of reserving counters\n",
         argv[1], checkpoint_bytes, of_checkpoints, of_starts, cuts);
  return 0;
}
