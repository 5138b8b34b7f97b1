import type { Preset } from '../../host/build/root.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { readImage } from '../../host/engine/image.ts';
import { createEngine } from '../../host/engine/load.ts';
import { defaultEngine, type EngineName } from '../../host/engine/names.ts';
import { criteria, type Criterion, type Outcome } from '../check/convergence/convergence.ts';
import { phasesOf } from '../check/convergence/phases.ts';
import { HonestOnly } from '../check/honest_only.ts';
import { createFleetEngine } from '../board/fleet_engine.ts';
import { boardsDecideAlike } from '../check/judges/boards_decide_alike.ts';
import { noTrap } from '../check/judges/no_trap.ts';
import { RunJudges } from '../check/run_judges.ts';
import { drawFaults } from '../fault/draw.ts';
import { drawInsider } from '../fleet/insider.ts';
import type { RunFacts } from '../fleet/run.ts';
import type { TraceConsumer } from '../kernel/trace.ts';
import type { Scenario } from '../scenario/schema.ts';
import type { Body } from '../world/bodies.ts';
import { layWorld } from '../world/plan.ts';
import { emulatedBoards, type EngineOf, simulatedBoards } from './run_boards.ts';
import { fly } from './fly.ts';
import { insiderReport } from './insider.ts';
import { radiationReport } from './radiation.ts';
import type { DisruptionOutcome, SimVerdict } from './verdict.ts';

/** Holds everything that a judged run needs, from the command line or from a recording. */
export interface Setting {
  scenario: Scenario;
  body: Body;
  image: Uint8Array;
  /** Reads the image of a preset that only boards carry; default: the built one. */
  readOther?: (preset: Preset) => Uint8Array;
  /** Instances for nodes whose memory is faultable: a scenario with upsets. */
  ownEngine?: () => Engine;
  /** Boards run in emulators, which `prepareBoards` made ready; else they are simulated. */
  emulate?: boolean;
  engine?: EngineName;
  /** The flight is one of many: it shows no progress of its own. */
  silent?: boolean;
}

/** Judges each disruption for scripts. */
function disruptionOutcomes(judges: RunJudges): DisruptionOutcome[] {
  const isProductionJudged = judges.achievableKg !== null;
  return judges.outcomes().map((outcome) => ({
    id: outcome.id,
    kind: outcome.kind,
    class: outcome.class,
    onsetS: outcome.onsetS,
    detectedS: outcome.detectedS,
    convergedS: outcome.convergedS,
    onboardConvergedS: outcome.onboardConvergedS,
    slaS: outcome.slaS,
    withinSla: outcome.sla === 'kept' ? true : outcome.sla === 'breached' ? false : null,
    sla: outcome.sla,
    heldUpBy: secondsOf(outcome.heldUp),
    heldUpDuring: outcome.heldUp,
    lostKg: isProductionJudged ? outcome.lostKg : null,
    phases: phasesOf(outcome),
    onboardPhases: outcome.onboardPhases,
    missing: outcome.missing,
  }));
}

/** Sums the spans of each criterion. */
function secondsOf(heldUp: Outcome['heldUp']): Record<Criterion, number> {
  const sums: Record<Criterion, number> = { views: 0, conflicts: 0, bindings: 0, production: 0 };
  for (const criterion of criteria) for (const [fromS, toS] of heldUp[criterion]) sums[criterion] += toS - fromS;
  return sums;
}

