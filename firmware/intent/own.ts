// This node's own intents: publishing, settling, leases (INT-1, INT-3, INT-5). The single writer of its slots.
//
// A claim on an exclusive unit runs only once it is settled: a majority of the base agrees on a digest that contains it (it was
// published before the epoch's cut), arbitration accepts it, and every competitor that it beats agreed in two epochs in a row, so that
// the competitor knew it before the second cut and its start, had there been one, would be in the second digest. See README.md.

import {
  OWN_SLOTS,
  NO_INDEX,
  ADDRESSEE_ALL,
  EVENT_BYTES_MAX,
  LEASE_GUARD_S,
  RUMOR_COUNT,
  ROUND_S,
} from '../memory/limits';
import { SCRATCH_AT, SCRATCH_OUT_AT } from '../memory/map';
import { bitGet } from '../base/bits';
import { mix32, fold32 } from '../base/hash';
import { edge, missionS, self, timeKnown, leaveToTick, DUE_WITHDRAW } from '../node/table';
import { eventSpace, eventDone } from '../node/queues';
import { sendFirst, SEND_INTENT } from '../node/outbox';
import { changes } from '../memory/guard';
import { clockTrusted, clockErrorMs } from '../node/clock';
import { membership, agreeAt, agreedBeforeAt, VIEW } from '../membership/table';
import { roundCutS } from '../membership/calendar';
import { grantedLeaseEndS } from '../membership/lease';
import { updateQuorum, majorityAgrees } from '../membership/quorum';
import {
  Intent as IntentMessage,
  Published,
  encodePublished,
  Settled,
  encodeSettled,
  Lost,
  encodeLost,
} from '../wire/generated/messages';
import {
  intents,
  intentsToChange,
  intent,
  intentIndex,
  own,
  ownToChange,
  flagSlot,
  group,
  VERSION_BITS,
  resourceGroup,
  resourceUnit,
  CLAIMED,
  STARTED,
  DONE,
  WITHDRAWN,
  VERDICT_REFUSED,
} from './table';
import { take, asMessage, startRumor } from './store';
import { intentHash } from './digest';
import { frees } from './quota';
import { dispute, publicationS } from './witness';
import { verdictOf, winnerOver, claims, boundOf, invalidateAll } from './arbitration';

/** A version is broadcast this many times more, a period apart: bursts of loss are shorter. */
const RETELL_TIMES: u16 = 2;

/** So long after a boot peers have told what this node had published before it: what stands then is claimed anew, seconds. */
const RESTATE_S: u32 = 120;

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
    if (<u32>other.owner != owner && claims(other) && other.startS < endS && startS < other.boundS)
      sum += <u32>intentHash(other.owner, other.slot, other.version);
    at = other.next;
  }
  return sum;
}

/** A message in the scratch for the present content of an own slot (its record must exist), to be altered and published. */
export function draft(ctx: usize, slot: u32): IntentMessage {
  const m = changetype<IntentMessage>(ctx + SCRATCH_AT);
  asMessage(intent(ctx, intentIndex(ctx, self(ctx), slot)), m);
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
  m.state = CLAIMED;
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
  m.publishedS = publicationS(ctx, m.slot);
  m.read = readDigest(ctx, m.owner, m.resource, m.startS, m.endS);
  const slot = m.slot;
  const before = intentIndex(ctx, self(ctx), m.slot);
  const toSign = before != NO_INDEX && frees(ctx, intent(ctx, before), m);
  const index = take(ctx, m);
  if (index == NO_INDEX) return 0;
  startRumor(ctx, index, RUMOR_COUNT);
  ownToChange(ctx, slot).retell = RETELL_TIMES;
  sendFirst(ctx, SEND_INTENT, ADDRESSEE_ALL, self(ctx), slot);
  emitPublished(ctx, m);
  if (toSign) dispute(ctx, slot, m.publishedS);
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
  return index != NO_INDEX && claims(intent(ctx, index)) ? index : NO_INDEX;
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

// ---- settling ----

/** After the agreement grew, or a cut: a majority renews the lease, once in an epoch, and what can be settled is. */
export function agreementGrew(ctx: usize): void {
  if (membership(ctx).boundsMoved != 0) {
    membership(ctx).boundsMoved = 0;
    changes(ctx, VIEW);
    invalidateAll(ctx);
  }
  if (updateQuorum(ctx)) renewOwn(ctx);
  settleOwn(ctx);
}

function settleOwn(ctx: usize): void {
  const state = intents(ctx);
  if (state.unsettled == 0 || membership(ctx).quorum == 0 || !majorityAgrees(ctx) || !clockTrusted(ctx)) return;
  let left: u32 = 0;
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const index = ownIndex(ctx, slot);
    if (index == NO_INDEX || intent(ctx, index).version == own(ctx, slot).settledVersion) continue;
    if (verdictOf(ctx, index) != VERDICT_REFUSED && canSettle(ctx, index)) settle(ctx, slot, index);
    else left = 1;
  }
  intentsToChange(ctx).unsettled = left;
}

