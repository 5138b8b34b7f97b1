// Finds the figures of the own summary: from the view, stored intents, profiles and convergence.

import { DISRUPTIONS_MAX, NO_INDEX } from '../memory/limits';
import {
  CAPACITY_MAX,
  GROUP_KIND_LOT,
  GROUPS_MAX,
  LIVENESS_SUSPECT,
  LIVENESS_UNKNOWN,
  LIVENESS_UNREACHABLE,
  SLA_CLASS_CLUSTER,
  SLA_CLASS_NODE,
  VERDICT_ACCEPTED,
} from '../wire/generated/codes';
import { members, missionS, node, self } from '../node/table';
import { countSilences } from '../membership/correlated';
import { clusterSize } from '../membership/division';
import { memberState } from '../membership/member_state';
import { membership, memberSeen, readMembers, MARK_EQUIVOCATOR } from '../membership/table';
import { arbitrate } from '../intent/arbitration';
import { nextInChain } from '../intent/chain';
import { group, intent, intents, isClaim, notice, resourceUnit } from '../intent/table';
import { slaS } from '../convergence/step';
import { convergence, disruption } from '../convergence/table';
import {
  ClusterSummary,
  setClusterSummaryCountAt,
  setClusterSummaryEconomyAt,
  setClusterSummaryLineageAt,
  setClusterSummaryWorstMinuteAt,
} from '../wire/generated/messages';
import { sumProfiles } from './profiles';

const HUNDRED: u32 = 100;
const U16_MAX: u32 = 0xffff;
/** Generations from this one on share a bit. */
const GENERATION_LAST: u32 = 7;
const TUGS_MAX: u32 = 255;
const COUNTS: u32 = 4;
const ECONOMY: u32 = 8;
const LINEAGES: u32 = 4;
const SLA_CLASSES: u32 = 4;

/** Fills a summary but its fence and signature. */
export function fillSummary(ctx: usize, m: ClusterSummary): void {
  const view = membership(ctx);
  m.cluster = node(ctx).cluster;
  m.region = node(ctx).region;
  m.coordinator = self(ctx);
  m.round = view.round;
  m.asOfS = missionS(ctx);
  m.digest = <u32>view.digest;
  m.directive = 0;
  m.rollout = 0;
  m.versionsLength = 0;
  m.lineagesLength = LINEAGES;
  for (let i: u32 = 0; i < LINEAGES; i++) setClusterSummaryLineageAt(m, i, 0);
  m.economyLength = ECONOMY;
  for (let i: u32 = 0; i < ECONOMY; i++) setClusterSummaryEconomyAt(m, i, 0);
  countMembers(ctx, m);
  surveyGroups(ctx, m);
  sumProfiles(ctx, m);
  surveyDisruptions(ctx, m);
}

/** Counts members that live, all, unreachable ones and equivocators. */
function countMembers(ctx: usize, m: ClusterSummary): void {
  let live: u32 = 0;
  let unreachable: u32 = 0;
  let quarantined: u32 = 0;
  readMembers(ctx, members(ctx));
  countSilences(ctx);
  for (let i: u32 = 0; i < members(ctx); i++) {
    const state = memberState(ctx, i);
    if (state != LIVENESS_UNKNOWN && state <= LIVENESS_SUSPECT) live++;
    else if (state == LIVENESS_UNREACHABLE) unreachable++;
    if ((memberSeen(ctx, i).marks & MARK_EQUIVOCATOR) != 0) quarantined++;
  }
  m.countsLength = COUNTS;
  setClusterSummaryCountAt(m, 0, live);
  setClusterSummaryCountAt(m, 1, clusterSize(ctx));
  setClusterSummaryCountAt(m, 2, unreachable);
  setClusterSummaryCountAt(m, 3, quarantined);
}

/** Finds free capacity of lots, idle tugs of depots, and generations of owners. */
function surveyGroups(ctx: usize, m: ClusterSummary): void {
  let free: u32 = 0;
  let tugs: u32 = 0;
  m.generations = 1 << min<u32>(node(ctx).generation, GENERATION_LAST);
  for (let g: u32 = 0; g < GROUPS_MAX; g++) {
    const kind: u32 = group(ctx, g).kind;
    if (kind == 0) continue;
    arbitrate(ctx, g, NO_INDEX);
    const used = usageNow(ctx, g, m);
    const capacity = min<u32>(group(ctx, g).capacity, CAPACITY_MAX);
    const units = min<u32>(group(ctx, g).units, TUGS_MAX);
    if (kind == GROUP_KIND_LOT) free += (capacity - min<u32>(<u32>used, capacity)) / HUNDRED;
    else tugs += units - min<u32>(<u32>(used >>> 32) + lostUnits(ctx, g), units);
  }
  setClusterSummaryEconomyAt(m, 0, min<u32>(free, U16_MAX));
  m.tugs = min<u32>(tugs, TUGS_MAX);
}

/**
 * What accepted claims use of a group now: the sum of their rates in the lower half, their units in
 * the upper one. Notes the generations of their owners.
 */
function usageNow(ctx: usize, groupIndex: u32, m: ClusterSummary): u64 {
  const now = missionS(ctx);
  let rate: u32 = 0;
  let units: u32 = 0;
  let at: u32 = group(ctx, groupIndex).first;
  let steps: u32 = 0;
  while (at != NO_INDEX) {
    const record = intent(ctx, at);
    if (isClaim(record)) m.generations |= 1 << min<u32>(record.generation, GENERATION_LAST);
    if (<u32>record.verdict == VERDICT_ACCEPTED && record.startS <= now && now < record.boundS) {
      rate += record.rate;
      if (resourceUnit(record.resource) != 0) units++;
    }
    at = nextInChain(record, steps++);
  }
  return ((<u64>units) << 32) | <u64>rate;
}

/** Units of a group that a notice calls lost. */
function lostUnits(ctx: usize, groupIndex: u32): u32 {
  let lost: u32 = 0;
  for (let i: u32 = 0; i < intents(ctx).noticeCount; i++) {
    const fact = notice(ctx, i);
    if (<u32>fact.group == groupIndex && fact.unit != 0 && fact.capacity == 0) lost++;
  }
  return lost;
}

/** Finds the longest disruption of each class: the last that converged, and those that are open. */
function surveyDisruptions(ctx: usize, m: ClusterSummary): void {
  m.breaches = 0;
  m.worstMinutesLength = SLA_CLASSES;
  for (let slaClass: u32 = 1; slaClass <= SLA_CLASSES; slaClass++) {
    const worstS = longestS(ctx, slaClass);
    setClusterSummaryWorstMinuteAt(m, slaClass - 1, min<u32>(worstS / 60, U16_MAX));
    if (worstS > slaS(slaClass)) m.breaches |= 1 << (slaClass - 1);
  }
}

function longestS(ctx: usize, slaClass: u32): u32 {
  const state = convergence(ctx);
  const now = missionS(ctx);
  let worstS: u32 = slaClass == SLA_CLASS_NODE ? state.lastNodeS : 0;
  if (slaClass == SLA_CLASS_CLUSTER) worstS = state.lastClusterS;
  for (let i: u32 = 0; i < DISRUPTIONS_MAX; i++) {
    const seen = disruption(ctx, i);
    const beganS = max<u32>(seen.onsetS, seen.notBeforeS);
    if (seen.class == slaClass && now > beganS) worstS = max<u32>(worstS, now - beganS);
  }
  return worstS;
}
