import Table from 'cli-table3';
import type { Command } from 'commander';
import type { Preset, Variant } from '../../host/build/root.ts';
import type { Engine } from '../../host/engine/engine.ts';
import type { CipherName } from '../../host/security/cipher.ts';
import { meteredEngines } from './metered.ts';
import { readImage } from '../../host/engine/image.ts';
import { createEngine } from '../../host/engine/load.ts';
import { defaultEngine, type EngineName } from '../../host/engine/names.ts';
import { type RunFacts, runScenario } from '../fleet/run.ts';
import { scenarioText } from '../scenario/load.ts';
import type { Scenario } from '../scenario/schema.ts';
import type { Body } from '../world/bodies.ts';
import { layWorld } from '../world/plan.ts';
import {
  type BoardOutcome,
  emulatedBoards,
  type EngineOf,
  otherPresets,
  prepareBoards,
  simulatedBoards,
} from './boards.ts';
import { againLine } from '../../host/cli/again.ts';
import { CommandError, exitCode } from '../../host/cli/exit.ts';
import { fly } from './fly.ts';
import { applyOverrides, loadBody, loadScenario } from './input.ts';
import { Bench, type DisruptionOutcome } from './judging.ts';
import type { RadiationOutcome } from '../check/judges/no_corrupt_value_sent.ts';
import { drawFaults } from '../fault/draw.ts';
import { drawInsider } from '../fleet/insider.ts';
import { HonestOnly } from '../check/honest_only.ts';
import { type InsiderReport, insiderLines, insiderReport } from './insider.ts';
import { radiationLines } from './radiation.ts';
import { Recording } from './recording.ts';

export interface SimOptions {
  seed?: number;
  days?: number;
  nodes?: number;
  preset?: Preset;
  engine?: EngineName;
  body?: string;
  bodies?: string;
  out?: string;
  json?: boolean;
  simulateBoards?: boolean;
  upsetScale?: number;
  cipher?: 'real' | 'null';
  unprotected?: boolean;
  uncontained?: boolean;
}

/** What a run says of itself: printed by --json, kept as verdict.json. */
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
  membership: { falseDeaths: number; nodeYears: number };
  /** achievableKg: the upper bound of hwsim/world/achievable.ts; null when nobody plans work. */
  production: { achievableKg: number | null; actualKg: number; greedyKg: number | null };
  radio: { framesSent: number; framesLost: number; bytesPerNodeDay: number; channelUse: number };
  speed: { wallS: number; simulatedS: number; events: number };
  /** Only of a scenario with boards. */
  boards?: BoardOutcome[];
  /** Only of the build without protection. */
  unprotected?: true;
  /** Only of the build without bounds on what a byzantine can do. */
  uncontained?: true;
  /** Links were sealed by a stand-in. */
  cipher?: 'null';
  /** Only of a scenario with upsets. */
  radiation?: RadiationOutcome & { perBitDay: number; scale: number };
  /** Only of a scenario in which a member lies. */
  insider?: InsiderReport;
  checks: { id: string; ok: boolean; violations: number; examples: string[] }[];
}

/** Everything that a run needs, made from the command line or from a recording. */
export interface Setting {
  scenario: Scenario;
  body: Body;
  image: Uint8Array;
  /** Reads the image of a preset that only boards carry; default: the built one. */
  readOther?: (preset: Preset) => Uint8Array;
  /** Instances for nodes whose memory errs: a scenario with upsets. */
  ownEngine?: () => Engine;
  /** Boards in emulators, made ready by `prepareBoards`; else they are simulated. */
  emulate?: boolean;
  engine?: EngineName;
  /** Which cipher the image has. Default: the real one. */
  cipher?: CipherName;
}

function judged(setting: Setting, bench: Bench, facts: RunFacts, wallS: number): SimVerdict {
  const { radio, firmware } = facts;
  const { upsets } = setting.scenario;
  const { radiation } = bench;
  return {
    scenario: setting.scenario.name,
    seed: setting.scenario.seed,
    body: setting.body.designation,
    traceHash: facts.traceHash,
    decisionHash: facts.decisionHash,
    nodes: facts.nodes,
    days: facts.days,
    engine: setting.engine ?? defaultEngine,
    firmware: { sha256: firmware.sha256, bytes: firmware.bytes, contextBytes: firmware.contextBytes },
    disruptions: bench.disruptions(),
    membership: { falseDeaths: bench.falseDeaths, nodeYears: (facts.nodes * facts.days) / 365.25 },
    production: { achievableKg: bench.achievableKg, actualKg: facts.production.minedKg, greedyKg: bench.greedyKg },
    radio: {
      framesSent: radio.framesSent,
      framesLost: radio.framesLost,
      bytesPerNodeDay: radio.bytesPerNodeDay,
      channelUse: radio.channelUse,
    },
    speed: { wallS, simulatedS: facts.simulatedS, events: facts.events },
    ...(upsets && radiation ? { radiation: { perBitDay: upsets.perBitDay, scale: upsets.scale, ...radiation } } : {}),
    ...(facts.insider && bench.insider ? { insider: insiderReport(facts.insider, bench.insider, facts.nodes) } : {}),
    checks: [...bench.verdicts(), ...(upsets ? [] : [noTraps(facts)])],
  };
}

