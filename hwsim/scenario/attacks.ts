/**
 * Attacks that a Byzantine member may make. `claims`: claims everything. `floods`: sends more
 * frames than its share. `thrashes`: withdraws and claims again. `impersonates`: publishes in the
 * name of others. `equivocates`: publishes two contents under one version. `late`: publishes
 * versions that pretend to be older than the present agreement round.
 */
export const attacks = ['claims', 'floods', 'thrashes', 'impersonates', 'equivocates', 'late'] as const;
export type Attack = (typeof attacks)[number];
