// Decides whether a received version may be stored.

import {
  GROUPS_MAX,
  LEASE_ADVANCE_S_MAX,
  HORIZON_S_MAX,
  COUNTER_QUOTA_CLAIM,
  CONTAINED,
  NO_INDEX,
  COUNTER_OWNER_BARRED,
  COUNTER_INTENT_FORGED,
  COUNTER_INTENT_UNSIGNED,
  TICKS_UNTIL_SILENT,
  LATE_FREE_S,
  LATE_MAX,
  COUNTER_QUOTA_LATE,
  SAMPLED_ONE_IN,
} from '../memory/limits';
import { fold32 } from '../base/hash';
import { send, SEND_STATEMENT, SEND_STATEMENT_REQUEST } from '../node/outbox';
import { countLoss } from '../node/queues';
import { members, edge, missionS, self } from '../node/table';
import { livenessTickStartS, roundCutS } from '../membership/calendar';
import { isMerging } from '../membership/hearing';
import { ageOf, lastLivenessTickOf } from '../membership/liveness';
import { member, membership } from '../membership/table';
import { Intent as IntentMessage } from '../wire/generated/messages';
import { isProven } from './equivocation';
import { slotMayClaim } from './quota';
import { wordOn, CONFIRMED, REFUTED } from './statement';
import {
  resourceGroup,
  VERSION_BITS,
  intents,
  intentIndex,
  intent,
  witness,
  Intent,
  STARTED,
  resourceUnit,
  witnessToChange,
} from './table';
import { AHEAD_S_MAX } from './version';

/** Whether a received intent can be true at all. `now` 0 = mission time unknown: only what needs no clock is checked. */
export function intentPlausible(ctx: usize, m: IntentMessage): bool {
  if (m.owner >= members(ctx) || resourceGroup(m.resource) >= GROUPS_MAX || m.startS >= m.endS) return false;
  if (m.claimS > m.publishedS || m.leaseS > m.publishedS + LEASE_ADVANCE_S_MAX) return false;
  if (m.endS - m.startS > HORIZON_S_MAX || m.startS > m.publishedS + HORIZON_S_MAX) return false;
  if (!slotMayClaim(ctx, m)) {
    countLoss(ctx, COUNTER_QUOTA_CLAIM);
    return false;
  }
  return edge(ctx).timeKnown == 0 || m.publishedS <= missionS(ctx) + AHEAD_S_MAX;
}

/**
 * Whether this node can have published what is told in its name. Under this boot, or one that is still to come, nobody else can; what this boot published last in a
 * slot stands there, unless it was over and let go of.
 */
export function canBeOurs(ctx: usize, m: IntentMessage): bool {
  const boot = edge(ctx).incarnation;
  if (m.version >>> VERSION_BITS < boot) return true;
  if (m.version > intents(ctx).version) return false;
  const index = intentIndex(ctx, m.owner, m.slot);
  if (!CONTAINED || index == NO_INDEX) return true;
  const record = intent(ctx, index);
  return m.version <= record.version || record.version >>> VERSION_BITS < boot;
}

/** Whether it is told as this node's own and cannot be, though it can be believed. */
export function isMadeUpOfOwn(ctx: usize, m: IntentMessage): bool {
  return m.owner == self(ctx) && intentPlausible(ctx, m) && !canBeOurs(ctx, m);
}

/** An owner's word keeps others' tidings from before it away for so long, minutes: three epochs. */
const WORD_MINUTES: u32 = 30;
/** What ends within this, ends anyway, seconds; and how long an owner has to object to what was made up in its name. */
const ENDING_S: u32 = 180;
const UNSIGNED_S: u32 = 600;

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