/** A trap of the firmware is its own broken invariant: never acceptable in a run that injects none. */
function noTraps({ traps }: RunFacts): SimVerdict['checks'][number] {
  const examples = traps
    .slice(0, 5)
    .map(({ node, timeMs, site }) => `node ${node} at ${timeMs / 1000} s, site ${site}`);
  return { id: 'no-trap', ok: traps.length === 0, violations: traps.length, examples };
}

/** Flies, judges, and records if asked to. */
export function flyAndJudge(setting: Setting, recording: Recording | null): SimVerdict {
  const { scenario, body, image, engine: name = defaultEngine } = setting;
  const engine = createEngine(name, image);
  const baselineSeed = scenario.planWork && scenario.greedyBaseline ? scenario.seed : null;
  const byzantine = drawInsider(
    scenario,
    scenario.seed,
    scenario.nodes,
    drawFaults(scenario, scenario.seed, scenario.nodes),
  );
  const bench = new Bench(
    layWorld(scenario, { seed: scenario.seed, nodes: scenario.nodes, body }),
    scenario.planWork,
    baselineSeed,
    scenario.upsets !== undefined,
    byzantine,
  );
  const judges = byzantine === null ? bench : new HonestOnly(bench, byzantine);
  const consumers = recording === null ? [judges] : [judges, recording];
  const engineOf = (preset: Preset) =>
    createEngine(name, preset === scenario.preset ? image : (setting.readOther ?? readImage)(preset));
  const boards =
    setting.emulate === true && scenario.boards.length > 0
      ? emulatedBoards(scenario, (preset) => engineOf(preset).image)
      : simulatedBoards(scenario, engineOf);
  try {
    const { ownEngine, cipher } = setting;
    const { facts, wallS } = fly({
      scenario,
      body,
      engine,
      controllers: boards.controllers,
      ownEngine,
      cipher,
      consumers,
    });
    const verdict = judged(setting, bench, facts, wallS);
    if (scenario.boards.length === 0) return verdict;
    verdict.boards = boards.outcomes(true);
    if (setting.emulate === true) verdict.checks.push(decidesAlike(setting, engineOf, facts));
    return verdict;
  } finally {
    boards.close();
  }
}

/** BRD-1: boards decide what simulated nodes decide, to the last bit: the same flight without emulators gives the same trace hash. */
function decidesAlike({ scenario, body }: Setting, engineOf: EngineOf, facts: RunFacts): SimVerdict['checks'][number] {
  const { controllers } = simulatedBoards(scenario, engineOf);
  const { seed, days, nodes, preset } = scenario;
  const simulated = runScenario(scenario, { seed, days, nodes, body, engine: engineOf(preset), controllers });
  const ok = simulated.traceHash === facts.traceHash;
  const examples = ok ? [] : [`with boards in emulators ${facts.traceHash}, simulated ${simulated.traceHash}`];
  return { id: 'BRD-1-boards-decide-alike', ok, violations: ok ? 0 : 1, examples };
}

/** True when every check held and no SLA was breached. What was not measured is neither. */
export function isClean(verdict: SimVerdict): boolean {
  return verdict.checks.every(({ ok }) => ok) && verdict.disruptions.every(({ withinSla }) => withinSla !== false);
}

const after = (atS: number | null, onsetS: number) =>
  atS === null ? 'never' : `${((atS - onsetS) / 60).toFixed(1)} min`;

