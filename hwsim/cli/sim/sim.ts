import type { Command } from 'commander';
import { againLine } from '../../../host/cli/again.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { print } from '../../../host/cli/output.ts';
import type { Preset, Variant } from '../../../host/build/root.ts';
import { readImage } from '../../../host/engine/image.ts';
import { defaultEngine, type EngineName } from '../../../host/engine/names.ts';
import { scenarioText } from '../../scenario/load.ts';
import type { Scenario } from '../../scenario/schema.ts';
import { prepareBoards } from '../board/prepare.ts';
import { otherPresets } from '../../report/run_boards.ts';
import { applyOverrides, loadBody, loadScenario } from '../input.ts';
import { flyAndJudge } from '../../report/fly_and_judge.ts';
import { meteredEngines } from '../../report/metered.ts';
import { Recording } from './recording.ts';
import { isClean } from '../../report/verdict.ts';
import { verdictText } from '../../report/verdict_text.ts';

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
  image?: 'flight' | 'fleet';
  unprotected?: boolean;
  uncontained?: boolean;
}

/**
 * Chooses the image to fly: the scenario's preset, or a variant of `flight` that only simulations
 * load. Throws CommandError (2).
 */
function imageNameOf(scenario: Scenario, { unprotected, uncontained, image }: SimOptions): Preset | Variant {
  const isFleet = image === 'fleet';
  const given = [unprotected && '--unprotected', uncontained && '--uncontained', isFleet && '--image fleet'];
  const [wanted, another] = given.filter((option) => typeof option === 'string');
  if (wanted === undefined) return scenario.preset;
  if (another !== undefined)
    throw new CommandError(`${wanted} and ${another} are two images: give one of them`, exitCode.usage);
  if (scenario.preset !== 'flight')
    throw new CommandError(`${wanted} is an image of preset flight, not of ${scenario.preset}`, exitCode.usage);
  if (isFleet) refuseFleet(scenario);
  return unprotected ? 'bare' : uncontained ? 'trusting' : 'fleet';
}

/** Refuses what takes a part that the fleet image has not. Throws CommandError (2). */
function refuseFleet({ name, upsets, boards }: Scenario): void {
  const refuse = (reason: string) => {
    throw new CommandError(`--image fleet: ${name} ${reason}: leave --image out, or fly another`, exitCode.usage);
  };
  if (boards.length > 0) refuse('has boards, which refuse an image with the null cipher');
  if (upsets !== undefined) refuse('has upsets, and this image has no protection against them');
}

function refuseWithoutEffect({ name, boards }: Scenario, options: SimOptions): void {
  if (options.simulateBoards && boards.length === 0)
    throw new CommandError(`--simulate-boards selects nothing: ${name} has no boards`, exitCode.usage);
}

/**
 * Runs `heliograph sim`: flies, judges and reports. Exit 1 when a check failed or an SLA was
 * breached.
 */
export async function sim(nameOrFile: string, options: SimOptions, command: Command): Promise<void> {
  const { seed, days, nodes, preset, engine = defaultEngine, body: wanted, upsetScale } = options;
  const scenario = applyOverrides(loadScenario(nameOrFile), { seed, days, nodes, preset, body: wanted, upsetScale });
  const body = loadBody(scenario.body, options.bodies, console.error);
  refuseWithoutEffect(scenario, options);
  const image = readImage(imageNameOf(scenario, options));
  const emulate = scenario.boards.length > 0 && options.simulateBoards !== true;
  if (emulate) await prepareBoards(scenario.boards.map(({ target }) => target));
  const recording = options.out === undefined ? null : new Recording(options.out);
  recording?.write('scenario.yaml', scenarioText(scenario));
  recording?.write('body.json', `${JSON.stringify(body)}\n`);
  recording?.write('heliograph.wasm', image);
  for (const other of otherPresets(scenario)) recording?.write(`heliograph-${other}.wasm`, readImage(other));
  const ownEngine = scenario.upsets && (await meteredEngines(engine, image));
  const verdict = flyAndJudge({ scenario, body, image, engine, emulate, ownEngine }, recording);
  if (options.unprotected) verdict.unprotected = true;
  if (options.uncontained) verdict.uncontained = true;
  if (options.image === 'fleet') verdict.image = 'fleet';
  recording?.close();
  recording?.write('verdict.json', `${JSON.stringify(verdict, null, 1)}\n`);
  const again = againLine(command, { seed: scenario.seed, days: scenario.days, nodes: scenario.nodes });
  print(options.json ? JSON.stringify(verdict) : verdictText(verdict, again));
  if (recording !== null && recording.failure !== null) throw new CommandError(recording.failure, exitCode.environment);
  if (!isClean(verdict)) process.exitCode = exitCode.failed;
}
