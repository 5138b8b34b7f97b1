// What is held: taking in versions (INT-4: merge is commutative, associative, idempotent), letting go of what is over, rumours.

import {
  INTENTS_MAX,
  NO_INDEX,
  RUMORS_MAX,
  RUMOR_COUNT,
  RETENTION_S,
  HORIZON_S_MAX,
  LEASE_ADVANCE_S_MAX,
  EVENT_BYTES_MAX,
  COUNTER_INTENTS_FULL,
  COUNTER_INTENT_DIFFERS,
  COUNTER_QUOTA_CLAIM,
  CONTAINED,
  OWN_SLOTS,
  GROUPS_MAX,
  MEMBERS_MAX,
  LIVENESS_TICK_S,
  TICKS_UNTIL_SILENT,
  EVENTS_MAX,
} from '../memory/limits';
import { SCRATCH_OUT_AT, INTENT_INDEX_AT } from '../memory/map';
import { LINE_BYTES } from '../memory/lines';
import { changes, lineOf, replacesLine } from '../memory/guard';
import { bitGet } from '../base/bits';
import { edge, queues, members, missionS, self } from '../node/table';
import { countLoss, eventSpace, eventDone } from '../node/queues';
import { silentAt, membership } from '../membership/table';
import { roundCutS } from '../membership/calendar';
import { ageOf } from '../membership/liveness';
import { noteExtendedLease } from '../membership/quorum';
import { Intent as IntentMessage, Held, encodeHeld } from '../wire/generated/messages';
import {
  intents,
  intentsToChange,
  intent,
  intentSeen,
  intentToChange,
  readIntents,
  intentIndex,
  setIntentIndex,
  groupToChange,
  rumorAt,
  RUMORS,
  Intent,
  VERSION_BITS,
  resourceGroup,
  DONE,
} from './table';
import { account, accountOwner, contentHash } from './digest';
import { markOf, markOfMessage } from './content';
import { slotMayClaim, invalidateHigherSlots } from './quota';
import { differs, impersonated } from './witness';
import { setOrder, link, unlink } from './chain';
import { boundOf } from './arbitration';

/** A publisher's clock may be this much ahead, seconds. */
export const AHEAD_S_MAX: u32 = 120;

const INDEX_LINES: u32 = (MEMBERS_MAX * OWN_SLOTS * 2 + LINE_BYTES - 1) / LINE_BYTES;

/** Room in the ring of events that letting go of many leaves to others. */
const EVENTS_SPARE: u32 = 4;

export function intentsBoot(ctx: usize): void {
  const state = intentsToChange(ctx);
  for (let i: u32 = 0; i < INDEX_LINES; i++) replacesLine(ctx, lineOf(INTENT_INDEX_AT) + i);
  memory.fill(ctx + INTENT_INDEX_AT, 0xff, MEMBERS_MAX * OWN_SLOTS * 2);
  for (let i: u32 = 0; i < INTENTS_MAX; i++)
    intentToChange(ctx, i).next = <u16>(i + 1 < INTENTS_MAX ? i + 1 : NO_INDEX);
  for (let i: u32 = 0; i < GROUPS_MAX; i++) {
    groupToChange(ctx, i).first = <u16>NO_INDEX;
    groupToChange(ctx, i).dirtyFrom = <u16>NO_INDEX;
  }
  state.free = 0;
  state.nextDropS = 0xffffffff;
}

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

/** Over for so long that nobody keeps it: taking it in again would only bring it round once more. */
function isOver(ctx: usize, m: IntentMessage): bool {
  const epoch = membership(ctx).round;
  return epoch != 0 && m.endS + RETENTION_S <= roundCutS(epoch);
}

/** Takes in a version that was heard of. Returns its record, or NO_INDEX if it is not newer than what is held, false, over, or there is no room. */
export function hold(ctx: usize, m: IntentMessage): u32 {
  if (m.owner == self(ctx) && !canBeOurs(ctx, m)) {
    impersonated(ctx, m.slot, m.publishedS);
    return NO_INDEX;
  }
  return take(ctx, m);
}

