import { startStopwatch } from '../../host/clock/clock.ts';
import type { Group, Intent, Message } from '../../host/cbor/generated.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { STATUS, STATUS_MASK } from '../../host/cbor/generated.ts';
import { encodeConfig } from '../../host/platform/config.ts';
import { RandomStream } from '../kernel/random.ts';
import { benchCapability, heardS, nowS } from './cycles/crowd.ts';
import { BenchFrames, benchKeys, reservation } from './cycles/sealed_frames.ts';

const members = 200;
/** As many intents as the table takes, with a margin for those that come anew. */
const intents = 796;
const bufferBytes = 8192;
const measuredS = 2;

/** Draws an intent that competes with many others for few resources. */
export function crowdedIntent(owner: number, slot: number, random: RandomStream): Intent {
  const startS = nowS + random.below(600);
  const rate = 1 + random.below(60);
  return {
    name: 'intent',
    ...{ owner, slot, version: 1, kind: 1, generation: 1, nonce: random.below(1 << 30) },
    ...{ claimS: 4000 + random.below(900), publishedS: 4950, read: 0, leaseS: 0, priority: random.below(3), state: 2 },
    resource: (1 << 16) | (1 + random.below(20)),
    ...{ startS, endS: startS + 600, rate },
  };
}

/** A node whose table of intents is full. */
class CrowdedNode {
  /** Owner and intent slot of each stored intent. */
  readonly stored: [number, number][] = [];
  readonly #engine: Engine;
  readonly #context: number;
  readonly #at: number;
  readonly #frames = new BenchFrames();

  constructor(engine: Engine, random: RandomStream) {
    this.#engine = engine;
    this.#context = engine.reserve(engine.image.contextBytes);
    this.#at = engine.reserve(bufferBytes);
    this.#boot();
    engine.calls.tick(this.#context, heardS, 0);
    for (let member = 1; member < members; member += 1)
      this.receive(member, heardS, { name: 'join', incarnation: 1, generation: 1, cause: 1, upS: 0 });
    engine.calls.tick(this.#context, nowS, 0);
    for (let index = 0; index < intents; index += 1) {
      const owner = 1 + (index % (members - 1));
      const slot = Math.floor(index / (members - 1));
      this.receive(owner, nowS, crowdedIntent(owner, slot, random));
      this.stored.push([owner, slot]);
    }
  }

  #boot(): void {
    const { calls } = this.#engine;
    const group: Group = { name: 'group', group: 1, kind: 1, units: 20, capacity: 4000, stockKg: 0, loadKg: 0 };
    const config = { cluster: 1, self: 0, members, generation: 1, seed: 1, features: 0, ...benchCapability };
    const facts = { incarnation: 1, timeKnown: true, missionMs: 0, resets: 0, alternateImage: false, reserved: 0 };
    const block = encodeConfig(config, [group], facts, benchKeys(0));
    this.#engine.view().set(block, this.#at);
    calls.boot(this.#context, this.#at, block.length, 1, 0, 0);
    const reserved = reservation();
    this.#engine.view().set(reserved, this.#at);
    calls.observe(this.#context, 0, 0, this.#at, reserved.length);
  }

  receive(sender: number, atS: number, message: Message): void {
    const frame = this.#frames.frame(sender, atS, [message]);
    this.#engine.view().set(frame, this.#at);
    const status = this.#engine.calls.receive(this.#context, atS, 0, this.#at, frame.length);
    if ((status & STATUS_MASK) !== STATUS.ok) throw new Error(`a frame of member ${sender} was rejected`);
  }

  /** True when the node knows the intent and has a verdict on it. */
  hasVerdict(owner: number, slot: number): boolean {
    return this.#engine.calls.verdict(this.#context, owner, slot, nowS, 0) !== 0;
  }
}

/**
 * Measures verdicts per second on a full table. One intent comes anew before each turn, so that no
 * earlier verdict is valid; receiving it is part of the time.
 */
export function verdictsPerS(engine: Engine): number {
  const random = new RandomStream(1, 'bench/verdicts');
  const node = new CrowdedNode(engine, random);
  const seconds = startStopwatch();
  let asked = 0;
  let known = 0;
  let version = 1;
  do {
    const [owner, slot] = node.stored[random.below(node.stored.length)];
    version += 1;
    node.receive(owner, nowS, { ...crowdedIntent(owner, slot, random), version });
    for (const [each, ofSlot] of node.stored) known += node.hasVerdict(each, ofSlot) ? 1 : 0;
    asked += node.stored.length;
  } while (seconds() < measuredS);
  if (known < asked) throw new Error(`${asked - known} of ${asked} intents were not stored`);
  return asked / seconds();
}

/**
 * Measures a call into the engine and back, by the cheapest export: the best of seven turns,
 * nanoseconds.
 */
export function callNs({ calls }: Engine): number {
  const turns = 2_000_000;
  let best = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 7; turn += 1) {
    const seconds = startStopwatch();
    for (let count = 0; count < turns; count += 1) calls.abi_version();
    best = Math.min(best, (seconds() * 1e9) / turns);
  }
  return best;
}
