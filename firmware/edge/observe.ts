// What the platform tells: checked, then handed to the room it concerns.

import {
  STATUS_OK,
  STATUS_MALFORMED,
  STATUS_IMPLAUSIBLE,
  STATUS_UNKNOWN_TYPE,
  COUNTER_RECORD_REJECTED,
  OWN_SLOTS,
  GROUPS_MAX,
  NO_INDEX,
} from '../memory/limits';
import { SCRATCH_AT } from '../memory/map';
import {
  groupToChange,
  intent,
  intentsToChange,
  own,
  ownToChange,
  KIND_MAINTAIN,
  KIND_HAUL,
  DONE,
  WITHDRAWN,
} from '../intent/table';
import { freshClaim, publish, finish, ownIndex } from '../intent/own';
import { intentPlausible } from '../intent/store';
import { onSigned, onVerified } from '../intent/witness';
import { observeResource } from '../intent/notice';
import { onOutlook } from '../intent/plan';
import { scheduleHealth, scheduleWindow, scheduleMaintenance } from '../schedule/observe';
import { scheduleProgress } from '../schedule/step';
import { watchdogHealth, watchdogRecovery } from '../watchdog/step';
import { expectStorm } from '../protection/scrub';
import { onReserved } from '../security/counters';
import { onKeyEpochChecked, onHead, onPart } from '../security/key_epoch';
import { disturb, CLASS_FLEET, CLASS_CLUSTER } from '../convergence/step';
import {
  messageType,
  TYPE_HEALTH,
  Health,
  decodeHealth,
  TYPE_PROGRESS,
  Progress,
  decodeProgress,
  TYPE_ASSAY,
  Assay,
  decodeAssay,
  TYPE_OUTLOOK,
  Outlook,
  decodeOutlook,
  TYPE_WINDOW,
  Window,
  decodeWindow,
  TYPE_ASSIGN,
  Assign,
  decodeAssign,
  TYPE_RECOVERY,
  Recovery,
  decodeRecovery,
  TYPE_COUNTERS_RESERVED,
  CountersReserved,
  decodeCountersReserved,
  TYPE_KEY_EPOCH_CHECKED,
  KeyEpochChecked,
  decodeKeyEpochChecked,
  TYPE_KEY_EPOCH_HEAD,
  KeyEpochHead,
  decodeKeyEpochHead,
  TYPE_KEY_EPOCH_PART,
  KeyEpochPart,
  decodeKeyEpochPart,
  TYPE_SIGNED,
  Signed,
  decodeSigned,
  TYPE_VERIFIED,
  Verified,
  decodeVerified,
  TYPE_GROUP,
  Group as GroupRecord,
  decodeGroup,
} from '../wire/generated/messages';
import { missionS, timeKnown } from '../node/table';
import { countLoss } from '../node/queues';

const STATUS_DONE: u32 = 2;
const STATUS_BLOCKED: u32 = 3;
const OUTLOOK_STORM: u32 = 2;

/** One record, which must fill its bytes exactly. */
export function observeRecord(ctx: usize, at: usize, length: u32): u32 {
  const end = at + length;
  const type = messageType(at, end);
  const s: usize = ctx + SCRATCH_AT;
  let status = STATUS_MALFORMED;
  switch (type) {
    case TYPE_HEALTH:
      if (decodeHealth(at, end, changetype<Health>(s)) == end) status = onHealth(ctx, changetype<Health>(s));
      break;
    case TYPE_PROGRESS:
      if (decodeProgress(at, end, changetype<Progress>(s)) == end) status = onProgress(ctx, changetype<Progress>(s));
      break;
    case TYPE_ASSAY:
      if (decodeAssay(at, end, changetype<Assay>(s)) == end) status = onAssay(ctx, changetype<Assay>(s));
      break;
    case TYPE_OUTLOOK:
      if (decodeOutlook(at, end, changetype<Outlook>(s)) == end) status = onOutlookRecord(ctx, changetype<Outlook>(s));
      break;
    case TYPE_WINDOW:
      if (decodeWindow(at, end, changetype<Window>(s)) == end) status = onWindow(ctx, changetype<Window>(s));
      break;
    case TYPE_ASSIGN:
      if (decodeAssign(at, end, changetype<Assign>(s)) == end) status = onAssign(ctx, changetype<Assign>(s));
      break;
    case TYPE_RECOVERY:
      if (decodeRecovery(at, end, changetype<Recovery>(s)) == end) status = onRecovery(ctx, changetype<Recovery>(s));
      break;
    case TYPE_GROUP:
      if (decodeGroup(at, end, changetype<GroupRecord>(s)) == end) status = setGroup(ctx, changetype<GroupRecord>(s));
      break;
    case TYPE_COUNTERS_RESERVED:
      if (decodeCountersReserved(at, end, changetype<CountersReserved>(s)) == end)
        status = onReserved(ctx, changetype<CountersReserved>(s).cycle);
      break;
    case TYPE_KEY_EPOCH_CHECKED:
      if (decodeKeyEpochChecked(at, end, changetype<KeyEpochChecked>(s)) != end) break;
      onKeyEpochChecked(ctx, changetype<KeyEpochChecked>(s).epoch, changetype<KeyEpochChecked>(s).ok != 0);
      status = STATUS_OK;
      break;
    case TYPE_KEY_EPOCH_HEAD:
      if (decodeKeyEpochHead(at, end, changetype<KeyEpochHead>(s)) != end) break;
      status = onHead(ctx, changetype<KeyEpochHead>(s), true) ? STATUS_OK : STATUS_IMPLAUSIBLE;
      break;
    case TYPE_KEY_EPOCH_PART:
      if (decodeKeyEpochPart(at, end, changetype<KeyEpochPart>(s)) != end) break;
      onPart(ctx, changetype<KeyEpochPart>(s));
      status = STATUS_OK;
      break;
    case TYPE_SIGNED:
      if (decodeSigned(at, end, changetype<Signed>(s)) != end) break;
      onSigned(ctx, changetype<Signed>(s));
      status = STATUS_OK;
      break;
    case TYPE_VERIFIED:
      if (decodeVerified(at, end, changetype<Verified>(s)) != end) break;
      onVerified(ctx, changetype<Verified>(s).ticket, changetype<Verified>(s).ok != 0);
      status = STATUS_OK;
      break;
    default:
      if (type >= 0) status = STATUS_UNKNOWN_TYPE;
  }
  if (status != STATUS_OK) countLoss(ctx, COUNTER_RECORD_REJECTED);
  return status;
}

