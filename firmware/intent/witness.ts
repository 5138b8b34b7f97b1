// Words against words (docs/insiders.md). The key of a cluster does not tell who wrote an intent: any member can make one up in the name of another, or give two peers two
// contents under one version. So an owner has a word that nobody else can give: a statement, signed by its platform, on what stands in one of its slots. It is given
// when somebody speaks in the owner's name, or asks; whoever hears it has it verified, and lets go of what it contradicts. Two statements that contradict each other
// prove their owner a double-equivocator, to everybody: what it publishes counts for nothing from then on. An accusation without that proof has no effect.

import {
  ADDRESSEE_ALL,
  CONTAINED,
  COMMAND_BYTES_MAX,
  EVENT_BYTES_MAX,
  NO_INDEX,
  OWN_SLOTS,
  STATEMENTS_MAX,
  COUNTER_INTENT_FORGED,
  COUNTER_IMPERSONATED,
  COUNTER_STATEMENT_FALSE,
  COUNTER_STATEMENTS_FULL,
} from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { call } from '../memory/guard';
import { edge, missionS, self, timeKnown, leaveToTick, DUE_STATEMENT } from '../node/table';
import { commandDone, commandSpace, countLoss, eventDone, eventSpace } from '../node/queues';
import { send, sendFirst, SEND_INTENT, SEND_PROOF, SEND_STATEMENT, SEND_STATEMENT_REQUEST } from '../node/outbox';
import { member, memberToChange } from '../membership/table';
import { learnEquivocator } from '../membership/view';
import {
  Equivocated,
  encodeEquivocated,
  encodeProof,
  encodeStatement,
  encodeStatementRequest,
  Proof as ProofMessage,
  Sign,
  encodeSign,
  Signed,
  Statement as StatementMessage,
  StatementRequest,
  Verify,
  encodeVerify,
} from '../wire/generated/messages';
import { intent, intentIndex, VERSION_BITS } from './table';
import { AHEAD_S_MAX, dropFalse } from './store';
import { contradicts, digestOf, find } from './statement';
import {
  statement,
  statementToChange,
  Statement,
  sameDigest,
  waiting,
  witness,
  witnessToChange,
  CONTESTED,
  DIGEST_AT,
  DIGEST_BYTES,
  FREE,
  HEARD,
  PROOF,
  SIGNATURE_AT,
  SIGNATURE_BYTES,
  UNSIGNED,
  VALID,
} from './witness_table';

/** An answer of the platform's service is waited for so long, local seconds. */
const ANSWER_S: u32 = 30;
/** Who asks gets a new word at most so often, local seconds. */
const ASKED_EVERY_S: u32 = 60;
/** A statement, and a proof, are broadcast so many times more, a period apart. */
const RETELL_TIMES: u16 = 3;
/** Others' statements that may wait for their verification. */
const WAITING_MAX: u32 = (STATEMENTS_MAX + 1) >>> 1;

/** Not an address. */
const MOOT: usize = 1;

// ---- this node's own word ----

/** Somebody published in the name of this node, as of `publishedS`: it gives its word on the slot. */
export function impersonated(ctx: usize, slot: u32, publishedS: u32): void {
  countLoss(ctx, COUNTER_IMPERSONATED);
  if (CONTAINED) dispute(ctx, slot, publishedS);
}

/**
 * A word of this node on a slot is wanted: what is told of it as of `publishedS` is not its own. One that it has given on what stands there covers all that was published
 * until then, and is told again with the next periods if need be.
 */
export function dispute(ctx: usize, slot: u32, publishedS: u32): void {
  const index = find(ctx, self(ctx), slot);
  if (
    index != NO_INDEX &&
    <u32>statement(ctx, index).state == VALID &&
    statement(ctx, index).atS >= publishedS &&
    standing(ctx, statement(ctx, index)) == statement(ctx, index).version
  ) {
    if (statement(ctx, index).left == 0) statementToChange(ctx, index).left = 1;
    return;
  }
  const state = witnessToChange(ctx);
  state.disputed |= 1 << slot;
  const latest = missionS(ctx) + AHEAD_S_MAX;
  const falseS = publishedS < latest ? publishedS : latest;
  if (falseS > state.falseS) state.falseS = falseS;
  leaveToTick(ctx, DUE_STATEMENT);
}

