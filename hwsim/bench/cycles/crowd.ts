/**
 * Builds scripts in which one node of a cluster boots and fills its tables, as a crowded cluster
 * would fill them.
 */
import type { Preset } from '../../../host/build/root.ts';
import { CYCLE_S, type Group, type Intent, type Message } from '../../../host/cbor/generated.ts';
import { encodeConfig } from '../../../host/platform/config.ts';
import type { RandomStream } from '../../kernel/random.ts';
import type { Script } from './script.ts';
import { BenchFrames, benchKeys, reservation } from './sealed_frames.ts';
import { SCRIPT_PLACE } from '../generated_harness.ts';

/**
 * Mission second of the node's present: after the cut of the agreement round that began at 5400 s.
 */
export const nowS = 5500;
/** Before that cut: members that are heard then are not silent at the cut. */
export const heardS = 5300;
/** Returns when the node, member 0, may next send at or after a mission second. */
export const nextTxSlotS = (atS: number): number => Math.ceil(atS / CYCLE_S) * CYCLE_S;

/** What all nodes of the benchmarks are capable of. */
export const benchCapability = {
  rateMax: 200,
  storageKg: 8000,
  batteryWh: 6000,
  solarW: 1000,
  baseW: 40,
  replicateW: 0,
  mineWhPerKg: 60,
} as const;

export interface Sizes {
  members: number;
  intents: number;
}
export const sizesOf = (preset: Preset): Sizes =>
  preset === 'compact' ? { members: 64, intents: 128 } : { members: 200, intents: 800 };

/** Adds a frame and the image's `receive` of it. Returns the number of the call's entry. */
export function receive(script: Script, atS: number, frame: Uint8Array): number {
  script.write(SCRIPT_PLACE.frame, frame);
  return script.call('receive', SCRIPT_PLACE.context, atS, 0, SCRIPT_PLACE.frame, frame.length);
}

/** Adds a tick. The first frames of a liveness tick must come after it. */
export function tick(script: Script, atS: number): void {
  script.call('tick', SCRIPT_PLACE.context, atS, 0);
}

/**
 * Adds a record of the platform and the image's `observe` of it. Returns the number of the call's
 * entry.
 */
export function observe(script: Script, atS: number, record: Uint8Array): number {
  script.write(SCRIPT_PLACE.record, record);
  return script.call('observe', SCRIPT_PLACE.context, atS, 0, SCRIPT_PLACE.record, record.length);
}

/** Boots node 0 of a cluster with these groups and reserves its frame counters. */
export function bootNode(script: Script, members: number, groups: readonly Group[]): void {
  const config = { cluster: 1, self: 0, members, generation: 1, seed: 1, features: 0, ...benchCapability };
  const facts = { incarnation: 1, timeKnown: true, missionMs: 0, resets: 0, alternateImage: false, reserved: 0 };
  const block = encodeConfig(config, groups, facts, benchKeys(0));
  script.write(SCRIPT_PLACE.config, block);
  script.call('boot', SCRIPT_PLACE.context, SCRIPT_PLACE.config, block.length, 1, 0, 0);
  observe(script, 0, reservation());
}

export interface CrowdOptions {
  members: number;
  intents: number;
  /**
   * Groups over which the intents are spread, and units of each group. Few of both make a crowd.
   */
  groups: number;
  units: number;
  capacity: number;
  /** Share of members that were not heard and are silent at the cut. */
  silentShare: number;
  notices: number;
  random: RandomStream;
}

function crowdIntent(owner: number, slot: number, options: CrowdOptions): Intent {
  const { random, groups, units } = options;
  const startS = nowS - 600 + random.below(7200);
  const claimS = 3000 + random.below(1900);
  return {
    name: 'intent',
    owner,
    slot,
    version: 1 + random.below(3),
    kind: 1,
    resource: ((1 + random.below(groups)) << 16) | random.below(units + 2),
    startS,
    endS: startS + 1 + random.below(5400),
    rate: random.below(120),
    priority: random.below(3),
    state: random.below(20) === 0 ? 5 : 1 + random.below(3),
    generation: 1,
    claimS,
    publishedS: claimS + random.below(5000 - claimS),
    nonce: random.uint32(),
    read: 0,
    leaseS: random.below(8) === 0 ? nowS + random.below(3600) : 0,
  };
}

/**
 * Boots a node and fills its table of intents. Returns owner and intent slot of each intent that it
 * then stores.
 */
export function crowd(script: Script, options: CrowdOptions): [number, number][] {
  const { members, random, units, capacity } = options;
  const groups = Array.from({ length: options.groups }, (_, index): Group => {
    return { name: 'group', group: index + 1, kind: 1, units, capacity, stockKg: 0, loadKg: 0 };
  });
  bootNode(script, members, groups);
  const frames = new BenchFrames();
  const present = Array.from({ length: members - 1 }, (_, index) => index + 1).filter(
    () => random.fraction() >= options.silentShare,
  );
  tick(script, heardS);
  for (const sender of present)
    receive(
      script,
      heardS,
      frames.frame(sender, heardS, [{ name: 'join', incarnation: 1, generation: 1, cause: 1, upS: 0 }]),
    );
  tick(script, nowS);
  const stored: [number, number][] = [];
  for (let index = 0; index < options.intents; index += 1) {
    const owner = 1 + (index % (members - 1));
    const slot = Math.floor(index / (members - 1));
    const sender = present[index % present.length];
    receive(script, nowS, frames.frame(sender, nowS, [crowdIntent(owner, slot, options)]));
    stored.push([owner, slot]);
  }
  for (let index = 0; index < options.notices; index += 1)
    receive(
      script,
      nowS,
      frames.frame(present[index % present.length], nowS, [crowdNotice(index, present[0], options)]),
    );
  return stored;
}

function crowdNotice(index: number, observer: number, { random, groups, units, capacity }: CrowdOptions): Message {
  const unit = random.below(units + 1);
  const usable = unit === 0 ? capacity / 2 + random.below(capacity) : random.below(2);
  return {
    name: 'notice',
    group: 1 + random.below(groups),
    unit,
    capacity: Math.floor(usable),
    observedS: nowS - 1 - index,
    observer,
  };
}
