// Handles messages and records that concern several modules: each module does its part, in a fixed
// order.

import {
  INTENT_STATE_DONE,
  INTENT_STATE_WITHDRAWN,
  OUTLOOK_KIND_STORM,
  SLA_CLASS_CLUSTER,
  SLA_CLASS_FLEET,
  WORK_KIND_HAUL,
  WORK_KIND_MAINTAIN,
  WORK_STATUS_BLOCKED,
  WORK_STATUS_DONE,
  ADDRESSEE_ALL,
  COUNTER_QUOTA_CLAIM,
  GROUPS_MAX,
  OWN_SLOTS,
  STATUS_IMPLAUSIBLE,
  STATUS_OK,
} from '../wire/generated/codes';
import { NO_INDEX } from '../memory/limits';
import { call } from '../memory/guard';
import { disturb, noteRestart } from '../convergence/step';
import { beginSync } from '../intent/anti_entropy';
import { recentAsOf } from '../intent/digest';
import { intent, intents, intentsToChange, own, ownToChange, resourceGroup } from '../intent/table';
import { mergeHeartbeat, HEARTBEAT_GREW, HEARTBEAT_NOTHING, HEARTBEAT_VIEW_DIFFERS } from '../membership/heartbeat';
import { hasJustReturned } from '../membership/member_state';
import { onAlive } from '../membership/suspicion';
import { majorityAgrees } from '../membership/quorum';
import { membership, memberToChange } from '../membership/table';
import { leaveToTick, missionS, timeKnown, DUE_REPORT, DUE_SETTLE } from '../node/table';
import { countLoss } from '../node/queues';
import { expectStorm } from '../protection/scrub';
import { plausibilityOf, BEYOND_SLOT, PLAUSIBLE } from '../intent/admission';
import { onOutlook } from '../intent/own/outlook';
import { ownIndex, finish, freshClaim, setClaim, publish } from '../intent/own/publish';
import { scheduleHealth, scheduleMaintenance } from '../schedule/observe';
import { scheduleProgress } from '../schedule/step';
import { watchdogHealth } from '../watchdog/step';
import { Alive, Assign, Health, Heartbeat, Join, Outlook, Progress } from '../wire/generated/messages';

export function applyHeartbeat(ctx: usize, m: Heartbeat): void {
  const now = call(ctx);
  const news = mergeHeartbeat(ctx, now.frameBytes, m);
  if (news == HEARTBEAT_NOTHING || !timeKnown(ctx)) return;
  const isAwaited = membership(ctx).quorum == 0 || intents(ctx).unsettled != 0;
  if (news == HEARTBEAT_GREW && isAwaited && majorityAgrees(ctx)) leaveToTick(ctx, DUE_SETTLE);
  if (hasJustReturned(ctx)) leaveToTick(ctx, DUE_REPORT);
  const differs = news == HEARTBEAT_VIEW_DIFFERS;
  // Only a frame to this node starts an exchange: else everybody would answer a broadcast.
  if (now.addressee != ADDRESSEE_ALL && (differs || m.recent != recentAsOf(ctx, m.timeS)))
    beginSync(ctx, now.sender, differs);
}

export function applyAlive(ctx: usize, m: Alive): void {
  noteIncarnation(ctx, m.incarnation, m.upS);
}

export function applyJoin(ctx: usize, m: Join): void {
  memberToChange(ctx, call(ctx).sender).generation = <u8>m.generation;
  noteIncarnation(ctx, m.incarnation, m.upS);
}

/** Takes the incarnation of a member, which says that it booted `upS` seconds ago. */
function noteIncarnation(ctx: usize, incarnation: u32, upS: u32): void {
  const sender = call(ctx).sender;
  if (onAlive(ctx, sender, incarnation) && timeKnown(ctx)) noteRestart(ctx, sender, upS);
}

export function observeHealth(ctx: usize, m: Health): u32 {
  const tasks = m.tasks;
  scheduleHealth(ctx, m.batteryWh, m.storedKg, m.solarW);
  watchdogHealth(ctx, tasks);
  return STATUS_OK;
}

export function observeProgress(ctx: usize, m: Progress): u32 {
  const slot = m.slot;
  const status = m.status;
  scheduleProgress(ctx, slot, status, m.movedKg);
  const index = ownIndex(ctx, slot);
  if (index == NO_INDEX || !timeKnown(ctx)) return STATUS_OK;
  if (status == WORK_STATUS_DONE && <u32>intent(ctx, index).kind == WORK_KIND_HAUL)
    finish(ctx, slot, INTENT_STATE_DONE);
  else if (status >= WORK_STATUS_BLOCKED) {
    intentsToChange(ctx).attempts++;
    finish(ctx, slot, INTENT_STATE_WITHDRAWN);
  }
  return STATUS_OK;
}

export function observeOutlook(ctx: usize, m: Outlook): u32 {
  if (m.fromS >= m.untilS) return STATUS_IMPLAUSIBLE;
  const fromS = m.fromS;
  const untilS = m.untilS;
  const kind = m.kind;
  onOutlook(ctx, fromS, untilS, kind);
  if (kind == OUTLOOK_KIND_STORM && timeKnown(ctx) && untilS > missionS(ctx)) expectStorm(ctx, untilS - missionS(ctx));
  if (timeKnown(ctx))
    disturb(ctx, kind == OUTLOOK_KIND_STORM ? SLA_CLASS_FLEET : SLA_CLASS_CLUSTER, fromS, 0xffff, untilS);
  return STATUS_OK;
}

/**
 * Takes assigned work: maintenance goes to the schedule, other work is claimed like this node's
 * own.
 */
export function observeAssign(ctx: usize, m: Assign): u32 {
  if (m.startS >= m.endS || m.slot >= OWN_SLOTS || resourceGroup(m.resource) >= GROUPS_MAX) return STATUS_IMPLAUSIBLE;
  if (m.kind == WORK_KIND_MAINTAIN) {
    scheduleMaintenance(ctx, m.startS, m.endS, m.durationS, m.priority);
    return STATUS_OK;
  }
  // Running work must end first, by progress or refusal: otherwise its unit would be free for
  // others before the platform stops.
  if (!timeKnown(ctx) || own(ctx, m.slot).running != 0) return STATUS_IMPLAUSIBLE;
  // The claim takes the place of the record in the scratch.
  const slot = m.slot;
  const priority = m.priority;
  const resource = m.resource;
  const startS = m.startS;
  const endS = m.endS;
  const rate = m.rate;
  const claim = freshClaim(ctx, slot, m.kind);
  setClaim(claim, resource, startS, endS, rate);
  claim.priority = priority;
  claim.version = 0;
  claim.publishedS = claim.claimS;
  const plausibility = plausibilityOf(ctx, claim);
  if (plausibility == BEYOND_SLOT) countLoss(ctx, COUNTER_QUOTA_CLAIM);
  if (plausibility != PLAUSIBLE) return STATUS_IMPLAUSIBLE;
  const mine = ownToChange(ctx, slot);
  mine.settledVersion = 0;
  mine.assigned = 1;
  publish(ctx, claim);
  return STATUS_OK;
}
