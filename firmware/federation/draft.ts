// Composes the own summary, has it signed, and sends it: to other clusters by the platform, and to
// the own members by a broadcast.

import { COMMAND_BYTES_MAX, SUMMARY_S_MIN } from '../memory/limits';
import { SCRATCH_AT, SCRATCH_OUT_AT } from '../memory/map';
import { call } from '../memory/guard';
import { ADDRESSEE_ALL, SIGNATURE_BYTES } from '../wire/generated/codes';
import { commandDone, commandSpace } from '../node/queues';
import { missionS, node, self } from '../node/table';
import { send, SEND_SUMMARY } from '../node/outbox';
import { coordinator } from '../membership/member_state';
import { membership } from '../membership/table';
import { roundOf, roundStartS } from '../membership/calendar';
import {
  ClusterSummary,
  clusterSummaryCountAt,
  clusterSummaryEconomyAt,
  CLUSTER_SUMMARY_BYTES_MAX,
  CLUSTER_SUMMARY_STRUCT_BYTES,
  decodeClusterSummary,
  encodeClusterSummary,
  encodeSendAbroad,
  encodeSignSummary,
  SendAbroad,
  SignSummary,
  SummarySigned,
} from '../wire/generated/messages';
import { hashOf, hourOf, takeSummary } from './fence';
import { fillSummary } from './figures';
import { ANSWER_S } from './reception';
import { draft, draftToChange, federation, federationToChange, messageAt, FREE, SIGNED, UNCHECKED } from './table';

/** A figure moved when it changed by a twentieth of what was sent. */
const MOVED_SHARE: u32 = 20;
const COUNTS: u32 = 4;
const ECONOMY: u32 = 8;
/** Where a signature of zeros is taken from until the platform has made one. */
const ZEROS_AT: u32 = CLUSTER_SUMMARY_STRUCT_BYTES;

/**
 * Composes a summary when it is time: in each hour of the cluster, or when a figure moved. Only a
 * coordinator that saw a quorum lately speaks for its cluster, and only in rounds that began after
 * it booted: what it sent before has an earlier round.
 */
export function composeWhenDue(ctx: usize): void {
  const view = membership(ctx);
  if (coordinator(ctx) != self(ctx) || view.quorumRound == 0 || view.quorumRound + 1 < view.round) return;
  if (roundStartS(view.round) < view.bootS || roundOf(missionS(ctx)) != view.round) return;
  const now = missionS(ctx);
  const composedS = federation(ctx).composedS;
  const cluster = node(ctx).cluster;
  const isNewHour = composedS == 0 || hourOf(cluster, now) != hourOf(cluster, composedS);
  if (!isNewHour && now - composedS < SUMMARY_S_MIN) return;
  const m = changetype<ClusterSummary>(ctx + SCRATCH_OUT_AT);
  fillSummary(ctx, m);
  if (isNewHour || hasMoved(ctx, m)) compose(ctx, m);
}

/** Whether a count or a figure of the economy moved since the summary before. */
function hasMoved(ctx: usize, m: ClusterSummary): bool {
  const entry = draft(ctx);
  const before = changetype<ClusterSummary>(ctx + SCRATCH_AT);
  const at = messageAt(entry);
  if (decodeClusterSummary(at, at + entry.length, before) == 0) return true;
  for (let i: u32 = 0; i < COUNTS; i++)
    if (isFar(clusterSummaryCountAt(before, i), clusterSummaryCountAt(m, i))) return true;
  for (let i: u32 = 0; i < ECONOMY; i++)
    if (isFar(clusterSummaryEconomyAt(before, i), clusterSummaryEconomyAt(m, i))) return true;
  return false;
}

function isFar(before: u32, now: u32): bool {
  const change = before > now ? before - now : now - before;
  return change != 0 && change * MOVED_SHARE >= before;
}

/** Stores the summary in the place of the one before, and asks for its signature. */
function compose(ctx: usize, m: ClusterSummary): void {
  const state = federationToChange(ctx);
  state.sequence++;
  state.composedS = m.asOfS;
  m.sequence = state.sequence;
  const zeros: usize = ctx + SCRATCH_OUT_AT + ZEROS_AT;
  memory.fill(zeros, 0, SIGNATURE_BYTES);
  m.signatureAt = <u32>zeros;
  m.signatureLength = SIGNATURE_BYTES;
  const entry = draftToChange(ctx);
  const at = messageAt(entry);
  entry.state = <u8>UNCHECKED;
  entry.length = <u8>(encodeClusterSummary(at, at + CLUSTER_SUMMARY_BYTES_MAX, m) - at);
  entry.cluster = <u16>m.cluster;
  entry.round = m.round;
  entry.key = m.sequence;
  askToSign(ctx);
}

function askToSign(ctx: usize): void {
  const at = commandSpace(ctx);
  if (at == 0) return;
  federationToChange(ctx).signAskedS = call(ctx).localS;
  const m = changetype<SignSummary>(ctx + SCRATCH_OUT_AT);
  m.sequence = draft(ctx).key;
  commandDone(ctx, at, encodeSignSummary(at, at + COMMAND_BYTES_MAX - 1, m));
}

/** Asks again for a signature that did not come. A node that is deposed gives its summary up. */
export function signDraft(ctx: usize): void {
  if (<u32>draft(ctx).state != UNCHECKED) return;
  if (coordinator(ctx) != self(ctx)) draftToChange(ctx).state = <u8>FREE;
  else if (call(ctx).localS - federation(ctx).signAskedS >= ANSWER_S) askToSign(ctx);
}

/** Takes the signature of the own summary: it goes abroad, and to the own members. */
export function onSummarySigned(ctx: usize, m: SummarySigned): void {
  if (<u32>draft(ctx).state != UNCHECKED || draft(ctx).key != m.sequence || coordinator(ctx) != self(ctx)) return;
  const entry = draftToChange(ctx);
  const at = messageAt(entry);
  const end = at + entry.length;
  memory.copy(end - SIGNATURE_BYTES, m.signatureAt, SIGNATURE_BYTES);
  entry.state = <u8>SIGNED;
  const summary = changetype<ClusterSummary>(ctx + SCRATCH_OUT_AT);
  decodeClusterSummary(at, end, summary);
  takeSummary(ctx, summary, hashOf(at, entry.length));
  send(ctx, SEND_SUMMARY, ADDRESSEE_ALL, 0, 0);
  const space = commandSpace(ctx);
  if (space == 0) return;
  const order = changetype<SendAbroad>(ctx + SCRATCH_OUT_AT);
  order.sequence = entry.key;
  commandDone(ctx, space, encodeSendAbroad(space, space + COMMAND_BYTES_MAX - 1, order));
}

/** Restarts: a summary that may not have been sent is composed anew, in a later round. */
export function draftRestart(ctx: usize): void {
  draftToChange(ctx).state = <u8>FREE;
  federationToChange(ctx).composedS = 0;
}

if (ZEROS_AT + SIGNATURE_BYTES > 256) ERROR('a summary and a signature fit into the scratch');
