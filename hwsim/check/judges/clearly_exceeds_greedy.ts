import { GREEDY_SHARE_MAX } from '../bounds.ts';
import { Findings, type Verdict } from '../verdict.ts';

/**
 * SIM-1: judges that the scenario is hard enough: nodes that hear nobody must do clearly worse.
 * Bound: GREEDY_SHARE_MAX of the achievable. Source: docs/judges.md.
 */
export function clearlyExceedsGreedy(greedyKg: number, achievableKg: number): Verdict {
  const findings = new Findings();
  if (greedyKg > GREEDY_SHARE_MAX * achievableKg) {
    const share = ((100 * greedyKg) / achievableKg).toFixed(1);
    findings.add(() => `greedy nodes mine ${share} % of the achievable: the scenario is too easy`);
  }
  return findings.verdict('SIM-1-greedy-clearly-worse');
}
