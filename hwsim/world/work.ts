/** Work that a node's controller commands. `kind`: a WORK_KIND. `resource`: group << 16 | unit. */
export interface WorkOrder {
  kind: number;
  resource: number;
  rateKgPerDay: number;
  untilMs: number;
}

/** One commanded piece of work while it runs. */
export interface Work {
  /**
   * Unique in a run: distinguishes a pending end from that of an earlier work in its intent slot.
   */
  id: number;
  node: number;
  intentSlot: number;
  kind: number;
  group: number;
  unit: number;
  rateKgPerDay: number;
  startMs: number;
  untilMs: number;
  /** What the work would take if its group had plenty, when the group was settled last. */
  wantedKgPerDay: number;
  /** kg per ms credited now; for a haul the share of full intake that the depot grants, 0 to 1. */
  flow: number;
  lastMs: number;
  /** Credited since the last credit was reported. */
  unreportedKg: number;
  totalKg: number;
  /** For a haul: milliseconds of full intake. */
  intakeMs: number;
}