/** Makes the verdict on a run that ended, without the outcomes of emulated boards. */
export function verdictOf(
  { scenario, body, engine }: Setting,
  judges: RunJudges,
  facts: RunFacts,
  wallS: number,
): SimVerdict {
  const { radio, firmware, nodes, days } = facts;
  const { upsets } = scenario;
  const { radiation, insider } = judges;
  return {
    scenario: scenario.name,
    seed: scenario.seed,
    body: body.designation,
    traceHash: facts.traceHash,
    decisionHash: facts.decisionHash,
    nodes,
    days,
    engine: engine ?? defaultEngine,
    firmware: { sha256: firmware.sha256, bytes: firmware.bytes, contextBytes: firmware.contextBytes },
    disruptions: disruptionOutcomes(judges),
    membership: {
      falseDeaths: judges.falseDeaths,
      lapsedLeases: judges.lapsedLeases,
      nodeYears: (nodes * days) / 365.25,
    },
    alarms: judges.alarms,
    production: {
      achievableKg: judges.achievableKg,
      actualKg: facts.production.minedKg,
      greedyKg: judges.greedyKg,
    },
    radio: {
      framesSent: radio.framesSent,
      framesLost: radio.framesLost,
      bytesPerNodeDay: radio.bytesPerNodeDay,
      channelUse: radio.channelUse,
    },
    speed: { wallS, simulatedS: facts.simulatedS, events: facts.events },
    ...(upsets && radiation ? { radiation: radiationReport(upsets, radiation) } : {}),
    ...(facts.insider && insider ? { insider: insiderReport(facts.insider, insider, nodes) } : {}),
    checks: [...judges.verdicts(), ...(upsets ? [] : [noTrap(facts.traps)])],
  };
}

/**
 * Makes the judges of a run, which are consumers of its trace. `byzantine`: the node that is not
 * judged, null when all members are honest.
 */
export function judgesOf({ scenario, body }: Setting): { judges: RunJudges; byzantine: number | null } {
  const { seed, nodes, planWork, greedyBaseline, upsets, production } = scenario;
  const byzantine = drawInsider(scenario, seed, nodes, drawFaults(scenario, seed, nodes));
  const baselineSeed = planWork && greedyBaseline ? seed : null;
  const plan = layWorld(scenario, { seed, nodes, body });
  return {
    judges: new RunJudges(plan, {
      planWork,
      baselineSeed,
      radiation: upsets !== undefined,
      shareMin: production?.shareMin,
      byzantine,
    }),
    byzantine,
  };
}

/** Flies and judges a run, and records it if there is a recording. */
export function flyAndJudge(setting: Setting, recording: TraceConsumer | null): SimVerdict {
  const { scenario, body, image, engine: name = defaultEngine, ownEngine, silent } = setting;
  const { judges, byzantine } = judgesOf(setting);
  const judged = byzantine === null ? judges : new HonestOnly(judges, byzantine);
  const engineOf = (preset: Preset) =>
    createEngine(name, preset === scenario.preset ? image : (setting.readOther ?? readImage)(preset));
  const isEmulated = setting.emulate === true && scenario.boards.length > 0;
  const boards = isEmulated
    ? emulatedBoards(scenario, (preset) => engineOf(preset).image)
    : simulatedBoards(scenario, engineOf);
  try {
    const { facts, wallS } = fly({
      scenario,
      body,
      engine: createFleetEngine(name, image),
      controllers: boards.controllers,
      ownEngine,
      silent,
      consumers: recording === null ? [judged] : [judged, recording],
    });
    const verdict = verdictOf(setting, judges, facts, wallS);
    if (scenario.boards.length === 0) return verdict;
    verdict.boards = boards.outcomes(true);
    if (isEmulated) verdict.checks.push(boardsDecideAlike(facts.traceHash, simulatedHash(setting, engineOf)));
    return verdict;
  } finally {
    boards.close();
  }
}

/** Flies the same without emulators; returns its trace hash. */
function simulatedHash(
  { scenario, body, image, engine: name = defaultEngine, silent }: Setting,
  engineOf: EngineOf,
): string {
  const { controllers } = simulatedBoards(scenario, engineOf);
  const engine = createFleetEngine(name, image);
  const label = `${scenario.name}, without emulators`;
  return fly({ scenario, body, engine, controllers, consumers: [], label, silent }).facts.traceHash;
}
