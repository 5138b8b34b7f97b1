// Merges versions into the store (INT-4): the merge is commutative, associative and idempotent.

import { CONTAINED, NO_INDEX, RETENTION_S, SHORT_LEASE_S_MAX } from '../memory/limits';
import { COUNTER_INTENTS_FULL, INTENT_STATE_STARTED } from '../wire/generated/codes';
import { bitGet } from '../base/bits';
import { clockTrusted } from '../node/clock';
import { missionS, self } from '../node/table';
import { countLoss } from '../node/queues';
import { roundCutS } from '../membership/calendar';
import { noteUnstored } from '../membership/quorum';
import { membership, silentAt } from '../membership/table';
import { Intent as IntentMessage } from '../wire/generated/messages';
import { boundOf } from './arbitration';
import { link, unlink } from './chain';
import { accountChange, accountOwner, slotTerm, versionHash } from './digest';
import { invalidateHigherSlots } from './quota';
import { emitStored } from './store';
import {
  groupToChange,
  intent,
  intentIndex,
  intentToChange,
  intents,
  intentsToChange,
  isClaim,
  resourceGroup,
  setIntentIndex,
  Intent,
} from './table';
import { contentHashOf, contentHashOfMessage, fillRecord } from './version';

/**
 * How a version relates to the stored version of its owner and intent slot. From GREATER_CONTENT on
 * it takes that place.
 */
const NOT_NEWER: u32 = 0;
/** Another content under the same version, whose hash is the lesser or the greater one. */
export const LESSER_CONTENT: u32 = 1;
export const GREATER_CONTENT: u32 = 2;
const NEWER: u32 = 3;

/**
 * Returns how a version relates to what is stored. Of two contents the greater hash wins, on every
 * node alike.
 */
export function relationOf(ctx: usize, m: IntentMessage): u32 {
  if (isExpired(ctx, m)) return NOT_NEWER;
  const index = intentIndex(ctx, m.owner, m.slot);
  if (index == NO_INDEX) return NEWER;
  const record = intent(ctx, index);
  if (m.version != record.version) return m.version > record.version ? NEWER : NOT_NEWER;
  if (!CONTAINED) return NOT_NEWER;
  const received = contentHashOfMessage(m);
  const stored = contentHashOf(record);
  if (received == stored) return NOT_NEWER;
  return m.owner != self(ctx) && received > stored ? GREATER_CONTENT : LESSER_CONTENT;
}

/**
 * Whether a version ended so long ago that no node keeps it: stored again, it would only be spread
 * once more.
 */
function isExpired(ctx: usize, m: IntentMessage): bool {
  const round = membership(ctx).round;
  return round != 0 && m.endS + RETENTION_S <= roundCutS(round);
}

/**
 * Stores a version unless it is not newer. Returns its record, or NO_INDEX if it is not newer or
 * the table is full.
 */
export function merge(ctx: usize, m: IntentMessage): u32 {
  return relationOf(ctx, m) >= GREATER_CONTENT ? put(ctx, m) : NO_INDEX;
}

/** Whether a version that replaces a claim takes less than the claim, at any time of it. */
function freesCapacity(record: Intent, m: IntentMessage): bool {
  return (
    isClaim(record) &&
    (m.state > INTENT_STATE_STARTED ||
      m.resource != record.resource ||
      m.rate < record.rate ||
      m.startS > record.startS ||
      m.endS < record.endS)
  );
}

/**
 * Whether an extended lease may outlast the time for which a restarted node has no vote. A clock
 * that is not trusted leaves that open.
 */
function isLong(ctx: usize, leaseS: u32): bool {
  return !clockTrusted(ctx) || leaseS > missionS(ctx) + SHORT_LEASE_S_MAX;
}

/**
 * Stores a version in the place of the one before. Returns its record, or NO_INDEX if the table is
 * full.
 */
export function put(ctx: usize, m: IntentMessage): u32 {
  const state = intents(ctx);
  let index = intentIndex(ctx, m.owner, m.slot);
  let delta = versionHash(m.owner, m.slot, m.version, contentHashOfMessage(m));
  let owned = slotTerm(m.owner, m.slot, m.version);
  let leaseS: u32 = 0;
  // What replaces a placeholder undoes the change that a forgery had made.
  let atS = m.publishedS;
  if (index != NO_INDEX) {
    const record = intent(ctx, index);
    leaseS = record.leaseS;
    if (record.publishedS > atS) atS = record.publishedS;
    if (m.owner != self(ctx) && freesCapacity(record, m))
      groupToChange(ctx, resourceGroup(record.resource)).freedS = missionS(ctx);
    delta -= versionHash(m.owner, m.slot, record.version, contentHashOf(record));
    owned -= slotTerm(m.owner, m.slot, record.version);
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
  fillRecord(record, m);
  record.boundS = boundOf(ctx, record);
  if (bitGet(silentAt(ctx), m.owner) && record.boundS < state.nextEvictionS)
    intentsToChange(ctx).nextEvictionS = record.boundS;
  link(ctx, index);
  if (m.leaseS > leaseS && isLong(ctx, m.leaseS)) noteUnstored(ctx);
  accountChange(ctx, atS, delta);
  accountOwner(ctx, m.owner, owned);
  invalidateHigherSlots(ctx, m.owner, m.slot);
  emitStored(ctx, record, m.state);
  return index;
}
