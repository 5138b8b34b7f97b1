// Bounds what one owner may claim and how fast its versions are passed on (docs/insiders.md).
// Bounds on claims are functions of what is stored, so all nodes find the same. Bounds on passing
// on are each node's own and change no view.

import { CONTAINED, NO_INDEX, OWNER_CLAIMS_MAX, OWNER_TOKENS_MAX } from '../memory/limits';
import { capability, missionS } from '../node/table';
import { countLoss } from '../node/queues';
import { member, memberToChange } from '../membership/table';
import { GROUP_KIND_DEPOT, GROUP_KIND_LOT, INTENT_STATE_STARTED, COUNTER_QUOTA_OWNER } from '../wire/generated/codes';
import { Intent as IntentMessage } from '../wire/generated/messages';
import { group, intent, intentIndex, Intent, isClaim, resourceGroup } from './table';
import { invalidateFromRecord } from './chain';

/**
 * Intent slots below this are for work on lots; those from it on to DEPOT_SLOTS_END, for short work
 * on depots.
 */
const LOT_SLOTS: u32 = 4;
const DEPOT_SLOTS_END: u32 = 6;
/** Longest work on a depot, and how long ahead it may be claimed, seconds. */
const DEPOT_WORK_S_MAX: u32 = 86400;
const DEPOT_AHEAD_S_MAX: u32 = 86400;
/** Hauls per day of one tug: own/hauling.ts plans two hours for each, or more. */
const HAULS_PER_DAY: u32 = 12;

/**
 * Whether the intent slot may make this claim: a function of the intent and of the surveyed
 * resources.
 */
export function slotMayClaim(ctx: usize, m: IntentMessage): bool {
  if (!CONTAINED || capability(ctx).ownerRateMax == 0 || m.state > INTENT_STATE_STARTED) return true;
  const kind = group(ctx, resourceGroup(m.resource)).kind;
  if (kind == GROUP_KIND_LOT) return m.slot < LOT_SLOTS && m.rate <= capability(ctx).ownerRateMax;
  if (kind != GROUP_KIND_DEPOT) return true;
  return (
    m.slot >= LOT_SLOTS &&
    m.slot < DEPOT_SLOTS_END &&
    m.endS - m.startS <= DEPOT_WORK_S_MAX &&
    m.startS <= m.publishedS + DEPOT_AHEAD_S_MAX
  );
}

/**
 * Whether a record, together with those of its owner's lower intent slots, is within what one owner
 * may claim at one time on groups of this kind.
 */
export function isWithinQuota(ctx: usize, record: Intent): bool {
  if (!CONTAINED || record.slot == 0) return true;
  const most = capability(ctx).ownerRateMax;
  if (most == 0) return true;
  const own = group(ctx, resourceGroup(record.resource));
  const kind = own.kind;
  const bound = kind == GROUP_KIND_DEPOT ? max<u32>(most, own.loadKg * HAULS_PER_DAY) : most;
  let rate: u64 = record.rate;
  let count: u32 = 1;
  for (let slot: u32 = kind == GROUP_KIND_DEPOT ? LOT_SLOTS : 0; slot < <u32>record.slot; slot++) {
    const index = intentIndex(ctx, record.owner, slot);
    if (index == NO_INDEX) continue;
    const other = intent(ctx, index);
    if (!isClaim(other) || other.startS >= record.endS || record.startS >= other.endS) continue;
    if (group(ctx, resourceGroup(other.resource)).kind != kind) continue;
    rate += other.rate;
    count++;
  }
  return rate <= bound && count <= OWNER_CLAIMS_MAX;
}

/**
 * Invalidates the claims in an owner's higher intent slots after a change: they may be within the
 * quota now, or not.
 */
export function invalidateHigherSlots(ctx: usize, owner: u32, slot: u32): void {
  if (!CONTAINED || capability(ctx).ownerRateMax == 0) return;
  for (let higher = slot + 1; higher < DEPOT_SLOTS_END; higher++) {
    const index = intentIndex(ctx, owner, higher);
    if (index != NO_INDEX && isClaim(intent(ctx, index))) invalidateFromRecord(ctx, index);
  }
}

/**
 * Takes a token of an owner for passing on a new version. Each owner has OWNER_TOKENS_MAX tokens
 * and gets one more per minute. Returns false and counts if none is left; the version is stored all
 * the same.
 */
export function takeOwnerToken(ctx: usize, owner: u32): bool {
  if (!CONTAINED) return true;
  const minute = (missionS(ctx) / 60) & 0xffff;
  const entry = memberToChange(ctx, owner);
  const since = (minute - <u32>entry.tokensMinute) & 0xffff;
  let used: u32 = entry.tokensUsed;
  used = since < used ? used - since : 0;
  entry.tokensMinute = <u16>minute;
  if (used >= OWNER_TOKENS_MAX) {
    entry.tokensUsed = <u8>used;
    countLoss(ctx, COUNTER_QUOTA_OWNER);
    return false;
  }
  entry.tokensUsed = <u8>(used + 1);
  return true;
}

/** Whether an owner has used up its tokens. */
export function isOverQuota(ctx: usize, owner: u32): bool {
  if (!CONTAINED) return false;
  const entry = member(ctx, owner);
  const since = (missionS(ctx) / 60 - <u32>entry.tokensMinute) & 0xffff;
  return <u32>entry.tokensUsed >= OWNER_TOKENS_MAX + since;
}
