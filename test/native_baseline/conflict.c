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
  node->leaves = 0;
  for (u32 unit = 0; unit <= UNIT_LISTS; unit++) node->first_of_unit[unit] = NO_RECORD;
}

static u16 *first_of_unit(struct node *node, u32 unit) {
  return &node->first_of_unit[unit == 0 ? UNIT_LISTS : unit % UNIT_LISTS];
}

/* Adds an accepted record, as firmware/intent/profile.ts does. */
static void add_to_profile(struct node *node, u32 index) {
  const struct record *const record = &node->records[index];
  u16 *const first = first_of_unit(node, record->resource & 0xffff);
  node->next_of_unit[index] = *first;
  *first = (u16)index;
  node->rate += record->rate;
}

static bool unit_taken(struct node *node, const struct record *record) {
  const u32 unit = record->resource & 0xffff;
  if (unit == 0) return false;
  for (u32 at = *first_of_unit(node, unit); at != NO_RECORD; at = node->next_of_unit[at]) {
    const struct record *const other = &node->records[at];
    if (other->resource == record->resource && other->start_s < record->bound_s && record->start_s < other->bound_s)
      return true;
  }
  return false;
}

static bool is_claim(const struct record *record) {
  return record->state >= INTENT_STATE_PLANNED && record->state <= INTENT_STATE_STARTED;
}

/* Returns the leaf of the first start at or after a time. */
static u32 leaf_of(const struct node *node, u32 time_s) {
  u32 at = 0;
  for (u32 count = node->start_count; count != 0;) {
    const u32 half = count / 2;
    if (node->starts[at + half] < time_s) {
      at += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return node->leaves + at;
}

/* Raises the use below two children of a node. Returns by how much that below the node rises. */
static s32 raise_use(struct node *node, u32 at, s32 rise, s32 rise_other) {
  const s32 high = rise - node->tree[at];
  const s32 high_other = rise_other - node->tree[at ^ 1];
  const s32 most = high > high_other ? high : high_other;
  node->tree[at] = most - high;
  node->tree[at ^ 1] = most - high_other;
  return most;
}

/* Changes the use from one leaf to another, as firmware/intent/profile.ts does. */
static void change_use(struct node *node, u32 left, u32 right, s32 rate) {
  s32 rise = rate;
  s32 rise_right = rate;
  for (; (left ^ right) > 1; left /= 2, right /= 2) {
    rise = raise_use(node, left, rise, left % 2 == 0 ? rate : 0);
    rise_right = raise_use(node, right, rise_right, right % 2 != 0 ? rate : 0);
  }
  if (left == right) rise_right = 0;
  for (; left > 1; left /= 2, rise_right = 0) rise = raise_use(node, left, rise, rise_right);
  node->peak += (u32)rise;
}

static void sort_words(u32 *words, u32 count) {
  u32 gap = 1;
  while (gap < count) gap = gap * 3 + 1;
  while (gap > 1) {
    gap /= 3;
    for (u32 i = gap; i < count; i++) {
      const u32 word = words[i];
      u32 at = i;
      for (; at >= gap && words[at - gap] > word; at -= gap) words[at] = words[at - gap];
      words[at] = word;
    }
  }
}

/* Builds the tree of use over the starts of a chain's claims up to one of them. */
static void build_tree(struct node *node, u32 first, u32 up_to) {
  u32 count = 0;
  for (u32 at = first; at != NO_RECORD; at = node->records[at].next) {
    const struct record *const record = &node->records[at];
    if (is_claim(record)) node->starts[count++] = record->start_s;
    if (at == up_to) break;
  }
  sort_words(node->starts, count);
  node->peak = 0;
  node->start_count = count;
  node->leaves = 1;
  while (node->leaves < count) node->leaves *= 2;
  for (u32 at = 0; at < 2 * node->leaves; at++) node->tree[at] = 0;
  for (u32 unit = 0; unit <= UNIT_LISTS; unit++)
    for (u32 at = node->first_of_unit[unit]; at != NO_RECORD; at = node->next_of_unit[at]) {
      const struct record *const record = &node->records[at];
      change_use(node, leaf_of(node, record->start_s), leaf_of(node, record->bound_s) - 1, (s32)record->rate);
    }
}

static bool fits_capacity(struct node *node, u32 first, u32 up_to, const struct record *record, u32 capacity) {
  if (node->leaves == 0) {
    if (node->rate + record->rate <= capacity) return true;
    build_tree(node, first, up_to);
  }
  const u32 left = leaf_of(node, record->start_s);
  const u32 right = leaf_of(node, record->bound_s) - 1;
  change_use(node, left, right, (s32)record->rate);
  if (node->peak <= capacity) return true;
  change_use(node, left, right, -(s32)record->rate);
  return false;
}

static bool fits(struct node *node, u32 group_index, const struct record *record, u32 up_to) {
  const struct group *const group = &node->groups[group_index];
  const u32 capacity = group->capacity < CAPACITY_MAX ? group->capacity : CAPACITY_MAX;
  if (record->start_s >= record->bound_s || record->rate > capacity) return false;
  if (!unit_usable(node, group, group_index, record->resource & 0xffff)) return false;
  return !unit_taken(node, record) && fits_capacity(node, group->first, up_to, record, capacity);
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
    if (is_claim(record)) verdict = fits(node, group_index, record, up_to) ? VERDICT_ACCEPTED : VERDICT_REFUSED;
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
