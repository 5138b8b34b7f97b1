// Changes the link key of the cluster, a key epoch at a time (SEC-1).
//
//   head    says when the key epoch begins and commits to its secret; the platform checks its
//           signature
//   part    a piece of the cover: the secret, wrapped for one subtree of members. One opens for us
//   change  at the head's time; the key epoch before is accepted for a while after it
//   repeat  members send head and parts in turn, for ever: a member that was away catches up by
//           listening, whatever key epoch it had

import {
  KEY_EPOCH_STEP_EXCLUSIVE,
  KEY_EPOCH_STEP_IN_USE,
  KEY_EPOCH_STEP_KNOWN,
  COMMITMENT_BYTES,
  KEY_EPOCH_MAX,
  SECRET_BYTES,
  SIGNATURE_BYTES,
  WRAPPED_BYTES,
  ADDRESSEE_ALL,
  COUNTER_KEY_EPOCH_CHECKS,
  COUNTER_KEY_EPOCH_FORGED,
  COUNTER_PART_FORGED,
  KEY_EPOCH_GRACE_S,
  PATH_KEYS,
} from '../wire/generated/codes';
import { COMMAND_BYTES_MAX, COVER_PARTS_MAX, KEY_EPOCH_CHECKS_MAX, EVENT_BYTES_MAX, PERIOD_S } from '../memory/limits';
import { HEAD_AT, PENDING_AT, SCRATCH_OUT_AT } from '../memory/map';
import { isInSecondHalf, node, leaveToTick, members, missionS, self, timeKnown, DUE_KEYS } from '../node/table';
import { commandDone, commandSpace, countLoss, eventDone, eventSpace } from '../node/queues';
import { send, SEND_KEY_EPOCH } from '../node/outbox';
import {
  CheckKeyEpoch,
  encodeCheckKeyEpoch,
  KeyEpochChanged,
  encodeKeyEpochChanged,
  KeyEpochHead,
  encodeKeyEpochHead,
  KeyEpochPart,
  encodeKeyEpochPart,
} from '../wire/generated/messages';
import { open } from './aead';
import { deriveHalfKey, deriveLinkKey, isCommitted, SECRET_AT } from './derive';
import {
  SIGNATURE_AT,
  WRAPPED_AT,
  Head,
  head,
  headToChange,
  keyIndex,
  linkKey,
  linkKeyToReplace,
  part,
  partToChange,
  partToReplace,
  pathKeyAt,
  pending,
  pendingToChange,
} from './table';

const LEAF_FIRST: u32 = 256;
/**
 * For this long after a node learnt a key epoch, and after the key epoch began, the node sends some
 * of the cover every YOUNG_PERIODS; later one member a period does, in turn.
 */
const YOUNG_S: u32 = 3600;
const YOUNG_PERIODS: u32 = 2;
/** Parts in a frame; the first frame has the head and one part. */
const CHUNK_PARTS: u32 = 3;

/** Returns the newest key epoch whose key is stored; 0 = none. */
export function newestKeyEpoch(ctx: usize): u32 {
  const even = linkKey(ctx, 1);
  const odd = linkKey(ctx, 2);
  const a = even.present != 0 ? even.keyEpoch : 0;
  return odd.present != 0 && odd.keyEpoch > a ? odd.keyEpoch : a;
}

/** Returns the key epoch that frames are sealed under now; 0 = none, and nothing is sent. */
export function sendingKeyEpoch(ctx: usize): u32 {
  const newest = newestKeyEpoch(ctx);
  if (newest == 0) return 0;
  const before = linkKey(ctx, 3 - keyIndex(newest));
  const begun = !timeKnown(ctx) || linkKey(ctx, keyIndex(newest)).startS <= missionS(ctx);
  return begun || before.present == 0 ? newest : before.keyEpoch;
}

/** Stores the key of a key epoch, derived from the secret at `secret`. */
export function installKey(ctx: usize, keyEpoch: u32, startS: u32, secret: usize): void {
  const index = keyIndex(keyEpoch);
  const key = linkKeyToReplace(ctx, index);
  memory.fill(changetype<usize>(key), 0, 64);
  deriveLinkKey(ctx, keyEpoch, secret, changetype<usize>(key));
  if (isInSecondHalf(ctx)) deriveHalfKey(ctx, keyEpoch, changetype<usize>(key));
  key.present = 1;
  key.keyEpoch = keyEpoch;
  key.startS = startS;
}

