// Merges notices of resources: observed capacities of groups, and units that became unusable. The
// newest observation wins, then the higher observer, then the larger capacity.

import {
  AHEAD_S_MAX,
  NOTICES_MAX,
  GROUPS_MAX,
  COUNTER_NOTICES_FULL,
  EVENT_BYTES_MAX,
  ADDRESSEE_ALL,
} from '../memory/limits';
import { SCRATCH_AT, SCRATCH_OUT_AT } from '../memory/map';
import { members, missionS, self, timeKnown } from '../node/table';
import { countLoss, eventSpace, eventDone } from '../node/queues';
import { send, SEND_NOTICE } from '../node/outbox';
import { Notice as NoticeMessage, NoticedResource, encodeNoticedResource } from '../wire/generated/messages';
import { intents, intentsToChange, group, groupToChange, notice, noticeToChange, Notice } from './table';
import { noticeHash, accountChange } from './digest';
import { invalidateGroup } from './chain';

/** The entry for (group, unit), or NOTICES_MAX. */
export function noticeIndex(ctx: usize, groupIndex: u32, unit: u32): u32 {
  const count = intents(ctx).noticeCount;
  for (let i: u32 = 0; i < count; i++) {
    const entry = notice(ctx, i);
    if (<u32>entry.group == groupIndex && <u32>entry.unit == unit) return i;
  }
  return NOTICES_MAX;
}

/** Whether a received notice can be true. */
export function noticePlausible(ctx: usize, m: NoticeMessage): bool {
  if (m.group >= GROUPS_MAX || m.observer >= members(ctx)) return false;
  return !timeKnown(ctx) || m.observedS <= missionS(ctx) + AHEAD_S_MAX;
}

/** Whether a received notice is newer than the stored one: a total order, the same on all nodes. */
function isNewerNotice(m: NoticeMessage, stored: Notice): bool {
  if (m.observedS != stored.observedS) return m.observedS > stored.observedS;
  if (m.observer != <u32>stored.observer) return m.observer > <u32>stored.observer;
  return m.capacity > stored.capacity;
}

/** Stores a notice if it is newer. Returns true if so. */
export function mergeNotice(ctx: usize, m: NoticeMessage): bool {
  const state = intentsToChange(ctx);
  let index = noticeIndex(ctx, m.group, m.unit);
  let delta = noticeHash(m.group, m.unit, m.observedS, m.observer, m.capacity);
  if (index == NOTICES_MAX) {
    if (state.noticeCount >= NOTICES_MAX) {
      countLoss(ctx, COUNTER_NOTICES_FULL);
      return false;
    }
    index = state.noticeCount++;
  } else {
    const stored = notice(ctx, index);
    if (!isNewerNotice(m, stored)) return false;
    delta -= noticeHash(stored.group, stored.unit, stored.observedS, stored.observer, stored.capacity);
  }
  const entry = noticeToChange(ctx, index);
  entry.group = <u16>m.group;
  entry.unit = <u16>m.unit;
  entry.capacity = m.capacity;
  entry.observedS = m.observedS;
  entry.observer = <u16>m.observer;
  if (m.unit == 0) groupToChange(ctx, m.group).capacity = m.capacity;
  invalidateGroup(ctx, m.group);
  accountChange(ctx, m.observedS, delta);
  state.noticeSum += <u32>delta;
  const at = eventSpace(ctx);
  if (at == 0) return true;
  const e = changetype<NoticedResource>(ctx + SCRATCH_OUT_AT);
  e.group = m.group;
  e.unit = m.unit;
  e.capacity = m.capacity;
  e.observedS = m.observedS;
  eventDone(ctx, at, encodeNoticedResource(at, at + EVENT_BYTES_MAX - 1, e));
  return true;
}

/**
 * Takes this node's own assay of a resource, and broadcasts it if it differs from what is stored.
 */
export function observeResource(ctx: usize, groupIndex: u32, unit: u32, capacity: u32): void {
  const known = noticeIndex(ctx, groupIndex, unit);
  if (
    unit == 0
      ? group(ctx, groupIndex).capacity == capacity
      : known == NOTICES_MAX
        ? capacity != 0
        : notice(ctx, known).capacity == capacity
  )
    return;
  const m = changetype<NoticeMessage>(ctx + SCRATCH_AT);
  m.group = groupIndex;
  m.unit = unit;
  m.capacity = capacity;
  m.observedS = missionS(ctx);
  m.observer = self(ctx);
  if (mergeNotice(ctx, m)) send(ctx, SEND_NOTICE, ADDRESSEE_ALL, groupIndex, unit);
}
