// Preset `tiny`: for tests. Every queue and table is small enough to overflow.
export const PRESET: u32 = 3;
export const MEMBERS_MAX: u32 = 8;
export const INTENTS_MAX: u32 = 12;
export const NOTICES_MAX: u32 = 4;
export const RUMORS_MAX: u32 = 2;
export const TIMELINE_SLOTS_MAX: u32 = 24;
export const EVENTS_MAX: u32 = 8;
export const OUTBOX_MAX: u32 = 3;
/** Parts of an epoch's cover that are handed on; more are needed the more members are excluded. */
export const COVER_PARTS_MAX: u32 = 4;
/** Tables of CRC-32C: one, a byte a step. */
export const CRC_TABLES: u32 = 1;
/** Owners' signed words that are kept (intent/witness.ts); what is forgotten, owners say again. */
export const STATEMENTS_MAX: u32 = 2;
export const COORDINATOR_ALLOWED: bool = true;
/** Whether the block is protected against upsets; without: preset `bare`, for comparison. */
export const PROTECTED: bool = true;
/** Whether it is also scrubbed; without: preset `unscrubbed`, to measure what scrubbing costs. */
export const SCRUBBED: bool = true;
/** Whether what a member that lies can do is bounded (docs/insiders.md); without: image `trusting`, for comparison. */
export const CONTAINED: bool = true;
