/**
 * What the way over WebAssembly costs: the image and test/native_baseline/{conflict,decode,seal}.c on the same inputs, results compared, instructions counted.
 *
 * Comparable are: the tables (the native baseline's are filled from the image's context, field by field), the algorithm (verdict by verdict, byte by byte the same), the checks of
 * foreign input, the compiler and -O2. The native baseline keeps its tables where C would, follows pointers, and checks no address. Both are counted from the call to its return.
 */
import { type Group, type Intent, type Message, PLAIN_BYTES_MAX } from '../../../host/cbor/generated.ts';
import { encodeShape, joinBytes, shapeNamed } from '../../../host/cbor/message.ts';
import type { Preset } from '../../../host/build/root.ts';
import { encodeConfig } from '../../../host/node/config.ts';
import { ADDRESSEE_ALL, CRC_BYTES, withCrc } from '../../../host/security/envelope.ts';
import { RandomStream } from '../../kernel/random.ts';
import { BenchFrames, benchKeys, epochOf, reservation } from './frames.ts';
import { firmwareConstants, tableLayout } from './layout.ts';
import { airMessage, airShapes, randomFields } from './messages.ts';
import { type Runner, runScript } from './runner.ts';
import { place, Script } from './script.ts';

/** Mission second at which the cluster stands: past the cut of the epoch that began at 5400. */
export const nowS = 5500;
const heardS = 5300;

export interface Sizes {
  members: number;
  intents: number;
}
export const sizesOf = (preset: Preset): Sizes =>
  preset === 'compact' ? { members: 64, intents: 128 } : { members: 200, intents: 800 };

/** Puts a frame before the image and calls receive. Returns the number of the call's entry. */
export function receive(script: Script, atS: number, frame: Uint8Array): number {
  script.write(place.frame, frame);
  return script.call('receive', place.context, atS, 0, place.frame, frame.length);
}

/** Beats turn in a tick, which comes before the frames of a new one. */
export function tick(script: Script, atS: number): void {
  script.call('tick', place.context, atS, 0);
}

/** Gives the image a record of its platform. Returns the number of the call's entry. */
export function observe(script: Script, atS: number, record: Uint8Array): number {
  script.write(place.record, record);
  return script.call('observe', place.context, atS, 0, place.record, record.length);
}

/** Boots node 0 of a cluster with these groups; its counters are reserved. */
export function bootNode(script: Script, members: number, groups: readonly Group[]): void {
  const capability = {
    rateMax: 200,
    storageKg: 8000,
    batteryWh: 6000,
    solarW: 1000,
    baseW: 40,
    replicateW: 0,
    mineWhPerKg: 60,
  };
  const config = { cluster: 1, self: 0, members, generation: 1, seed: 1, features: 0, ...capability };
  const facts = { incarnation: 1, timeKnown: true, missionMs: 0, resets: 0, alternateImage: false, reserved: 0 };
  const block = encodeConfig(config, groups, facts, benchKeys(0));
  script.write(place.config, block);
  script.call('boot', place.context, place.config, block.length, 1, 0, 0);
  observe(script, 0, reservation());
}

