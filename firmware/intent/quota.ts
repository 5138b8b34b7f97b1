// What one owner may have (docs/insiders.md): whatever it says, however often and of whatever rank, it draws no more than one member may, and is passed on no faster.
// Bounds on claims are functions of what is held, so that all find the same; bounds on passing on are each node's own, and change no view.

import {
  TICKS_UNTIL_SILENT,
  CONTAINED,
  COUNTER_INTENT_FORGED,
  COUNTER_INTENT_UNSIGNED,
  COUNTER_OWNER_BARRED,
  COUNTER_QUOTA_LATE,
  COUNTER_QUOTA_OWNER,
  LATE_FREE_S,
  LATE_MAX,
  NO_INDEX,
  OWNER_CLAIMS_MAX,
  OWNER_TOKENS_MAX,
  SAMPLED_ONE_IN,
} from '../memory/limits';
import { fold32 } from '../base/hash';
import { capability, edge, missionS, self } from '../node/table';
import { countLoss } from '../node/queues';
import { send, SEND_STATEMENT, SEND_STATEMENT_REQUEST } from '../node/outbox';
import { member, memberToChange, membership } from '../membership/table';
import { livenessTickStartS, roundCutS } from '../membership/calendar';
import { isMerging } from '../membership/hearing';
import { ageOf, lastLivenessTickOf } from '../membership/liveness';
import { Intent as IntentMessage } from '../wire/generated/messages';
import { group, intent, intentIndex, Intent, resourceGroup, resourceUnit, PLANNED, STARTED } from './table';
import { invalidateFromRecord } from './chain';
import { isProven } from './witness';
import { wordOn, CONFIRMED, REFUTED } from './statement';
import { witness, witnessToChange } from './witness_table';

/** Slots for work on lots, and for work on depots, which is short. */
const LOT_SLOTS: u32 = 4;
const DEPOT_SLOTS_END: u32 = 6;
const DEPOT_WORK_S_MAX: u32 = 86400;
const DEPOT_AHEAD_S_MAX: u32 = 86400;
/** A tug's round, as planned (plan.ts): its load in two hours. */
const ROUNDS_PER_DAY: u32 = 12;
/** An owner's word keeps others' tidings from before it away for so long, minutes: three epochs. */
const WORD_MINUTES: u32 = 30;
/** What ends within this, ends anyway, seconds; and how long an owner has to object to what was made up in its name. */
const ENDING_S: u32 = 180;
const UNSIGNED_S: u32 = 600;
const LOT: u32 = 1;
const DEPOT: u32 = 2;

/** Whether the slot of an intent is one for what it claims. A function of the intent and of what was surveyed. */
export function slotMayClaim(ctx: usize, m: IntentMessage): bool {
  if (!CONTAINED || capability(ctx).ownerRateMax == 0 || m.state > STARTED) return true;
  const kind = group(ctx, resourceGroup(m.resource)).kind;
  if (kind == LOT) return m.slot < LOT_SLOTS && m.rate <= capability(ctx).ownerRateMax;
  if (kind != DEPOT) return true;
  return (
    m.slot >= LOT_SLOTS &&
    m.slot < DEPOT_SLOTS_END &&
    m.endS - m.startS <= DEPOT_WORK_S_MAX &&
    m.startS <= m.publishedS + DEPOT_AHEAD_S_MAX
  );
}

// @inline
function claimsAny(record: Intent): bool {
  return <u32>record.state >= PLANNED && <u32>record.state <= STARTED;
}

