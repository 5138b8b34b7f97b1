// Merges notices of resources: observed capacities of groups, and units that became unusable. The
// newest observation wins, then the higher observer, then the larger capacity.
//
// A notice is second-hand word. It is believed about surveyed resources only and up to what was
// surveyed, and is contradicted by the observer that it names, or by a node whose work on the
// resource goes on (docs/insiders.md). Notices are no part of the digest that is agreed on: which
// of two contradicting ones is the newest changes too fast, and no unit is worked by two for a
// notice.

import { CONTAINED, EVENT_BYTES_MAX, NO_INDEX, NOTICES_MAX } from '../memory/limits';
import {
  ADDRESSEE_ALL,
  AHEAD_S_MAX,
  COUNTER_IMPERSONATED,
  COUNTER_NOTICES_FULL,
  COUNTER_NOTICE_UNFOUNDED,
  GROUPS_MAX,
} from '../wire/generated/codes';
import { SCRATCH_AT, SCRATCH_OUT_AT } from '../memory/map';
import { membership } from '../membership/table';
import { clockTrusted } from '../node/clock';
import { members, missionS, self, timeKnown } from '../node/table';
import { countLoss, eventSpace, eventDone } from '../node/queues';
import { sendFirst, SEND_NOTICE } from '../node/outbox';
import { Notice as NoticeMessage, NoticedResource, encodeNoticedResource } from '../wire/generated/messages';
import { intents, intentsToChange, group, groupToChange, notice, noticeToChange, Notice, NOTICE_BYTES } from './table';
import { noticeHash, noticeHashOf } from './digest';
import { invalidateGroup } from './chain';

/** Stored notices of one observer: a node sees few losses at a time. The oldest is discarded. */
const OBSERVER_NOTICES_MAX: u32 = NOTICES_MAX / 8 + 2;
/**
 * A trusted clock admits a notice dated this far ahead of it, seconds: a contradiction must be able
 * to be newer. What lies further ahead comes again by anti-entropy.
 */
const AHEAD_S: u32 = 2;

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

/** Whether a notice is about a surveyed resource, within the survey, and not dated ahead. */
function isFounded(ctx: usize, m: NoticeMessage): bool {
  const survey = group(ctx, m.group);
  if (survey.kind == 0 || m.unit > survey.units || m.capacity > surveyedCapacity(ctx, m.group, m.unit)) return false;
  return !clockTrusted(ctx) || m.observedS <= missionS(ctx) + AHEAD_S;
}

/** Capacity of a group, or of a unit, as surveyed. */
function surveyedCapacity(ctx: usize, groupIndex: u32, unit: u32): u32 {
  return unit == 0 ? group(ctx, groupIndex).surveyed : 1;
}

/**
 * Takes a plausible notice. One in this node's own name that it did not publish since boot is
 * contradicted instead of stored.
 */
export function receiveNotice(ctx: usize, m: NoticeMessage): void {
  if (CONTAINED) {
    if (!isFounded(ctx, m)) {
      countLoss(ctx, COUNTER_NOTICE_UNFOUNDED);
      return;
    }
    if (m.observer == self(ctx) && m.observedS >= membership(ctx).bootS) {
      const index = noticeIndex(ctx, m.group, m.unit);
      if (index != NOTICES_MAX && !isNewerNotice(m, notice(ctx, index))) return;
      countLoss(ctx, COUNTER_IMPERSONATED);
      publishNotice(ctx, m.group, m.unit, surveyedCapacity(ctx, m.group, m.unit), m.observedS);
      return;
    }
  }
  mergeNotice(ctx, m);
}

/** The oldest notice of an observer, or of all (NO_INDEX); the same on all nodes. */
function oldestNotice(ctx: usize, observer: u32): u32 {
  let oldest: u32 = NOTICES_MAX;
  for (let i: u32 = 0; i < intents(ctx).noticeCount; i++) {
    const entry = notice(ctx, i);
    if (observer != NO_INDEX && <u32>entry.observer != observer) continue;
    if (oldest == NOTICES_MAX || isOlder(entry, notice(ctx, oldest))) oldest = i;
  }
  return oldest;
}

