// Publishes versions of this node's intents: fresh claims, changed, renewed and finished ones.

import { NO_INDEX, RUMOUR_COUNT, EVENT_BYTES_MAX } from '../../memory/limits';
import { SCRATCH_AT, SCRATCH_OUT_AT } from '../../memory/map';
import { mix32, fold32 } from '../../base/hash';
import { sendFirst, SEND_INTENT } from '../../node/outbox';
import { eventSpace, eventDone } from '../../node/queues';
import { node, self, missionS } from '../../node/table';
import { VERSION_BITS, INTENT_STATE_CLAIMED, ADDRESSEE_ALL } from '../../wire/generated/codes';
import { Intent as IntentMessage, Published, encodePublished } from '../../wire/generated/messages';
import { releasesUnit } from '../admission';
import { nextInChain } from '../chain';
import { identityHash } from '../digest';
import { merge } from '../merge';
import { startRumour } from '../rumour';
import { publicationTimeS, requestStatement } from '../statement/signing';
import { intentsToChange, group, resourceGroup, intent, isClaim, intentIndex, ownToChange, flagSlot } from '../table';
import { toMessage } from '../version';

/** A version is broadcast this many times more, one period apart: longer than bursts of loss. */
const REBROADCASTS: u16 = 2;

/** Returns the next version number; 0 if this boot has used up its numbers. */
function nextVersion(ctx: usize): u32 {
  const state = intentsToChange(ctx);
  const floor = node(ctx).incarnation << VERSION_BITS;
  if (state.version < floor) state.version = floor;
  if ((state.version + 1) >>> VERSION_BITS != node(ctx).incarnation) return 0;
  state.version++;
  return state.version;
}

/**
 * Digest of the stored claims that compete with a claim of `owner`: it proves that the owner read
 * them (INT-1).
 */
export function readDigest(ctx: usize, owner: u32, resource: u32, startS: u32, endS: u32): u32 {
  let sum: u32 = 0;
  let at: u32 = group(ctx, resourceGroup(resource)).first;
  let steps: u32 = 0;
  while (at != NO_INDEX) {
    const other = intent(ctx, at);
    if (<u32>other.owner != owner && isClaim(other) && other.startS < endS && startS < other.boundS)
      sum += <u32>identityHash(other.owner, other.slot, other.version);
    at = nextInChain(other, steps++);
  }
  return sum;
}

/**
 * Copies the stored content of an own intent slot, whose record must exist, to a message in the
 * scratch, to be changed and published.
 */
export function draft(ctx: usize, slot: u32): IntentMessage {
  const m = changetype<IntentMessage>(ctx + SCRATCH_AT);
  toMessage(intent(ctx, intentIndex(ctx, self(ctx), slot)), m);
  return m;
}

/**
 * Prepares a fresh claim in the scratch. The caller sets what it claims (setClaim), and publishes
 * it.
 */
export function freshClaim(ctx: usize, slot: u32, kind: u32): IntentMessage {
  const now = missionS(ctx);
  const m = changetype<IntentMessage>(ctx + SCRATCH_AT);
  m.owner = self(ctx);
  m.slot = slot;
  m.kind = kind;
  m.priority = 1;
  m.state = INTENT_STATE_CLAIMED;
  m.generation = node(ctx).generation;
  m.claimS = now;
  m.nonce = mix32(fold32(node(ctx).seed, now ^ (self(ctx) << 24) ^ slot));
  m.leaseS = 0;
  return m;
}

/** Sets what a fresh claim claims. */
export function setClaim(m: IntentMessage, resource: u32, startS: u32, endS: u32, rate: u32): void {
  m.resource = resource;
  m.startS = startS;
  m.endS = endS;
  m.rate = rate;
}

/**
 * Publishes the content as the next version of its intent slot. Returns the version; 0 if no number
 * is left or the table is full.
 */
export function publish(ctx: usize, m: IntentMessage): u32 {
  m.owner = self(ctx);
  m.version = nextVersion(ctx);
  if (m.version == 0) return 0;
  m.publishedS = publicationTimeS(ctx, m.slot);
  m.read = readDigest(ctx, m.owner, m.resource, m.startS, m.endS);
  const slot = m.slot;
  const before = intentIndex(ctx, self(ctx), m.slot);
  const needsStatement = before != NO_INDEX && releasesUnit(ctx, intent(ctx, before), m);
  const index = merge(ctx, m);
  if (index == NO_INDEX) return 0;
  startRumour(ctx, index, RUMOUR_COUNT);
  ownToChange(ctx, slot).rebroadcasts = REBROADCASTS;
  sendFirst(ctx, SEND_INTENT, ADDRESSEE_ALL, self(ctx), slot);
  emitPublished(ctx, m);
  if (needsStatement) requestStatement(ctx, slot, m.publishedS);
  intentsToChange(ctx).unsettled = 1;
  return m.version;
}

/** Emits the event of a published version. */
function emitPublished(ctx: usize, m: IntentMessage): void {
  const at = eventSpace(ctx);
  if (at == 0) return;
  const e = changetype<Published>(ctx + SCRATCH_OUT_AT);
  e.slot = m.slot;
  e.version = m.version;
  e.kind = m.kind;
  e.resource = m.resource;
  e.startS = m.startS;
  e.endS = m.endS;
  e.rate = m.rate;
  e.priority = m.priority;
  e.state = m.state;
  e.claimS = m.claimS;
  e.nonce = m.nonce;
  e.leaseS = m.leaseS;
  eventDone(ctx, at, encodePublished(at, at + EVENT_BYTES_MAX - 1, e));
}

/** The record of an own intent slot if it is a claim, else NO_INDEX. */
export function ownIndex(ctx: usize, slot: u32): u32 {
  const index = intentIndex(ctx, self(ctx), slot);
  return index != NO_INDEX && isClaim(intent(ctx, index)) ? index : NO_INDEX;
}

/**
 * Claims the resource of an own intent slot anew, without the precedence of started work: its lease
 * ended while out of contact, or the node restarted.
 */
export function claimAnew(ctx: usize, slot: u32, claimS: u32): void {
  ownToChange(ctx, slot).settledVersion = 0;
  const m = draft(ctx, slot);
  const now = missionS(ctx);
  m.state = INTENT_STATE_CLAIMED;
  m.claimS = claimS;
  if (claimS == now) m.nonce = mix32(m.nonce ^ now);
  m.leaseS = 0;
  if (m.startS < now) m.startS = now;
  if (m.startS >= m.endS) m.endS = m.startS + 1;
  publish(ctx, m);
  flagSlot(ctx, slot);
}

/** Ends the work of an own intent slot now, as INTENT_STATE_DONE or INTENT_STATE_WITHDRAWN. */
export function finish(ctx: usize, slot: u32, state: u32): void {
  const mine = ownToChange(ctx, slot);
  mine.settledVersion = 0;
  mine.assigned = 0;
  if (ownIndex(ctx, slot) != NO_INDEX) {
    const m = draft(ctx, slot);
    m.state = state;
    const now = missionS(ctx);
    if (m.endS > now) m.endS = now > m.startS ? now : m.startS + 1;
    m.leaseS = 0;
    publish(ctx, m);
  }
  flagSlot(ctx, slot);
}
