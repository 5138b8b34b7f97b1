import { z } from 'zod';
import { disruptionKinds } from '../../../campaign/cluster/convergence.ts';

const seconds = z.number().nullable();
const phases = z.looseObject({
  ...{ detect: z.number(), agree: z.number(), lease: z.number(), claim: z.number(), resume: z.number() },
});
const disruption = z.looseObject({
  ...{ kind: z.enum(disruptionKinds), sla: z.string(), convergedS: seconds, onboardS: seconds },
  ...{ phases: phases.nullable(), onboardPhases: phases.nullable(), lostKg: z.number() },
});
const alarms = z.looseObject({ breaches: z.number(), announced: z.number(), falseAlarms: z.number() });

/** What a line of a campaign's file must have. */
export const convergenceRow = z.looseObject({
  ...{ seed: z.int(), traceHash: z.string(), nodeDays: z.number(), falseDeaths: z.number(), events: z.number() },
  ...{ lapsedLeases: z.number(), alarms, channelUse: z.number(), production: z.number() },
  ...{ failed: z.array(z.string()), firmware: z.string(), disruptions: z.array(disruption) },
});
