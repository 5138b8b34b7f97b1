#include "store.h"

#include "board.h"
#include "crc.h"
#include "linear.h"
#include "port.h"

#define CHUNK_BYTES 128u
#define ENTRY_BYTES 32u
#define ENTRY_CHECKED 20u
#define ENTRIES_END (2u * STORE_COUNTERS_BYTES)
/*
 * Of a checkpoint slot's header: the words that its mark covers, and the place of the checkpoint's
 * checksum.
 */
#define MARKED_AT 4u
#define MARKED_BYTES 12u
#define CHECKSUM_AT 12u

/*
 * Counts of this start. The reservation is not among them: it is read where it is stored, because
 * an upset here would make counters be used twice.
 */
static struct {
  u32 boots;
  u32 resets;
} counters;

static void put_32(u8 *at, u32 value) {
  for (u32 i = 0; i < 4; i++) at[i] = (u8)(value >> (8 * i));
}

/* Compares sequences by distance, so that they may wrap. 0 is none. */
static u32 is_newer(u32 sequence, u32 than) {
  return sequence != 0 && (than == 0 || (s32)(sequence - than) > 0);
}

static u32 next_sequence(u32 sequence) {
  return sequence == 0xffffffffu ? 1 : sequence + 1;
}

/* ---- counters ---- */

/* Sequence 0: there is none. */
struct entry {
  u32 at;
  u32 sequence;
  u32 boots;
  u32 resets;
  u32 reserved;
};

/*
 * Returns the newest of all entries that verify, wherever it is: an erasure need not have erased.
 * Searches from the end, because most entries are older than the first found.
 */
static struct entry newest_entry(void) {
  struct entry newest = {0, 0, 0, 0, 0};
  for (u32 at = ENTRIES_END; at > 0;) {
    u8 bytes[ENTRY_BYTES];
    at -= ENTRY_BYTES;
    board_store_read(at, bytes, 8);
    if (read_32(bytes) != STORE_COUNTERS_MAGIC || !is_newer(read_32(bytes + 4), newest.sequence)) continue;
    board_store_read(at, bytes, ENTRY_BYTES);
    if (read_32(bytes + ENTRY_CHECKED) != ~crc_more(CRC_BEGIN, bytes, ENTRY_CHECKED)) continue;
    newest = (struct entry){at, read_32(bytes + 4), read_32(bytes + 8), read_32(bytes + 12), read_32(bytes + 16)};
  }
  return newest;
}

/*
 * Writes `entry` as the newest, behind the one that it was read from. A start (`is_start`), and a
 * full block, begin the other block: so no place is written again whose writing a power cut may
 * have left incomplete, and a block is erased only while the newest entry is in the other.
 */
static void write_entry(struct entry entry, u32 is_start) {
  u8 bytes[ENTRY_BYTES];
  u32 at = entry.at + ENTRY_BYTES;
  if (entry.sequence == 0 || is_start || at % STORE_COUNTERS_BYTES == 0) {
    at = entry.sequence != 0 && entry.at < STORE_COUNTERS_BYTES ? STORE_COUNTERS_BYTES : 0;
    board_store_erase(at, STORE_COUNTERS_BYTES);
  }
  for (u32 i = 0; i < ENTRY_BYTES; i++) bytes[i] = 0;
  put_32(bytes, STORE_COUNTERS_MAGIC);
  put_32(bytes + 4, next_sequence(entry.sequence));
  put_32(bytes + 8, entry.boots);
  put_32(bytes + 12, entry.resets);
  put_32(bytes + 16, entry.reserved);
  put_32(bytes + ENTRY_CHECKED, ~crc_more(CRC_BEGIN, bytes, ENTRY_CHECKED));
  board_store_write(at, bytes, sizeof bytes);
}

void store_start(u32 clean) {
  struct entry entry = newest_entry();
  const u32 known = entry.sequence != 0;
  entry.boots = known ? entry.boots + 1 : 1;
  /* A start that is no power-on is a reset, whatever is known of earlier ones. */
  entry.resets = clean ? 0 : known ? entry.resets + 1 : 1;
  if (entry.resets > STORE_RESETS_MAX) entry.resets = STORE_RESETS_MAX;
  counters.boots = entry.boots;
  counters.resets = entry.resets;
  write_entry(entry, 1);
}

u32 store_boots(void) {
  return counters.boots;
}

u32 store_resets(void) {
  return counters.resets;
}

/*
 * Returns the newest entry, to be written again with a change; of a memory that has lost
 * everything, what this start knows.
 */
static struct entry entry_to_change(void) {
  struct entry entry = newest_entry();
  if (entry.sequence == 0) entry.boots = counters.boots;
  entry.resets = counters.resets;
  return entry;
}

void store_stable(void) {
  if (counters.resets == 0) return;
  counters.resets = 0;
  write_entry(entry_to_change(), 0);
}

u32 store_reserved(void) {
  return newest_entry().reserved;
}

