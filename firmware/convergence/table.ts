// Disruptions as this node sees them, and how long convergence took: layout and accessors.

import { MEMBER_WORDS } from '../memory/limits';
import { CORE_END, HISTOGRAM_AT, SEEN_SILENT_AT, LINES_AT } from '../memory/map';
import { changes, reads, readsAndChanges } from '../memory/guard';

export * from './records';
export * from './accessors';

/** Durations are counted per class in 16 bins: bin i holds [2^i, 2^(i+1)) minutes, bin 0 also less than a minute. */
export const HISTOGRAM_BINS: u32 = 16;
export const CLASSES: u32 = 4;

const HISTOGRAM: u32 = (2 << ((HISTOGRAM_AT + 127 - LINES_AT) >> 6)) - (1 << ((HISTOGRAM_AT - LINES_AT) >> 6));
const SEEN: u32 = (2 << ((CORE_END - 1 - LINES_AT) >> 6)) - (1 << ((SEEN_SILENT_AT - LINES_AT) >> 6));

export function setSeenSilent(ctx: usize, offset: u32, bits: u32): void {
  changes(ctx, SEEN);
  store<u32>(seenGoneAt(ctx) + offset, bits);
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
