// Decides which summary of a cluster is the newest (FLT-1): the one with the highest fence, the
// pair of round and sequence. Of two contents under one fence all receivers keep the one with the
// lower hash, in whatever order they come.

import { EVENT_BYTES_MAX, REGION_CLUSTERS_MAX } from '../memory/limits';
import { SCRATCH_AT } from '../memory/map';
import { fold32 } from '../base/hash';
import {
  COUNTER_SUMMARIES_FULL,
  COUNTER_SUMMARY_AHEAD,
  COUNTER_SUMMARY_DIFFERS,
  COUNTER_SUMMARY_STALE,
  SIGNATURE_BYTES,
} from '../wire/generated/codes';
import { countLoss, eventDone, eventSpace } from '../node/queues';
import { node } from '../node/table';
import { membership } from '../membership/table';
import { roundStartS } from '../membership/calendar';
import { ClusterSummary, clusterSummaryCountAt, encodeSummaryTaken, SummaryTaken } from '../wire/generated/messages';
import { clusterKnown, clusterKnownToChange, federation, federationToChange } from './table';

/** How a summary stands to what is known of its cluster. */
export const NEWER: u32 = 0;
export const KNOWN: u32 = 1;
export const STALE: u32 = 2;
export const AHEAD: u32 = 3;
/** Another content under the fence that is known: this one wins, or loses. */
export const WINS: u32 = 4;
const LOSES: u32 = 5;

/** The signature of a message with its head: what is signed ends before it. */
const SIGNATURE_ITEM_BYTES: u32 = SIGNATURE_BYTES + 2;

/** Hash of the signed content of an encoded summary. */
export function hashOf(at: usize, length: u32): u32 {
  let hash: u32 = 0;
  for (let i: u32 = 0; i < length - SIGNATURE_ITEM_BYTES; i++) hash = fold32(hash, load<u8>(at + i));
  return hash;
}

/** The entry of a cluster, else a free one; REGION_CLUSTERS_MAX if there is none. */
export function entryOf(ctx: usize, cluster: u32): u32 {
  let free = REGION_CLUSTERS_MAX;
  for (let i: u32 = 0; i < REGION_CLUSTERS_MAX; i++) {
    const known = clusterKnown(ctx, i);
    if (known.round == 0) free = min<u32>(free, i);
    else if (<u32>known.cluster == cluster) return i;
  }
  return free;
}

/** How a summary stands to what is known. `hash`: of its content. */
export function fenceOf(ctx: usize, m: ClusterSummary, hash: u32): u32 {
  if (m.round > membership(ctx).round + 1) return AHEAD;
  const index = entryOf(ctx, m.cluster);
  if (index == REGION_CLUSTERS_MAX) return NEWER;
  const known = clusterKnown(ctx, index);
  if (m.round != known.round) return m.round > known.round ? NEWER : STALE;
  if (m.sequence != <u32>known.sequence) return m.sequence > <u32>known.sequence ? NEWER : STALE;
  return hash == known.hash ? KNOWN : hash < known.hash ? WINS : LOSES;
}

/** Counts why a summary is not taken. */
export function countRefused(ctx: usize, fence: u32): void {
  if (fence == AHEAD) countLoss(ctx, COUNTER_SUMMARY_AHEAD);
  else if (fence == STALE) countLoss(ctx, COUNTER_SUMMARY_STALE);
  else if (fence == WINS || fence == LOSES) countLoss(ctx, COUNTER_SUMMARY_DIFFERS);
}

/**
 * Takes a summary whose signature is right, if it is the newest of its cluster. Returns how it
 * stood to what was known.
 */
export function takeSummary(ctx: usize, m: ClusterSummary, hash: u32): u32 {
  const fence = fenceOf(ctx, m, hash);
  if (fence != NEWER) countRefused(ctx, fence);
  if (fence != NEWER && fence != WINS) return fence;
  const index = entryOf(ctx, m.cluster);
  if (index == REGION_CLUSTERS_MAX) {
    countLoss(ctx, COUNTER_SUMMARIES_FULL);
    return STALE;
  }
  const known = clusterKnownToChange(ctx, index);
  if (known.round == 0) known.sharedHour = <u8>(sharingHour(m) - 1);
  known.cluster = <u16>m.cluster;
  known.round = m.round;
  known.sequence = <u16>m.sequence;
  known.hash = hash;
  known.roundS = <u8>(m.asOfS - roundStartS(m.round));
  known.live = <u8>clusterSummaryCountAt(m, 0);
  known.generations = <u8>m.generations;
  if (m.cluster == node(ctx).cluster) continueSequence(ctx, m.sequence);
  emitTaken(ctx, m);
  return fence;
}

/** A summary is passed on to the own members once in each hour of its cluster. */
export function sharingHour(m: ClusterSummary): u32 {
  return hourOf(m.cluster, m.asOfS) & 0xff;
}

/** Hour of a cluster: it begins at the second that is the cluster's number. */
export function hourOf(cluster: u32, atS: u32): u32 {
  return (atS + 3600 - (cluster % 3600)) / 3600;
}

/** The own cluster's next summary continues after the newest one that was seen. */
function continueSequence(ctx: usize, sequence: u32): void {
  if (((sequence - <u32>federation(ctx).sequence) & 0xffff) < 0x8000) federationToChange(ctx).sequence = <u16>sequence;
}

function emitTaken(ctx: usize, m: ClusterSummary): void {
  const at = eventSpace(ctx);
  if (at == 0) return;
  const taken = changetype<SummaryTaken>(ctx + SCRATCH_AT);
  taken.cluster = m.cluster;
  taken.coordinator = m.coordinator;
  taken.round = m.round;
  taken.sequence = m.sequence;
  eventDone(ctx, at, encodeSummaryTaken(at, at + EVENT_BYTES_MAX - 1, taken));
}
