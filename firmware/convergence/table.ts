// Disruptions as this node sees them, and how long convergence took: layout and accessors.

import { MEMBER_WORDS, DISRUPTIONS_MAX } from '../memory/limits';
import { CONVERGENCE_AT, CORE_END, DISRUPTIONS_AT, HISTOGRAM_AT, SEEN_SILENT_AT, LINES_AT } from '../memory/map';
import { changes, reads, readsAndChanges } from '../memory/guard';

@unmanaged
export class ConvergenceState {
  /** Open disruptions. */
  count: u32 = 0;
  /** Mission second since which every epoch found everybody in agreement, the last such epoch, and how many in a row. */
  agreedS: u32 = 0;
  agreedRound: u32 = 0;
  agreedRun: u32 = 0;
  /** Moving average of durations and of their change, seconds, per class node and cluster. */
  trendNodeS: u32 = 0;
  trendClusterS: u32 = 0;
  lastNodeS: u32 = 0;
  lastClusterS: u32 = 0;
  /** Notices held when last looked: more of them is a disruption. */
  noticeSum: u32 = 0;
  lastOwnS: u32 = 0;
}

/** An open disruption. 24 bytes. */
@unmanaged
export class DisruptionSeen {
  /** 0 = free, else 1 node, 2 cluster, 3 cross-cluster, 4 fleet. */
  class: u32 = 0;
  onsetS: u32 = 0;
  lastS: u32 = 0;
  subject: u32 = 0;
  alarmed: u32 = 0;
  /** No verdict before this: the disturbance is still going on. */
  notBeforeS: u32 = 0;
}

export const DISRUPTION_BYTES: u32 = 24;
/** Durations are counted per class in 16 bins: bin i holds [2^i, 2^(i+1)) minutes, bin 0 also less than a minute. */
export const HISTOGRAM_BINS: u32 = 16;
export const CLASSES: u32 = 4;

const CONVERGENCE: u32 =
  (2 << ((CONVERGENCE_AT + 48 + DISRUPTIONS_MAX * 24 - 1 - LINES_AT) >> 6)) - (1 << ((CONVERGENCE_AT - LINES_AT) >> 6));
const HISTOGRAM: u32 = (2 << ((HISTOGRAM_AT + 127 - LINES_AT) >> 6)) - (1 << ((HISTOGRAM_AT - LINES_AT) >> 6));
const SEEN: u32 = (2 << ((CORE_END - 1 - LINES_AT) >> 6)) - (1 << ((SEEN_SILENT_AT - LINES_AT) >> 6));

/** Those who look at it write it, once a period: it counts as changed. */
export function convergence(ctx: usize): ConvergenceState {
  readsAndChanges(ctx, CONVERGENCE);
  return changetype<ConvergenceState>(ctx + CONVERGENCE_AT);
}
export function setSeenSilent(ctx: usize, offset: u32, bits: u32): void {
  changes(ctx, SEEN);
  store<u32>(seenGoneAt(ctx) + offset, bits);
}
export function disruption(ctx: usize, index: u32): DisruptionSeen {
  readsAndChanges(ctx, CONVERGENCE);
  return changetype<DisruptionSeen>(ctx + DISRUPTIONS_AT + index * DISRUPTION_BYTES);
}
/** Members that were gone when last looked. */
export function seenGoneAt(ctx: usize): usize {
  reads(ctx, SEEN);
  return ctx + SEEN_SILENT_AT;
}
export const SEEN_SILENT_BYTES: u32 = MEMBER_WORDS << 2;
/** u16 counts, class (1–4) by bin. */
export function histogramAt(ctx: usize, disruptionClass: u32, bin: u32): usize {
  readsAndChanges(ctx, HISTOGRAM);
  return ctx + HISTOGRAM_AT + (((disruptionClass - 1) * HISTOGRAM_BINS + bin) << 1);
}

if (offsetof<DisruptionSeen>() != DISRUPTION_BYTES) ERROR('stride of the disruptions');
if (offsetof<ConvergenceState>() > 48) ERROR('room for the state of convergence');
