// The memory map of one context: base, stride and count, chained; the last line is its size. Offsets only, so a context can be moved.
//
//   edge | counters | scratch | commands | events | outbox | membership | members | bitmaps | intents … | schedule | watchdog | convergence

import {
  MEMBERS_MAX,
  MEMBER_WORDS,
  INTENTS_MAX,
  NOTICES_MAX,
  RUMORS_MAX,
  TIMELINE_SLOTS_MAX,
  EVENTS_MAX,
  OUTBOX_MAX,
  OWN_SLOTS,
  GROUPS_MAX,
  BUCKETS,
  COUNTERS_MAX,
  COMMANDS_MAX,
  COMMAND_BYTES_MAX,
  EVENT_BYTES_MAX,
  DISRUPTIONS_MAX,
} from "./limits";

const EDGE_BYTES: u32 = 192;
/** Decoded messages stand here during one call; two, so that one may be read while another is written. */
export const SCRATCH_BYTES: u32 = 256;

export const EDGE_AT: u32 = 0;
export const COUNTERS_AT: u32 = EDGE_AT + EDGE_BYTES;
export const SCRATCH_AT: u32 = COUNTERS_AT + COUNTERS_MAX * 8;
export const SCRATCH_OUT_AT: u32 = SCRATCH_AT + SCRATCH_BYTES;
export const COMMANDS_AT: u32 = SCRATCH_OUT_AT + SCRATCH_BYTES;
export const EVENTS_AT: u32 = COMMANDS_AT + COMMANDS_MAX * COMMAND_BYTES_MAX;
export const OUTBOX_AT: u32 = EVENTS_AT + EVENTS_MAX * EVENT_BYTES_MAX;
export const MEMBERSHIP_AT: u32 = (OUTBOX_AT + OUTBOX_MAX * 12 + 15) & ~15;
export const MEMBERS_AT: u32 = MEMBERSHIP_AT + 160;
export const MEMBER_BITMAPS_AT: u32 = MEMBERS_AT + MEMBERS_MAX * 28;
export const INTENT_STATE_AT: u32 = (MEMBER_BITMAPS_AT + 10 * MEMBER_WORDS * 4 + 15) & ~15;
export const INTENTS_AT: u32 = INTENT_STATE_AT + 96;
export const INTENT_INDEX_AT: u32 = INTENTS_AT + INTENTS_MAX * 64;
export const OWN_AT: u32 = (INTENT_INDEX_AT + MEMBERS_MAX * OWN_SLOTS * 2 + 15) & ~15;
export const GROUPS_AT: u32 = OWN_AT + OWN_SLOTS * 32;
export const NOTICES_AT: u32 = (GROUPS_AT + GROUPS_MAX * 24 + 15) & ~15;
export const BUCKETS_AT: u32 = (NOTICES_AT + NOTICES_MAX * 16 + 15) & ~15;
export const RUMORS_AT: u32 = BUCKETS_AT + BUCKETS * 16;
export const INTENT_SCRATCH_AT: u32 = (RUMORS_AT + RUMORS_MAX * 4 + 15) & ~15;
/** Units of one group in use while a place is sought. */
export const PLAN_UNITS_AT: u32 = (INTENT_SCRATCH_AT + INTENTS_MAX * 4 + 15) & ~15;
export const PLAN_UNITS_MAX: u32 = 256;
export const SCHEDULE_AT: u32 = (PLAN_UNITS_AT + (PLAN_UNITS_MAX >> 3) + 15) & ~15;
/** Ten bytes per timeline slot: what it is for in the plan and in its draft, and how much energy it needs and mass it allows. */
export const TIMELINE_AT: u32 = SCHEDULE_AT + 768;
export const WATCHDOG_AT: u32 = (TIMELINE_AT + TIMELINE_SLOTS_MAX * 10 + 15) & ~15;
export const CONVERGENCE_AT: u32 = WATCHDOG_AT + 192;
export const DISRUPTIONS_AT: u32 = CONVERGENCE_AT + 48;
export const HISTOGRAM_AT: u32 = (DISRUPTIONS_AT + DISRUPTIONS_MAX * 24 + 15) & ~15;
export const SEEN_GONE_AT: u32 = HISTOGRAM_AT + 4 * 16 * 2;
export const CONTEXT_BYTES: u32 = (SEEN_GONE_AT + MEMBER_WORDS * 4 + 15) & ~15;

/** Issue bounds: a flight context now; compact leaves room for static data in 32 KiB. */
if (INTENTS_MAX >= 800 && CONTEXT_BYTES > 98304) ERROR("a flight context is at most 96 KiB");
if (INTENTS_MAX == 128 && CONTEXT_BYTES > 24576) ERROR("a compact context leaves 8 KiB for constants");
