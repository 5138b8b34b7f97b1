/**
 * Lists the outcomes of an injection, and the fault models. The memory campaign and the boards'
 * campaign share them; the rules by which an outcome is found stand in docs/injection.md.
 */

/**
 * From the best to the worst: when several apply to an injection, the last in this list is its
 * outcome.
 */
export const outcomeNames = [
  /** Every output is right, and the state is the golden run's again without any repair. */
  'masked',
  /**
   * Every output is right up to the end; the flipped bits, or what they changed, are still there.
   */
  'masked-latent',
  /**
   * Found and corrected in place, and reported (event `upset`); before that, nobody accepted
   * anything wrong.
   */
  'corrected',
  /**
   * Found by a check of the protection (trap site 900–949, or an `upset` that discarded a record);
   * the node is back, and all count it as alive within the deadline.
   */
  'detected-and-recovered',
  /** As above, or right outputs only, but later than the deadline allows. */
  'late',
  /**
   * Silent from its detection to the end of the run: off or in safe mode. Nobody received anything
   * wrong.
   */
  'fail-silent',
  /**
   * The runtime ended by a trap other than a check of the protection, whether or not it came back.
   */
  'crash',
  /** A call that did not end within its budget, or a runtime whose watchdog expired. */
  'hang',
  /**
   * A wrong decision: a command that differs from what the uncorrupted state gives; or a wrong
   * event, status or frame that was never detected.
   */
  'SDC-local',
  /** A wrong value that another node accepted, with an effect on that node's state. */
  'SDC-propagated',
] as const;

export type OutcomeName = (typeof outcomeNames)[number];

export type OutcomeCounts = Record<OutcomeName, number>;

/** An outcome, and one line for people: what was seen first, and what then. */
export interface Judgement {
  outcome: OutcomeName;
  reason: string;
}

/** Every outcome with the count 0. */
export function noOutcomes(): OutcomeCounts {
  return Object.fromEntries(outcomeNames.map((name) => [name, 0])) as OutcomeCounts;
}

/** Correct, or recovered by the deadline. */
export const goodOutcomes: readonly OutcomeName[] = ['masked', 'masked-latent', 'corrected', 'detected-and-recovered'];

/**
 * Trap sites of the protection's own checks: the state was found wrong before anything was changed
 * or sent.
 */
const protectionSites = { from: 900, to: 949 } as const;

export const isProtectionSite = (site: number) => site >= protectionSites.from && site <= protectionSites.to;
