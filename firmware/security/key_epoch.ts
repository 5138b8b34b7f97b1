// Epochs on board: a head whose signature the platform found right, a part of its cover that opens to the secret the head commits to, the change of keys at
// the time the head says, and handing the cover on, for ever, in turn: so that whoever comes late, with whatever old epoch, catches up by listening.

import {
  ADDRESSEE_ALL,
  COMMAND_BYTES_MAX,
  COUNTER_KEY_EPOCH_CHECKS,
  COUNTER_KEY_EPOCH_FORGED,
  COUNTER_PART_FORGED,
  COVER_PARTS_MAX,
  KEY_EPOCH_CHECKS_MAX,
  KEY_EPOCH_GRACE_S,
  EVENT_BYTES_MAX,
  PATH_KEYS,
  PERIOD_S,
} from '../memory/limits';
import { HEAD_AT, PENDING_AT, SCRATCH_OUT_AT } from '../memory/map';
import { edge, leaveToTick, members, missionS, self, timeKnown, DUE_KEYS } from '../node/table';
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
import { deriveLinkKey, isCommitted, SECRET_AT } from './derive';
import {
  COMMITMENT_BYTES,
  SIGNATURE_AT,
  SIGNATURE_BYTES,
  SECRET_BYTES,
  WRAPPED_AT,
  WRAPPED_BYTES,
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

const STEP_KNOWN: u32 = 1;
const STEP_USED: u32 = 2;
const STEP_ENDED: u32 = 3;

const LEAF_FIRST: u32 = 256;
const KEY_EPOCH_MAX: u32 = 0xfffe;
/** For so long after it was learnt, and after it began, whoever holds a cover tells some of it every so many periods; then in turn, one member a period. */
const YOUNG_S: u32 = 3600;
const YOUNG_PERIODS: u32 = 2;
/** Parts that a frame takes; the first also takes the head. */
const CHUNK_PARTS: u32 = 3;

/** The newest epoch whose key is held; 0 = none. */
export function newestKeyEpoch(ctx: usize): u32 {
  const even = linkKey(ctx, 1);
  const odd = linkKey(ctx, 2);
  const a = even.present != 0 ? even.epoch : 0;
  return odd.present != 0 && odd.epoch > a ? odd.epoch : a;
}

/** The epoch whose key frames are sealed with now; 0 = there is none, and nothing is sent. */
export function sendingKeyEpoch(ctx: usize): u32 {
  const newest = newestKeyEpoch(ctx);
  if (newest == 0) return 0;
  const before = linkKey(ctx, 3 - keyIndex(newest));
  const begun = !timeKnown(ctx) || linkKey(ctx, keyIndex(newest)).startS <= missionS(ctx);
  return begun || before.present == 0 ? newest : before.epoch;
}

/** Takes the key of an epoch, from its secret at `secret`. */
export function installKey(ctx: usize, epoch: u32, startS: u32, secret: usize): void {
  const index = keyIndex(epoch);
  const key = linkKeyToReplace(ctx, index);
  memory.fill(changetype<usize>(key), 0, 64);
  deriveLinkKey(ctx, epoch, secret, changetype<usize>(key));
  key.present = 1;
  key.epoch = epoch;
  key.startS = startS;
}

// ---- learning ----

/** A head, from the air or a ground link, which waits for nobody's turn: its signature is checked first. False if another is being checked. */
export function onHead(ctx: usize, m: KeyEpochHead, isFromGround: bool): bool {
  const epoch = m.epoch;
  if (epoch > KEY_EPOCH_MAX) return false;
  if (epoch <= newestKeyEpoch(ctx) || epoch <= head(ctx).epoch) return true;
  const waiting = pending(ctx);
  if (waiting.epoch != 0 || (!isFromGround && waiting.checks >= KEY_EPOCH_CHECKS_MAX)) {
    if (waiting.epoch != epoch) countLoss(ctx, COUNTER_KEY_EPOCH_CHECKS);
    return false;
  }
  const from = m.commitmentAt;
  const signature = m.signatureAt;
  const startS = m.startS;
  const parts = m.parts;
  const state = pendingToChange(ctx);
  state.epoch = epoch;
  state.startS = startS;
  state.parts = parts;
  state.checks++;
  memory.copy(commitmentOf(state), from, COMMITMENT_BYTES);
  memory.copy(changetype<usize>(state) + SIGNATURE_AT, signature, SIGNATURE_BYTES);
  askKeyEpoch(ctx, epoch);
  return true;
}

function askKeyEpoch(ctx: usize, epoch: u32): void {
  const at = commandSpace(ctx);
  if (at == 0) return;
  const m = changetype<CheckKeyEpoch>(ctx + SCRATCH_OUT_AT);
  m.epoch = epoch;
  commandDone(ctx, at, encodeCheckKeyEpoch(at, at + COMMAND_BYTES_MAX - 1, m));
}

/** After a restart nobody answers what was asked before. */
export function forgetPending(ctx: usize): void {
  const state = pendingToChange(ctx);
  state.epoch = 0;
  state.checks = 0;
}

/** Whether a key is held that no checkpoint has: the next one is due then. */
export function keyEpochUnstored(ctx: usize): bool {
  return head(ctx).unstored != 0;
}
export function keyEpochStored(ctx: usize): void {
  headToChange(ctx).unstored = 0;
}

function commitmentOf(state: Head): usize {
  return changetype<usize>(state) + offsetof<Head>('commitment0');
}

/** The platform's word on the pending head. */
export function onKeyEpochChecked(ctx: usize, epoch: u32, right: bool): void {
  if (epoch == 0 || pending(ctx).epoch != epoch) return;
  pendingToChange(ctx).epoch = 0;
  if (!right) {
    countLoss(ctx, COUNTER_KEY_EPOCH_FORGED);
    return;
  }
  const told = head(ctx).told;
  const state = headToChange(ctx);
  memory.copy(ctx + HEAD_AT, ctx + PENDING_AT, SIGNATURE_AT + SIGNATURE_BYTES);
  state.epoch = epoch;
  state.held = 0;
  state.installed = 0;
  state.told = told;
  state.unstored = 0;
  for (let i: u32 = 0; i < COVER_PARTS_MAX; i++) memory.fill(changetype<usize>(partToReplace(ctx, i)), 0, 64);
}

/** Levels from this node's leaf up to `node`; PATH_KEYS if it is not on that path. */
export function levelOf(ctx: usize, node: u32): u32 {
  const leaf = LEAF_FIRST + self(ctx);
  for (let up: u32 = 0; up < PATH_KEYS; up++) if (leaf >>> up == node) return up;
  return PATH_KEYS;
}

/** A part of the cover of the epoch in the head. */
export function onPart(ctx: usize, m: KeyEpochPart): void {
  const state = head(ctx);
  const node = m.node;
  if (state.epoch == 0 || m.epoch != state.epoch) return;
  const held = state.held;
  const own = levelOf(ctx, node) < PATH_KEYS;
  for (let i: u32 = 0; i < held; i++) {
    if (part(ctx, i).node != node) continue;
    // What does not open to this node cannot be judged here: the newest stands, so that who forges one has to go on forging it.
    if (!own) memory.copy(changetype<usize>(partToChange(ctx, i)) + WRAPPED_AT, m.wrappedAt, WRAPPED_BYTES);
    return;
  }
  // The last place is for what opens to us.
  if (held == COVER_PARTS_MAX || (!own && state.installed == 0 && held == COVER_PARTS_MAX - 1)) return;
  const from = m.wrappedAt;
  const entry = partToReplace(ctx, held);
  memory.fill(changetype<usize>(entry), 0, 64);
  entry.node = node;
  memory.copy(changetype<usize>(entry) + WRAPPED_AT, from, WRAPPED_BYTES);
  headToChange(ctx).held = held + 1;
  if (own && state.installed == 0) leaveToTick(ctx, DUE_KEYS);
}

/** Opens this node's part of the cover, if it came. */
export function installKeyEpoch(ctx: usize): void {
  const state = head(ctx);
  if (state.epoch == 0 || state.installed != 0) return;
  // The place of an epoch that is still in use is taken only when the new one begins.
  const taken = linkKey(ctx, keyIndex(state.epoch));
  if (taken.present != 0 && taken.epoch == sendingKeyEpoch(ctx) && timeKnown(ctx) && state.startS > missionS(ctx))
    return;
  for (let i: u32 = 0; i < state.held; i++) {
    const up = levelOf(ctx, part(ctx, i).node);
    if (up == PATH_KEYS) continue;
    if (unwrap(ctx, state.epoch, i, up)) {
      installKey(ctx, state.epoch, state.startS, ctx + SECRET_AT);
      memory.fill(ctx + SECRET_AT, 0, SECRET_BYTES);
      const known = headToChange(ctx);
      known.installed = 1;
      known.unstored = 1;
      known.turn = 0;
      known.youngUntilS = (timeKnown(ctx) ? max<u32>(missionS(ctx), state.startS) : state.startS) + YOUNG_S;
      emitStep(ctx, state.epoch, STEP_KNOWN);
      for (let chunk: u32 = 0; chunk < chunks(ctx); chunk++) send(ctx, SEND_KEY_EPOCH, ADDRESSEE_ALL, chunk, 0);
      return;
    }
    // Not the authority's: the right one may still come.
    countLoss(ctx, COUNTER_PART_FORGED);
    forget(ctx, i);
    return;
  }
}

/** The secret in part `index` to SECRET_AT, if it is the one committed to. */
function unwrap(ctx: usize, epoch: u32, index: u32, up: u32): bool {
  const entry = part(ctx, index);
  const aad: usize = ctx + SCRATCH_OUT_AT;
  store<u16>(aad, bswap<u16>(<u16>edge(ctx).cluster));
  store<u16>(aad, bswap<u16>(<u16>epoch), 2);
  const n0: u32 = bswap<u32>(entry.node);
  const n2: u32 = bswap<u32>(epoch);
  const wrapped = changetype<usize>(entry) + WRAPPED_AT;
  if (!open(pathKeyAt(ctx, up), n0, 0, n2, aad, 4, wrapped, SECRET_BYTES, ctx + SECRET_AT)) return false;
  return isCommitted(ctx, epoch, ctx + SECRET_AT, commitmentOf(head(ctx)));
}

/** The last part takes its place. */
function forget(ctx: usize, index: u32): void {
  const last = headToChange(ctx).held - 1;
  const from = part(ctx, last);
  if (index != last) memory.copy(changetype<usize>(partToReplace(ctx, index)), changetype<usize>(from), 64);
  memory.fill(changetype<usize>(partToReplace(ctx, last)), 0, 64);
  headToChange(ctx).held = last;
}

// ---- once a period ----

export function keyEpochStep(ctx: usize): void {
  const waiting = pending(ctx);
  if (waiting.checks != 0) pendingToChange(ctx).checks = 0;
  // The same head again: an answer that comes late is an answer about these very bytes.
  if (waiting.epoch != 0) askKeyEpoch(ctx, waiting.epoch);
  installKeyEpoch(ctx);
  endKeyEpoch(ctx);
  const sending = sendingKeyEpoch(ctx);
  if (head(ctx).told != sending) {
    headToChange(ctx).told = sending;
    emitStep(ctx, sending, STEP_USED);
  }
  if (head(ctx).held == 0 || !timeKnown(ctx)) return;
  const period = missionS(ctx) / PERIOD_S;
  const young = missionS(ctx) < head(ctx).youngUntilS;
  if ((period + self(ctx)) % (young ? min<u32>(YOUNG_PERIODS, members(ctx)) : members(ctx)) != 0) return;
  const state = headToChange(ctx);
  send(ctx, SEND_KEY_EPOCH, ADDRESSEE_ALL, state.turn % chunks(ctx), 0);
  state.turn++;
}

/** The epoch before is no longer accepted once the newest was in use for a while. */
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
  const epoch = before.epoch;
  memory.fill(changetype<usize>(linkKeyToReplace(ctx, index)), 0, 64);
  emitStep(ctx, epoch, STEP_ENDED);
}

