import { OWN_SLOTS } from './bounds.ts';

/** Codes in platform records that judges read (proto/schema/platform.cddl). */
export const MEMBER_STATE = { UNKNOWN: 0, ALIVE: 1, SUSPECT: 2, UNREACHABLE: 3, DEAD: 4, LEFT: 5 } as const;
export const INTENT_STATE = { NONE: 0, PLANNED: 1, CLAIMED: 2, STARTED: 3, DONE: 4, WITHDRAWN: 5 } as const;
export const UPSET_OUTCOME = { CORRECTED: 1, DROPPED: 2 } as const;
/** Kind of an intent that works no resource. */
export const KIND_MAINTAIN = 4;

/** Parts of a resource, which is `group << 16 | unit`; unit 0 = the whole group. */
export const groupOf = (resource: number): number => resource >>> 16;
export const unitOf = (resource: number): number => resource & 0xffff;

/** Formats a unit, for texts. */
export const unitName = (resource: number): string => `group ${groupOf(resource)} unit ${unitOf(resource)}`;

/** Owner in a key, which is owner × 8 + intent slot. */
export const ownerOf = (key: number): number => Math.floor(key / OWN_SLOTS);