function canSettle(ctx: usize, index: u32): bool {
  const view = membership(ctx);
  const record = intent(ctx, index);
  if (record.publishedS >= roundCutS(view.round)) return false;
  // What an earlier boot published it may have taken back where this one cannot know: claimed anew, it says so to all.
  if (record.version >>> VERSION_BITS != edge(ctx).incarnation) return false;
  if (resourceUnit(record.resource) == 0) return true;
  const twice = view.previousRound + 1 == view.round && record.publishedS < roundCutS(view.previousRound);
  let ranksHigher = true;
  let at: u32 = group(ctx, resourceGroup(record.resource)).first;
  while (at != NO_INDEX) {
    const other = intent(ctx, at);
    if (at == index) ranksHigher = false;
    else if (
      other.resource == record.resource &&
      claims(other) &&
      other.startS < record.endS &&
      record.startS < boundOf(ctx, other)
    ) {
      // Refused here for something newer than the cut, it may be accepted, and settled, elsewhere.
      if (ranksHigher) return false;
      // It may have begun: it keeps the unit until it ends or says otherwise.
      if (<u32>other.state == STARTED) return false;
      if (!twice || !bitGet(agreeAt(ctx), other.owner) || !bitGet(agreedBeforeAt(ctx), other.owner)) return false;
    }
    at = other.next;
  }
  return true;
}

function settle(ctx: usize, slot: u32, index: u32): void {
  const record = intent(ctx, index);
  const mine = ownToChange(ctx, slot);
  let settled = record.version;
  if (<u32>record.state == CLAIMED) {
    // From now on it may run: that is a fact for all, published before anything moves.
    const m = draft(ctx, slot);
    m.state = STARTED;
    settled = publish(ctx, m);
    if (settled == 0) return;
  }
  mine.settledStartS = record.startS;
  mine.settledEndS = record.endS;
  mine.settledRate = record.rate;
  mine.settledResource = record.resource;
  mine.settledLeaseS = record.leaseS;
  mine.settledVersion = settled;
  emitSettled(ctx, slot);
  flagSlot(ctx, slot);
}

function emitSettled(ctx: usize, slot: u32): void {
  const at = eventSpace(ctx);
  if (at == 0) return;
  const mine = own(ctx, slot);
  const e = changetype<Settled>(ctx + SCRATCH_OUT_AT);
  e.slot = slot;
  e.version = mine.settledVersion;
  e.startS = mine.settledStartS;
  e.endS = mine.settledEndS;
  e.rate = mine.settledRate;
  eventDone(ctx, at, encodeSettled(at, at + EVENT_BYTES_MAX - 1, e));
}

// ---- losing ----

/** Every period: what arbitration refused is given up or cut back, what ended is done, what lost its lease claims anew. */
export function tendOwn(ctx: usize): void {
  const now = missionS(ctx);
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const mine = own(ctx, slot);
    if (mine.retell != 0) {
      ownToChange(ctx, slot).retell--;
      sendFirst(ctx, SEND_INTENT, ADDRESSEE_ALL, self(ctx), slot);
    }
    const index = ownIndex(ctx, slot);
    if (index == NO_INDEX) continue;
    const record = intent(ctx, index);
    if (verdictOf(ctx, index) == VERDICT_REFUSED && !outlives(ctx, slot, index)) {
      lose(ctx, slot, index);
      continue;
    }
    if (record.endS <= now + LEASE_GUARD_S) {
      finish(ctx, slot, mine.settledVersion != 0 ? DONE : WITHDRAWN);
      continue;
    }
    if (mine.settledVersion != 0 && now >= leaseEndS(ctx, slot)) claimAnew(ctx, slot, now);
    else if (record.version >>> VERSION_BITS != edge(ctx).incarnation && now >= membership(ctx).bootS + RESTATE_S)
      claimAnew(ctx, slot, record.claimS);
  }
}