/** The version that is held here in the slot that a word is on, 0 = none. */
function standing(ctx: usize, entry: Statement): u32 {
  const held = intentIndex(ctx, entry.owner, entry.slot);
  return held == NO_INDEX ? 0 : intent(ctx, held).version;
}

/** When what is published now in an own slot counts as published: after this node's last word on the slot. */
export function publicationS(ctx: usize, slot: u32): u32 {
  const now = missionS(ctx);
  if (!CONTAINED) return now;
  const index = find(ctx, self(ctx), slot);
  if (index == NO_INDEX) return now;
  const atS = statement(ctx, index).atS;
  return atS < now ? now : atS + 1;
}

/** Asks the platform's service for what is next: a signature of this node, or the verification of another's. One question at a time. */
export function witnessStep(ctx: usize): void {
  if (!CONTAINED || !timeKnown(ctx)) return;
  const state = witness(ctx);
  if (state.asked != 0 && call(ctx).localS - state.askedS < ANSWER_S) return;
  for (let left = state.disputed; left != 0; left &= left - 1) {
    const slot = ctz<u32>(left);
    if (!isOfThisBoot(ctx, slot)) continue;
    witnessToChange(ctx).disputed &= ~(1 << slot);
    const index = writeOwn(ctx, slot);
    if (index != NO_INDEX) askFor(ctx, index, true);
    return;
  }
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) {
    const wanted: u32 = statement(ctx, i).state;
    if (wanted != HEARD && wanted != UNSIGNED) continue;
    askFor(ctx, i, wanted == UNSIGNED);
    return;
  }
}

/**
 * What stands in a slot from an earlier boot may have been told by anybody, and this node cannot know: it gives no word on it, which beside a word that it gave then would prove it a double-equivocator.
 * It claims anew two minutes after boot (own.ts), and gives its word on that.
 */
function isOfThisBoot(ctx: usize, slot: u32): bool {
  const held = intentIndex(ctx, self(ctx), slot);
  return held == NO_INDEX || intent(ctx, held).version >>> VERSION_BITS == edge(ctx).incarnation;
}

function askFor(ctx: usize, index: u32, toSign: bool): void {
  const at = commandSpace(ctx);
  if (at == 0) return;
  const state = witnessToChange(ctx);
  state.asked = index + 1;
  state.askedS = call(ctx).localS;
  const end = at + COMMAND_BYTES_MAX - 1;
  if (toSign) {
    const m = changetype<Sign>(ctx + SCRATCH_OUT_AT);
    m.ticket = index;
    commandDone(ctx, at, encodeSign(at, end, m));
  } else {
    const m = changetype<Verify>(ctx + SCRATCH_OUT_AT);
    m.ticket = index;
    commandDone(ctx, at, encodeVerify(at, end, m));
  }
}

/** Lays out this node's word on a slot as of now, to be signed. */
function writeOwn(ctx: usize, slot: u32): u32 {
  const me = self(ctx);
  let index = find(ctx, me, slot);
  if (index == NO_INDEX) index = room(ctx);
  if (index == NO_INDEX) return NO_INDEX;
  const now = missionS(ctx);
  const falseS = witness(ctx).falseS;
  const entry = statementToChange(ctx, index);
  entry.owner = <u16>me;
  entry.slot = <u8>slot;
  entry.state = <u8>UNSIGNED;
  entry.flags = 0;
  entry.left = RETELL_TIMES;
  entry.version = 0;
  entry.atS = falseS > now ? falseS : now;
  const digest = changetype<usize>(entry) + DIGEST_AT;
  memory.fill(digest, 0, DIGEST_BYTES);
  const held = intentIndex(ctx, me, slot);
  if (held == NO_INDEX) return index;
  const record = intent(ctx, held);
  entry.version = record.version;
  if (record.publishedS > entry.atS) entry.atS = record.publishedS;
  memory.copy(digest, digestOf(ctx, record), DIGEST_BYTES);
  return index;
}

/** The platform signed. */
export function onSigned(ctx: usize, m: Signed): void {
  const index = m.ticket;
  if (index >= STATEMENTS_MAX || witness(ctx).asked != index + 1 || <u32>statement(ctx, index).state != UNSIGNED)
    return;
  witnessToChange(ctx).asked = 0;
  const entry = statementToChange(ctx, index);
  memory.copy(changetype<usize>(entry) + SIGNATURE_AT, m.signatureAt, SIGNATURE_BYTES);
  entry.state = <u8>VALID;
  witnessToChange(ctx).answered = 1;
  emitOwn(ctx, entry.slot);
  leaveToTick(ctx, DUE_STATEMENT);
}

