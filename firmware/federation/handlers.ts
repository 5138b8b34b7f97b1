// Handles the messages and records of the federation.

import { COORDINATOR_ALLOWED } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { call, changes } from '../memory/guard';
import { ADDRESSEE_ALL, CLUSTER_MEMBERS_MAX, STATUS_IMPLAUSIBLE, STATUS_OK } from '../wire/generated/codes';
import { capabilityToChange, node, timeKnown, NODE } from '../node/table';
import { roundOf } from '../membership/calendar';
import {
  ClusterSummary,
  clusterSummaryCountAt,
  decodeClusterSummary,
  Decision,
  Foreign,
  ForeignVerified,
  MemberProfile,
  Place,
  ProposeDecision,
  Stocks,
  stocksDemandAt,
  stocksStockAt,
  SummarySigned,
} from '../wire/generated/messages';
import { isAcceptable, isPlausible as isDecisionPlausible, learnDecision } from '../membership/decision';
import { decision } from '../membership/table';
import { onProposeDecision } from './decisions';
import { onSummarySigned } from './draft';
import { noteProfile } from './profiles';
import { onForeign, onForeignVerified, onSummary } from './reception';

/** Stocks, demands and energy are summarised in hundreds, a byte each. */
const HUNDRED: u32 = 100;
const BYTE_MAX: u32 = 255;

/** Takes this node's place in the federation, at boot. */
export function setPlace(ctx: usize, m: Place): void {
  const state = node(ctx);
  changes(ctx, NODE);
  state.placed = <u8>(m.lineage + 1);
  state.region = <u8>m.region;
  state.version = <u16>m.version;
}

/** Whether a summary can be true; one of another region is none of ours. */
function isPlausible(ctx: usize, m: ClusterSummary): bool {
  if (m.coordinator >= CLUSTER_MEMBERS_MAX || roundOf(m.asOfS) != m.round) return false;
  if (clusterSummaryCountAt(m, 0) > clusterSummaryCountAt(m, 1)) return false;
  return node(ctx).placed == 0 || m.region == <u32>node(ctx).region;
}

export function admitClusterSummary(ctx: usize, m: ClusterSummary): bool {
  return isPlausible(ctx, m);
}

export function applyClusterSummary(ctx: usize, m: ClusterSummary): void {
  if (COORDINATOR_ALLOWED && node(ctx).placed != 0 && call(ctx).addressee == ADDRESSEE_ALL) onSummary(ctx, m);
}

export function applyMemberProfile(ctx: usize, m: MemberProfile): void {
  if (COORDINATOR_ALLOWED && node(ctx).placed != 0) noteProfile(ctx, call(ctx).sender, m);
}

export function admitDecision(ctx: usize, m: Decision): bool {
  return isDecisionPlausible(ctx, m);
}

export function applyDecision(ctx: usize, m: Decision): void {
  if (node(ctx).placed == 0 || !timeKnown(ctx)) return;
  const size = max<u32>(m.size, decision(ctx).size);
  learnDecision(ctx, m, isAcceptable(ctx, size, m.kind, m.contentHigh, m.contentLow));
}

export { admitSplit, applySplit } from './split';

/** A quantity in hundreds, as one byte. */
function inHundreds(amount: u32): u32 {
  return min<u32>(amount / HUNDRED, BYTE_MAX);
}

export function observeStocks(ctx: usize, m: Stocks): u32 {
  if (node(ctx).placed == 0) return STATUS_IMPLAUSIBLE;
  const state = capabilityToChange(ctx);
  state.stocks = inHundreds(m.energyWh) << 24;
  state.demands = 0;
  for (let i: u32 = 0; i < 3; i++) {
    state.stocks |= inHundreds(stocksStockAt(m, i)) << (i << 3);
    state.demands |= inHundreds(stocksDemandAt(m, i)) << (i << 3);
  }
  return STATUS_OK;
}

export function observeForeign(ctx: usize, m: Foreign): u32 {
  if (!COORDINATOR_ALLOWED || node(ctx).placed == 0 || !timeKnown(ctx)) return STATUS_IMPLAUSIBLE;
  const summary = changetype<ClusterSummary>(ctx + SCRATCH_OUT_AT);
  const end = m.messageAt + m.messageLength;
  if (decodeClusterSummary(m.messageAt, end, summary) != end || !isPlausible(ctx, summary)) return STATUS_IMPLAUSIBLE;
  return onForeign(ctx, m.messageAt, m.messageLength, summary);
}

export function observeSummarySigned(ctx: usize, m: SummarySigned): u32 {
  if (COORDINATOR_ALLOWED && timeKnown(ctx)) onSummarySigned(ctx, m);
  return STATUS_OK;
}

export function observeForeignVerified(ctx: usize, m: ForeignVerified): u32 {
  if (COORDINATOR_ALLOWED && timeKnown(ctx)) onForeignVerified(ctx, m.place, m.ok != 0);
  return STATUS_OK;
}

export function observeProposeDecision(ctx: usize, m: ProposeDecision): u32 {
  if (!COORDINATOR_ALLOWED || node(ctx).placed == 0 || !timeKnown(ctx)) return STATUS_IMPLAUSIBLE;
  return onProposeDecision(ctx, m);
}
