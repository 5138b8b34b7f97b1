// Decides whether a received version can be true, and whether it may be stored now. Its caller acts
// on the verdict.

import {
  AHEAD_TRUSTED_S,
  CONTAINED,
  LATE_FREE_S,
  LATE_MAX,
  NO_INDEX,
  OBJECTION_S,
  SAMPLED_ONE_IN,
  TICKS_UNTIL_SILENT,
} from '../memory/limits';
import { call } from '../memory/guard';
import { fold32 } from '../base/hash';
import { clockTrusted } from '../node/clock';
import { node, members, missionS, self } from '../node/table';
import { lastRoundCutBy, livenessTickStartS, roundCutS, roundStartS } from '../membership/calendar';
import { isMerging } from '../membership/hearing';
import { ageOf, lastLivenessTickOf } from '../membership/liveness';
import { membership } from '../membership/table';
import {
  INTENT_STATE_STARTED,
  VERSION_BITS,
  FEATURE_SIGNS,
  GROUPS_MAX,
  HORIZON_S_MAX,
  KIND_PLACEHOLDER,
  LEASE_ADVANCE_S_MAX,
  AHEAD_S_MAX,
  LEASE_GUARD_S,
  ROUND_S,
} from '../wire/generated/codes';
import { Intent as IntentMessage } from '../wire/generated/messages';
import { statementVerdict, CONFIRMED, REFUTED } from './statement/check';
import { isEquivocator } from './statement/equivocation';
import { leavesUnsigned } from './statement/awaited';
import { minutesDoubted, DOUBTED_NEVER } from './statement/recent';
import { slotMayClaim } from './quota';
import {
  intent,
  intentIndex,
  intents,
  claimsUnit,
  resourceGroup,
  statements,
  statementsToChange,
  Intent,
} from './table';

export const PLAUSIBLE: u32 = 0;
const IMPLAUSIBLE: u32 = 1;
/** The intent slot may not make such a claim. */
export const BEYOND_SLOT: u32 = 2;

/**
 * Work that ends within this has stopped, seconds: its owner stops a guard before the end, and two
 * trusted clocks differ by AHEAD_TRUSTED_S at most.
 */
export const ENDING_S: u32 = LEASE_GUARD_S - AHEAD_TRUSTED_S;
/** How long a version from another sender than its owner may be doubted, seconds. */
const DOUBT_S: u32 = OBJECTION_S;
/** After a forgery was retracted, so many members ask about each version, for so many rounds. */
const ASKING: u32 = 4;
const WARNED_ROUNDS: u32 = 3600 / ROUND_S;

/**
 * Whether a received version can be true at all. What needs a clock is checked only while mission
 * time is known.
 */
export function plausibilityOf(ctx: usize, m: IntentMessage): u32 {
  if (m.owner >= members(ctx) || resourceGroup(m.resource) >= GROUPS_MAX || m.startS >= m.endS) return IMPLAUSIBLE;
  if (m.kind == KIND_PLACEHOLDER) return IMPLAUSIBLE;
  if (m.claimS > m.publishedS || m.leaseS > m.publishedS + LEASE_ADVANCE_S_MAX) return IMPLAUSIBLE;
  if (m.endS - m.startS > HORIZON_S_MAX || m.startS > m.publishedS + HORIZON_S_MAX) return IMPLAUSIBLE;
  if (!slotMayClaim(ctx, m)) return BEYOND_SLOT;
  return node(ctx).timeKnown == 0 || m.publishedS <= missionS(ctx) + AHEAD_S_MAX ? PLAUSIBLE : IMPLAUSIBLE;
}

/**
 * Whether this node can have published a version in its own name. Nobody else publishes under the
 * number of this boot or a later one. What this boot published last in an intent slot is stored,
 * unless it ended and was evicted.
 */
export function mayBeOwn(ctx: usize, m: IntentMessage): bool {
  const boot = node(ctx).incarnation;
  if (m.version >>> VERSION_BITS < boot) return true;
  if (m.version > intents(ctx).version) return false;
  const index = intentIndex(ctx, m.owner, m.slot);
  if (!CONTAINED || index == NO_INDEX) return true;
  const record = intent(ctx, index);
  return m.version <= record.version || record.version >>> VERSION_BITS < boot;
}

const ADMITTED: u32 = 0;
/** Admitted, and one of the few late versions that a round takes. */
export const ADMITTED_LATE: u32 = 1;
/** Its owner is a proven equivocator. */
export const REFUSED_EQUIVOCATOR: u32 = 2;
/** A valid statement of its owner refutes it. */
export const REFUSED_FORGED: u32 = 3;
/** It needs a statement of its owner. */
const REFUSED_UNSIGNED: u32 = 4;
/** The round takes no more late versions. */
export const REFUSED_LATE: u32 = 5;
/** It is dated further ahead than two trusted clocks can be apart. */
export const REFUSED_AHEAD: u32 = 6;

/**
 * Decides whether a plausible version from the sender of the present frame may be stored now. A
 * refused version that is true is not lost: it returns by anti-entropy.
 */
