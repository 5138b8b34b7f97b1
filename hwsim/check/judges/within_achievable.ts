import { Findings, type Verdict } from '../verdict.ts';

/**
 * SIM-1: judges that actual production never exceeds the achievable. Bound: a millionth more, the
 * solver's tolerance. Source: docs/judges.md.
 */
export function withinAchievable(actualKg: number, achievableKg: number): Verdict {
  const findings = new Findings();
  if (actualKg > achievableKg * (1 + 1e-6) + 1e-6) {
    findings.add(() => `${actualKg.toFixed(1)} kg were produced of ${achievableKg.toFixed(1)} kg achievable`);
  }
  return findings.verdict('SIM-1-actual-within-achievable');
}
