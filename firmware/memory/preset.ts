// Sizes and switches of the image that is compiled.
//
// asconfig.json names every image and gives it five integers, which the compiler defines as
// constants: IMAGE_PRESET selects one of three sets of sizes; the others switch protection,
// scrubbing, bounds and cipher.
//
//   flight   clusters of up to 200 members, on Cortex-M7, RISC-V and LEON3
//   compact  clusters of up to 64 members within 32 KiB of linear memory in all, on Cortex-M4;
//            never a coordinator
//   tiny     for tests: every queue and table is small enough to overflow

import {
  PRESET_COMPACT,
  PRESET_FLIGHT,
  PRESET_MEMBERS_COMPACT,
  PRESET_MEMBERS_FLIGHT,
  PRESET_MEMBERS_TINY,
  PRESET_TINY,
} from '../wire/generated/codes';

export const PRESET: u32 = IMAGE_PRESET;
const IS_FLIGHT: bool = PRESET == PRESET_FLIGHT;
const IS_COMPACT: bool = PRESET == PRESET_COMPACT;

export const MEMBERS_MAX: u32 = IS_FLIGHT
  ? PRESET_MEMBERS_FLIGHT
  : IS_COMPACT
    ? PRESET_MEMBERS_COMPACT
    : PRESET_MEMBERS_TINY;
export const INTENTS_MAX: u32 = IS_FLIGHT ? 800 : IS_COMPACT ? 128 : 12;
export const NOTICES_MAX: u32 = IS_FLIGHT ? 64 : IS_COMPACT ? 24 : 4;
export const RUMOURS_MAX: u32 = IS_FLIGHT ? 16 : IS_COMPACT ? 8 : 2;
export const TIMELINE_ENTRIES_MAX: u32 = IS_FLIGHT ? 192 : IS_COMPACT ? 96 : 24;
/** A compact one has seven events less than 32, for the lines of a split and of rotas. */
export const EVENTS_MAX: u32 = IS_FLIGHT ? 128 : IS_COMPACT ? 25 : 8;
export const OUTBOX_MAX: u32 = IS_FLIGHT ? 16 : IS_COMPACT ? 8 : 3;
/**
 * Parts of a key epoch's cover that are passed on. The more members are excluded, the more parts a
 * cover has.
 */
export const COVER_PARTS_MAX: u32 = IS_FLIGHT ? 24 : 4;
/** Tables of CRC-32C, 1 KiB each: four for four bytes a step, or one for a byte a step. */
export const CRC_TABLES: u32 = IS_FLIGHT ? 4 : 1;
/** Signed statements that are stored. An owner publishes again what was evicted. */
export const STATEMENTS_MAX: u32 = IS_FLIGHT ? 8 : 2;
/**
 * Whether a node of this image may summarise its cluster for others. One that may not stores no
 * summaries of other clusters either: its context has no room.
 */
export const COORDINATOR_ALLOWED: bool = !IS_COMPACT;
/** Clusters of a region that are known, the own one among them. Further ones are not stored. */
export const REGION_CLUSTERS_MAX: u32 = IS_FLIGHT ? 64 : IS_COMPACT ? 0 : 2;
/** Foreign summaries that wait to be verified, or to be passed on. A full table refuses more. */
export const WAITING_MAX: u32 = IS_FLIGHT ? 4 : IS_COMPACT ? 0 : 2;
/** Profiles of members that are kept for the summary. */
export const PROFILES_MAX: u32 = COORDINATOR_ALLOWED ? MEMBERS_MAX : 0;

/**
 * Whether lines have codes against upsets. Image `bare` has none, to measure what protection costs.
 */
export const PROTECTED: bool = IMAGE_PROTECTED != 0;
/**
 * Whether lines are scrubbed. Image `unscrubbed` does not scrub, to measure what scrubbing costs.
 */
export const SCRUBBED: bool = IMAGE_SCRUBBED != 0;
/**
 * Whether a Byzantine member is bounded (docs/insiders.md). Image `trusting` has no such bounds, to
 * measure them.
 */
export const CONTAINED: bool = IMAGE_CONTAINED != 0;
/**
 * COSE number of the frames' cipher: 24, or 0 for the null cipher, which is no cipher and only
 * simulated.
 */
export const CIPHER: u32 = IMAGE_CIPHER;
/**
 * Whether frames have a CRC-32C. With the null cipher the field is zero and is not read: a
 * simulated channel loses frames whole and flips no bit.
 */
export const FRAMES_CHECKED: bool = CIPHER != 0;

if (PRESET < PRESET_FLIGHT || PRESET > PRESET_TINY) ERROR('IMAGE_PRESET is 1, 2 or 3');
if (CIPHER != 0 && CIPHER != 24) ERROR('IMAGE_CIPHER is 24 or 0');
