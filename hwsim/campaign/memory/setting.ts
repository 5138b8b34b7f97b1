/** Prepares a memory campaign: reads the image, instruments it, and sets what is injected. */
import { readFileSync } from 'node:fs';
import { imagePath, type Preset, type Variant } from '../../../host/build/root.ts';
import type { ImageFacts } from '../../../host/engine/engine.ts';
import { createV8Engine } from '../../../host/engine/v8.ts';
import { shippedBody } from '../../world/bodies.ts';
import type { ImageName } from '../campaign.ts';
import type { CampaignSetting, Span } from './campaign.ts';
import { metered, mutableGlobals, traced } from './instrument.ts';
import { injectFromHours, injectionScenario, injectToHours, runHours } from './scenario.ts';
import { assembleRecorder } from './touches.ts';

/**
 * The image as flown, and the same sources with the protection, or only its scrubber, compiled out.
 */
const presetOf: Readonly<Record<ImageName | 'unscrubbed', Preset | Variant>> = {
  protected: 'flight',
  unprotected: 'bare',
  unscrubbed: 'unscrubbed',
};

export function readImage(image: ImageName | 'unscrubbed'): Uint8Array {
  const path = imagePath(presetOf[image]);
  try {
    return new Uint8Array(readFileSync(path));
  } catch {
    throw new Error(`${path} is missing: run \`npm run build\``);
  }
}

/**
 * Turns of loops that one call may take before it counts as hung: fifty times what the longest call
 * of the golden run takes (a restart, which sums up the whole context). At some ten cycles a turn
 * this is less than a second of a Cortex-M7, whose watchdog would expire then.
 */
export const loopTurnsMax = 1_000_000;

/**
 * What the caller chooses. `bytes`: another image than the built one; `span`: a shorter run; both
 * for tests.
 */
type Choice = Pick<CampaignSetting, 'seed' | 'n' | 'models'> & { bytes?: Uint8Array; span?: Span };

const wholeRun: Span = { hours: runHours, fromHours: injectFromHours, toHours: injectToHours };

/** Prepares the campaign on one image. Throws when the image holds state outside its memory. */
export async function settingFor(image: ImageName, choice: Choice): Promise<CampaignSetting> {
  const { seed, n, models, bytes = readImage(image), span = wholeRun } = choice;
  const globals = await mutableGlobals(bytes);
  if (globals > 0)
    throw new Error(`the image has ${globals} mutable globals, into which this campaign injects nothing`);
  const facts: ImageFacts = createV8Engine(bytes).image;
  const body = shippedBody(injectionScenario().body);
  return {
    image,
    facts,
    metered: await metered(bytes, loopTurnsMax),
    traced: await traced(bytes),
    recorder: await assembleRecorder(),
    body,
    seed,
    n,
    models,
    span,
  };
}

/** SHA-256 of both images. */
export function imageHashes(): Record<ImageName, string> {
  return {
    protected: createV8Engine(readImage('protected')).image.sha256,
    unprotected: createV8Engine(readImage('unprotected')).image.sha256,
  };
}