export interface CrowdOptions {
  members: number;
  intents: number;
  /** Groups that the intents are spread over, and units of each: few make a crowd. */
  groups: number;
  units: number;
  capacity: number;
  /** Share of members that were not heard and are gone at the cut. */
  gone: number;
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

/** A node that holds a table of intents. Returns who holds what. */
export function crowd(script: Script, options: CrowdOptions): [number, number][] {
  const { members, random, units, capacity } = options;
  const groups = Array.from({ length: options.groups }, (_, index): Group => {
    return { name: 'group', group: index + 1, kind: 1, units, capacity, stockKg: 0, loadKg: 0 };
  });
  bootNode(script, members, groups);
  const frames = new BenchFrames();
  const present = Array.from({ length: members - 1 }, (_, index) => index + 1).filter(
    () => random.fraction() >= options.gone,
  );
  tick(script, heardS);
  for (const sender of present)
    receive(script, heardS, frames.frame(sender, heardS, [{ name: 'join', incarnation: 1, generation: 1, cause: 1 }]));
  tick(script, nowS);
  const held: [number, number][] = [];
  for (let index = 0; index < options.intents; index += 1) {
    const owner = 1 + (index % (members - 1));
    const slot = Math.floor(index / (members - 1));
    const sender = present[index % present.length];
    receive(script, nowS, frames.frame(sender, nowS, [crowdIntent(owner, slot, options)]));
    held.push([owner, slot]);
  }
  for (let index = 0; index < options.notices; index += 1) {
    const unit = random.below(units + 1);
    const usable = unit === 0 ? capacity / 2 + random.below(capacity) : random.below(2);
    const notice: Message = {
      name: 'notice',
      group: 1 + random.below(options.groups),
      unit,
      capacity: Math.floor(usable),
      observedS: nowS - 1 - index,
      observer: present[0],
    };
    receive(script, nowS, frames.frame(present[index % present.length], nowS, [notice]));
  }
  return held;
}

const groupBytes = 32;
const groupsMax = 32;

/** Verdicts of all groups are to be found anew: what an epoch's cut does, done to the context directly. */
function invalidate(script: Script, groupsAt: number, groups: Uint8Array): void {
  for (let at = 0; at < groups.length; at += groupBytes)
    script.write(place.context, groups.subarray(at + 16, at + 18), groupsAt + at + 18);
}

/** The native baseline has no protection, and nobody here renews codes. */
function layoutOf({ target, image }: Runner): number[] {
  if (firmwareConstants(image).get('PROTECTED') !== 0)
    throw new Error(
      `${target.name}: the native baseline is compared with an image without protection, not with ${image}`,
    );
  return tableLayout(image);
}

export interface Comparison {
  cases: number;
  /** Cases whose results differ, with what is needed to look at them. */
  different: string[];
  image: number;
  native: number;
}

/** Conflict checks on one table: walks anew up to intents drawn at random, and to the end. */
export function compareConflicts(
  runner: Runner,
  options: Omit<CrowdOptions, 'random'>,
  seed: number,
  walks: number,
): Comparison {
  const { target } = runner;
  const layout = layoutOf(runner);
  const groupsAt = firmwareConstants(runner.image).get('GROUPS_AT')!;
  const build = (): { script: Script; held: [number, number][]; random: RandomStream } => {
    const random = new RandomStream(seed, 'yardstick/conflicts');
    const script = new Script(target.bigEndian);
    const held = crowd(script, { ...options, random });
    return { script, held, random };
  };
  // The first run only tells where each chain begins.
  const first = build();
  const read = first.script.read(place.context, groupsMax * groupBytes, groupsAt);
  const groups = runScript(runner, first.script).result.bytes(read);
  const { script, held, random } = build();
  script.keep();
  const cases: { owner: number; slot: number; image: number; native: number; compared: number }[] = [];
  for (let walk = 0; walk < walks; walk += 1) {
    const [owner, slot] = held[random.below(held.length)];
    script.back();
    invalidate(script, groupsAt, groups);
    script.tables(layout, true);
    const image = script.call('verdict', place.context, owner, slot, nowS, 0);
    const native = script.nativeVerdict(owner, slot, nowS, 0);
    cases.push({ owner, slot, image, native, compared: script.compare(true) });
  }
  const { result, counts } = runScript(runner, script);
  if (result.trap !== 0)
    throw new Error(
      `the image trapped (reason ${result.trap}, site ${result.trapSite}) in entry ${result.done} of seed ${seed}`,
    );
  const different = cases.filter(
    ({ image, native, compared }) => result.word(image) !== result.word(native) || result.word(compared) !== 0,
  );
  const sum = (op: string) => counts.reduce((total, count) => total + (count.op === op ? count.instructions : 0), 0);
  return {
    cases: cases.length,
    different: different.map(({ owner, slot, image, native, compared }) => {
      const says = `image ${result.word(image)}, native ${result.word(native)}, ${result.word(compared)} places differ`;
      return `seed ${seed}: intent ${slot} of ${owner}: ${says}`;
    }),
    image: sum('verdict'),
    native: sum('native_verdict'),
  };
}

/** Messages drawn at random until a frame is full, most of them believable. Ends with one that cannot be true, so that a check that has seen everything refuses. */
function randomBody(sender: number, members: number, random: RandomStream, refused: boolean): Uint8Array {
  const trailer = encodeShape(shapeNamed('suspicion'), { member: members, incarnation: 1 });
  const parts: Uint8Array[] = [];
  let room = PLAIN_BYTES_MAX - trailer.length;
  for (let tries = 0; tries < 12 && room > 8; tries += 1) {
    const shape = airShapes[random.below(airShapes.length)];
    // Under this key, what is for epoch 0 is refused at once.
    if (refused && epochOf(shape.name) === 0) continue;
    const fields =
      random.below(40) === 0 ? randomFields(shape, random) : airMessage(shape.name, { members, sender, nowS, random });
    const bytes = encodeShape(shape, fields);
    if (bytes.length > room) continue;
    parts.push(bytes);
    room -= bytes.length;
  }
  return joinBytes(refused ? [...parts, trailer] : parts);
}

/** One to three changes: a bit, a byte, a byte taken out, a byte put in. */
function mutated(bytes: Uint8Array, random: RandomStream): Uint8Array {
  const list = [...bytes];
  const heads = [0x00, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x40, 0x58, 0x60, 0x80, 0x82, 0x9f, 0xa1, 0xc1, 0xf6, 0xff];
  for (let changes = 1 + random.below(3); changes > 0; changes -= 1) {
    const at = random.below(list.length);
    const how = random.below(5);
    if (how <= 1) list[at] ^= 1 << random.below(8);
    else if (how === 2) list[at] = heads[random.below(heads.length)];
    else if (how === 3) list.splice(at, 1);
    else list.splice(at, 0, heads[random.below(heads.length)]);
  }
  return Uint8Array.from(list.slice(0, PLAIN_BYTES_MAX));
}

/** A byte of the frame as it is on the air is another one, mostly under a CRC that is right: envelope, counter and tag refuse it. */
function spoilt(frame: Uint8Array, random: RandomStream): Uint8Array {
  const covered = frame.length - CRC_BYTES;
  const bytes = frame.slice();
  bytes[random.below(random.below(2) === 0 ? 27 : covered)] ^= 1 << random.below(8);
  return random.below(8) === 0 ? bytes : withCrc(bytes.subarray(0, covered));
}

/**
 * Frames opened by both. `honest`: only frames that are checked to their end, which is what the ratio is counted on; else mutated ones too, whose status must agree.
 * Frames that pass every check are applied by the image and not by the native baseline: they are compared, not counted.
 */
export function compareFrames(runner: Runner, seed: number, frames: number, honest: boolean): Comparison {
  const { target } = runner;
  const { members } = sizesOf(target.preset);
  const layout = layoutOf(runner);
  const random = new RandomStream(seed, 'yardstick/frames');
  const script = new Script(target.bigEndian);
  const sealed = new BenchFrames();
  crowd(script, { members, intents: 40, groups: 3, units: 12, capacity: 2000, gone: 0, notices: 4, random });
  // A node that hears nobody opens frames of a time to come, to learn whether it is its own clock that is behind.
  const heartbeat = encodeShape(shapeNamed('heartbeat'), airMessage('heartbeat', { members, sender: 1, nowS, random }));
  receive(script, nowS, sealed.newest(1, nowS - 15, heartbeat));
  script.keep();
  const before = script.entries;
  const cases: { frame: Uint8Array; image: number; native: number; compared: number }[] = [];
  for (let index = 0; index < frames; index += 1) {
    const refused = honest || random.below(3) !== 0;
    const sender = 1 + random.below(members - 1);
    const addressee = random.below(2) === 0 ? 0 : ADDRESSEE_ALL;
    const body = randomBody(sender, members, random, refused);
    const plaintext = honest || random.below(3) !== 0 ? body : mutated(body, random);
    const genuine = sealed.newest(sender, nowS, plaintext, addressee);
    const frame = !honest && random.below(4) === 0 ? spoilt(genuine, random) : genuine;
    if (!refused) script.back();
    script.tables(layout, false);
    const image = receive(script, nowS, frame);
    const native = script.nativeFrame(frame.length);
    cases.push({ frame, image, native, compared: script.compare(false) });
    if (!refused || !honest) script.back();
  }
  const { result, counts } = runScript(runner, script);
  if (result.trap !== 0)
    throw new Error(
      `the image trapped (reason ${result.trap}, site ${result.trapSite}) in entry ${result.done} (${before} to build) of seed ${seed}`,
    );
  const different = cases.filter(({ image, native, compared }) => {
    const status = result.word(image) & 0xff;
    return status !== result.word(native) || (status !== 0 && status !== 3 && result.word(compared) !== 0);
  });
  const ours = counts.slice(-2 * frames);
  const sum = (op: string) => ours.reduce((total, count) => total + (count.op === op ? count.instructions : 0), 0);
  return {
    cases: cases.length,
    different: different.map(({ frame, image, native, compared }) => {
      const says = `image ${result.word(image) & 0xff}, native ${result.word(native)}, ${result.word(compared)} words differ`;
      return `seed ${seed}: ${Buffer.from(frame).toString('hex')}: ${says}`;
    }),
    image: sum('receive'),
    native: sum('native_frame'),
  };
}
