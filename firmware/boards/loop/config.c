#include "config.h"

#include "check.h"
#include "codes.h"
#include "linear.h"

/* An array of fewer than 24 items has its length in its head. */
#define ARRAY 0x80u
#define ITEMS_MAX 23u
#define ITEM_BYTES_MAX 5u
/* Longest record `config`, 85 bytes, rounded up. */
#define CONFIG_BYTES_MAX 96u

struct item item_at(const u8 *record, u32 bytes, u32 at) {
  struct item item = {0, 0};
  if (at >= bytes || record[at] > 0x1au) return item;
  const u32 head = record[at];
  const u32 more = head < 0x18u ? 0 : 1u << (head - 0x18u);
  if (more >= bytes - at) return item;
  item.value = more == 0 ? head : 0;
  for (u32 i = 1; i <= more; i++) item.value = item.value << 8 | record[at + i];
  item.bytes = 1 + more;
  return item;
}

u32 item_put(u8 *to, u32 value) {
  if (value < 0x18u) {
    to[0] = (u8)value;
    return 1;
  }
  const u32 more = value <= 0xffu ? 1 : value <= 0xffffu ? 2 : 4;
  to[0] = (u8)(0x17u + (more == 4 ? 3 : more));
  for (u32 i = 0; i < more; i++) to[1 + i] = (u8)(value >> (8 * (more - 1 - i)));
  return 1 + more;
}

/*
 * Returns the bytes of the record `config` that begins a configuration, and where its reservation
 * is; 0: there is none, or its check does not fit.
 */
static u32 record_bytes(const u8 *config, u32 bytes, u32 *reserved_at) {
  if (bytes == 0 || config[0] <= ARRAY + CONFIG_RESERVED || config[0] > ARRAY + ITEMS_MAX) return 0;
  /* The last item is the check. */
  const u32 items = config[0] - ARRAY - 1;
  u32 at = 1;
  for (u32 i = 0; i < items; i++) {
    if (i == CONFIG_RESERVED) *reserved_at = at;
    const struct item item = item_at(config, bytes, at);
    if (item.bytes == 0) return 0;
    at += item.bytes;
  }
  at += CHECK_BYTES;
  return at <= bytes && at <= CONFIG_BYTES_MAX && check_fits(config, at) ? at : 0;
}

u32 config_write(u32 at, u32 capacity, const u8 *config, u32 bytes, u32 reserved) {
  u32 reserved_at = 0;
  const u32 own = record_bytes(config, bytes, &reserved_at);
  const struct item item = item_at(config, own, reserved_at);
  if (own == 0 || item.value >= reserved) {
    if (bytes > capacity) return 0;
    linear_write(at, config, bytes);
    return bytes;
  }
  u8 record[CONFIG_BYTES_MAX + ITEM_BYTES_MAX];
  u32 length = 0;
  for (; length < reserved_at; length++) record[length] = config[length];
  length += item_put(record + length, reserved);
  for (u32 from = reserved_at + item.bytes; from < own - CHECK_BYTES; from++) record[length++] = config[from];
  length += check_put(record, length);
  const u32 rest = bytes - own;
  if (length + rest > capacity) return 0;
  linear_write(at, record, length);
  if (rest != 0) linear_write(at + length, config + own, rest);
  return length + rest;
}
