// Orders the work of one call: time, view, intents, schedule, convergence,
// federation, watchdog.

import {
  INTENT_STATE_CLAIMED,
  FLAG_COMMAND,
  FLAG_EVENT,
  LEASE_S,
  COUNTER_CLAIM_UNREAD,
  RECOVERY_CAUSE_DISAGREEMENT,
} from '../wire/generated/codes';
import { CHECKPOINT_S, PERIOD_S, COMMAND_BYTES_MAX, ROUND_TICKS } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { call, changes } from '../memory/guard';
import { membership, VIEW } from '../membership/table';
import { disagreesAlone, isOutvoted } from '../membership/disagreement';
import { membershipStep } from '../membership/step';
import { noteStored } from '../membership/quorum';
import { turnTicks, cutRound } from '../membership/round';
import { reportAgreement } from '../membership/turns';
import { turnMinute, digestAsOf } from '../intent/digest';
import { evictFinished, evictExpired } from '../intent/store';
import { intents, intent, INTENT_STATE_LINES } from '../intent/table';
import { sweepFederation, sweepIntents, verifySums } from './rebuild';
import { answerSince, askSince, offerDigest } from '../intent/anti_entropy';
import { reportMute, reserveAhead, timeLearnt } from '../security/counters';
import { keyEpochStep, keyEpochStored, keyEpochUnstored, installKeyEpoch } from '../security/key_epoch';
import { scheduleStoredKg } from '../schedule/observe';
import { scheduleEnforce } from '../schedule/orders';
import { scheduleStep } from '../schedule/step';
import { convergenceRestart, convergenceStep } from '../convergence/step';
import { federationStep } from '../federation/step';
import { verifyNext } from '../federation/reception';
import { judgeSplit } from '../federation/split';
import { restartRuntime, watchdogStep, watchdogCheckIn } from '../watchdog/step';
import { MODULE_MEMBERSHIP, MODULE_INTENT, MODULE_SCHEDULE, MODULE_CONVERGENCE, MODULE_EDGE } from '../watchdog/table';
import { StoreCheckpoint, encodeStoreCheckpoint } from '../wire/generated/messages';
import {
  node,
  queues,
  missionS,
  NODE,
  HOT,
  DUE_SETTLE,
  DUE_REPORT,
  DUE_CHECK,
  DUE_WITHDRAW,
  DUE_SINCE,
  DUE_TIME,
  DUE_KEYS,
  DUE_STATEMENT,
  DUE_SUMMARY,
  DUE_SPLIT,
} from '../node/table';
import { commandSpace, commandDone, countLoss } from '../node/queues';
import { cycleNow, nextPeriodCycle } from '../node/tx_slots';
import { livenessTickOf, roundCutS } from '../membership/calendar';
import { reportStates } from '../membership/member_state';
import { withdrawReturned, onAgreement, maintainOwn } from '../intent/own/lifecycle';
import { mayRunAny } from '../intent/own/lease';
import { planStep } from '../intent/own/planning';
import { readDigest } from '../intent/own/publish';
import { signatureStep, statementTick } from '../intent/statement/service';

/**
 * Whether a liveness tick has begun since advance(): its work grows with the cluster, and belongs
 * to tick().
 */
export function turnDue(ctx: usize): bool {
  const state = node(ctx);
  return state.timeKnown != 0 && (state.bootKnown == 0 || livenessTickOf(missionS(ctx)) > membership(ctx).livenessTick);
}

/** Does the work that frames since the last tick left (DUE_*). */
export function catchUp(ctx: usize): void {
  const due = queues(ctx).due;
  if (due == 0) return;
  queues(ctx).due = 0;
  changes(ctx, HOT);
  if (due & DUE_TIME) timeLearnt(ctx);
  if (due & DUE_KEYS) installKeyEpoch(ctx);
  if (due & DUE_STATEMENT) signatureStep(ctx);
  if (due & DUE_SUMMARY) {
    sweepFederation(ctx);
    verifyNext(ctx);
  }
  if (due & DUE_SPLIT) judgeSplit(ctx);
  if (due & DUE_REPORT) reportStates(ctx, false);
  if (due & DUE_CHECK) checkClaim(ctx);
  if (due & DUE_WITHDRAW) withdrawReturned(ctx);
  if (due & DUE_SINCE) answerSince(ctx);
  if (due & DUE_SETTLE) onAgreement(ctx);
}

/** Counts a received claim whose owner had not read a competitor that is stored here (INT-1). */
function checkClaim(ctx: usize): void {
  const record = intent(ctx, intents(ctx).claimToCheck - 1);
  if (<u32>record.state != INTENT_STATE_CLAIMED) return;
  if (record.read != readDigest(ctx, record.owner, record.resource, record.startS, record.endS))
    countLoss(ctx, COUNTER_CLAIM_UNREAD);
}

/**
 * Advances minutes, liveness ticks and rounds to the present mission time. Cheap when none begins.
 */