/** Gives this node's half of a cluster that was split keys of its own; the first half keeps its. */
export function deriveHalfKeys(ctx: usize): void {
  for (let index: u32 = 1; index <= 2; index++) {
    const key = linkKey(ctx, index);
    if (key.present != 0) deriveHalfKey(ctx, key.keyEpoch, changetype<usize>(linkKeyToReplace(ctx, index)));
  }
}

// ---- learning ----

/**
 * Accepts a head, by radio or ground link, and has its signature checked first. A ground link waits
 * for no other member's turn. False if another head is being checked.
 */
export function onHead(ctx: usize, m: KeyEpochHead, isFromGround: bool): bool {
  const keyEpoch = m.keyEpoch;
  if (keyEpoch > KEY_EPOCH_MAX) return false;
  if (keyEpoch <= newestKeyEpoch(ctx) || keyEpoch <= head(ctx).keyEpoch) return true;
  const waiting = pending(ctx);
  if (waiting.keyEpoch != 0 || (!isFromGround && waiting.checks >= KEY_EPOCH_CHECKS_MAX)) {
    if (waiting.keyEpoch != keyEpoch) countLoss(ctx, COUNTER_KEY_EPOCH_CHECKS);
    return false;
  }
  const from = m.commitmentAt;
  const signature = m.signatureAt;
  const startS = m.startS;
  const parts = m.parts;
  const state = pendingToChange(ctx);
  state.keyEpoch = keyEpoch;
  state.startS = startS;
  state.parts = parts;
  state.checks++;
  memory.copy(commitmentOf(state), from, COMMITMENT_BYTES);
  memory.copy(changetype<usize>(state) + SIGNATURE_AT, signature, SIGNATURE_BYTES);
  requestHeadCheck(ctx, keyEpoch);
  return true;
}

function requestHeadCheck(ctx: usize, keyEpoch: u32): void {
  const at = commandSpace(ctx);
  if (at == 0) return;
  const m = changetype<CheckKeyEpoch>(ctx + SCRATCH_OUT_AT);
  m.keyEpoch = keyEpoch;
  commandDone(ctx, at, encodeCheckKeyEpoch(at, at + COMMAND_BYTES_MAX - 1, m));
}

/**
 * Forgets the pending head after a restart: the platform does not answer what it was asked before.
 */
export function forgetPending(ctx: usize): void {
  const state = pendingToChange(ctx);
  state.keyEpoch = 0;
  state.checks = 0;
}

/** Whether a key is in no checkpoint yet: then the next checkpoint is due. */
export function keyEpochUnstored(ctx: usize): bool {
  return head(ctx).unstored != 0;
}
export function keyEpochStored(ctx: usize): void {
  headToChange(ctx).unstored = 0;
}

function commitmentOf(state: Head): usize {
  return changetype<usize>(state) + offsetof<Head>('commitment0');
}

/** Accepts the platform's verdict on the pending head's signature. */
export function onKeyEpochChecked(ctx: usize, keyEpoch: u32, right: bool): void {
  if (keyEpoch == 0 || pending(ctx).keyEpoch != keyEpoch) return;
  pendingToChange(ctx).keyEpoch = 0;
  if (!right) {
    countLoss(ctx, COUNTER_KEY_EPOCH_FORGED);
    return;
  }
  const reportedKeyEpoch = head(ctx).reportedKeyEpoch;
  const state = headToChange(ctx);
  memory.copy(ctx + HEAD_AT, ctx + PENDING_AT, SIGNATURE_AT + SIGNATURE_BYTES);
  state.keyEpoch = keyEpoch;
  state.partCount = 0;
  state.installed = 0;
  state.reportedKeyEpoch = reportedKeyEpoch;
  state.unstored = 0;
  for (let i: u32 = 0; i < COVER_PARTS_MAX; i++) memory.fill(changetype<usize>(partToReplace(ctx, i)), 0, 64);
}

/**
 * Returns the levels from this node's leaf up to `node` of the key tree; PATH_KEYS if it is not on
 * that path.
 */
export function levelOf(ctx: usize, node: u32): u32 {
  const leaf = LEAF_FIRST + self(ctx);
  for (let up: u32 = 0; up < PATH_KEYS; up++) if (leaf >>> up == node) return up;
  return PATH_KEYS;
}

/**
 * Accepts a part of the cover of the head's key epoch. False if no head of that key epoch was
 * verified yet: the part must be given again.
 */
