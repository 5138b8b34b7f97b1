/** How old what members know of the other clusters of their region is. */
export interface KnownAges {
  /** Members × other clusters × instants that were examined. */
  samples: number;
  /** Minutes; null: nothing was examined. */
  p50Min: number | null;
  maxMin: number | null;
  /** Samples in which a member knew nothing of a cluster. */
  unknown: number;
}

/** By age in whole minutes: how many samples. */
export type AgeCounts = Map<number, number>;

/** Before this time clusters may still hear of each other for the first time. */
export const examinedFromMs = 12 * 3_600_000;
/** Not a part of an hour, so that samples meet all parts of the hour in which summaries spread. */
export const examinedEveryMs = 337 * 60_000;
/**
 * Oldest that a known summary may be, minutes: 12 h behind a body, or 8 h of a storm, then the
 * slowest news of a region (docs/contacts.md), and an hour for each cluster at both its ends.
 */
export const ageMinMax = 24 * 60;

export function countAges(counts: AgeCounts, agesS: readonly number[]): void {
  for (const ageS of agesS) countAge(counts, ageS, 1);
}

/** Counts an age in seconds, −1 for a cluster that is not known, of so many members. */
export function countAge(counts: AgeCounts, ageS: number, members: number): void {
  const age = ageS < 0 ? -1 : Math.floor(ageS / 60);
  counts.set(age, (counts.get(age) ?? 0) + members);
}

export function knownAges(all: readonly AgeCounts[]): KnownAges {
  const sum: AgeCounts = new Map();
  for (const counts of all) for (const [age, count] of counts) sum.set(age, (sum.get(age) ?? 0) + count);
  const unknown = sum.get(-1) ?? 0;
  sum.delete(-1);
  const ages = [...sum].sort(([one], [other]) => one - other);
  const known = ages.reduce((total, [, count]) => total + count, 0);
  let below = 0;
  const median = ages.find(([, count]) => (below += count) * 2 >= known);
  return { samples: known + unknown, p50Min: median?.[0] ?? null, maxMin: ages.at(-1)?.[0] ?? null, unknown };
}