/** Whether a record, beside those of its owner's lower slots, keeps within what one owner may claim at one time on groups of this kind. */
export function withinQuota(ctx: usize, record: Intent): bool {
  if (!CONTAINED || record.slot == 0) return true;
  const most = capability(ctx).ownerRateMax;
  if (most == 0) return true;
  const own = group(ctx, resourceGroup(record.resource));
  const kind = own.kind;
  const bound = kind == DEPOT ? max<u32>(most, own.loadKg * ROUNDS_PER_DAY) : most;
  let rate: u64 = record.rate;
  let count: u32 = 1;
  for (let slot: u32 = kind == DEPOT ? LOT_SLOTS : 0; slot < <u32>record.slot; slot++) {
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

/** Whether a version that was heard may be taken in now. What is refused here is not lost if it is true: it comes again by anti-entropy. */
export function isBelievable(ctx: usize, m: IntentMessage, sender: u32, broadcast: bool): bool {
  if (!CONTAINED || m.owner == self(ctx)) return true;
  if (isProven(ctx, m.owner)) {
    countLoss(ctx, COUNTER_OWNER_BARRED);
    return false;
  }
  const index = intentIndex(ctx, m.owner, m.slot);
  if (index != NO_INDEX && intent(ctx, index).version > m.version) return true;
  const word = wordOn(ctx, m);
  if (word == CONFIRMED) return true;
  if (word == REFUTED) {
    countLoss(ctx, COUNTER_INTENT_FORGED);
    // Who told it to this node alone has not heard the owner's word.
    if (!broadcast) send(ctx, SEND_STATEMENT, sender, m.owner, m.slot);
    return false;
  }
  if (index != NO_INDEX && intent(ctx, index).version == m.version) return true;
  if (isUnheard(ctx, m) || (sender != m.owner && isBeforeWord(ctx, m))) {
    countLoss(ctx, COUNTER_INTENT_UNSIGNED);
    // Who tells it to this node alone believes it: the owner's word is due once more.
    if (!broadcast) send(ctx, SEND_STATEMENT_REQUEST, m.owner, m.owner, m.slot);
    return false;
  }
  if (
    index != NO_INDEX &&
    frees(ctx, intent(ctx, index), m) &&
    m.publishedS + UNSIGNED_S > missionS(ctx) &&
    witness(ctx).answered != 0
  ) {
    countLoss(ctx, COUNTER_INTENT_UNSIGNED);
    if (!broadcast) send(ctx, SEND_STATEMENT_REQUEST, m.owner, m.owner, m.slot);
    return false;
  }
  return !isTooLate(ctx, m.publishedS);
}

/**
 * Whether a newer version frees an exclusive unit that its owner works, before the time that was agreed on. Others may settle there at once: so that goes with its
 * owner's word, or, from one whose platform cannot sign, only once the owner has had the time to object.
 */
export function frees(ctx: usize, record: Intent, m: IntentMessage): bool {
  if (
    !CONTAINED ||
    <u32>record.state != STARTED ||
    resourceUnit(record.resource) == 0 ||
    record.endS <= missionS(ctx) + ENDING_S
  )
    return false;
  return m.state > STARTED || m.resource != record.resource || m.endS < record.endS;
}

/** Whether an owner was silent for all when it says that it published: the frame that brought it would have been a sign of life. */
function isUnheard(ctx: usize, m: IntentMessage): bool {
  if (ageOf(ctx, m.owner) < TICKS_UNTIL_SILENT) return false;
  const lastLivenessTick = lastLivenessTickOf(ctx, m.owner);
  return lastLivenessTick != 0 && m.publishedS >= livenessTickStartS(lastLivenessTick + 2);
}

/**
 * Whether an owner has given its word on what it had published since: then who else tells of it may have it from who made it up. What is true the owner tells again with
 * its word, itself.
 */
function isBeforeWord(ctx: usize, m: IntentMessage): bool {
  const given: u32 = member(ctx, m.owner).statementMinute;
  if (given == 0) return false;
  const now = missionS(ctx) / 60;
  const since = (now - given) & 0xffff;
  return since < WORD_MINUTES && m.publishedS / 60 + since < now;
}

/**
 * News of before the present epoch's cut changes the digest that members are about to agree on: with tidings made up late an insider could keep them from it for ever.
 * So once an epoch is under way it takes only so much of it; the rest is for the next. A merge is made of such news, and is over sooner if it is not held up.
 */
function isTooLate(ctx: usize, publishedS: u32): bool {
  const epoch = membership(ctx).round;
  if (epoch == 0 || publishedS >= roundCutS(epoch) || missionS(ctx) < roundCutS(epoch) + LATE_FREE_S || isMerging(ctx))
    return false;
  const state = witnessToChange(ctx);
  if (state.lateRound != epoch) {
    state.lateRound = epoch;
    state.lateCount = 0;
  }
  if (state.lateCount >= LATE_MAX) {
    countLoss(ctx, COUNTER_QUOTA_LATE);
    return true;
  }
  state.lateCount++;
  return false;
}

/** Whether this node takes a closer look at a version: each does so at a few of its own choice. */
export function isSampled(ctx: usize, owner: u32, version: u32): bool {
  if (!CONTAINED || owner == self(ctx)) return false;
  return fold32(fold32(edge(ctx).seed, owner), version) % SAMPLED_ONE_IN == 0;
}
