/* Checks conflicts: walks a group's intents as firmware/intent/arbitration.ts does. */
#include "native.h"

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
  if ((node->silent[owner / 32] >> (owner % 32) & 1u) == 0) return record->end_s;
  const u32 tick = node->last_liveness_tick[owner] + 1;
  const u32 ordinary = (tick > LIVENESS_TICK_FIRST ? (tick - LIVENESS_TICK_FIRST) * LIVENESS_TICK_S : 0) + LEASE_S;
  const u32 hold_s = (record->lease_s > ordinary ? record->lease_s : ordinary) + LEASE_GUARD_S;
  return hold_s < record->end_s ? hold_s : record->end_s;
}

static void clear_profile(struct node *node) {
  node->rate = 0;
  node->count = 0;
  node->sorted = 0;
  for (u32 unit = 0; unit < UNIT_LISTS; unit++) node->first_of_unit[unit] = NO_RECORD;
}

/* Adds an accepted record, as firmware/intent/profile.ts does. */
static void add_to_profile(struct node *node, u32 index) {
  const struct record *const record = &node->records[index];
  node->starts[node->count] = (u16)index;
  node->bounds[node->count] = (u16)index;
  node->count++;
  node->rate += record->rate;
  const u32 unit = record->resource & 0xffff;
  if (unit == 0) return;
  node->next_of_unit[index] = node->first_of_unit[unit % UNIT_LISTS];
  node->first_of_unit[unit % UNIT_LISTS] = (u16)index;
}

static bool unit_taken(const struct node *node, const struct record *record) {
  const u32 unit = record->resource & 0xffff;
  if (unit == 0) return false;
  for (u32 at = node->first_of_unit[unit % UNIT_LISTS]; at != NO_RECORD; at = node->next_of_unit[at]) {
    const struct record *const other = &node->records[at];
    if (other->resource == record->resource && other->start_s < record->bound_s && record->start_s < other->bound_s)
      return true;
  }
  return false;
}

static void sort_profile(struct node *node) {
  const struct record *const records = node->records;
  for (; node->sorted < node->count; node->sorted++) {
    const u16 begun = node->starts[node->sorted];
    u16 *at = node->starts + node->sorted;
    for (; at > node->starts && records[at[-1]].start_s > records[begun].start_s; at--) *at = at[-1];
    *at = begun;
    const u16 ended = node->bounds[node->sorted];
    at = node->bounds + node->sorted;
    for (; at > node->bounds && records[at[-1]].bound_s > records[ended].bound_s; at--) *at = at[-1];
    *at = ended;
  }
}

static u32 peak_rate(struct node *node, u32 start_s, u32 end_s, u32 limit) {
  sort_profile(node);
  const struct record *const records = node->records;
  const u16 *begun = node->starts;
  const u16 *const begun_end = begun + node->count;
  const u16 *ended = node->bounds;
  const u16 *const ended_end = ended + node->count;
  u32 rate = 0;
  u32 most = 0;
  for (u32 time_s = start_s;;) {
    for (; begun < begun_end && records[*begun].start_s <= time_s; begun++) rate += records[*begun].rate;
    for (; ended < ended_end && records[*ended].bound_s <= time_s; ended++) rate -= records[*ended].rate;
    if (rate > most) most = rate;
    if (most > limit || begun == begun_end) return most;
    time_s = records[*begun].start_s;
    if (time_s >= end_s) return most;
  }
}

static bool fits(struct node *node, u32 group_index, const struct record *record) {
  const struct group *const group = &node->groups[group_index];
  if (record->start_s >= record->bound_s || record->rate > group->capacity) return false;
  if (!unit_usable(node, group, group_index, record->resource & 0xffff)) return false;
  if (unit_taken(node, record)) return false;
  const u32 left = group->capacity - record->rate;
  return node->rate <= left || peak_rate(node, record->start_s, record->bound_s, left) <= left;
}

static void arbitrate(struct node *node, u32 group_index, u32 up_to) {
  struct group *const group = &node->groups[group_index];
  const u32 dirty_from = group->dirty_from;
  if (dirty_from == NO_RECORD) return;
  clear_profile(node);
  u32 at = group->first;
  while (at != dirty_from) {
    const struct record *const record = &node->records[at];
    if (at == up_to) return;
    if (record->verdict == VERDICT_ACCEPTED) add_to_profile(node, at);
    at = record->next;
  }
  while (at != NO_RECORD) {
    struct record *const record = &node->records[at];
    record->bound_s = bound_of(node, record);
    u8 verdict = VERDICT_UNKNOWN;
    if (record->state >= INTENT_STATE_PLANNED && record->state <= INTENT_STATE_STARTED)
      verdict = fits(node, group_index, record) ? VERDICT_ACCEPTED : VERDICT_REFUSED;
    record->verdict = verdict;
    if (verdict == VERDICT_ACCEPTED) add_to_profile(node, at);
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
  if (owner >= CLUSTER_MEMBERS_MAX || slot >= OWN_SLOTS) return VERDICT_UNKNOWN;
  node->local_s = now_s;
  node->local_ms = now_ms;
  if (node->time_known != 0) {
    const u32 ms = now_ms + node->offset_ms;
    node->mission_s = now_s + node->offset_s + (ms >= 1000);
    node->mission_ms = ms >= 1000 ? ms - 1000 : ms;
  }
  const u32 index = node->index[owner * OWN_SLOTS + slot];
  if (index == NO_RECORD) return VERDICT_UNKNOWN;
  const struct record *const record = &node->records[index];
  arbitrate(node, record->resource >> 16, index);
  return record->verdict;
}