/** A resource group as surveyed before launch, or newly surveyed. */
export function setGroup(ctx: usize, m: GroupRecord): u32 {
  if (m.group >= GROUPS_MAX) return STATUS_IMPLAUSIBLE;
  const entry = groupToChange(ctx, m.group);
  entry.kind = m.kind;
  entry.units = m.units;
  entry.capacity = m.capacity;
  entry.loadKg = m.loadKg;
  return STATUS_OK;
}

function onHealth(ctx: usize, m: Health): u32 {
  const tasks = m.tasks;
  scheduleHealth(ctx, m.batteryWh, m.storedKg, m.solarW);
  watchdogHealth(ctx, tasks);
  return STATUS_OK;
}

function onProgress(ctx: usize, m: Progress): u32 {
  const slot = m.slot;
  const status = m.status;
  scheduleProgress(ctx, slot, status, m.movedKg);
  const index = ownIndex(ctx, slot);
  if (index == NO_INDEX || !timeKnown(ctx)) return STATUS_OK;
  if (status == STATUS_DONE && <u32>intent(ctx, index).kind == KIND_HAUL) finish(ctx, slot, DONE);
  else if (status >= STATUS_BLOCKED) {
    intentsToChange(ctx).attempts++;
    finish(ctx, slot, WITHDRAWN);
  }
  return STATUS_OK;
}

function onAssay(ctx: usize, m: Assay): u32 {
  if (m.group >= GROUPS_MAX) return STATUS_IMPLAUSIBLE;
  if (timeKnown(ctx)) observeResource(ctx, m.group, m.unit, m.capacity);
  return STATUS_OK;
}

function onOutlookRecord(ctx: usize, m: Outlook): u32 {
  if (m.fromS >= m.untilS) return STATUS_IMPLAUSIBLE;
  const fromS = m.fromS;
  const untilS = m.untilS;
  const kind = m.kind;
  onOutlook(ctx, fromS, untilS, kind);
  if (kind == OUTLOOK_STORM && timeKnown(ctx) && untilS > missionS(ctx)) expectStorm(ctx, untilS - missionS(ctx));
  if (timeKnown(ctx)) disturb(ctx, kind == OUTLOOK_STORM ? CLASS_FLEET : CLASS_CLUSTER, fromS, 0xffff, untilS);
  return STATUS_OK;
}

function onWindow(ctx: usize, m: Window): u32 {
  if (m.startS >= m.endS) return STATUS_IMPLAUSIBLE;
  scheduleWindow(ctx, m.startS, m.endS, m.energyWh);
  return STATUS_OK;
}

/** Work given from outside: maintenance goes to the schedule, a claim is made like our own. */
function onAssign(ctx: usize, m: Assign): u32 {
  if (m.startS >= m.endS || m.slot >= OWN_SLOTS || m.resource >>> 16 >= GROUPS_MAX) return STATUS_IMPLAUSIBLE;
  if (m.kind == KIND_MAINTAIN) {
    scheduleMaintenance(ctx, m.startS, m.endS, m.durationS, m.priority);
    return STATUS_OK;
  }
  // Work under way is ended by progress or refusal first: its unit is free on the air at once, the platform stops later.
  if (!timeKnown(ctx) || own(ctx, m.slot).running != 0) return STATUS_IMPLAUSIBLE;
  const slot = m.slot;
  const priority = m.priority;
  const claim = freshClaim(ctx, slot, m.kind, m.resource, m.startS, m.endS, m.rate);
  claim.priority = priority;
  claim.version = 0;
  claim.publishedS = claim.claimS;
  if (!intentPlausible(ctx, claim)) return STATUS_IMPLAUSIBLE;
  const mine = ownToChange(ctx, slot);
  mine.settledVersion = 0;
  mine.assigned = 1;
  publish(ctx, claim);
  return STATUS_OK;
}

function onRecovery(ctx: usize, m: Recovery): u32 {
  watchdogRecovery(ctx, m.level, m.task, m.ok != 0);
  return STATUS_OK;
}
