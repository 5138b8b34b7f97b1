/**
 * Compares the image with the native C baseline of test/native_baseline/{conflict,decode,seal}.c:
 * same inputs, results compared, instructions counted. The ratio is the cost of compiling by way of
 * WebAssembly.
 *
 * Alike on both sides are the tables (the baseline's are filled field by field from the image's
 * context), the algorithm (verdict by verdict and byte by byte), the checks of received bytes, the
 * compiler and -O2. The baseline lays its tables out as C would, follows pointers, and checks no
 * address. Both are counted from the call to its return.
 */
import type { ImageName } from '../../../host/build/root.ts';
import { ADDRESSEE_ALL, CRC_BYTES, GROUPS_MAX, PLAIN_BYTES_MAX } from '../../../host/cbor/generated.ts';
import { encodeShape, joinBytes, shapeNamed } from '../../../host/cbor/message.ts';
import { withCrc } from '../../../host/security/envelope.ts';
import { firmwareConstants } from '../../emulator/memory_map.ts';
import { RandomStream } from '../../kernel/random.ts';
import { crowd, type CrowdOptions, nowS, receive, sizesOf } from './crowd.ts';
import { airMessage, airShapes, randomFields } from './drawn_messages.ts';
import { type Runner, runScript, type ScriptRun } from './runner.ts';
import { Script } from './script.ts';
import { BenchFrames, keyEpochOf } from './sealed_frames.ts';
import { SCRIPT_PLACE } from '../generated_harness.ts';

/** Messages of the federation, which the native baseline does not decode. */
const undecoded = new Set(['cluster-summary', 'member-profile', 'decision', 'split']);
const clusterShapes = airShapes.filter(({ name }) => !undecoded.has(name));

/**
 * Names of the memory map, in the order in which TABLES of test/native_baseline/runner.c takes
 * them.
 */
const tableNames = [
  'NODE_AT CALL_AT CLOCK_AT QUEUES_AT COUNTERS_AT SCRATCH_AT PLAIN_AT MEMBERS_AT MEMBER_BITMAPS_AT BITMAP_BYTES',
  'INTENT_STATE_AT INTENTS_AT INTENT_INDEX_AT GROUPS_AT NOTICES_AT LINK_KEYS_AT PEERS_AT',
  'MEMBERS_MAX INTENTS_MAX NOTICES_MAX DECODED_AT DECODED_STRIDE DECODED_MAX',
].flatMap((names) => names.split(' '));

/** Returns the operands of TABLES for an image: offsets within a context, and sizes of tables. */
export function tableLayout(image: ImageName): number[] {
  const constants = firmwareConstants(image);
  return tableNames.map((name) => {
    const value = constants.get(name);
    if (value === undefined)
      throw new Error(`firmware/memory has no ${name}: hwsim/bench/cycles/native_baseline.ts reads it`);
    return value;
  });
}

/** The layout of an unprotected image. Throws for others: nobody here renews the codes of lines. */
function unprotectedLayout({ target, image }: Runner): number[] {
  if (firmwareConstants(image).get('PROTECTED') !== 0)
    throw new Error(
      `${target.name}: the native baseline is compared with an image without protection, not with ${image}`,
    );
  return tableLayout(image);
}

export interface Comparison {
  cases: number;
  /** Cases whose results differ, with what is needed to reproduce them. */
  different: string[];
  /** Instructions of both in all cases. */
  image: number;
  native: number;
}

/**
 * Entries of a script that belong to one case: the image's result, the baseline's, and places that
 * differ.
 */
interface CaseEntries {
  image: number;
  native: number;
  compared: number;
}

/** Sums the instructions of the marked calls of one operation. */
function instructionsOf(op: string, counts: ScriptRun['counts']): number {
  return counts.reduce((total, count) => total + (count.op === op ? count.instructions : 0), 0);
}

