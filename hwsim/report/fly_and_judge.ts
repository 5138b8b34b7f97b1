import type { Preset } from '../../host/build/root.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { readImage } from '../../host/engine/image.ts';
import { createEngine } from '../../host/engine/load.ts';
import { defaultEngine, type EngineName } from '../../host/engine/names.ts';
import type { CipherName } from '../../host/security/cipher.ts';
import { criteria, type Criterion, type Outcome } from '../check/convergence/convergence.ts';
import { HonestOnly } from '../check/honest_only.ts';
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
import type { Check, DisruptionOutcome, SimVerdict } from './verdict.ts';

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
  /** The cipher of the image. Default: the real one. */
  cipher?: CipherName;
  /** The flight is one of many: it shows no progress of its own. */
  silent?: boolean;
}

const trapsShownMax = 5;

/** A trap of the firmware is its own broken invariant: a run without upsets must have none. */
function noTraps({ traps }: RunFacts): Check {
  const examples = traps
    .slice(0, trapsShownMax)
    .map(({ node, timeMs, site }) => `node ${node} at ${timeMs / 1000} s, site ${site}`);
  return { id: 'no-trap', ok: traps.length === 0, violations: traps.length, examples };
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
    membership: { falseDeaths: judges.falseDeaths, nodeYears: (nodes * days) / 365.25 },
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
    checks: [...judges.verdicts(), ...(upsets ? [] : [noTraps(facts)])],
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
  const { scenario, body, image, engine: name = defaultEngine, ownEngine, cipher, silent } = setting;
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
      engine: createEngine(name, image),
      controllers: boards.controllers,
      ownEngine,
      cipher,
      silent,
      consumers: recording === null ? [judged] : [judged, recording],
    });
    const verdict = verdictOf(setting, judges, facts, wallS);
    if (scenario.boards.length === 0) return verdict;
    verdict.boards = boards.outcomes(true);
    if (isEmulated) verdict.checks.push(boardsDecideAlike(setting, engineOf, facts));
    return verdict;
  } finally {
    boards.close();
  }
}

/**
 * Checks BRD-1: boards decide what simulated nodes decide, to the last bit. The same flight without
 * emulators gives the same trace hash.
 */
function boardsDecideAlike({ scenario, body, silent }: Setting, engineOf: EngineOf, facts: RunFacts): Check {
  const { controllers } = simulatedBoards(scenario, engineOf);
  const engine = engineOf(scenario.preset);
  const label = `${scenario.name}, without emulators`;
  const { traceHash } = fly({ scenario, body, engine, controllers, consumers: [], label, silent }).facts;
  const ok = traceHash === facts.traceHash;
  const examples = ok ? [] : [`with boards in emulators ${facts.traceHash}, simulated ${traceHash}`];
  return { id: 'BRD-1-boards-decide-alike', ok, violations: ok ? 0 : 1, examples };
}