u32 store_reserve(u32 cycle) {
  struct entry entry = entry_to_change();
  if (cycle <= entry.reserved) return entry.reserved;
  entry.reserved = cycle;
  write_entry(entry, 0);
  /* Only what can be read again is reserved. */
  return store_reserved();
}

/* ---- checkpoints ---- */

struct checkpoint_slot {
  u32 at;
  u32 sequence;
  u32 bytes;
  u32 checksum;
};

/* Returns the first word of a header, which says that the others were written completely. */
static u32 mark_of(const u8 *header) {
  return STORE_SLOT_MAGIC ^ ~crc_more(CRC_BEGIN, header + MARKED_AT, MARKED_BYTES);
}

/* Reads the header of a checkpoint slot; sequence 0 if the header is empty or torn. */
static struct checkpoint_slot read_header(u32 slot) {
  u8 header[STORE_HEADER_BYTES];
  struct checkpoint_slot read = {STORE_SLOTS_AT + slot * STORE_SLOT_BYTES, 0, 0, 0};
  board_store_read(read.at, header, sizeof header);
  read.bytes = read_32(header + 8);
  read.checksum = read_32(header + CHECKSUM_AT);
  if (read_32(header) == mark_of(header) && read.bytes != 0 && read.bytes <= STORE_SLOT_BYTES - STORE_HEADER_BYTES)
    read.sequence = read_32(header + 4);
  return read;
}

/*
 * Returns the length of the next piece of a checkpoint. Pieces end at multiples of their size,
 * header included, so that none crosses a page of flash.
 */
static u32 part_of(u32 bytes, u32 done) {
  const u32 whole = CHUNK_BYTES - ((STORE_HEADER_BYTES + done) & (CHUNK_BYTES - 1u));
  return bytes - done < whole ? bytes - done : whole;
}

static u32 verifies(const struct checkpoint_slot *slot) {
  u8 chunk[CHUNK_BYTES];
  if (slot->sequence == 0) return 0;
  u32 crc = CRC_BEGIN;
  for (u32 done = 0; done < slot->bytes;) {
    const u32 part = part_of(slot->bytes, done);
    board_store_read(slot->at + STORE_HEADER_BYTES + done, chunk, part);
    crc = crc_more(crc, chunk, part);
    done += part;
  }
  return ~crc == slot->checksum;
}

/* Returns the checkpoint slot with the newest header (age 0) or the older one (1). */
static u32 slot_of_age(u32 age) {
  const struct checkpoint_slot first = read_header(0);
  const struct checkpoint_slot second = read_header(1);
  return age ^ is_newer(second.sequence, first.sequence);
}

u32 store_filled(void) {
  const struct checkpoint_slot first = read_header(0);
  const struct checkpoint_slot second = read_header(1);
  return verifies(&first) + verifies(&second);
}

void store_write(u32 at, u32 bytes) {
  u8 chunk[CHUNK_BYTES];
  u8 header[STORE_HEADER_BYTES];
  if (bytes > STORE_SLOT_BYTES - STORE_HEADER_BYTES) image_trap(TRAP_ASSERTION);
  /*
   * The newest checkpoint that verifies is spared, even if a header says that the other is newer.
   */
  u32 spared = slot_of_age(0);
  struct checkpoint_slot kept = read_header(spared);
  if (!verifies(&kept)) {
    spared ^= 1u;
    kept = read_header(spared);
    if (!verifies(&kept)) kept.sequence = 0;
  }
  const u32 slot_at = STORE_SLOTS_AT + (spared ^ 1u) * STORE_SLOT_BYTES;
  struct checkpoint_slot slot = {slot_at, next_sequence(kept.sequence), bytes, 0};
  board_store_erase(slot.at, STORE_SLOT_BYTES);
  u32 crc = CRC_BEGIN;
  for (u32 done = 0; done < bytes;) {
    const u32 part = part_of(bytes, done);
    linear_read(at + done, chunk, part);
    board_store_write(slot.at + STORE_HEADER_BYTES + done, chunk, part);
    crc = crc_more(crc, chunk, part);
    done += part;
  }
  put_32(header + MARKED_AT, slot.sequence);
  put_32(header + 8, bytes);
  put_32(header + CHECKSUM_AT, ~crc);
  put_32(header, mark_of(header));
  board_store_write(slot.at, header, sizeof header);
}

u32 store_read(u32 age, u32 at, u32 capacity) {
  u8 chunk[CHUNK_BYTES];
  const struct checkpoint_slot slot = read_header(slot_of_age(age));
  if (slot.sequence == 0 || slot.bytes > capacity) return 0;
  for (u32 done = 0; done < slot.bytes;) {
    const u32 part = part_of(slot.bytes, done);
    board_store_read(slot.at + STORE_HEADER_BYTES + done, chunk, part);
    linear_write(at + done, chunk, part);
    done += part;
  }
  return slot.bytes;
}