/**
 * INT-3: what is under way and holds its lease is not taken back for another's start on the unit. That one's lease was over before
 * this could settle; its owner was away or restarted, and claims anew.
 */
function outlives(ctx: usize, slot: u32, index: u32): bool {
  const winner = winnerOver(ctx, index);
  if (winner == NO_INDEX || own(ctx, slot).running == 0 || own(ctx, slot).settledVersion != intent(ctx, index).version)
    return false;
  const other = intent(ctx, winner);
  return (
    <u32>other.state == STARTED && other.resource == intent(ctx, index).resource && missionS(ctx) < leaseEndS(ctx, slot)
  );
}

/** Arbitration refused it. An extension falls back to what had settled; a claim is withdrawn and planned anew. */
function lose(ctx: usize, slot: u32, index: u32): void {
  const record = intent(ctx, index);
  const mine = own(ctx, slot);
  const winner = winnerOver(ctx, index);
  const at = eventSpace(ctx);
  if (at != 0) {
    const e = changetype<Lost>(ctx + SCRATCH_OUT_AT);
    e.slot = slot;
    e.version = record.version;
    e.toOwner = winner == NO_INDEX ? self(ctx) : <u32>intent(ctx, winner).owner;
    e.toSlot = winner == NO_INDEX ? slot : <u32>intent(ctx, winner).slot;
    eventDone(ctx, at, encodeLost(at, at + EVENT_BYTES_MAX - 1, e));
  }
  const settled = mine.settledVersion;
  if (settled != 0 && settled != record.version && mine.settledEndS > missionS(ctx) + ROUND_S && winner != NO_INDEX) {
    const m = draft(ctx, slot);
    m.endS = mine.settledEndS;
    m.rate = mine.settledRate;
    m.leaseS = mine.settledLeaseS;
    const version = publish(ctx, m);
    if (version != 0) ownToChange(ctx, slot).settledVersion = version;
    return;
  }
  intentsToChange(ctx).attempts++;
  finish(ctx, slot, WITHDRAWN);
}

/** The lease ran out while out of contact, or the node restarted: the slot claims anew, without the precedence of what has begun. */
function claimAnew(ctx: usize, slot: u32, claimS: u32): void {
  ownToChange(ctx, slot).settledVersion = 0;
  const m = draft(ctx, slot);
  const now = missionS(ctx);
  m.state = CLAIMED;
  m.claimS = claimS;
  if (claimS == now) m.nonce = mix32(m.nonce ^ now);
  m.leaseS = 0;
  if (m.startS < now) m.startS = now;
  if (m.startS >= m.endS) m.endS = m.startS + 1;
  publish(ctx, m);
  flagSlot(ctx, slot);
}

// ---- leases ----

/**
 * A majority agreed: the lease goes on. While this node was gone, others may have settled on what it works from the end of its hold
 * on; they are in the digest just agreed on, and it leaves them what begins after the end of its lease so far.
 */
function renewOwn(ctx: usize): void {
  const view = membership(ctx);
  const now = missionS(ctx);
  const until = grantedLeaseEndS(ctx);
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const mine = own(ctx, slot);
    if (mine.settledVersion == 0 || ownIndex(ctx, slot) == NO_INDEX) continue;
    const before = leaseEndS(ctx, slot);
    if (now >= before) {
      claimAnew(ctx, slot, now);
      continue;
    }
    const promised =
      until > before && resourceUnit(mine.settledResource) != 0 ? promisedFromS(ctx, slot, before) : mine.settledEndS;
    if (promised <= mine.settledStartS) claimAnew(ctx, slot, now);
    else if (promised < mine.settledEndS) shorten(ctx, slot, promised);
  }
  if (until <= view.leaseUntilS) return;
  view.leaseUntilS = until;
  changes(ctx, VIEW);
}