function emitStep(ctx: usize, epoch: u32, step: u32): void {
  const at = eventSpace(ctx);
  if (at == 0) return;
  const m = changetype<KeyEpochChanged>(ctx + SCRATCH_OUT_AT);
  m.epoch = epoch;
  m.step = step;
  eventDone(ctx, at, encodeKeyEpochChanged(at, at + EVENT_BYTES_MAX - 1, m));
}

// ---- handing on ----

/** Frames that the head and the parts held take. */
function chunks(ctx: usize): u32 {
  const held = head(ctx).held;
  return 1 + (held > 1 ? (held - 1 + CHUNK_PARTS - 1) / CHUNK_PARTS : 0);
}

/** Writes chunk `index`: the head and a part, or parts. Returns the place after it; `at` if there is nothing. */
export function composeChunk(ctx: usize, at: usize, end: usize, index: u32): usize {
  const state = head(ctx);
  if (state.held == 0 || index >= chunks(ctx)) return at;
  if (index == 0) {
    const m = changetype<KeyEpochHead>(ctx + SCRATCH_OUT_AT);
    m.epoch = state.epoch;
    m.startS = state.startS;
    m.parts = state.parts;
    m.commitmentAt = <u32>commitmentOf(state);
    m.commitmentLength = COMMITMENT_BYTES;
    m.signatureAt = <u32>(changetype<usize>(state) + SIGNATURE_AT);
    m.signatureLength = SIGNATURE_BYTES;
    at = encodeKeyEpochHead(at, end, m);
  }
  const first: u32 = index == 0 ? 0 : 1 + (index - 1) * CHUNK_PARTS;
  const last = min<u32>(index == 0 ? 1 : first + CHUNK_PARTS, state.held);
  for (let i = first; i < last; i++) {
    const m = changetype<KeyEpochPart>(ctx + SCRATCH_OUT_AT);
    const entry = part(ctx, i);
    m.epoch = state.epoch;
    m.node = entry.node;
    m.wrappedAt = <u32>(changetype<usize>(entry) + WRAPPED_AT);
    m.wrappedLength = WRAPPED_BYTES;
    at = encodeKeyEpochPart(at, end, m);
  }
  return at;
}