function emitOwn(ctx: usize, slot: u32): void {
  // First the word, then what it is about: together they fit a frame.
  if (intentIndex(ctx, self(ctx), slot) != NO_INDEX) sendFirst(ctx, SEND_INTENT, ADDRESSEE_ALL, self(ctx), slot);
  sendFirst(ctx, SEND_STATEMENT, ADDRESSEE_ALL, self(ctx), slot);
}

/** Once a period: what this node gave its word on, and a proof, are told again; what the service left unanswered is asked again. */
export function witnessTick(ctx: usize): void {
  if (!CONTAINED) return;
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) {
    const entry = statement(ctx, i);
    if (<u32>entry.state != VALID || entry.left == 0) continue;
    statementToChange(ctx, i).left--;
    if (<u32>entry.owner == self(ctx)) emitOwn(ctx, entry.slot);
    else send(ctx, SEND_STATEMENT, ADDRESSEE_ALL, entry.owner, entry.slot);
  }
  const state = witness(ctx);
  if (state.proofLeft != 0 && state.proofA != 0) {
    witnessToChange(ctx).proofLeft--;
    send(ctx, SEND_PROOF, ADDRESSEE_ALL, statement(ctx, state.proofA - 1).owner, 0);
  }
  witnessStep(ctx);
}

/** Somebody wants this node's word on a slot. */
export function onStatementRequest(ctx: usize, m: StatementRequest): void {
  if (!CONTAINED || m.owner != self(ctx) || !timeKnown(ctx)) return;
  const state = witness(ctx);
  if (state.signedS != 0 && call(ctx).localS - state.signedS < ASKED_EVERY_S) return;
  witnessToChange(ctx).signedS = call(ctx).localS;
  dispute(ctx, m.slot, 0);
}

/** After a restart: nothing is asked of a service that may have restarted, too. */
export function witnessRestart(ctx: usize): void {
  const state = witnessToChange(ctx);
  state.asked = 0;
  state.disputed = 0;
  state.falseS = 0;
  state.signedS = 0;
}

// ---- others' words ----

/**
 * A place for one more: a free one, else the next in turn that was seen to be valid and proves nothing. What is about a version that this node lacks is kept longer, for
 * then whoever brings that is believed; longest what is still to be told again.
 */
function room(ctx: usize): u32 {
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) if (<u32>statement(ctx, i).state == FREE) return i;
  const state = witnessToChange(ctx);
  for (let tries: u32 = 0; tries < 3 * STATEMENTS_MAX; tries++) {
    state.cursor = (state.cursor + 1) % STATEMENTS_MAX;
    const entry = statement(ctx, state.cursor);
    if (<u32>entry.state != VALID || (entry.flags & PROOF) != 0) continue;
    const turn: u32 = entry.left != 0 ? 2 : standing(ctx, entry) < entry.version ? 1 : 0;
    if (turn * STATEMENTS_MAX <= tries) return state.cursor;
  }
  countLoss(ctx, COUNTER_STATEMENTS_FULL);
  return NO_INDEX;
}

/** A statement that was heard. It is verified before it is believed. */
export function onStatement(ctx: usize, m: StatementMessage): void {
  if (
    !CONTAINED ||
    m.owner == self(ctx) ||
    isProven(ctx, m.owner) ||
    !timeKnown(ctx) ||
    m.atS > missionS(ctx) + 2 * AHEAD_S_MAX
  )
    return;
  let flags: u16 = 0;
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) {
    const entry = statement(ctx, i);
    if (<u32>entry.state == FREE || <u32>entry.owner != m.owner || <u32>entry.slot != m.slot) continue;
    const same = sameDigest(changetype<usize>(entry) + DIGEST_AT, m.digestAt);
    if (entry.version == m.version && !same && m.version != 0) flags |= CONTESTED;
    else if (entry.atS >= m.atS && (<u32>entry.state == VALID || same)) return;
  }
  if (flags == 0 && waiting(ctx) >= WAITING_MAX) {
    countLoss(ctx, COUNTER_STATEMENTS_FULL);
    return;
  }
  write(ctx, m.owner, m.slot, m.version, m.atS, m.digestAt, m.signatureAt, flags);
}

