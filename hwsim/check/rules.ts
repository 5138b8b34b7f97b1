/**
 * The figures that the definitions fix (docs/definitions and the mission's SLAs), for the judges only. They are written here again,
 * not imported from firmware: a judge that took its bounds from what it judges would approve whatever it is given.
 */
import type { SlaClass } from '../kernel/trace.ts';

/** The grid on which convergence is looked at. */
export const GRID_S = 60;
/** Convergence must hold for this long without a break. */
export const HOLD_S = 1800;
/** Intents younger than this are left out: in a living cluster something is always on its way. */
export const SETTLE_S = 600;
/** Production is averaged over the hour that begins at the instant looked at. */
export const PRODUCTION_WINDOW_S = 3600;
/** CVG: 95 % of achievable production is part of "converged". */
export const PRODUCTION_SHARE_MIN = 0.95;
/** A greedy cluster must stay below this share of the achievable, or the scenario is too easy. */
export const GREEDY_SHARE_MAX = 0.7;
/** CVG-1, seconds. */
export const SLA_S: Readonly<Record<SlaClass, number>> = {
  node: 3600,
  cluster: 8 * 3600,
  'cross-cluster': 72 * 3600,
  fleet: 7 * 86400,
};
/** MBR-2: one probe period, the unit in which on-board and omniscient convergence are compared; the goal is 15 of them. */
export const PROBE_PERIOD_S = 60;
export const AGREEMENT_PERIODS_GOAL = 15;
/** Unheard for three beats of 300 s a member is gone: the suspicion time of the definition of a false death. */
export const SUSPICION_S = 900;
/** INT-5: the ordinary lease, and the guard on each side of its end. */
export const LEASE_S = 2700;
export const LEASE_GUARD_S = 30;
/** An on-board report belongs to a disruption if their onsets lie no further apart than this (detection goal plus slack). */
export const ONSET_MATCH_S = 1800;
/** After healing nobody may stay suspect or unreachable for longer than a node failure may take to converge. */
export const STUCK_S = 3600;
/** Slots per owner; resources are `group << 16 | unit`. */
export const OWN_SLOTS = 8;
/** SEC-5: what an insider makes up in the name of another member is put right within this, where that member can be heard: half the time in which a claim may settle. */
export const FORGERY_S = 600;