function requireNoTrap({ result }: ScriptRun, about: string): void {
  if (result.trap === 0) return;
  const { trap, trapSite, done } = result;
  throw new Error(`the image trapped (reason ${trap}, site ${trapSite}) in entry ${done}${about}`);
}

const groupBytes = 32;
/**
 * Offsets within a group record: first intent of its chain, and first intent without a valid
 * verdict.
 */
const firstAt = 16;
const dirtyFromAt = 18;

/** Invalidates all verdicts in the context directly, as the cut of an agreement round does. */
function invalidate(script: Script, groupsAt: number, groups: Uint8Array): void {
  for (let at = 0; at < groups.length; at += groupBytes)
    script.write(SCRIPT_PLACE.context, groups.subarray(at + firstAt, at + firstAt + 2), groupsAt + at + dirtyFromAt);
}

/**
 * Compares conflict checks on one table: walks of a group's chain up to an intent drawn at random,
 * with all verdicts invalidated before each.
 */
export function compareConflicts(
  runner: Runner,
  options: Omit<CrowdOptions, 'random'>,
  seed: number,
  walks: number,
): Comparison {
  const layout = unprotectedLayout(runner);
  const groupsAt = firmwareConstants(runner.image).get('GROUPS_AT')!;
  const build = (): { script: Script; stored: [number, number][]; random: RandomStream } => {
    const random = new RandomStream(seed, 'yardstick/conflicts');
    const script = new Script(runner.target.bigEndian);
    const stored = crowd(script, { ...options, random });
    return { script, stored, random };
  };
  // The first run only shows where each chain begins.
  const first = build();
  const read = first.script.read(SCRIPT_PLACE.context, GROUPS_MAX * groupBytes, groupsAt);
  const groups = runScript(runner, first.script).result.bytes(read);
  const { script, stored, random } = build();
  script.keep();
  const cases: (CaseEntries & { owner: number; slot: number })[] = [];
  for (let walk = 0; walk < walks; walk += 1) {
    const [owner, slot] = stored[random.below(stored.length)];
    script.back();
    invalidate(script, groupsAt, groups);
    script.tables(layout, true);
    const image = script.call('verdict', SCRIPT_PLACE.context, owner, slot, nowS, 0);
    const native = script.nativeVerdict(owner, slot, nowS, 0);
    cases.push({ owner, slot, image, native, compared: script.compare(true) });
  }
  const run = runScript(runner, script);
  requireNoTrap(run, ` of seed ${seed}`);
  const { word } = run.result;
  const different = cases.filter(({ image, native, compared }) => word(image) !== word(native) || word(compared) !== 0);
  return {
    cases: cases.length,
    different: different.map(({ owner, slot, image, native, compared }) => {
      const results = `image ${word(image)}, native ${word(native)}, ${word(compared)} places differ`;
      return `seed ${seed}: intent ${slot} of ${owner}: ${results}`;
    }),
    image: instructionsOf('verdict', run.counts),
    native: instructionsOf('native_verdict', run.counts),
  };
}

/**
 * Draws messages until a frame is full, most of them plausible. `refused`: the last message is
 * implausible, so that all others are checked and the frame is refused at its end.
 */
function randomBody(sender: number, members: number, random: RandomStream, refused: boolean): Uint8Array {
  const trailer = encodeShape(shapeNamed('suspicion'), { member: members, incarnation: 1 });
  const parts: Uint8Array[] = [];
  let bytesLeft = PLAIN_BYTES_MAX - trailer.length;
  for (let tries = 0; tries < 12 && bytesLeft > 8; tries += 1) {
    const shape = clusterShapes[random.below(clusterShapes.length)];
    // Under this key, messages of key epoch 0 would be refused at once.
    if (refused && keyEpochOf(shape.name) === 0) continue;
    const fields =
      random.below(40) === 0 ? randomFields(shape, random) : airMessage(shape.name, { members, sender, nowS, random });
    const bytes = encodeShape(shape, fields);
    if (bytes.length > bytesLeft) continue;
    parts.push(bytes);
    bytesLeft -= bytes.length;
  }
  return joinBytes(refused ? [...parts, trailer] : parts);
}