function write(
  ctx: usize,
  owner: u32,
  slot: u32,
  version: u32,
  atS: u32,
  digest: usize,
  signature: usize,
  flags: u16,
): void {
  const index = room(ctx);
  if (index == NO_INDEX) return;
  const entry = statementToChange(ctx, index);
  entry.owner = <u16>owner;
  entry.slot = <u8>slot;
  entry.state = <u8>HEARD;
  entry.version = version;
  entry.atS = atS;
  entry.flags = flags;
  entry.left = 0;
  memory.copy(changetype<usize>(entry) + DIGEST_AT, digest, DIGEST_BYTES);
  memory.copy(changetype<usize>(entry) + SIGNATURE_AT, signature, SIGNATURE_BYTES);
  leaveToTick(ctx, DUE_STATEMENT);
}

/** The platform's service says whether a statement is its owner's. */
export function onVerified(ctx: usize, index: u32, ok: bool): void {
  if (index >= STATEMENTS_MAX || witness(ctx).asked != index + 1 || <u32>statement(ctx, index).state != HEARD) return;
  witnessToChange(ctx).asked = 0;
  witnessToChange(ctx).answered = 1;
  leaveToTick(ctx, DUE_STATEMENT);
  const entry = statementToChange(ctx, index);
  if (!ok) {
    entry.state = <u8>FREE;
    countLoss(ctx, COUNTER_STATEMENT_FALSE);
    return;
  }
  entry.state = <u8>VALID;
  memberToChange(ctx, entry.owner).statementMinute = <u16>(entry.atS / 60);
  believe(ctx, index, entry);
}

/** A valid statement: what it contradicts goes. */
function believe(ctx: usize, index: u32, entry: Statement): void {
  const owner: u32 = entry.owner;
  const slot: u32 = entry.slot;
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) {
    const other = statement(ctx, i);
    if (i == index || <u32>other.state != VALID || <u32>other.owner != owner || <u32>other.slot != slot) continue;
    if (other.version != entry.version) {
      // The later word counts.
      if ((other.flags & PROOF) == 0) statementToChange(ctx, other.atS < entry.atS ? i : index).state = <u8>FREE;
      continue;
    }
    if (sameDigest(changetype<usize>(other) + DIGEST_AT, changetype<usize>(entry) + DIGEST_AT))
      statementToChange(ctx, i).state = <u8>FREE;
    else if (entry.version != 0) {
      prove(ctx, i, index);
      return;
    }
  }
  if (<u32>entry.state != VALID) return;
  const held = intentIndex(ctx, owner, slot);
  if (held != NO_INDEX && contradicts(ctx, entry, intent(ctx, held))) {
    countLoss(ctx, COUNTER_INTENT_FORGED);
    dropFalse(ctx, held);
  }
  if ((entry.flags & CONTESTED) != 0) statementToChange(ctx, index).left = RETELL_TIMES;
}

/** Two contents were heard under one version: who has its owner's word on it tells all, who has none asks. */
export function differs(ctx: usize, owner: u32, slot: u32, version: u32, publishedS: u32): void {
  if (owner == self(ctx)) {
    impersonated(ctx, slot, publishedS);
    return;
  }
  const index = find(ctx, owner, slot);
  if (index != NO_INDEX && <u32>statement(ctx, index).state == VALID && statement(ctx, index).version == version) {
    if ((statement(ctx, index).flags & CONTESTED) != 0) return;
    statementToChange(ctx, index).flags |= CONTESTED;
    statementToChange(ctx, index).left = RETELL_TIMES;
    send(ctx, SEND_STATEMENT, ADDRESSEE_ALL, owner, slot);
  } else send(ctx, SEND_STATEMENT_REQUEST, owner, owner, slot);
}

// ---- proofs ----

export function isProven(ctx: usize, owner: u32): bool {
  return CONTAINED && member(ctx, owner).equivocator != 0;
}

