// What one owner may have (docs/insiders.md): whatever it says, however often and of whatever rank, it draws no more than one member may, and is passed on no faster.
// Bounds on claims are functions of what is held, so that all find the same; bounds on passing on are each node's own, and change no view.

import { INTENT_STATE_PLANNED, INTENT_STATE_STARTED } from '../wire/generated/codes';
import { CONTAINED, COUNTER_QUOTA_OWNER, NO_INDEX, OWNER_CLAIMS_MAX, OWNER_TOKENS_MAX } from '../memory/limits';
import { capability, missionS } from '../node/table';
import { countLoss } from '../node/queues';
import { member, memberToChange } from '../membership/table';
import { Intent as IntentMessage } from '../wire/generated/messages';
import { group, intent, intentIndex, Intent, resourceGroup } from './table';
import { invalidateFromRecord } from './chain';

/** Slots for work on lots, and for work on depots, which is short. */
const LOT_SLOTS: u32 = 4;
const DEPOT_SLOTS_END: u32 = 6;
const DEPOT_WORK_S_MAX: u32 = 86400;
const DEPOT_AHEAD_S_MAX: u32 = 86400;
/** A tug's round, as planned (plan.ts): its load in two hours. */
const ROUNDS_PER_DAY: u32 = 12;
const KIND_LOT: u32 = 1;
const KIND_DEPOT: u32 = 2;

/** Whether the slot of an intent is one for what it claims. A function of the intent and of what was surveyed. */
export function slotMayClaim(ctx: usize, m: IntentMessage): bool {
  if (!CONTAINED || capability(ctx).ownerRateMax == 0 || m.state > INTENT_STATE_STARTED) return true;
  const kind = group(ctx, resourceGroup(m.resource)).kind;
  if (kind == KIND_LOT) return m.slot < LOT_SLOTS && m.rate <= capability(ctx).ownerRateMax;
  if (kind != KIND_DEPOT) return true;
  return (
    m.slot >= LOT_SLOTS &&
    m.slot < DEPOT_SLOTS_END &&
    m.endS - m.startS <= DEPOT_WORK_S_MAX &&
    m.startS <= m.publishedS + DEPOT_AHEAD_S_MAX
  );
}

// @inline
function claimsAny(record: Intent): bool {
  return <u32>record.state >= INTENT_STATE_PLANNED && <u32>record.state <= INTENT_STATE_STARTED;
}

/** Whether a record, beside those of its owner's lower slots, keeps within what one owner may claim at one time on groups of this kind. */
export function isWithinQuota(ctx: usize, record: Intent): bool {
  if (!CONTAINED || record.slot == 0) return true;
  const most = capability(ctx).ownerRateMax;
  if (most == 0) return true;
  const own = group(ctx, resourceGroup(record.resource));
  const kind = own.kind;
  const bound = kind == KIND_DEPOT ? max<u32>(most, own.loadKg * ROUNDS_PER_DAY) : most;
  let rate: u64 = record.rate;
  let count: u32 = 1;
  for (let slot: u32 = kind == KIND_DEPOT ? LOT_SLOTS : 0; slot < <u32>record.slot; slot++) {
    const index = intentIndex(ctx, record.owner, slot);
    if (index == NO_INDEX) continue;
    const other = intent(ctx, index);
    if (!claimsAny(other) || other.startS >= record.endS || record.startS >= other.endS) continue;
    if (group(ctx, resourceGroup(other.resource)).kind != kind) continue;
    rate += other.rate;
    count++;
  }
  return rate <= bound && count <= OWNER_CLAIMS_MAX;
}

/** A slot of an owner changed: what its higher slots claim may be within the quota now, or no longer. */
export function invalidateHigherSlots(ctx: usize, owner: u32, slot: u32): void {
  if (!CONTAINED || capability(ctx).ownerRateMax == 0) return;
  for (let higher = slot + 1; higher < DEPOT_SLOTS_END; higher++) {
    const index = intentIndex(ctx, owner, higher);
    if (index != NO_INDEX && claimsAny(intent(ctx, index))) invalidateFromRecord(ctx, index);
  }
}

/** Whether an owner's new version is passed on: each owner has so many tokens, and gets one more each minute. What is not passed on is held all the same. */
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