/**
 * Whether this node can have published what is told in its name. Under this boot, or one that is still to come, nobody else can; what this boot published last in a
 * slot stands there, unless it was over and let go of.
 */
function canBeOurs(ctx: usize, m: IntentMessage): bool {
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

/** Takes in a version, this node's own or one that can be true. Returns as hold(). */
export function take(ctx: usize, m: IntentMessage): u32 {
  if (isOver(ctx, m)) return NO_INDEX;
  const state = intents(ctx);
  let index = intentIndex(ctx, m.owner, m.slot);
  const mark = markOfMessage(m);
  let delta = contentHash(m.owner, m.slot, m.version, mark);
  let leaseS: u32 = 0;
  if (index != NO_INDEX) {
    const record = intent(ctx, index);
    if (m.version < record.version) return NO_INDEX;
    const held = markOf(record);
    if (m.version == record.version && !isGreaterContent(ctx, m, mark, held)) return NO_INDEX;
    leaseS = record.leaseS;
    delta -= contentHash(m.owner, m.slot, record.version, held);
    unlink(ctx, index);
  } else {
    index = state.free;
    if (index == NO_INDEX) {
      countLoss(ctx, COUNTER_INTENTS_FULL);
      return NO_INDEX;
    }
    state.free = intent(ctx, index).next;
    state.count++;
    intentsToChange(ctx);
    setIntentIndex(ctx, m.owner, m.slot, index);
  }
  const record = intentToChange(ctx, index);
  fill(record, m);
  record.boundS = boundOf(ctx, record);
  if (bitGet(silentAt(ctx), m.owner) && record.boundS < state.nextDropS) intentsToChange(ctx).nextDropS = record.boundS;
  link(ctx, index);
  if (m.leaseS > leaseS && m.leaseS > missionS(ctx)) noteExtendedLease(ctx);
  account(ctx, m.publishedS, delta);
  accountOwner(ctx, m.owner, delta);
  invalidateHigherSlots(ctx, m.owner, m.slot);
  emitStored(ctx, m.owner, m.slot, m.version, m.state, m.publishedS);
  return index;
}

/** Whether the other content under a version that is held takes its place: the greater mark does, everywhere alike. */
function isGreaterContent(ctx: usize, m: IntentMessage, mark: u32, held: u32): bool {
  if (!CONTAINED || mark == held) return false;
  countLoss(ctx, COUNTER_INTENT_DIFFERS);
  differs(ctx, m.owner, m.slot, m.version, m.publishedS);
  return m.owner != self(ctx) && mark > held;
}

function fill(record: Intent, m: IntentMessage): void {
  record.startS = m.startS;
  record.endS = m.endS;
  record.rate = m.rate;
  record.resource = m.resource;
  record.state = <u8>m.state;
  record.verdict = 0;
  record.owner = <u16>m.owner;
  record.slot = <u8>m.slot;
  record.kind = <u8>m.kind;
  record.version = m.version;
  record.claimS = m.claimS;
  record.publishedS = m.publishedS;
  record.nonce = m.nonce;
  record.read = m.read;
  record.leaseS = m.leaseS;
  record.priority = <u8>m.priority;
  record.generation = <u8>m.generation;
  record.echo = 0;
  setOrder(record);
}

/** Lays a held record out as the message it came as. */
export function asMessage(record: Intent, m: IntentMessage): void {
  m.owner = record.owner;
  m.slot = record.slot;
  m.version = record.version;
  m.kind = record.kind;
  m.resource = record.resource;
  m.startS = record.startS;
  m.endS = record.endS;
  m.rate = record.rate;
  m.priority = record.priority;
  m.state = record.state;
  m.generation = record.generation;
  m.claimS = record.claimS;
  m.publishedS = record.publishedS;
  m.nonce = record.nonce;
  m.read = record.read;
  m.leaseS = record.leaseS;
}

/** Tells that this version is held now; state 0: no longer. */
export function emitStored(ctx: usize, owner: u32, slot: u32, version: u32, state: u32, publishedS: u32): void {
  const at = eventSpace(ctx);
  if (at == 0) return;
  const m = changetype<Held>(ctx + SCRATCH_OUT_AT);
  m.owner = owner;
  m.slot = slot;
  m.version = version;
  m.state = state;
  m.publishedS = publishedS;
  eventDone(ctx, at, encodeHeld(at, at + EVENT_BYTES_MAX - 1, m));
}

/** Lets a record go, to be counted as of `atS` so that all nodes agree on it whenever they come to it. */
function drop(ctx: usize, index: u32, atS: u32): void {
  const state = intentsToChange(ctx);
  const record = intentToChange(ctx, index);
  const delta = <u64>0 - contentHash(record.owner, record.slot, record.version, markOf(record));
  unlink(ctx, index);
  setIntentIndex(ctx, record.owner, record.slot, NO_INDEX);
  account(ctx, atS, delta);
  accountOwner(ctx, record.owner, delta);
  invalidateHigherSlots(ctx, record.owner, record.slot);
  emitStored(ctx, record.owner, record.slot, record.version, 0, record.publishedS);
  record.state = 0;
  record.next = <u16>state.free;
  state.free = index;
  state.count--;
}

/** Lets go what was never true: as if it had never been heard. */
export function dropFalse(ctx: usize, index: u32): void {
  drop(ctx, index, intent(ctx, index).publishedS);
}

/** At an epoch's cut: what ended RETENTION_S before it goes, counted before the cut on every node alike. */
export function dropOver(ctx: usize, cutS: u32): void {
  readIntents(ctx);
  for (let i: u32 = 0; i < INTENTS_MAX; i++) {
    const record = intentSeen(ctx, i);
    if (record.state != 0 && record.endS + RETENTION_S <= cutS) drop(ctx, i, 0);
  }
}

/** INT-5: what gone owners held past lease and guard goes, counted at the second when the hold ended. */
export function dropUnheld(ctx: usize): void {
  const state = intents(ctx);
  const now = missionS(ctx);
  // Who has just started has heard nobody yet: the others seem gone, their work is not.
  if (now < state.nextDropS || now < membership(ctx).bootS + TICKS_UNTIL_SILENT * LIVENESS_TICK_S) return;
  let next: u32 = 0xffffffff;
  readIntents(ctx);
  for (let i: u32 = 0; i < INTENTS_MAX; i++) {
    const record = intentSeen(ctx, i);
    // Who was gone at the cut may be back: what it tells now is no longer let go.
    if (record.state == 0 || !bitGet(silentAt(ctx), record.owner) || ageOf(ctx, record.owner) < TICKS_UNTIL_SILENT)
      continue;
    const boundS = boundOf(ctx, record);
    if (boundS > now) {
      if (boundS < next) next = boundS;
      continue;
    }
    // Each is told; when the platform must fetch what is told first, the next call goes on.
    if (<u32>queues(ctx).eventCount >= EVENTS_MAX - EVENTS_SPARE) next = now;
    else drop(ctx, i, boundS);
  }
  intentsToChange(ctx).nextDropS = next;
}

/** Whether a record's work is over for its owner. */
export function isFinished(record: Intent): bool {
  return <u32>record.state >= DONE;
}

/** A new version is passed on with the next few ordinary frames: the ring forgets the oldest. */
export function startRumor(ctx: usize, index: u32, times: u32): void {
  const state = intents(ctx);
  const at = rumorAt(ctx, state.rumorNext);
  store<u16>(at, <u16>index);
  store<u16>(at + 2, <u16>times);
  intentsToChange(ctx).rumorNext = (state.rumorNext + 1) % RUMORS_MAX;
  changes(ctx, RUMORS);
}

/** A rumour to attach now: its record, or NO_INDEX. */
export function takeRumor(ctx: usize): u32 {
  for (let i: u32 = 0; i < RUMORS_MAX; i++) {
    const at = rumorAt(ctx, i);
    const left = load<u16>(at + 2);
    if (left == 0) continue;
    changes(ctx, RUMORS);
    store<u16>(at + 2, left - 1);
    const index: u32 = load<u16>(at);
    if (intent(ctx, index).state != 0) return index;
    store<u16>(at + 2, 0);
  }
  return NO_INDEX;
}

if (RUMOR_COUNT > 15) ERROR('a rumour dies out');
