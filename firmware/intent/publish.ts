// Publishes versions of this node.

import { INTENT_STATE_CLAIMED, VERSION_BITS } from '../wire/generated/codes';
import { NO_INDEX, RUMOR_COUNT, ADDRESSEE_ALL, EVENT_BYTES_MAX } from '../memory/limits';
import { SCRATCH_AT, SCRATCH_OUT_AT } from '../memory/map';
import { mix32, fold32 } from '../base/hash';
import { sendFirst, SEND_INTENT } from '../node/outbox';
import { eventSpace, eventDone } from '../node/queues';
import { edge, self, missionS } from '../node/table';
import { Intent as IntentMessage, Published, encodePublished } from '../wire/generated/messages';
import { releasesUnit } from './admission';
import { isClaim } from './arbitration';
import { identityHash } from './digest';
import { merge } from './merge';
import { startRumour } from './rumour';
import { requestStatement, publicationTimeS } from './signing';
import { intentsToChange, group, resourceGroup, intent, intentIndex, ownToChange, flagSlot } from './table';
import { toMessage } from './version';

/** A version is broadcast this many times more, a period apart: bursts of loss are shorter. */
const REBROADCASTS: u16 = 2;

/** 0 if this boot has used up its versions: the next boot's are not touched. */
function nextVersion(ctx: usize): u32 {
  const state = intentsToChange(ctx);
  const floor = edge(ctx).incarnation << VERSION_BITS;
  if (state.version < floor) state.version = floor;
  if ((state.version + 1) >>> VERSION_BITS != edge(ctx).incarnation) return 0;
  state.version++;
  return state.version;
}

/** Digest of the intents held now that compete with one of `owner`: the proof that it looked (INT-1). */
export function readDigest(ctx: usize, owner: u32, resource: u32, startS: u32, endS: u32): u32 {
  let sum: u32 = 0;
  let at: u32 = group(ctx, resourceGroup(resource)).first;
  while (at != NO_INDEX) {
    const other = intent(ctx, at);
    if (<u32>other.owner != owner && isClaim(other) && other.startS < endS && startS < other.boundS)
      sum += <u32>identityHash(other.owner, other.slot, other.version);
    at = other.next;
  }
  return sum;
}

/** A message in the scratch for the present content of an own slot (its record must exist), to be altered and published. */
export function draft(ctx: usize, slot: u32): IntentMessage {
  const m = changetype<IntentMessage>(ctx + SCRATCH_AT);
  toMessage(intent(ctx, intentIndex(ctx, self(ctx), slot)), m);
  return m;
}

/** A message in the scratch for a fresh claim. */
export function freshClaim(
  ctx: usize,
  slot: u32,
  kind: u32,
  resource: u32,
  startS: u32,
  endS: u32,
  rate: u32,
): IntentMessage {
  const now = missionS(ctx);
  const m = changetype<IntentMessage>(ctx + SCRATCH_AT);
  m.owner = self(ctx);
  m.slot = slot;
  m.kind = kind;
  m.resource = resource;
  m.startS = startS;
  m.endS = endS;
  m.rate = rate;
  m.priority = 1;
  m.state = INTENT_STATE_CLAIMED;
  m.generation = edge(ctx).generation;
  m.claimS = now;
  m.nonce = mix32(fold32(edge(ctx).seed, now ^ (self(ctx) << 24) ^ slot));
  m.leaseS = 0;
  return m;
}

/** Publishes the drafted content as the next version of its slot. Returns its version, 0 if there is none left or the table is full. */
export function publish(ctx: usize, m: IntentMessage): u32 {
  m.owner = self(ctx);
  m.version = nextVersion(ctx);
  if (m.version == 0) return 0;
  m.publishedS = publicationTimeS(ctx, m.slot);
  m.read = readDigest(ctx, m.owner, m.resource, m.startS, m.endS);
  const slot = m.slot;
  const before = intentIndex(ctx, self(ctx), m.slot);
  const toSign = before != NO_INDEX && releasesUnit(ctx, intent(ctx, before), m);
  const index = merge(ctx, m);
  if (index == NO_INDEX) return 0;
  startRumour(ctx, index, RUMOR_COUNT);
  ownToChange(ctx, slot).rebroadcasts = REBROADCASTS;
  sendFirst(ctx, SEND_INTENT, ADDRESSEE_ALL, self(ctx), slot);
  emitPublished(ctx, m);
  if (toSign) requestStatement(ctx, slot, m.publishedS);
  intentsToChange(ctx).unsettled = 1;
  return m.version;
}

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

/** The own record in a slot if it claims anything, else NO_INDEX. */
export function ownIndex(ctx: usize, slot: u32): u32 {
  const index = intentIndex(ctx, self(ctx), slot);
  return index != NO_INDEX && isClaim(intent(ctx, index)) ? index : NO_INDEX;
}

/** The lease ran out while out of contact, or the node restarted: the slot claims anew, without the precedence of what has begun. */
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

/** Ends a slot's work: done or withdrawn, from now on. */
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