/** The verdict for people. */
export function verdictText(verdict: SimVerdict, again: string): string {
  const lines = [
    `${verdict.scenario}, seed ${verdict.seed}: ${verdict.nodes} nodes, ${verdict.days} days on ${verdict.body}`,
    '',
  ];
  const head = ['disruption', 'class', 'onset', 'detected', 'converged', 'on board', 'SLA', 'kg lost', ''];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const row of verdict.disruptions) {
    const sla = `${row.slaS / 3600} h`;
    const word = row.withinSla === null ? 'not measured' : row.withinSla ? 'kept' : 'BREACHED';
    const times = [row.detectedS, row.convergedS, row.onboardConvergedS].map((atS) => after(atS, row.onsetS));
    table.push([
      row.id,
      row.class,
      `day ${(row.onsetS / 86_400).toFixed(2)}`,
      ...times,
      sla,
      row.lostKg === null ? '–' : Math.round(row.lostKg).toLocaleString('en'),
      word,
    ]);
  }
  if (verdict.disruptions.length > 0) lines.push(table.toString());
  for (const { id, ok, violations, examples } of verdict.checks) {
    lines.push(`${ok ? 'holds   ' : 'VIOLATED'}  ${id}${ok ? '' : `  ${violations} times; ${examples.join('; ')}`}`);
  }
  const { speed, radio, membership, production } = verdict;
  const factor = Math.round(speed.simulatedS / speed.wallS).toLocaleString('en');
  const kilograms = Math.round(production.actualKg).toLocaleString('en');
  const share =
    production.achievableKg === null
      ? ''
      : ` of ${Math.round(production.achievableKg).toLocaleString('en')} achievable, ${((100 * production.actualKg) / production.achievableKg).toFixed(1)} %`;
  const greedy =
    production.greedyKg === null ? '' : `; greedy nodes ${Math.round(production.greedyKg).toLocaleString('en')} kg`;
  for (const { id, missing } of verdict.disruptions)
    if (missing.length > 0) lines.push(`open      ${id}: ${missing.join('; ')}`);
  lines.push(
    ...boardLines(verdict.boards ?? []),
    ...radiationLines(verdict.radiation),
    ...insiderLines(verdict.insider),
  );
  lines.push(
    '',
    `production  ${kilograms} kg${share}${greedy}`,
    `membership  ${membership.falseDeaths} false deaths in ${membership.nodeYears.toFixed(2)} node·years`,
    `radio       ${radio.framesSent} frames, ${Math.round(radio.bytesPerNodeDay)} bytes per node·day, channel ${(radio.channelUse * 100).toFixed(1)} % used`,
    `speed       ${factor} × real time: ${speed.wallS.toFixed(1)} s, ${Math.round(speed.events / speed.wallS).toLocaleString('en')} events/s`,
    `trace hash  ${verdict.traceHash}`,
    `again       ${again}`,
  );
  return lines.join('\n');
}

function boardLines(boards: BoardOutcome[]): string[] {
  return boards.map(({ node, target, emulated, inputs, boots, resets, powerCycles, stackBytes }) => {
    if (!emulated) return `board     node ${node} is ${target}, simulated`;
    const stack = stackBytes === null ? 'no power at the end' : `stack ${stackBytes} bytes`;
    return `board     node ${node} is ${target}: ${inputs} inputs, ${boots} boots, ${resets} resets, ${powerCycles} losses of power, ${stack}`;
  });
}

/** The image to fly: the scenario's preset, or a build of `flight` that only simulations load. */
function imageOf(scenario: Scenario, { unprotected, uncontained, cipher }: SimOptions): Preset | Variant {
  const given = [unprotected && '--unprotected', uncontained && '--uncontained', cipher === 'null' && '--cipher null'];
  const [wanted, another] = given.filter((option) => typeof option === 'string');
  if (wanted === undefined) return scenario.preset;
  if (another !== undefined)
    throw new CommandError(`${wanted} and ${another} are two builds: give one of them`, exitCode.usage);
  if (scenario.preset !== 'flight')
    throw new CommandError(`${wanted} is a build of preset flight, not of ${scenario.preset}`, exitCode.usage);
  if (cipher === 'null' && scenario.boards.length > 0)
    throw new CommandError('--cipher null is refused by boards: fly a scenario without any', exitCode.usage);
  return unprotected ? 'bare' : uncontained ? 'trusting' : 'null-cipher';
}

/** `heliograph sim`. */
export async function sim(nameOrFile: string, options: SimOptions, command: Command): Promise<void> {
  const { seed, days, nodes, preset, engine, body: wanted, upsetScale } = options;
  const scenario = applyOverrides(loadScenario(nameOrFile), { seed, days, nodes, preset, body: wanted, upsetScale });
  const body = loadBody(scenario.body, options.bodies, console.error);
  const image = readImage(imageOf(scenario, options));
  const emulate = scenario.boards.length > 0 && options.simulateBoards !== true;
  if (emulate) await prepareBoards(scenario.boards.map(({ target }) => target));
  const recording = options.out === undefined ? null : new Recording(options.out);
  recording?.write('scenario.yaml', scenarioText(scenario));
  recording?.write('body.json', `${JSON.stringify(body)}\n`);
  recording?.write('heliograph.wasm', image);
  for (const other of otherPresets(scenario)) recording?.write(`heliograph-${other}.wasm`, readImage(other));
  const ownEngine = scenario.upsets && (await meteredEngines(engine ?? defaultEngine, image));
  const { cipher } = options;
  const verdict = flyAndJudge({ scenario, body, image, engine, emulate, ownEngine, cipher }, recording);
  if (options.unprotected) verdict.unprotected = true;
  if (options.uncontained) verdict.uncontained = true;
  if (options.cipher === 'null') verdict.cipher = 'null';
  recording?.close();
  recording?.write('verdict.json', `${JSON.stringify(verdict, null, 1)}\n`);
  const again = againLine(command, { seed: scenario.seed, days: scenario.days, nodes: scenario.nodes });
  console.log(options.json ? JSON.stringify(verdict) : verdictText(verdict, again));
  if (recording !== null && recording.failure !== null) throw new CommandError(recording.failure, exitCode.environment);
  if (!isClean(verdict)) process.exitCode = exitCode.failed;
}
