/**
 * Attacks that a Byzantine member may make. `claims`: claims everything. `floods`: sends more
 * frames than its share. `thrashes`: withdraws and claims again. `impersonates`: publishes in the
 * name of others. `equivocates`: publishes two contents under one version. `late`: publishes
 * versions that pretend to be older than the present agreement round. `postdates`: publishes in the
 * name of others, dated ahead. `revokes`: reports that live members lost their votes. `crowds`:
 * reports losses of units that do not exist. `denies`: reports that all groups can take nothing.
 * `shifts`: sends heartbeats of a clock that is far ahead. `splits`: gives each half of the members
 * other versions from before a cut.
 */
export const attacks = [
  'claims',
  'floods',
  'thrashes',
  'impersonates',
  'equivocates',
  'late',
  'postdates',
  'revokes',
  'crowds',
  'denies',
  'shifts',
  'splits',
] as const;
export type Attack = (typeof attacks)[number];

/** Attacks of a scenario that names none: not `splits`, for which no bound is known. */
export const boundedAttacks: readonly Attack[] = attacks.filter((attack) => attack !== 'splits');