export function onPart(ctx: usize, m: KeyEpochPart): bool {
  const state = head(ctx);
  const node = m.node;
  if (m.keyEpoch > state.keyEpoch && m.keyEpoch > newestKeyEpoch(ctx)) {
    countLoss(ctx, COUNTER_KEY_EPOCH_CHECKS);
    return false;
  }
  if (m.keyEpoch == state.keyEpoch) storePart(ctx, m, node);
  return true;
}

function storePart(ctx: usize, m: KeyEpochPart, node: u32): void {
  const state = head(ctx);
  const partCount = state.partCount;
  const own = levelOf(ctx, node) < PATH_KEYS;
  for (let i: u32 = 0; i < partCount; i++) {
    if (part(ctx, i).node != node) continue;
    // A part that does not open for this node cannot be verified here. The newest replaces the one
    // before, so that a forger would have to repeat its forgery for ever.
    if (!own) memory.copy(changetype<usize>(partToChange(ctx, i)) + WRAPPED_AT, m.wrappedAt, WRAPPED_BYTES);
    return;
  }
  // The last place is kept for the part that opens for this node.
  if (partCount == COVER_PARTS_MAX || (!own && state.installed == 0 && partCount == COVER_PARTS_MAX - 1)) return;
  const from = m.wrappedAt;
  const entry = partToReplace(ctx, partCount);
  memory.fill(changetype<usize>(entry), 0, 64);
  entry.node = node;
  memory.copy(changetype<usize>(entry) + WRAPPED_AT, from, WRAPPED_BYTES);
  headToChange(ctx).partCount = partCount + 1;
  if (own && state.installed == 0) leaveToTick(ctx, DUE_KEYS);
}

/** Opens this node's part of the cover, if it was received, and stores the key. */
export function installKeyEpoch(ctx: usize): void {
  const state = head(ctx);
  if (state.keyEpoch == 0 || state.installed != 0) return;
  // The key of a key epoch that is in use is replaced only when the new one begins.
  const taken = linkKey(ctx, keyIndex(state.keyEpoch));
  if (taken.present != 0 && taken.keyEpoch == sendingKeyEpoch(ctx) && timeKnown(ctx) && state.startS > missionS(ctx))
    return;
  for (let i: u32 = 0; i < state.partCount; i++) {
    const up = levelOf(ctx, part(ctx, i).node);
    if (up == PATH_KEYS) continue;
    if (unwrap(ctx, state.keyEpoch, i, up)) {
      installKey(ctx, state.keyEpoch, state.startS, ctx + SECRET_AT);
      memory.fill(ctx + SECRET_AT, 0, SECRET_BYTES);
      const known = headToChange(ctx);
      known.installed = 1;
      known.unstored = 1;
      known.turn = 0;
      known.youngUntilS = (timeKnown(ctx) ? max<u32>(missionS(ctx), state.startS) : state.startS) + YOUNG_S;
      emitStep(ctx, state.keyEpoch, KEY_EPOCH_STEP_KNOWN);
      for (let chunk: u32 = 0; chunk < chunks(ctx); chunk++) send(ctx, SEND_KEY_EPOCH, ADDRESSEE_ALL, chunk, 0);
      return;
    }
    // The part is not the authority's: the right one may still come.
    countLoss(ctx, COUNTER_PART_FORGED);
    forget(ctx, i);
    return;
  }
}

/**
 * Unwraps the secret in part `index` to SECRET_AT. False if it does not open, or is not the secret
 * committed to.
 */
function unwrap(ctx: usize, keyEpoch: u32, index: u32, up: u32): bool {
  const entry = part(ctx, index);
  const aad: usize = ctx + SCRATCH_OUT_AT;
  store<u16>(aad, bswap<u16>(node(ctx).home));
  store<u16>(aad, bswap<u16>(<u16>keyEpoch), 2);
  const n0: u32 = bswap<u32>(entry.node);
  const n2: u32 = bswap<u32>(keyEpoch);
  const wrapped = changetype<usize>(entry) + WRAPPED_AT;
  if (!open(pathKeyAt(ctx, up), n0, 0, n2, aad, 4, wrapped, SECRET_BYTES, ctx + SECRET_AT)) return false;
  return isCommitted(ctx, keyEpoch, ctx + SECRET_AT, commitmentOf(head(ctx)));
}

/** Removes part `index`: the last part takes its place. */
function forget(ctx: usize, index: u32): void {
  const last = headToChange(ctx).partCount - 1;
  const from = part(ctx, last);
  if (index != last) memory.copy(changetype<usize>(partToReplace(ctx, index)), changetype<usize>(from), 64);
  memory.fill(changetype<usize>(partToReplace(ctx, last)), 0, 64);
  headToChange(ctx).partCount = last;
}

