// Receives summaries of clusters: by the platform, which has verified them, and by broadcasts of
// members, which the platform verifies first. The coordinator passes on what came by the platform.

import { COMMAND_BYTES_MAX, WAITING_MAX } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { call } from '../memory/guard';
import {
  ADDRESSEE_ALL,
  COUNTER_SUMMARIES_FULL,
  COUNTER_SUMMARY_FALSE,
  STATUS_IMPLAUSIBLE,
  STATUS_OK,
} from '../wire/generated/codes';
import { commandDone, commandSpace, countLoss } from '../node/queues';
import { leaveToTick, node, self, DUE_SUMMARY } from '../node/table';
import { send, SEND_SUMMARY } from '../node/outbox';
import { coordinator } from '../membership/member_state';
import {
  ClusterSummary,
  CLUSTER_SUMMARY_BYTES_MAX,
  decodeClusterSummary,
  encodeClusterSummary,
  encodeVerifyForeign,
  VerifyForeign,
} from '../wire/generated/messages';
import {
  AHEAD,
  countRefused,
  entryOf,
  fenceOf,
  hashOf,
  sharingHour,
  takeSummary,
  KNOWN,
  NEWER,
  STALE,
  WINS,
} from './fence';
import {
  clusterKnown,
  clusterKnownToChange,
  federation,
  federationToChange,
  messageAt,
  waiting,
  waitingToChange,
  Waiting,
  FREE,
  SIGNED,
  UNCHECKED,
} from './table';

/** An answer of the platform is awaited for this long, local seconds, and asked for so often. */
export const ANSWER_S: u32 = 30;
const ATTEMPTS: u32 = 4;

/** Takes a summary that a member broadcast: it waits to be verified. */
export function onSummary(ctx: usize, m: ClusterSummary): void {
  const at: usize = ctx + SCRATCH_OUT_AT;
  const length = <u32>(encodeClusterSummary(at, at + CLUSTER_SUMMARY_BYTES_MAX, m) - at);
  const hash = hashOf(at, length);
  const fence = fenceOf(ctx, m, hash);
  // Of two contents it is not known yet which is signed.
  if (fence == AHEAD || fence == STALE) countRefused(ctx, fence);
  if (fence == AHEAD || fence == STALE || fence == KNOWN) return;
  if (keep(ctx, m, hash, UNCHECKED)) leaveToTick(ctx, DUE_SUMMARY);
}

/** Keeps a summary in a free place, unless it waits already. Returns false without a place. */
function keep(ctx: usize, m: ClusterSummary, hash: u32, state: u32): bool {
  let free = WAITING_MAX;
  for (let place: u32 = 0; place < WAITING_MAX; place++) {
    const entry = waiting(ctx, place);
    if (<u32>entry.state == FREE) free = min<u32>(free, place);
    else if (entry.key == hash && entry.round == m.round && <u32>entry.cluster == m.cluster) return true;
  }
  if (free == WAITING_MAX) {
    countLoss(ctx, COUNTER_SUMMARIES_FULL);
    return false;
  }
  const entry = waitingToChange(ctx, free);
  entry.state = <u8>state;
  const at = messageAt(entry);
  entry.length = <u8>(encodeClusterSummary(at, at + CLUSTER_SUMMARY_BYTES_MAX, m) - at);
  entry.cluster = <u16>m.cluster;
  entry.round = m.round;
  entry.key = hash;
  return true;
}

/** Takes a verified summary of `length` bytes at `at` from the platform. Returns a status. */
export function onForeign(ctx: usize, at: usize, length: u32, m: ClusterSummary): u32 {
  const hash = hashOf(at, length);
  const fence = takeSummary(ctx, m, hash);
  if (fence == AHEAD) return STATUS_IMPLAUSIBLE;
  if ((fence == NEWER || fence == WINS) && m.cluster != node(ctx).cluster && coordinator(ctx) == self(ctx))
    share(ctx, m, hash);
  return STATUS_OK;
}

