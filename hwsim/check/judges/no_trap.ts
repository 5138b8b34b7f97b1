import { Findings, type Verdict } from '../verdict.ts';

/** A trap of a node's runtime. */
interface Trap {
  node: number;
  timeMs: number;
  site: number;
}

/**
 * Judges that no runtime traps. A trap is a broken invariant of the firmware itself, so that a
 * run without upsets must have none. Bound: zero. Source: docs/judges.md.
 */
export function noTrap(traps: readonly Trap[]): Verdict {
  const findings = new Findings();
  for (const { node, timeMs, site } of traps) findings.add(() => `node ${node} at ${timeMs / 1000} s, site ${site}`);
  return findings.verdict('no-trap');
}