/** Whether notice `a` comes before `b`: by observation, then by resource. */
function isOlder(a: Notice, b: Notice): bool {
  if (a.observedS != b.observedS) return a.observedS < b.observedS;
  return a.group != b.group ? a.group < b.group : a.unit < b.unit;
}

/** Discards a notice: the resource is as surveyed. */
function discardNotice(ctx: usize, index: u32): void {
  const state = intentsToChange(ctx);
  const entry = notice(ctx, index);
  const groupIndex: u32 = entry.group;
  if (entry.unit == 0) groupToChange(ctx, groupIndex).capacity = group(ctx, groupIndex).surveyed;
  invalidateGroup(ctx, groupIndex);
  state.noticeSum -= noticeHashOf(entry);
  state.noticeCount--;
  if (index == state.noticeCount) return;
  const last = notice(ctx, state.noticeCount);
  const hole = noticeToChange(ctx, index);
  memory.copy(changetype<usize>(hole), changetype<usize>(last), NOTICE_BYTES);
}

/** Discards all notices of a proven equivocator, as if they had never been received. */
export function discardNoticesOf(ctx: usize, observer: u32): void {
  for (let i = intents(ctx).noticeCount; i > 0; i--)
    if (<u32>notice(ctx, i - 1).observer == observer) discardNotice(ctx, i - 1);
}

/** Discards the notices on a group and its units. */
export function discardNoticesOnGroup(ctx: usize, groupIndex: u32): void {
  for (let i = intents(ctx).noticeCount; i > 0; i--)
    if (<u32>notice(ctx, i - 1).group == groupIndex) discardNotice(ctx, i - 1);
}

/** Discards the oldest notice of an observer that has more than OBSERVER_NOTICES_MAX. */
function boundObserver(ctx: usize, observer: u32): void {
  let count: u32 = 0;
  for (let i: u32 = 0; i < intents(ctx).noticeCount; i++) if (<u32>notice(ctx, i).observer == observer) count++;
  if (count > OBSERVER_NOTICES_MAX) discardNotice(ctx, oldestNotice(ctx, observer));
}

/**
 * Finds an entry for a notice on a resource that has none: the next free one, or in a full table
 * that of the oldest notice, if that is older. Returns NOTICES_MAX and counts if there is none.
 */
function allocateNotice(ctx: usize, observedS: u32): u32 {
  const state = intentsToChange(ctx);
  if (state.noticeCount >= NOTICES_MAX) {
    countLoss(ctx, COUNTER_NOTICES_FULL);
    const oldest = oldestNotice(ctx, NO_INDEX);
    if (!CONTAINED || notice(ctx, oldest).observedS >= observedS) return NOTICES_MAX;
    discardNotice(ctx, oldest);
  }
  return state.noticeCount++;
}

/** Stores a notice if it is newer. Returns true if so. */
function mergeNotice(ctx: usize, m: NoticeMessage): bool {
  const state = intentsToChange(ctx);
  let index = noticeIndex(ctx, m.group, m.unit);
  let delta = noticeHash(m.group, m.unit, m.observedS, m.observer, m.capacity);
  if (index == NOTICES_MAX) {
    index = allocateNotice(ctx, m.observedS);
    if (index == NOTICES_MAX) return false;
  } else {
    const stored = notice(ctx, index);
    if (!isNewerNotice(m, stored)) return false;
    delta -= noticeHashOf(stored);
  }
  const entry = noticeToChange(ctx, index);
  entry.group = <u16>m.group;
  entry.unit = <u16>m.unit;
  entry.capacity = m.capacity;
  entry.observedS = m.observedS;
  entry.observer = <u16>m.observer;
  if (m.unit == 0) groupToChange(ctx, m.group).capacity = m.capacity;
  invalidateGroup(ctx, m.group);
  state.noticeSum += delta;
  emitNoticed(ctx, m);
  if (CONTAINED) boundObserver(ctx, m.observer);
  return true;
}