/** Keeps a summary for the own members, if none of its cluster was passed on in this hour. */
function share(ctx: usize, m: ClusterSummary, hash: u32): void {
  const index = entryOf(ctx, m.cluster);
  if (<u32>clusterKnown(ctx, index).sharedHour == sharingHour(m)) return;
  if (keep(ctx, m, hash, SIGNED)) clusterKnownToChange(ctx, index).sharedHour = <u8>sharingHour(m);
}

/** Passes on one summary in a period. A node that does not coordinate any more passes on none. */
export function shareNext(ctx: usize): void {
  const coordinates = coordinator(ctx) == self(ctx);
  for (let place: u32 = 0; place < WAITING_MAX; place++) {
    if (<u32>waiting(ctx, place).state != SIGNED) continue;
    // The frame frees the place.
    if (coordinates) return send(ctx, SEND_SUMMARY, ADDRESSEE_ALL, 1 + place, 0);
    waitingToChange(ctx, place).state = <u8>FREE;
  }
}

/**
 * Asks the platform to verify the next summary, unless an answer is awaited. A request that was not
 * answered is repeated; in the end its summary is given up.
 */
export function verifyNext(ctx: usize): void {
  const state = federation(ctx);
  let place: u32 = state.ticket;
  if (place != 0 && <u32>waiting(ctx, place - 1).state == UNCHECKED) {
    if (call(ctx).localS - state.verifyAskedS < ANSWER_S) return;
    if (<u32>state.attempts < ATTEMPTS) return askToVerify(ctx, place - 1, state.attempts + 1);
    waitingToChange(ctx, place - 1).state = <u8>FREE;
    countLoss(ctx, COUNTER_SUMMARIES_FULL);
  }
  if (place != 0) federationToChange(ctx).ticket = 0;
  for (place = 0; place < WAITING_MAX; place++)
    if (<u32>waiting(ctx, place).state == UNCHECKED) return askToVerify(ctx, place, 1);
}

function askToVerify(ctx: usize, place: u32, attempts: u32): void {
  const at = commandSpace(ctx);
  if (at == 0) return;
  const state = federationToChange(ctx);
  state.ticket = <u8>(place + 1);
  state.attempts = <u8>attempts;
  state.verifyAskedS = call(ctx).localS;
  const m = changetype<VerifyForeign>(ctx + SCRATCH_OUT_AT);
  m.place = place;
  commandDone(ctx, at, encodeVerifyForeign(at, at + COMMAND_BYTES_MAX - 1, m));
}

/** Takes the platform's verdict on the signature of the summary in a place. */
export function onForeignVerified(ctx: usize, place: u32, ok: bool): void {
  if (place >= WAITING_MAX || <u32>federation(ctx).ticket != place + 1) return;
  if (<u32>waiting(ctx, place).state != UNCHECKED) return;
  federationToChange(ctx).ticket = 0;
  leaveToTick(ctx, DUE_SUMMARY);
  const entry = waitingToChange(ctx, place);
  entry.state = <u8>FREE;
  if (ok) takeWaiting(ctx, entry);
  else countLoss(ctx, COUNTER_SUMMARY_FALSE);
}

function takeWaiting(ctx: usize, entry: Waiting): void {
  const m = changetype<ClusterSummary>(ctx + SCRATCH_OUT_AT);
  const at = messageAt(entry);
  if (decodeClusterSummary(at, at + entry.length, m) != 0) takeSummary(ctx, m, entry.key);
}

/** Restarts: no answer is awaited, and what was to be passed on is given up. */
export function waitingRestart(ctx: usize): void {
  federationToChange(ctx).ticket = 0;
  for (let place: u32 = 0; place < WAITING_MAX; place++)
    if (<u32>waiting(ctx, place).state == SIGNED) waitingToChange(ctx, place).state = <u8>FREE;
}