/** Two valid words of one owner contradict each other. */
function prove(ctx: usize, a: u32, b: u32): void {
  const owner: u32 = statement(ctx, a).owner;
  if (isProven(ctx, owner)) {
    // It is proven once: more proofs must not fill the table.
    if ((statement(ctx, a).flags & PROOF) == 0) statementToChange(ctx, a).state = <u8>FREE;
    if ((statement(ctx, b).flags & PROOF) == 0) statementToChange(ctx, b).state = <u8>FREE;
    return;
  }
  // The pair before is told no more.
  const before = witness(ctx);
  if (before.proofA != 0) {
    statementToChange(ctx, before.proofA - 1).flags &= ~PROOF;
    statementToChange(ctx, before.proofB - 1).flags &= ~PROOF;
  }
  statementToChange(ctx, a).flags |= PROOF;
  statementToChange(ctx, b).flags |= PROOF;
  statementToChange(ctx, a).left = 0;
  statementToChange(ctx, b).left = 0;
  const state = witnessToChange(ctx);
  state.proofA = a + 1;
  state.proofB = b + 1;
  state.proofLeft = RETELL_TIMES;
  learnEquivocator(ctx, owner);
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const held = intentIndex(ctx, owner, slot);
    if (held != NO_INDEX) dropFalse(ctx, held);
  }
  send(ctx, SEND_PROOF, ADDRESSEE_ALL, owner, 0);
  const at = eventSpace(ctx);
  if (at == 0) return;
  const e = changetype<Equivocated>(ctx + SCRATCH_OUT_AT);
  e.owner = owner;
  e.slot = statement(ctx, a).slot;
  e.version = statement(ctx, a).version;
  e.proven = 1;
  eventDone(ctx, at, encodeEquivocated(at, at + EVENT_BYTES_MAX - 1, e));
}

/** A proof that was heard: both words are verified like any other. */
export function onProof(ctx: usize, m: ProofMessage): void {
  if (!CONTAINED || m.owner == self(ctx) || isProven(ctx, m.owner)) return;
  let known: u32 = 0;
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) {
    const entry = statement(ctx, i);
    if (
      <u32>entry.state == FREE ||
      <u32>entry.owner != m.owner ||
      <u32>entry.slot != m.slot ||
      entry.version != m.version
    )
      continue;
    const digest = changetype<usize>(entry) + DIGEST_AT;
    if (sameDigest(digest, m.digestAAt)) known |= 1;
    if (sameDigest(digest, m.digestBAt)) known |= 2;
  }
  if ((known & 1) == 0) write(ctx, m.owner, m.slot, m.version, m.atA, m.digestAAt, m.signatureAAt, CONTESTED);
  if ((known & 2) == 0) write(ctx, m.owner, m.slot, m.version, m.atB, m.digestBAt, m.signatureBAt, CONTESTED);
}

// ---- on the air ----

export function composeStatement(ctx: usize, at: usize, end: usize, owner: u32, slot: u32): usize {
  const index = find(ctx, owner, slot);
  if (index == NO_INDEX) return MOOT;
  const entry = statement(ctx, index);
  if (<u32>entry.state != VALID) return MOOT;
  const m = changetype<StatementMessage>(ctx + SCRATCH_OUT_AT);
  m.owner = owner;
  m.slot = slot;
  m.version = entry.version;
  m.atS = entry.atS;
  m.digestAt = <u32>(changetype<usize>(entry) + DIGEST_AT);
  m.digestLength = DIGEST_BYTES;
  m.signatureAt = <u32>(changetype<usize>(entry) + SIGNATURE_AT);
  m.signatureLength = SIGNATURE_BYTES;
  return encodeStatement(at, end, m);
}

export function composeProof(ctx: usize, at: usize, end: usize): usize {
  const state = witness(ctx);
  if (state.proofA == 0) return MOOT;
  const a = statement(ctx, state.proofA - 1);
  const b = statement(ctx, state.proofB - 1);
  const m = changetype<ProofMessage>(ctx + SCRATCH_OUT_AT);
  m.owner = a.owner;
  m.slot = a.slot;
  m.version = a.version;
  m.atA = a.atS;
  m.digestAAt = <u32>(changetype<usize>(a) + DIGEST_AT);
  m.digestALength = DIGEST_BYTES;
  m.signatureAAt = <u32>(changetype<usize>(a) + SIGNATURE_AT);
  m.signatureALength = SIGNATURE_BYTES;
  m.atB = b.atS;
  m.digestBAt = <u32>(changetype<usize>(b) + DIGEST_AT);
  m.digestBLength = DIGEST_BYTES;
  m.signatureBAt = <u32>(changetype<usize>(b) + SIGNATURE_AT);
  m.signatureBLength = SIGNATURE_BYTES;
  return encodeProof(at, end, m);
}

export function composeStatementRequest(ctx: usize, at: usize, end: usize, owner: u32, slot: u32): usize {
  const m = changetype<StatementRequest>(ctx + SCRATCH_OUT_AT);
  m.owner = owner;
  m.slot = slot;
  return encodeStatementRequest(at, end, m);
}
