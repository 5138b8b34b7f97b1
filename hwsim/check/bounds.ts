import type { SlaClass } from '../kernel/trace.ts';

/**
 * Bounds that the judges apply. Their source is docs/judges.md and the requirement named with each.
 * They are written here again and not imported from firmware: a judge that took its bounds from the
 * code that it judges would accept any value.
 */
/** Convergence is examined once in this time. */
export const GRID_S = 60;
/**
 * Convergence must last this long without a break. The same time is the bound of INT-1, INT-2 and
 * INT-3.
 */
export const STABLE_S = 1800;
/**
 * Intents younger than this are not examined: in a running cluster some news is always on its way.
 */
export const SETTLE_S = 600;
/** Production is averaged over the hour that begins at the minute examined. */
export const PRODUCTION_WINDOW_S = 3600;
/** CVG-1: share of what every optimal plan takes that convergence requires. */
export const PRODUCTION_SHARE_MIN = 0.95;
/** CVG-1: in a cluster of fewer nodes, one node's hour may be missing. */
export const SMALL_CLUSTER_NODES = 30;
/**
 * SIM-1: nodes that hear nobody must stay below this share of the achievable, or the scenario is
 * too easy.
 */
export const GREEDY_SHARE_MAX = 0.7;
/** SIM-1: share of the achievable that a run must produce, if its scenario states no other. */
export const ACHIEVABLE_SHARE_MIN = 0.9;
/**
 * SIM-1: a shorter run is not judged by its share, seconds: most of it is the first hour, in which
 * the cluster forms.
 */
export const SHARE_JUDGED_FROM_S = 86_400;
/** CVG-1, seconds. */
export const SLA_S: Readonly<Record<SlaClass, number>> = {
  node: 3600,
  cluster: 8 * 3600,
  'cross-cluster': 72 * 3600,
  fleet: 7 * 86400,
};
/** MBR-1: a member is silent when it was not heard for three liveness ticks of 300 s. */
export const SUSPICION_S = 900;
/** INT-5: the ordinary lease. */
export const LEASE_S = 735;
/** CVG-2: an on-board report belongs to a disruption if their onsets are at most this far apart. */
export const ONSET_MATCH_S = 1800;
/** CVG-2: it is of an earlier disruption if it converged longer than this before the onset. */
export const ONSET_DATED_S = 600;
/**
 * Liveness: after healing nobody may stay suspect or absent for longer than a node failure may take
 * to converge.
 */
export const STUCK_S = 3600;
/** INT-4: for this time after a restart a node may report what its checkpoint held. */
export const RESTART_S = 3600;
/**
 * SEC-5: a forged version is corrected within this time: half the time in which a claim may settle.
 */
export const FORGERY_S = 600;
/** Judges that examine the whole table of plans do so every ten minutes. */
export const EXAMINE_EVERY_MS = 600_000;
