import { Findings, type Verdict } from '../verdict.ts';

/**
 * BRD-1: judges that boards decide what simulated nodes decide, to the last bit: the same flight
 * without emulators has the same trace hash. Source: docs/judges.md.
 */
export function boardsDecideAlike(emulatedHash: string, simulatedHash: string): Verdict {
  const findings = new Findings();
  if (simulatedHash !== emulatedHash)
    findings.add(() => `with boards in emulators ${emulatedHash}, simulated ${simulatedHash}`);
  return findings.verdict('BRD-1-boards-decide-alike');
}
