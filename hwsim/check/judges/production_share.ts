import { ACHIEVABLE_SHARE_MIN } from '../bounds.ts';
import { Findings, type Verdict } from '../verdict.ts';

/** Kilograms of a whole run; `statedShare`: what the scenario expects of the achievable instead. */
export interface ProducedKg {
  actualKg: number;
  achievableKg: number;
  /** null: the baseline was not flown. */
  greedyKg: number | null;
  statedShare?: number;
}

/**
 * SIM-1: judges that the cluster as a whole produces: no less than nodes that hear nobody, and
 * ACHIEVABLE_SHARE_MIN of the achievable, or the share that the scenario states instead. Source:
 * docs/judges.md.
 */
export function productionShare({ actualKg, achievableKg, greedyKg, statedShare }: ProducedKg): Verdict {
  const findings = new Findings();
  const shareMin = statedShare ?? ACHIEVABLE_SHARE_MIN;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  if (actualKg < shareMin * achievableKg - 1e-6) {
    const wanted = statedShare === undefined ? percent(shareMin) : `the ${percent(shareMin)} that the scenario states`;
    findings.add(() => `${percent(actualKg / achievableKg)} of the achievable was produced, less than ${wanted}`);
  }
  if (statedShare === undefined && greedyKg !== null && actualKg < greedyKg) {
    findings.add(
      () => `${actualKg.toFixed(1)} kg were produced, less than the ${greedyKg.toFixed(1)} kg of greedy nodes`,
    );
  }
  return findings.verdict('SIM-1-production');
}
