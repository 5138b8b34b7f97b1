// Facts about resources that somebody saw: capacity of a group, a unit gone. Newest observation wins, then the higher observer, then
// the larger capacity.

import { NOTICES_MAX, GROUPS_MAX, COUNTER_NOTICES_FULL, EVENT_BYTES_MAX, ADDRESSEE_ALL } from '../memory/limits';
import { SCRATCH_AT, SCRATCH_OUT_AT } from '../memory/map';
import { members, missionS, self, timeKnown } from '../node/table';
import { countLoss, eventSpace, eventDone } from '../node/queues';
import { send, SEND_NOTICE } from '../node/outbox';
import { Notice as NoticeMessage, NoticedResource, encodeNoticedResource } from '../wire/generated/messages';
import { intents, intentsToChange, group, groupToChange, notice, noticeToChange, Notice } from './table';
import { noticeHash, accountChange } from './digest';
import { invalidateGroup } from './chain';
import { PUBLISHED_AHEAD_S_MAX } from './version';

/** The entry for (group, unit), or NOTICES_MAX. */
export function noticeIndex(ctx: usize, groupIndex: u32, unit: u32): u32 {
  const count = intents(ctx).noticeCount;
  for (let i: u32 = 0; i < count; i++) {
    const entry = notice(ctx, i);
    if (<u32>entry.group == groupIndex && <u32>entry.unit == unit) return i;
  }
  return NOTICES_MAX;
}

export function noticePlausible(ctx: usize, m: NoticeMessage): bool {
  if (m.group >= GROUPS_MAX || m.observer >= members(ctx)) return false;
  return !timeKnown(ctx) || m.observedS <= missionS(ctx) + PUBLISHED_AHEAD_S_MAX;
}

/** A total order, so that all who heard both hold the same. */
function isNewerNotice(m: NoticeMessage, held: Notice): bool {
  if (m.observedS != held.observedS) return m.observedS > held.observedS;
  if (m.observer != <u32>held.observer) return m.observer > <u32>held.observer;
  return m.capacity > held.capacity;
}

/** Takes in a fact. Returns true if it is news. */
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
    const held = notice(ctx, index);
    if (!isNewerNotice(m, held)) return false;
    delta -= noticeHash(held.group, held.unit, held.observedS, held.observer, held.capacity);
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

/** What this node's own assay says: told to all if it differs from what is held. Returns true if so. */
export function observeResource(ctx: usize, groupIndex: u32, unit: u32, capacity: u32): bool {
  const known = noticeIndex(ctx, groupIndex, unit);
  if (
    unit == 0
      ? group(ctx, groupIndex).capacity == capacity
      : known == NOTICES_MAX
        ? capacity != 0
        : notice(ctx, known).capacity == capacity
  )
    return false;
  const m = changetype<NoticeMessage>(ctx + SCRATCH_AT);
  m.group = groupIndex;
  m.unit = unit;
  m.capacity = capacity;
  m.observedS = missionS(ctx);
  m.observer = self(ctx);
  if (!mergeNotice(ctx, m)) return false;
  send(ctx, SEND_NOTICE, ADDRESSEE_ALL, groupIndex, unit);
  return true;
}