// ---- once a period ----

export function keyEpochStep(ctx: usize): void {
  const waiting = pending(ctx);
  if (waiting.checks != 0) pendingToChange(ctx).checks = 0;
  // The same head again: an answer that comes late is an answer about these very bytes.
  if (waiting.keyEpoch != 0) requestHeadCheck(ctx, waiting.keyEpoch);
  installKeyEpoch(ctx);
  endKeyEpoch(ctx);
  const sending = sendingKeyEpoch(ctx);
  if (head(ctx).reportedKeyEpoch != sending) {
    headToChange(ctx).reportedKeyEpoch = sending;
    emitStep(ctx, sending, KEY_EPOCH_STEP_IN_USE);
  }
  if (head(ctx).partCount == 0 || !timeKnown(ctx)) return;
  const period = missionS(ctx) / PERIOD_S;
  const young = missionS(ctx) < head(ctx).youngUntilS;
  if ((period + self(ctx)) % (young ? min<u32>(YOUNG_PERIODS, members(ctx)) : members(ctx)) != 0) return;
  const state = headToChange(ctx);
  send(ctx, SEND_KEY_EPOCH, ADDRESSEE_ALL, state.turn % chunks(ctx), 0);
  state.turn++;
}

/** Removes the key epoch before the newest, some time after the newest began. */
function endKeyEpoch(ctx: usize): void {
  const newest = newestKeyEpoch(ctx);
  if (newest == 0 || !timeKnown(ctx)) return;
  const index = 3 - keyIndex(newest);
  const before = linkKey(ctx, index);
  if (
    before.present == 0 ||
    missionS(ctx) < KEY_EPOCH_GRACE_S ||
    linkKey(ctx, keyIndex(newest)).startS > missionS(ctx) - KEY_EPOCH_GRACE_S
  )
    return;
  const keyEpoch = before.keyEpoch;
  memory.fill(changetype<usize>(linkKeyToReplace(ctx, index)), 0, 64);
  emitStep(ctx, keyEpoch, KEY_EPOCH_STEP_EXCLUSIVE);
}

function emitStep(ctx: usize, keyEpoch: u32, step: u32): void {
  const at = eventSpace(ctx);
  if (at == 0) return;
  const m = changetype<KeyEpochChanged>(ctx + SCRATCH_OUT_AT);
  m.keyEpoch = keyEpoch;
  m.step = step;
  eventDone(ctx, at, encodeKeyEpochChanged(at, at + EVENT_BYTES_MAX - 1, m));
}

// ---- passing on ----

/** Returns the number of frames that the head and the stored parts take. */
function chunks(ctx: usize): u32 {
  const partCount = head(ctx).partCount;
  return 1 + (partCount > 1 ? (partCount - 1 + CHUNK_PARTS - 1) / CHUNK_PARTS : 0);
}

/**
 * Writes chunk `index`: the head and a part, or parts. Returns the address after it; `at` if there
 * is nothing to write.
 */
export function composeChunk(ctx: usize, at: usize, end: usize, index: u32): usize {
  const state = head(ctx);
  if (state.partCount == 0 || index >= chunks(ctx)) return at;
  if (index == 0) {
    const m = changetype<KeyEpochHead>(ctx + SCRATCH_OUT_AT);
    m.keyEpoch = state.keyEpoch;
    m.startS = state.startS;
    m.parts = state.parts;
    m.commitmentAt = <u32>commitmentOf(state);
    m.commitmentLength = COMMITMENT_BYTES;
    m.signatureAt = <u32>(changetype<usize>(state) + SIGNATURE_AT);
    m.signatureLength = SIGNATURE_BYTES;
    at = encodeKeyEpochHead(at, end, m);
  }
  const first: u32 = index == 0 ? 0 : 1 + (index - 1) * CHUNK_PARTS;
  const last = min<u32>(index == 0 ? 1 : first + CHUNK_PARTS, state.partCount);
  for (let i = first; i < last; i++) {
    const m = changetype<KeyEpochPart>(ctx + SCRATCH_OUT_AT);
    const entry = part(ctx, i);
    m.keyEpoch = state.keyEpoch;
    m.node = entry.node;
    m.wrappedAt = <u32>(changetype<usize>(entry) + WRAPPED_AT);
    m.wrappedLength = WRAPPED_BYTES;
    at = encodeKeyEpochPart(at, end, m);
  }
  return at;
}