/** Emits the event of a stored notice. */
function emitNoticed(ctx: usize, m: NoticeMessage): void {
  const at = eventSpace(ctx);
  if (at == 0) return;
  const e = changetype<NoticedResource>(ctx + SCRATCH_OUT_AT);
  e.group = m.group;
  e.unit = m.unit;
  e.capacity = m.capacity;
  e.observedS = m.observedS;
  eventDone(ctx, at, encodeNoticedResource(at, at + EVENT_BYTES_MAX - 1, e));
}

/** Publishes a notice of this node, as of now or of `atS` if that is later. */
function publishNotice(ctx: usize, groupIndex: u32, unit: u32, capacity: u32, atS: u32): void {
  const m = changetype<NoticeMessage>(ctx + SCRATCH_AT);
  m.group = groupIndex;
  m.unit = unit;
  m.capacity = capacity;
  m.observedS = max<u32>(missionS(ctx), atS);
  m.observer = self(ctx);
  if (mergeNotice(ctx, m)) sendFirst(ctx, SEND_NOTICE, ADDRESSEE_ALL, groupIndex, unit);
}

/**
 * Takes this node's own assay of a resource, and broadcasts it if it differs from what is stored.
 */
export function observeResource(ctx: usize, groupIndex: u32, unit: u32, observed: u32): void {
  const capacity = CONTAINED ? min<u32>(observed, surveyedCapacity(ctx, groupIndex, unit)) : observed;
  const known = noticeIndex(ctx, groupIndex, unit);
  if (
    unit == 0
      ? group(ctx, groupIndex).capacity == capacity
      : known == NOTICES_MAX
        ? capacity != 0
        : notice(ctx, known).capacity == capacity
  )
    return;
  publishNotice(ctx, groupIndex, unit, capacity, 0);
}

/**
 * The notice of another observer that lowers what a resource can take, or the group that it belongs
 * to; NOTICES_MAX if there is none.
 */
export function loweringNotice(ctx: usize, resource: u32): u32 {
  const unit = resource & 0xffff;
  const index = unit == 0 ? NOTICES_MAX : loweringNoticeOn(ctx, resource >>> 16, unit);
  return index != NOTICES_MAX ? index : loweringNoticeOn(ctx, resource >>> 16, 0);
}

function loweringNoticeOn(ctx: usize, groupIndex: u32, unit: u32): u32 {
  const index = noticeIndex(ctx, groupIndex, unit);
  if (index == NOTICES_MAX) return NOTICES_MAX;
  const entry = notice(ctx, index);
  const isLower = entry.capacity < surveyedCapacity(ctx, groupIndex, unit);
  return isLower && <u32>entry.observer != self(ctx) ? index : NOTICES_MAX;
}

/**
 * Contradicts notices that lower a resource on which this node's work goes on: its platform would
 * report that the work is blocked.
 */
export function contradictNotices(ctx: usize, resource: u32): void {
  if (!CONTAINED) return;
  for (let i = 0; i < 2; i++) {
    const index = loweringNotice(ctx, resource);
    if (index == NOTICES_MAX) return;
    const unit: u32 = notice(ctx, index).unit;
    const groupIndex: u32 = notice(ctx, index).group;
    countLoss(ctx, COUNTER_NOTICE_UNFOUNDED);
    publishNotice(ctx, groupIndex, unit, surveyedCapacity(ctx, groupIndex, unit), notice(ctx, index).observedS + 1);
  }
}

if (OBSERVER_NOTICES_MAX >= NOTICES_MAX) ERROR('one observer does not fill the table');
