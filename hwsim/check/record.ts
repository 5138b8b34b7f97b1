import { OWN_SLOTS } from '../../host/cbor/generated.ts';

/** Parts of a resource, which is `group << 16 | unit`; unit 0 = the whole group. */
export const groupOf = (resource: number): number => resource >>> 16;
export const unitOf = (resource: number): number => resource & 0xffff;

/** Formats a unit, for texts. */
export const unitName = (resource: number): string => `group ${groupOf(resource)} unit ${unitOf(resource)}`;

/** Owner in a key, which is owner × 8 + intent slot. */
export const ownerOf = (key: number): number => Math.floor(key / OWN_SLOTS);