/** Makes one to three changes: flips a bit, replaces a byte, removes one, or inserts one. */
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

/**
 * Flips a bit of a sealed frame, mostly under a correct CRC: envelope, counter or tag refuse it.
 */
function corrupted(frame: Uint8Array, random: RandomStream): Uint8Array {
  const covered = frame.length - CRC_BYTES;
  const bytes = frame.slice();
  bytes[random.below(random.below(2) === 0 ? 27 : covered)] ^= 1 << random.below(8);
  return random.below(8) === 0 ? bytes : withCrc(bytes.subarray(0, covered));
}

/**
 * One frame of the comparison. `refused`: the baseline refuses it, and the image applies none of
 * it.
 */
interface FrameCase {
  frame: Uint8Array;
  refused: boolean;
}

function drawFrame(sealed: BenchFrames, members: number, random: RandomStream, honest: boolean): FrameCase {
  const refused = honest || random.below(3) !== 0;
  const sender = 1 + random.below(members - 1);
  const addressee = random.below(2) === 0 ? 0 : ADDRESSEE_ALL;
  const body = randomBody(sender, members, random, refused);
  const plaintext = honest || random.below(3) !== 0 ? body : mutated(body, random);
  const genuine = sealed.newest(sender, nowS, plaintext, addressee);
  const frame = !honest && random.below(4) === 0 ? corrupted(genuine, random) : genuine;
  return { frame, refused };
}

/**
 * Compares the opening of frames. `honest`: only frames that are checked to their end, on which the
 * ratio is counted; otherwise mutated frames too, whose status must agree. A frame that passes
 * every check is applied by the image and not by the baseline: it is compared, not counted.
 */
export function compareFrames(runner: Runner, seed: number, frames: number, honest: boolean): Comparison {
  const { members } = sizesOf(runner.target.preset);
  const layout = unprotectedLayout(runner);
  const random = new RandomStream(seed, 'yardstick/frames');
  const script = new Script(runner.target.bigEndian);
  const sealed = new BenchFrames();
  crowd(script, { members, intents: 40, groups: 3, units: 12, capacity: 2000, silentShare: 0, notices: 4, random });
  // A node that hears nobody opens frames from the future, to learn whether its own clock is late.
  const heartbeat = encodeShape(shapeNamed('heartbeat'), airMessage('heartbeat', { members, sender: 1, nowS, random }));
  receive(script, nowS, sealed.newest(1, nowS - 15, heartbeat));
  script.keep();
  const entriesBefore = script.entries;
  const cases: (CaseEntries & { frame: Uint8Array })[] = [];
  for (let index = 0; index < frames; index += 1) {
    const { frame, refused } = drawFrame(sealed, members, random, honest);
    if (!refused) script.back();
    script.tables(layout, false);
    const image = receive(script, nowS, frame);
    const native = script.nativeFrame(frame.length);
    cases.push({ frame, image, native, compared: script.compare(false) });
    if (!refused || !honest) script.back();
  }
  const run = runScript(runner, script);
  requireNoTrap(run, ` (${entriesBefore} to build) of seed ${seed}`);
  const { word } = run.result;
  const different = cases.filter(({ image, native, compared }) => {
    const status = word(image) & 0xff;
    return status !== word(native) || (status !== 0 && status !== 3 && word(compared) !== 0);
  });
  const compared = run.counts.slice(-2 * frames);
  return {
    cases: cases.length,
    different: different.map(({ frame, image, native, compared }) => {
      const results = `image ${word(image) & 0xff}, native ${word(native)}, ${word(compared)} words differ`;
      return `seed ${seed}: ${Buffer.from(frame).toString('hex')}: ${results}`;
    }),
    image: instructionsOf('receive', compared),
    native: instructionsOf('native_frame', compared),
  };
}