export function admissionOf(ctx: usize, m: IntentMessage): u32 {
  if (!CONTAINED || m.owner == self(ctx)) return ADMITTED;
  if (isEquivocator(ctx, m.owner)) return REFUSED_EQUIVOCATOR;
  if (clockTrusted(ctx) && m.publishedS > missionS(ctx) + AHEAD_TRUSTED_S) return REFUSED_AHEAD;
  const index = intentIndex(ctx, m.owner, m.slot);
  if (index != NO_INDEX && intent(ctx, index).version > m.version) return ADMITTED;
  const verdict = statementVerdict(ctx, m);
  if (verdict == CONFIRMED) return ADMITTED;
  if (verdict == REFUTED) return REFUSED_FORGED;
  if (index != NO_INDEX) {
    if (releasesUnit(ctx, intent(ctx, index), m) && needsStatement(ctx, m.owner)) return REFUSED_UNSIGNED;
    if (intent(ctx, index).version == m.version) return ADMITTED;
  }
  if (isFromSilence(ctx, m)) return REFUSED_UNSIGNED;
  if (call(ctx).sender != m.owner && isDoubtful(ctx, index, m)) return REFUSED_UNSIGNED;
  if (!isLate(ctx, m.publishedS)) return ADMITTED;
  return isLateQuotaSpent(ctx) ? REFUSED_LATE : ADMITTED_LATE;
}

/**
 * Whether this node stores a release of an owner with its statement only: its platform can verify
 * one, and the owner does not leave requests for it unanswered.
 */
function needsStatement(ctx: usize, owner: u32): bool {
  return (node(ctx).features & FEATURE_SIGNS) != 0 && !leavesUnsigned(ctx, owner);
}

/**
 * Whether a version releases an exclusive unit that its owner may work: it ends or moves the claim,
 * takes time from it at either end, shortens its extended lease, or may give up its place in the
 * arbitration order. Others may settle there at once. So such a version needs its owner's
 * statement, unless no digest contains the claim without it.
 */
export function releasesUnit(ctx: usize, record: Intent, m: IntentMessage): bool {
  if (!CONTAINED || !claimsUnit(record)) return false;
  if (record.endS <= missionS(ctx) + ENDING_S) return false;
  if (<u32>record.state != INTENT_STATE_STARTED && isInNoDigestWithout(ctx, record, m)) return false;
  return (
    m.state < <u32>record.state ||
    m.state > INTENT_STATE_STARTED ||
    m.resource != record.resource ||
    m.startS > record.startS ||
    m.endS < record.endS ||
    m.leaseS < record.leaseS ||
    m.claimS > record.claimS ||
    m.priority < <u32>record.priority ||
    m.nonce != record.nonce
  );
}

/**
 * Whether the first digest that contains a claim contains the version `m` after it, too: then
 * nobody agrees to the claim, and it cannot settle. The claim is younger than the cut of the
 * present round, and no cut lies between it and `m`: otherwise the next digest contains the claim,
 * and this node would agree to a claim that it does not store.
 */
function isInNoDigestWithout(ctx: usize, record: Intent, m: IntentMessage): bool {
  const round = lastRoundCutBy(record.claimS);
  const newest = max<u32>(record.publishedS, m.publishedS);
  return round >= membership(ctx).round && lastRoundCutBy(newest) == round;
}

/**
 * Whether the owner was silent at the publication time of the version: a frame that brought the
 * version would have been a sign of life.
 */
function isFromSilence(ctx: usize, m: IntentMessage): bool {
  if (ageOf(ctx, m.owner) < TICKS_UNTIL_SILENT) return false;
  const lastLivenessTick = lastLivenessTickOf(ctx, m.owner);
  return lastLivenessTick != 0 && m.publishedS >= livenessTickStartS(lastLivenessTick + 2);
}

/**
 * Whether a version from another sender than its owner may be a forger's: the owner signed a
 * statement on the intent slot lately, and the version was published in its minute or before, or
 * replaces started work and is so new that the owner may not have objected yet. A true version is
 * sent by its owner again, with the statement.
 */
function isDoubtful(ctx: usize, index: u32, m: IntentMessage): bool {
  const since = minutesDoubted(ctx, m.owner, m.slot);
  if (since == DOUBTED_NEVER) return false;
  if (m.publishedS / 60 + since <= missionS(ctx) / 60) return true;
  if (index == NO_INDEX || <u32>intent(ctx, index).state != INTENT_STATE_STARTED) return false;
  return m.publishedS + DOUBT_S > missionS(ctx);
}

/**
 * Whether a version is from before the cut of a round that is under way: it changes the digest that
 * members are about to agree on. With late versions an insider could prevent agreement for ever, so
 * a round takes only few of them and the rest waits for the next round. A merge of parts of the
 * cluster consists of late versions, and is over sooner if all are taken.
 */
function isLate(ctx: usize, publishedS: u32): bool {
  const round = membership(ctx).round;
  const isBeforeCut = round != 0 && publishedS < roundCutS(round);
  return isBeforeCut && missionS(ctx) >= roundStartS(round) + LATE_FREE_S && !isMerging(ctx);
}

function isLateQuotaSpent(ctx: usize): bool {
  const state = statements(ctx);
  return state.lateRound == membership(ctx).round && state.lateCount >= LATE_MAX;
}

/** Counts a late version against the quota of the present round. */
export function noteLateVersion(ctx: usize): void {
  const round = membership(ctx).round;
  const state = statementsToChange(ctx);
  if (state.lateRound != round) {
    state.lateRound = round;
    state.lateCount = 0;
  }
  state.lateCount++;
}

/**
 * Whether this node requests the owner's statement on a version: each node does so for a few of its
 * own choice. Within an hour of a forgery some ASKING members ask about each version: its owner may
 * have heard neither the version nor anybody that passed it on.
 */
export function isSampled(ctx: usize, owner: u32, version: u32): bool {
  if (!CONTAINED || owner == self(ctx)) return false;
  const drawn = fold32(fold32(node(ctx).seed, owner), version);
  const forgedRound: u32 = statements(ctx).forgedRound;
  const isWarned = forgedRound != 0 && ((membership(ctx).round - forgedRound) & 0xffff) < WARNED_ROUNDS;
  return isWarned ? drawn % members(ctx) < ASKING : drawn % SAMPLED_ONE_IN == 0;
}
