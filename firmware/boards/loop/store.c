#include "store.h"

#include "board.h"
#include "linear.h"
#include "port.h"

#define CHUNK_BYTES 128u

static struct {
  u32 boots;
  u32 resets;
} counters;

static void put_32(u8 *at, u32 value) {
  for (u32 i = 0; i < 4; i++) at[i] = (u8)(value >> (8 * i));
}

static void write_counters(void) {
  u8 bytes[12];
  put_32(bytes, STORE_COUNTERS_MAGIC);
  put_32(bytes + 4, counters.boots);
  put_32(bytes + 8, counters.resets);
  board_store_write(0, bytes, sizeof bytes);
}

void store_start(u32 clean) {
  u8 bytes[12];
  board_store_read(0, bytes, sizeof bytes);
  const u32 known = read_32(bytes) == STORE_COUNTERS_MAGIC;
  counters.boots = known ? read_32(bytes + 4) + 1 : 1;
  counters.resets = known && !clean ? read_32(bytes + 8) + 1 : 0;
  if (counters.resets > 255) counters.resets = 255;
  write_counters();
}

u32 store_boots(void) {
  return counters.boots;
}

u32 store_resets(void) {
  return counters.resets;
}

void store_stable(void) {
  if (counters.resets == 0) return;
  counters.resets = 0;
  write_counters();
}

static u32 slot_at(u32 slot) {
  return STORE_SLOTS_AT + slot * STORE_SLOT_BYTES;
}

/* The sequence of what a slot holds, 0 if nothing whole. */
static u32 slot_sequence(u32 slot, u32 *bytes) {
  u8 header[STORE_HEADER_BYTES];
  board_store_read(slot_at(slot), header, sizeof header);
  if (read_32(header) != STORE_SLOT_MAGIC) return 0;
  *bytes = read_32(header + 8);
  return *bytes <= STORE_SLOT_BYTES - STORE_HEADER_BYTES ? read_32(header + 4) : 0;
}

/* Sequences are compared by distance, so that they may wrap. Returns the slot of the newest, or of the older one. */
static u32 slot_of_age(u32 age, u32 *bytes) {
  u32 sizes[STORE_SLOTS] = {0, 0};
  const u32 first = slot_sequence(0, &sizes[0]);
  const u32 second = slot_sequence(1, &sizes[1]);
  u32 slot = second != 0 && (first == 0 || (s32)(second - first) > 0);
  if (age != 0) slot ^= 1u;
  *bytes = (slot == 0 ? first : second) != 0 ? sizes[slot] : 0;
  return slot;
}

u32 store_filled(void) {
  u32 bytes;
  return (slot_sequence(0, &bytes) != 0) + (slot_sequence(1, &bytes) != 0);
}

void store_write(u32 at, u32 bytes) {
  u8 chunk[CHUNK_BYTES];
  u8 header[STORE_HEADER_BYTES] = {0};
  u32 newest_bytes = 0;
  const u32 newest = slot_of_age(0, &newest_bytes);
  u32 sequence = newest_bytes != 0 ? slot_sequence(newest, &newest_bytes) + 1 : 1;
  if (sequence == 0) sequence = 1;
  const u32 slot = newest_bytes != 0 ? newest ^ 1u : 0;
  board_store_write(slot_at(slot), header, sizeof header);
  for (u32 done = 0; done < bytes;) {
    const u32 part = bytes - done < CHUNK_BYTES ? bytes - done : CHUNK_BYTES;
    linear_read(at + done, chunk, part);
    board_store_write(slot_at(slot) + STORE_HEADER_BYTES + done, chunk, part);
    done += part;
  }
  put_32(header + 4, sequence);
  put_32(header + 8, bytes);
  board_store_write(slot_at(slot), header, sizeof header);
  put_32(header, STORE_SLOT_MAGIC);
  board_store_write(slot_at(slot), header, 4);
}

u32 store_read(u32 age, u32 at, u32 capacity) {
  u8 chunk[CHUNK_BYTES];
  u32 bytes = 0;
  const u32 slot = slot_of_age(age, &bytes);
  if (bytes == 0 || bytes > capacity) return 0;
  for (u32 done = 0; done < bytes;) {
    const u32 part = bytes - done < CHUNK_BYTES ? bytes - done : CHUNK_BYTES;
    board_store_read(slot_at(slot) + STORE_HEADER_BYTES + done, chunk, part);
    linear_write(at + done, chunk, part);
    done += part;
  }
  return bytes;
}
