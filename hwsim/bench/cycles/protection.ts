/**
 * Measures what protection against upsets costs (RAD-1): the same recorded run on the image as
 * flown, without scrubbing, and without protection.
 */
import type { Target, TargetName } from '../../../host/board/targets.ts';
import type { BuildOptions } from '../../../host/board/build.ts';
import type { Recording } from '../../emulator/recording.ts';
import { addRecorded } from './replay.ts';
import { buildRunner, type Runner, runScript, targetWithout } from './runner.ts';
import { Script } from './script.ts';

export interface ProtectionCost {
  target: TargetName;
  /** Instructions per second of mission time in the recorded run. */
  flown: number;
  unscrubbed: number;
  bare: number;
  /** flown ÷ bare, and unscrubbed ÷ bare. */
  ratio: number;
  ratioUnscrubbed: number;
  /** flown − unscrubbed, as a share of the part's clock at the assumed cycles per instruction. */
  scrubbingShare: number;
}

/** The targets on which it is measured: the two parts that have budgets. */
export const protectionTargets: readonly TargetName[] = ['m7', 'm4'];

/**
 * Returns the instructions per second of the recording. Throws when a call has another result than
 * the recorded one: then the work is not the same.
 */
function recordedRate(runner: Runner, recording: Recording): number {
  const { target, image } = runner;
  const script = new Script(target.bigEndian);
  const entries = recording.calls.map((call) => addRecorded(script, call));
  const { result, counts } = runScript(runner, script);
  const different = recording.calls.findIndex((call, index) => result.word(entries[index]) !== call.result);
  if (result.trap !== 0 || different >= 0)
    throw new Error(
      `${target.name}: ${image} differs from the recorded image in call ${different} ` +
        `(${recording.calls[different]?.op}), trap ${result.trap}, site ${result.trapSite}`,
    );
  return counts.reduce((total, { instructions }) => total + instructions, 0) / recording.seconds;
}

/** Measures one target. `flown`: instructions per second of the target's own image. */
export async function measureProtection(
  target: Target,
  recording: Recording,
  flown: number,
  options: BuildOptions = {},
): Promise<ProtectionCost> {
  const rateWithout = async (what: 'protection' | 'scrubbing') =>
    recordedRate(await buildRunner(targetWithout(what, target), options), recording);
  const unscrubbed = await rateWithout('scrubbing');
  const bare = await rateWithout('protection');
  return {
    target: target.name,
    ...{ flown, unscrubbed, bare, ratio: flown / bare, ratioUnscrubbed: unscrubbed / bare },
    scrubbingShare: ((flown - unscrubbed) * target.cyclesPerInstruction) / target.clockHz,
  };
}
