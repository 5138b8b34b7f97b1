#include "config.h"

#include "codes.h"
#include "linear.h"

/* An array of fewer than 24 items has its length in its head. */
#define ARRAY 0x80u
#define ITEMS_MAX 23u
#define ITEM_BYTES_MAX 5u

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

u32 config_write(u32 at, u32 capacity, const u8 *config, u32 bytes, u32 reserved) {
  u8 last[ITEM_BYTES_MAX] = {0};
  struct item item = {0, 0};
  u32 from = 1;
  const u32 is_record = bytes > 0 && config[0] > ARRAY + CONFIG_RESERVED && config[0] <= ARRAY + ITEMS_MAX;
  for (u32 i = 0; is_record && i <= CONFIG_RESERVED; i++) {
    from += item.bytes;
    item = item_at(config, bytes, from);
    if (item.bytes == 0) break;
  }
  const u32 is_less = item.bytes != 0 && item.value < reserved;
  const u32 own = is_less ? item_put(last, reserved) : 0;
  const u32 kept = is_less ? from : bytes;
  const u32 rest = is_less ? bytes - from - item.bytes : 0;
  if (kept + own + rest > capacity) return 0;
  linear_write(at, config, kept);
  linear_write(at + kept, last, own);
  if (rest != 0) linear_write(at + kept + own, config + from + item.bytes, rest);
  return kept + own + rest;
}
