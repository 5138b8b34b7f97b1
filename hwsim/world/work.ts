/** One commanded piece of work while it runs. Kinds as in an intent: 1 mine, 2 haul, 3 move, 4 maintain, 5 replicate. */
export interface Work {
  /** Unique in a run: tells a pending end from that of an earlier work in the same slot. */
  id: number;
  node: number;
  slot: number;
  kind: number;
  group: number;
  unit: number;
  rateKgPerDay: number;
  startMs: number;
  untilMs: number;
  /** Credited now, kg per ms; for a haul the share of full intake that the depot grants it, 0 to 1. */
  flow: number;
  lastMs: number;
  /** Credited since the last credit that was told. */
  untoldKg: number;
  totalKg: number;
  /** For a haul: milliseconds of full intake. */
  intakeMs: number;
}

export const workKind = { mine: 1, haul: 2, move: 3, maintain: 4, replicate: 5 } as const;
/** Status of a progress record. */
export const progressStatus = { running: 1, done: 2, blocked: 3, failed: 4 } as const;