/** The earliest start, at or after `fromS`, of another's claim on the unit that a slot works; its own end if there is none. */
function promisedFromS(ctx: usize, slot: u32, fromS: u32): u32 {
  const mine = own(ctx, slot);
  let earliest = mine.settledEndS;
  let at: u32 = group(ctx, resourceGroup(mine.settledResource)).first;
  while (at != NO_INDEX) {
    const other = intent(ctx, at);
    const same = <u32>other.owner != self(ctx) && other.resource == mine.settledResource && claims(other);
    if (same && other.boundS > mine.settledStartS && other.startS >= fromS && other.startS < earliest)
      earliest = other.startS;
    at = other.next;
  }
  return earliest;
}

/** Settled work ends sooner: that needs nobody's consent. */
function shorten(ctx: usize, slot: u32, endS: u32): void {
  const mine = ownToChange(ctx, slot);
  const m = draft(ctx, slot);
  m.endS = endS;
  m.leaseS = mine.settledLeaseS;
  mine.settledEndS = endS;
  const version = publish(ctx, m);
  if (version != 0) mine.settledVersion = version;
  emitSettled(ctx, slot);
  flagSlot(ctx, slot);
}

/** Until when this slot's lease lets it run, mission seconds: the ordinary lease, or one extended in advance less guard and clock error. */
export function leaseEndS(ctx: usize, slot: u32): u32 {
  const ordinary = membership(ctx).leaseUntilS;
  const extended = own(ctx, slot).settledLeaseS;
  const guardS = LEASE_GUARD_S + clockErrorMs(ctx) / 1000;
  return extended > guardS && extended - guardS > ordinary ? extended - guardS : ordinary;
}

/** Until when this slot may run, mission seconds. It ends a guard early, for the next holder may begin at the very second. */
export function runUntilS(ctx: usize, slot: u32): u32 {
  const lease = leaseEndS(ctx, slot);
  const end = own(ctx, slot).settledEndS - LEASE_GUARD_S - doubtS(ctx);
  return lease < end ? lease : end;
}

/** The guard covers a trusted clock. Who was cut off for days begins later and ends sooner by what its clock may be off, seconds. */
function doubtS(ctx: usize): u32 {
  return clockTrusted(ctx) ? 0 : clockErrorMs(ctx) / 1000;
}

/** INT-5: whether the slot's work may be under way now. */
export function mayRun(ctx: usize, slot: u32): bool {
  const mine = own(ctx, slot);
  if (mine.settledVersion == 0 || !timeKnown(ctx)) return false;
  const now = missionS(ctx);
  return now >= mine.settledStartS + doubtS(ctx) && now < runUntilS(ctx, slot);
}

/**
 * A newer version of an own slot came from peers: this node forgot it when it restarted. It stands as published, and must settle
 * again before it runs, for it may have been an extension that had not settled. One of this boot was over, and let go of: who brings it
 * back was away when it ended. Agreement of the epoch before did not cover it, so it must not settle, and all are told that it is over.
 */
export function adoptOwn(ctx: usize, slot: u32, index: u32): void {
  const version = intent(ctx, index).version;
  if (version > intents(ctx).version) intentsToChange(ctx).version = version;
  if (version >>> VERSION_BITS == edge(ctx).incarnation) {
    ownToChange(ctx, slot).returned = 1;
    leaveToTick(ctx, DUE_WITHDRAW);
    return;
  }
  ownToChange(ctx, slot).settledVersion = 0;
  intentsToChange(ctx).unsettled = 1;
  flagSlot(ctx, slot);
}

/** Own versions that were over and that a straggler brought back: all are told so. */
export function withdrawReturned(ctx: usize): void {
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    if (own(ctx, slot).returned == 0) continue;
    ownToChange(ctx, slot).returned = 0;
    finish(ctx, slot, WITHDRAWN);
  }
}

/** After a restart nothing counts as settled: a version published after the checkpoint may have taken it back. */
export function ownRestart(ctx: usize): void {
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const mine = ownToChange(ctx, slot);
    mine.settledVersion = 0;
    mine.running = 0;
    mine.returned = 0;
  }
  intentsToChange(ctx).unsettled = 1;
}
