import { readImage } from '../../../../host/engine/image.ts';
import type { EngineName } from '../../../../host/engine/names.ts';
import {
  type ConvergenceFlight,
  type ConvergenceSetting,
  convergenceScenario,
  kindOf,
  type MeasuredDisruption,
} from '../../../campaign/cluster/convergence.ts';
import { flyAndJudge } from '../../../report/fly_and_judge.ts';
import type { DisruptionOutcome } from '../../../report/verdict.ts';
import { shippedBody } from '../../../world/bodies.ts';

/** Describes one flight of `heliograph convergence` for a worker thread. */
export interface ConvergenceJob extends ConvergenceSetting {
  kind: 'convergence';
  seed: number;
  engine: EngineName;
}

/** Flies and judges the scenario of one seed. */
export function flyConvergence(job: ConvergenceJob): ConvergenceFlight {
  const scenario = convergenceScenario(job, job.seed);
  const body = shippedBody(scenario.body);
  const image = readImage(job.image);
  const verdict = flyAndJudge({ scenario, body, image, engine: job.engine, silent: true }, null);
  const { achievableKg, actualKg } = verdict.production;
  return {
    seed: job.seed,
    traceHash: verdict.traceHash,
    firmware: verdict.firmware.sha256,
    nodeDays: verdict.nodes * verdict.days,
    falseDeaths: verdict.membership.falseDeaths,
    lapsedLeases: verdict.membership.lapsedLeases,
    alarms: verdict.alarms,
    events: verdict.speed.events,
    channelUse: verdict.radio.channelUse,
    production: achievableKg === null ? 0 : actualKg / achievableKg,
    disruptions: verdict.disruptions.flatMap(measured),
    failed: verdict.checks.filter(({ ok }) => !ok).map(({ id, examples }) => `${id}: ${examples[0]}`),
  };
}

/** Keeps of a judged disruption what the campaign measures; nothing of a kind that it does not. */
function measured(outcome: DisruptionOutcome): MeasuredDisruption[] {
  const kind = kindOf(outcome.id);
  if (kind === null) return [];
  const since = (timeS: number | null) => (timeS === null ? null : Math.max(0, timeS - outcome.onsetS));
  return [
    {
      kind,
      sla: outcome.sla,
      convergedS: since(outcome.convergedS),
      phases: outcome.phases,
      // Below zero: the cluster dated the onset too early.
      onboardS: outcome.onboardConvergedS === null ? null : outcome.onboardConvergedS - outcome.onsetS,
      onboardPhases: outcome.onboardPhases,
      lostKg: outcome.lostKg ?? 0,
    },
  ];
}
