// Accesses the tables of convergence: open disruptions and the histogram of durations.

import { HISTOGRAM_BINS } from '../wire/generated/codes';
import { CORE_END, HISTOGRAM_AT, SEEN_SILENT_AT, LINES_AT } from '../memory/map';
import { changes, reads, readsAndChanges } from '../memory/guard';

export * from './records';
export * from './accessors';

/**
 * Bins per class: bin i counts durations of [2^i, 2^(i+1)) minutes, bin 0 also those under a
 * minute.
 */
/** Classes of disruptions: 1 node, 2 cluster, 3 cross-cluster, 4 fleet. */

const HISTOGRAM: u32 = (2 << ((HISTOGRAM_AT + 127 - LINES_AT) >> 6)) - (1 << ((HISTOGRAM_AT - LINES_AT) >> 6));
const SEEN: u32 = (2 << ((CORE_END - 1 - LINES_AT) >> 6)) - (1 << ((SEEN_SILENT_AT - LINES_AT) >> 6));

/** Sets 32 members of the set of silent members seen. */
export function setSeenSilent(ctx: usize, offset: u32, bits: u32): void {
  changes(ctx, SEEN);
  store<u32>(seenSilentAt(ctx) + offset, bits);
}
/** Members that were silent at the last step. */
export function seenSilentAt(ctx: usize): usize {
  reads(ctx, SEEN);
  return ctx + SEEN_SILENT_AT;
}
/** Address of a count (u16): class 1–4, bin 0–15. */
export function histogramAt(ctx: usize, disruptionClass: u32, bin: u32): usize {
  readsAndChanges(ctx, HISTOGRAM);
  return ctx + HISTOGRAM_AT + (((disruptionClass - 1) * HISTOGRAM_BINS + bin) << 1);
}
