/** Shortest and longest run, days: the nodes are switched on in its first five seconds. */
export const runDays = { min: 0.001, max: 3660 } as const;
