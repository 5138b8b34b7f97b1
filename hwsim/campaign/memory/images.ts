import { readFileSync } from 'node:fs';
import { imagePath, type Preset, type Variant } from '../../../host/build/root.ts';
import type { ImageFacts } from '../../../host/engine/engine.ts';
import { createV8Engine } from '../../../host/engine/v8.ts';
import { findBody, shippedBodies } from '../../world/bodies.ts';
import type { CampaignSetting, ImageName, Span } from './campaign.ts';
import { metered, mutableGlobals, traced } from './instrument.ts';
import { injectFromHours, injectionScenario, injectToHours, runHours } from './scene.ts';

/** The image as flown, and the same sources with the protection compiled out. */
const presetOf: Readonly<Record<ImageName | 'unscrubbed', Preset | Variant>> = {
  protected: 'flight',
  unprotected: 'bare',
  unscrubbed: 'unscrubbed',
};

export function readImages(image: ImageName | 'unscrubbed'): Uint8Array {
  const path = imagePath(presetOf[image]);
  try {
    return new Uint8Array(readFileSync(path));
  } catch {
    throw new Error(`${path} is missing: run \`npm run build\``);
  }
}

/**
 * Turns of loops that one call may take before it counts as hung: fifty times what the longest call of the golden run takes (a restart, which sums up the whole
 * context). At some ten cycles a turn that is less than a second of a Cortex-M7, whose watchdog would bite then.
 */
export const loopTurnsMax = 1_000_000;

/** What a campaign is asked for; `bytes`: another image than the built one, `span`: a shorter run, both for tests. */
type Asked = Pick<CampaignSetting, 'seed' | 'n' | 'models'> & { bytes?: Uint8Array; span?: Span };

const wholeRun: Span = { hours: runHours, fromHours: injectFromHours, toHours: injectToHours };

/** Makes a campaign ready: the image, instrumented, and what it is to be struck with. */
export async function settingFor(image: ImageName, asked: Asked): Promise<CampaignSetting> {
  const { seed, n, models, bytes = readImages(image), span = wholeRun } = asked;
  const globals = await mutableGlobals(bytes);
  if (globals > 0) throw new Error(`the image has ${globals} mutable globals, which this campaign does not strike`);
  const facts: ImageFacts = createV8Engine(bytes).image;
  const body = findBody(shippedBodies(), injectionScenario().body);
  return {
    image,
    facts,
    metered: await metered(bytes, loopTurnsMax),
    traced: await traced(bytes),
    body,
    seed,
    n,
    models,
    span,
  };
}

/** SHA-256 of both images. */
export function settingHashes(): Record<ImageName, string> {
  return {
    protected: createV8Engine(readImages('protected')).image.sha256,
    unprotected: createV8Engine(readImages('unprotected')).image.sha256,
  };
}
