/* The conflict check: the walk of firmware/intent/arbitrate.ts. */
#include "native.h"

enum { BEAT_S = 300, BEAT_FIRST = 4, LEASE_S = 2700, LEASE_GUARD_S = 30 };

static bool unit_usable(const struct node *node, const struct group *group, u32 group_index, u32 unit) {
  if (unit > group->units) return false;
  if (unit == 0) return true;
  const struct notice *const end = node->notices + node->notice_count;
  for (const struct notice *notice = node->notices; notice < end; notice++)
    if (notice->unit == unit && notice->group == group_index) return notice->capacity != 0;
  return true;
}

static u32 bound_of(const struct node *node, const struct record *record) {
  const u32 owner = record->owner;
  if ((node->gone[owner / 32] >> (owner % 32) & 1u) == 0) return record->end_s;
  const u32 beat = node->last_beat[owner] + 1;
  const u32 ordinary = (beat > BEAT_FIRST ? (beat - BEAT_FIRST) * BEAT_S : 0) + LEASE_S;
  const u32 hold_s = (record->lease_s > ordinary ? record->lease_s : ordinary) + LEASE_GUARD_S;
  return hold_s < record->end_s ? hold_s : record->end_s;
}

static u32 rate_at(const struct node *node, const u16 *accepted_end, u32 at_s) {
  u32 sum = 0;
  for (const u16 *accepted = node->accepted; accepted < accepted_end; accepted++) {
    const struct record *const other = &node->records[*accepted];
    if (other->start_s <= at_s && at_s < other->bound_s) sum += other->rate;
  }
  return sum;
}

static bool fits(const struct node *node, u32 group_index, const struct record *record, const u16 *accepted_end) {
  const struct group *const group = &node->groups[group_index];
  const u32 resource = record->resource;
  const u32 start_s = record->start_s;
  const u32 bound_s = record->bound_s;
  if (start_s >= bound_s || record->rate > group->capacity || !unit_usable(node, group, group_index, resource & 0xffff)) return false;
  const u32 room = group->capacity - record->rate;
  const bool exclusive = (resource & 0xffff) != 0;
  u32 sum = 0;
  for (const u16 *accepted = node->accepted; accepted < accepted_end; accepted++) {
    const struct record *const other = &node->records[*accepted];
    if (other->start_s >= bound_s || start_s >= other->bound_s) continue;
    if (exclusive && other->resource == resource) return false;
    sum += other->rate;
  }
  if (sum <= room) return true;
  if (rate_at(node, accepted_end, start_s) > room) return false;
  for (const u16 *accepted = node->accepted; accepted < accepted_end; accepted++) {
    const u32 other_s = node->records[*accepted].start_s;
    if (other_s > start_s && other_s < bound_s && rate_at(node, accepted_end, other_s) > room) return false;
  }
  return true;
}

static void arbitrate(struct node *node, u32 group_index, u32 up_to) {
  struct group *const group = &node->groups[group_index];
  const u32 dirty_from = group->dirty_from;
  if (dirty_from == NO_RECORD) return;
  u16 *accepted = node->accepted;
  u32 at = group->first;
  while (at != dirty_from) {
    const struct record *const record = &node->records[at];
    if (at == up_to) return;
    if (record->verdict == ACCEPTED) *accepted++ = (u16)at;
    at = record->next;
  }
  while (at != NO_RECORD) {
    struct record *const record = &node->records[at];
    record->bound_s = bound_of(node, record);
    u8 verdict = UNKNOWN;
    if (record->state >= PLANNED && record->state <= STARTED)
      verdict = fits(node, group_index, record, accepted) ? ACCEPTED : REFUSED;
    record->verdict = verdict;
    if (verdict == ACCEPTED) *accepted++ = (u16)at;
    const u32 next = record->next;
    if (at == up_to) {
      group->dirty_from = (u16)next;
      return;
    }
    at = next;
  }
  group->dirty_from = NO_RECORD;
}

u32 native_verdict(struct node *node, u32 owner, u32 slot, u32 now_s, u32 now_ms) {
  if (owner >= MEMBERS_MAX || slot >= OWN_SLOTS) return UNKNOWN;
  node->local_s = now_s;
  node->local_ms = now_ms;
  if (node->time_known != 0) {
    const u32 ms = now_ms + node->offset_ms;
    node->mission_s = now_s + node->offset_s + (ms >= 1000);
    node->mission_ms = ms >= 1000 ? ms - 1000 : ms;
  }
  const u32 index = node->index[owner * OWN_SLOTS + slot];
  if (index == NO_RECORD) return UNKNOWN;
  const struct record *const record = &node->records[index];
  arbitrate(node, record->resource >> 16, index);
  return record->verdict;
}
