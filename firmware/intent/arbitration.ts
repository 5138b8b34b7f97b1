// Finds verdicts (INT-2, INT-3): walks a group's chain in arbitration order. An intent gets its
// whole interval or is refused; refused intents block nobody. Exclusive units conflict on overlap;
// the group's capacity bounds the summed rate of accepted intents. A verdict is a function of the
// stored intents, the notices of resources and the silent members. It does not depend on the time.

import { NO_INDEX } from '../memory/limits';
import { bitGet } from '../base/bits';
import { silentAt } from '../membership/table';
import { isForeign } from '../membership/division';
import { leaseHoldEndS } from '../membership/lease';
import { CAPACITY_MAX, VERDICT_ACCEPTED, VERDICT_REFUSED, VERDICT_UNKNOWN, GROUPS_MAX } from '../wire/generated/codes';
import {
  intents,
  intent,
  intentToChange,
  group,
  groupToChange,
  notice,
  readNotices,
  Notice,
  NOTICE_BYTES,
  Intent,
  Group,
  resourceGroup,
  resourceUnit,
  isClaim,
} from './table';
import { invalidateGroup, nextInChain } from './chain';
import { addToProfile, clearProfile, fitsCapacity, isUnitTaken } from './profile';
import { isWithinQuota } from './quota';

/** Whether a unit exists, is of this cluster, and no notice declares it unusable. */
export function unitUsable(ctx: usize, groupIndex: u32, unit: u32): bool {
  if (unit > group(ctx, groupIndex).units || isForeign(ctx, groupIndex, unit)) return false;
  if (unit == 0) return true;
  readNotices(ctx);
  let at: usize = changetype<usize>(notice(ctx, 0));
  const end = at + intents(ctx).noticeCount * NOTICE_BYTES;
  for (; at < end; at += NOTICE_BYTES) {
    const fact = changetype<Notice>(at);
    if (<u32>fact.unit == unit && <u32>fact.group == groupIndex) return fact.capacity != 0;
  }
  return true;
}

/**
 * Until when a record binds others: its end, or earlier the end of its silent owner's lease hold.
 */
export function boundOf(ctx: usize, record: Intent): u32 {
  return bitGet(silentAt(ctx), record.owner) ? boundOfSilent(ctx, record) : record.endS;
}

/** The same of a record whose owner was silent at the cut. */
export function boundOfSilent(ctx: usize, record: Intent): u32 {
  const holdS = leaseHoldEndS(ctx, record.owner, record.leaseS);
  return holdS < record.endS ? holdS : record.endS;
}

/**
 * Whether `record` fits together with the accepted records of the profile. `upTo`: the last record
 * of the chain for which that is asked.
 */
function fits(ctx: usize, chain: Group, groupIndex: u32, record: Intent, upTo: u32): bool {
  const capacity = min<u32>(chain.capacity, CAPACITY_MAX);
  if (record.startS >= record.boundS || record.rate > capacity) return false;
  if (!unitUsable(ctx, groupIndex, resourceUnit(record.resource)) || !isWithinQuota(ctx, record)) return false;
  return !isUnitTaken(ctx, record) && fitsCapacity(ctx, chain, upTo, record, capacity);
}

/** Brings a group's verdicts up to date as far as record `upTo` of the chain; NO_INDEX = all. */
export function arbitrate(ctx: usize, groupIndex: u32, upTo: u32): void {
  const chain = group(ctx, groupIndex);
  if (chain.dirtyFrom == NO_INDEX) return;
  clearProfile();
  let at: u32 = chain.first;
  let steps: u32 = 0;
  while (at != <u32>chain.dirtyFrom) {
    const record = intent(ctx, at);
    if (at == upTo) return;
    if (<u32>record.verdict == VERDICT_ACCEPTED) addToProfile(ctx, at);
    at = nextInChain(record, steps++);
  }
  while (at != NO_INDEX) {
    const record = intent(ctx, at);
    const boundS = boundOf(ctx, record);
    if (record.boundS != boundS) intentToChange(ctx, at).boundS = boundS;
    let verdict = VERDICT_UNKNOWN;
    if (isClaim(record)) verdict = fits(ctx, chain, groupIndex, record, upTo) ? VERDICT_ACCEPTED : VERDICT_REFUSED;
    if (<u32>record.verdict != verdict) intentToChange(ctx, at).verdict = <u8>verdict;
    if (verdict == VERDICT_ACCEPTED) addToProfile(ctx, at);
    const next: u32 = nextInChain(record, steps++);
    if (at == upTo) {
      groupToChange(ctx, groupIndex).dirtyFrom = <u16>next;
      return;
    }
    at = next;
  }
  groupToChange(ctx, groupIndex).dirtyFrom = <u16>NO_INDEX;
}

/** Verdict on a stored record, brought up to date. */
export function verdictOf(ctx: usize, index: u32): u32 {
  const record = intent(ctx, index);
  arbitrate(ctx, resourceGroup(record.resource), index);
  return record.verdict;
}

/**
 * Invalidates all verdicts: the silent members changed, or a round was cut, so bounds may differ
 * everywhere.
 */
export function invalidateAll(ctx: usize): void {
  for (let i: u32 = 0; i < GROUPS_MAX; i++) invalidateGroup(ctx, i);
}

/**
 * Returns the accepted record that a refused record lost its unit to, else the first accepted
 * record that overlaps it; NO_INDEX if the resource failed.
 */
export function winnerOver(ctx: usize, index: u32): u32 {
  const record = intent(ctx, index);
  let winner = NO_INDEX;
  let at: u32 = group(ctx, resourceGroup(record.resource)).first;
  let steps: u32 = 0;
  while (at != NO_INDEX && at != index) {
    const other = intent(ctx, at);
    if (<u32>other.verdict == VERDICT_ACCEPTED && other.startS < record.boundS && record.startS < other.boundS) {
      if (other.resource == record.resource) return at;
      if (winner == NO_INDEX) winner = at;
    }
    at = nextInChain(other, steps++);
  }
  return winner;
}
