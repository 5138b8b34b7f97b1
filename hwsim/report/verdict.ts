import type { EngineName } from '../../host/engine/names.ts';
import type { Criterion, SlaResult, Spans } from '../check/convergence/convergence.ts';
import type { AlarmOutcome } from '../check/convergence/onboard_alarms.ts';
import type { PhaseTimes } from '../../host/node/phases.ts';
import type { BoardOutcome } from './run_boards.ts';
import type { InsiderReport } from './insider.ts';
import type { RadiationReport } from './radiation.ts';

/** Judges a disruption for scripts. Times are absolute mission seconds; null = never. */
export interface DisruptionOutcome {
  id: string;
  kind: string;
  class: string;
  onsetS: number;
  detectedS: number | null;
  convergedS: number | null;
  onboardConvergedS: number | null;
  slaS: number;
  /** null: not measured, because the run ended before the SLA did; or void. */
  withinSla: boolean | null;
  /** The same in a word; void: the disruption affected nobody, and is not judged. */
  sla: SlaResult;
  /** Achievable minus actual kilograms from onset to convergence; null when nobody plans work. */
  lostKg: number | null;
  /** By criterion of docs/definitions.md: seconds in which it was not met before convergence. */
  heldUpBy: Record<Criterion, number>;
  /** The same as spans of mission seconds. */
  heldUpDuring: Record<Criterion, Spans>;
  /** CVG-5: seconds of each phase, which sum to the time to converge; null: it did not. */
  phases: PhaseTimes | null;
  /** The same as the cluster itself reported it; its times begin at its own onset. */
  onboardPhases: PhaseTimes | null;
  /** What kept it from converging; empty when it converged. */
  missing: string[];
}

export interface Check {
  id: string;
  ok: boolean;
  violations: number;
  examples: string[];
}

/** The verdict on a run: printed by --json, kept as verdict.json. Scripts rely on these names. */
export interface SimVerdict {
  scenario: string;
  seed: number;
  body: string;
  traceHash: string;
  decisionHash: string;
  nodes: number;
  days: number;
  engine: EngineName;
  firmware: { sha256: string; bytes: number; contextBytes: number };
  disruptions: DisruptionOutcome[];
  membership: { falseDeaths: number; lapsedLeases: number; nodeYears: number };
  /** CVG-4: breached SLAs, those that an alarm announced in time, and false alarms. */
  alarms: AlarmOutcome;
  /** achievableKg: the upper bound of hwsim/world/achievable.ts; null when nobody plans work. */
  production: { achievableKg: number | null; actualKg: number; greedyKg: number | null };
  radio: { framesSent: number; framesLost: number; bytesPerNodeDay: number; channelUse: number };
  speed: { wallS: number; simulatedS: number; events: number };
  /** Only of a scenario with boards. */
  boards?: BoardOutcome[];
  /** Only of the image without protection against upsets. */
  unprotected?: true;
  /** Only of the image without bounds on what a Byzantine node can do. */
  uncontained?: true;
  /** Only of the fleet image, which has neither protection nor cipher nor CRC. */
  image?: 'fleet';
  /** Only of a scenario with upsets. */
  radiation?: RadiationReport;
  /** Only of a scenario with a Byzantine node. */
  insider?: InsiderReport;
  checks: Check[];
}

/**
 * Returns true when every check held and no SLA was breached; what was not measured counts as
 * neither.
 */
export function isClean(verdict: SimVerdict): boolean {
  return verdict.checks.every(({ ok }) => ok) && verdict.disruptions.every(({ withinSla }) => withinSla !== false);
}