export function advance(ctx: usize): void {
  const state = node(ctx);
  if (state.timeKnown == 0) return;
  const view = membership(ctx);
  if (state.bootKnown == 0) {
    state.bootKnown = 1;
    view.bootS = missionS(ctx);
    changes(ctx, HOT | NODE | VIEW);
    queues(ctx).periodCycle = nextPeriodCycle(ctx, cycleNow(ctx));
    convergenceRestart(ctx);
  }
  turnMinute(ctx);
  const livenessTick = view.livenessTick;
  const isCut = turnTicks(ctx);
  if (livenessTick != 0 && view.livenessTick != livenessTick) {
    // turnTicks() reported all states.
    queues(ctx).due &= ~DUE_REPORT;
    changes(ctx, HOT);
    if (!isCut && view.quorum == 0 && !isOutvoted(ctx)) reportAgreement(ctx);
  }
  if (!isCut) {
    evictExpired(ctx);
    return;
  }
  const cutS = roundCutS(view.livenessTick / ROUND_TICKS);
  sweepIntents(ctx);
  verifySums(ctx, view.livenessTick / ROUND_TICKS);
  // First the agreement of the round that ends is kept: an eviction begins agreement anew.
  cutRound(ctx);
  evictFinished(ctx, cutS);
  // The set of silent members may differ from the last cut: their claims are bounded anew.
  view.boundsMoved = 1;
  intents(ctx).nextEvictionS = 0;
  changes(ctx, VIEW | INTENT_STATE_LINES);
  evictExpired(ctx);
  view.digest = digestAsOf(ctx, cutS) + view.memberDigest;
  reportAgreement(ctx);
  onAgreement(ctx);
}

/** Milliseconds until the next lease hold ends, at which tick() evicts claims of a silent owner. */
export function untilEvictionMs(ctx: usize): u32 {
  const atS = intents(ctx).nextEvictionS;
  const now = call(ctx);
  if (node(ctx).timeKnown == 0 || atS <= now.missionS || atS - now.missionS > LEASE_S) return 0xffffffff;
  return (atS - now.missionS) * 1000 - now.missionMs;
}

/** Whether the period tick is due. */
export function periodDue(ctx: usize): bool {
  const state = node(ctx);
  return state.timeKnown != 0 ? cycleNow(ctx) >= queues(ctx).periodCycle : call(ctx).localS >= state.periodS;
}

/**
 * Does the work of a period: once per period of TDMA cycles, or of local time while mission time is
 * unknown.
 */
export function periodTick(ctx: usize): void {
  if (!periodDue(ctx)) return;
  const state = node(ctx);
  if (state.timeKnown != 0) queues(ctx).periodCycle = nextPeriodCycle(ctx, cycleNow(ctx));
  else state.periodS = call(ctx).localS + PERIOD_S;
  changes(ctx, HOT | NODE);
  // First, while the outbox has room: a node that waits for a key can receive nothing else.
  keyEpochStep(ctx);
  if (state.safeMode == 0 && state.timeKnown != 0) missionTick(ctx);
  reportMute(ctx);
  reserveAhead(ctx);
  watchdogCheckIn(ctx, MODULE_EDGE);
  // Modules that wait for time do not hang.
  if (state.timeKnown == 0)
    for (let module = MODULE_MEMBERSHIP; module <= MODULE_CONVERGENCE; module++) watchdogCheckIn(ctx, module);
  watchdogStep(ctx);
  checkpointWhenDue(ctx);
}

/** Does the part of the period's work that needs mission time. */
function missionTick(ctx: usize): void {
  membershipStep(ctx);
  offerDigest(ctx);
  watchdogCheckIn(ctx, MODULE_MEMBERSHIP);
  onAgreement(ctx);
  askSince(ctx);
  maintainOwn(ctx);
  statementTick(ctx);
  planStep(ctx, scheduleStoredKg(ctx));
  watchdogCheckIn(ctx, MODULE_INTENT);
  scheduleEnforce(ctx);
  scheduleStep(ctx);
  watchdogCheckIn(ctx, MODULE_SCHEDULE);
  convergenceStep(ctx);
  watchdogCheckIn(ctx, MODULE_CONVERGENCE);
  if (node(ctx).placed != 0) {
    sweepFederation(ctx);
    federationStep(ctx);
  }
  // A lease extended in advance outlasts the disagreement: its work is not stopped.
  if (disagreesAlone(ctx) && !mayRunAny(ctx)) restartRuntime(ctx, RECOVERY_CAUSE_DISAGREEMENT);
}

/** Requests a checkpoint when it is time, or when a lease, decision or key must be stored. */
function checkpointWhenDue(ctx: usize): void {
  const state = node(ctx);
  // The first is a minute later for each member, so that not all write at once.
  const firstS = CHECKPOINT_S + ((state.self * PERIOD_S) % CHECKPOINT_S);
  const due = state.checkpointS == 0 ? firstS : state.checkpointS + CHECKPOINT_S;
  const unstored = membership(ctx).unstoredPeriods;
  if (unstored == 1) noteStored(ctx);
  if (call(ctx).localS < due && unstored < 2 && !keyEpochUnstored(ctx)) return;
  // A checkpoint with a line that cannot be corrected is refused, and the call would trap.
  sweepIntents(ctx);
  const at = commandSpace(ctx);
  if (at == 0) return;
  if (unstored > 1) noteStored(ctx);
  if (keyEpochUnstored(ctx)) keyEpochStored(ctx);
  state.checkpointS = call(ctx).localS;
  changes(ctx, NODE);
  const m = changetype<StoreCheckpoint>(ctx + SCRATCH_OUT_AT);
  m.sequence = ++state.checkpointSequence & 0xffff;
  commandDone(ctx, at, encodeStoreCheckpoint(at, at + COMMAND_BYTES_MAX - 1, m));
}

/** Takes the flags of the present call, to be returned with its status. */
export function takeFlags(ctx: usize): u32 {
  let flags = queues(ctx).flags;
  if (queues(ctx).commandCount != 0) flags |= FLAG_COMMAND;
  if (queues(ctx).eventCount != 0) flags |= FLAG_EVENT;
  if (queues(ctx).flags != 0) changes(ctx, HOT);
  queues(ctx).flags = 0;
  return flags;
}
