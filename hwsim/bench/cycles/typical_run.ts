/**
 * Measures every operation in a recorded run of a whole cluster: the run itself, then single
 * operations on the state at its end.
 */
import { decodeFrame, sealBytes } from '../../../host/security/frame.ts';
import { type Intent, PLAIN_BYTES_MAX, STATUS } from '../../../host/cbor/generated.ts';
import { open, readHeader } from '../../../host/security/envelope.ts';
import { SIMULATED_CLUSTER } from '../../../host/security/simulated_keys.ts';
import { encodeMessage, encodeShape, joinBytes, shapeNamed } from '../../../host/cbor/message.ts';
import { RandomStream } from '../../kernel/random.ts';
import { accepted, isEmptyPoll, recordNode, type Recording } from '../../emulator/recording.ts';
import { addRecorded } from './replay.ts';
import { type Runner, runScript } from './runner.ts';
import { Script } from './script.ts';
import { renewCodes } from './line_codes.ts';
import { benchLink, keyEpochOf } from './sealed_frames.ts';
import { firmwareConstants } from '../../emulator/memory_map.ts';
import { airMessage, airShapes } from './drawn_messages.ts';
import { SCRIPT_PLACE } from '../generated_harness.ts';

/** Instructions of one kind of operation. */
export interface OpSample {
  op: string;
  counts: number[];
}

export interface TypicalRun {
  ops: OpSample[];
  /** Instructions per second of mission time, all calls and polls. */
  instructionsPerS: number;
  /** Results that differ from V8's; none when the board is right. */
  different: number;
  /** The context at the end of the run. */
  context: Uint8Array;
}

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
const variantsPerType = 9;
const walksMax = 120;
const openedMax = 400;

/**
 * Records the run for all figures of a target: a whole cluster of its preset's size, six hours from
 * power-on.
 */
export function typicalRecording(preset: 'flight' | 'compact'): Recording {
  const nodes = preset === 'compact' ? 64 : 200;
  return recordNode({ scenario: 'quiet', preset, nodes, node: 17, days: 0.25, seed: 1 });
}

/** Collects counts by name, in the order of the names' first use. */
class Samples {
  readonly #counts = new Map<string, number[]>();

  add(op: string, instructions: number): void {
    const known = this.#counts.get(op);
    if (known === undefined) this.#counts.set(op, [instructions]);
    else known.push(instructions);
  }

  list(): OpSample[] {
    return [...this.#counts].map(([op, counts]) => ({ op, counts }));
  }
}

interface EndState {
  context: Uint8Array;
  /** The same, with all verdicts invalidated. */
  invalidated: Uint8Array;
  nowS: number;
  /** Owner and intent slot of each stored intent. */
  stored: [number, number][];
}

/** Returns owner and intent slot of each intent that a context stores. */
function storedIntents(context: Uint8Array, constants: ReadonlyMap<string, number>): [number, number][] {
  const view = new DataView(context.buffer, context.byteOffset);
  const index = constants.get('INTENT_INDEX_AT')!;
  const slots = constants.get('OWN_SLOTS')!;
  const stored: [number, number][] = [];
  for (let entry = 0; entry < constants.get('MEMBERS_MAX')! * slots; entry += 1)
    if (view.getUint16(index + 2 * entry, true) !== 0xffff) stored.push([Math.floor(entry / slots), entry % slots]);
  return stored;
}

const groupBytes = 32;

/**
 * Copies a context and invalidates all its verdicts, as the cut of an agreement round does: in
 * every group, those before its first record stay valid.
 */
function invalidated(context: Uint8Array, constants: ReadonlyMap<string, number>): Uint8Array {
  const copy = context.slice();
  const from = constants.get('GROUPS_AT')!;
  const end = from + constants.get('GROUPS_MAX')! * groupBytes;
  for (let at = from; at < end; at += groupBytes) copy.copyWithin(at + 18, at + 16, at + 18);
  renewCodes(copy, constants, from, end);
  return copy;
}

function recordedPart(
  runner: Runner,
  recording: Recording,
  samples: Samples,
): { end: EndState; different: number; instructionsPerS: number } {
  const { target } = runner;
  const constants = firmwareConstants(runner.image);
  const contextBytes = constants.get('CONTEXT_BYTES')!;
  const script = new Script(target.bigEndian);
  const entries = recording.calls.map((call) => addRecorded(script, call));
  const readContext = script.read(SCRIPT_PLACE.context, contextBytes);
  script.call('hash', SCRIPT_PLACE.context);
  script.call('checkpoint', SCRIPT_PLACE.context, SCRIPT_PLACE.checkpoint, contextBytes + 16);
  const { bytes: config } = recording.calls.find(({ op }) => op === 'boot')!;
  script.write(SCRIPT_PLACE.config, config);
  const { nowS } = recording.calls.at(-1)!;
  script.call(
    'restore',
    SCRIPT_PLACE.context,
    SCRIPT_PLACE.checkpoint,
    contextBytes + 16,
    SCRIPT_PLACE.config,
    config.length,
    2,
    3,
    0,
  );
  const { result, counts } = runScript(runner, script);
  if (result.trap !== 0)
    throw new Error(`${target.name}: the image trapped (site ${result.trapSite}) in entry ${result.done}`);
  let total = 0;
  counts.forEach(({ op, instructions }, index) => {
    const call = recording.calls[index];
    if (call === undefined) {
      samples.add(op, instructions);
      return;
    }
    total += instructions;
    // An empty poll does not count as an operation.
    if (isEmptyPoll(call)) return;
    if (op === 'receive' && !accepted(call)) return;
    samples.add(op, instructions);
    if (op === 'tick' && call.about === 'work') samples.add('tick with work', instructions);
    if (op === 'tick' && call.about === 'plan') samples.add('plan repair', instructions);
  });
  const context = result.bytes(readContext);
  const different = recording.calls.filter((call, index) => result.word(entries[index]) !== call.result).length;
  return {
    end: { context, invalidated: invalidated(context, constants), nowS, stored: storedIntents(context, constants) },
    different,
    instructionsPerS: total / recording.seconds,
  };
}

/** Returns a counter that the node has not received from any sender when its recording ends. */
function unusedCounter(recording: Recording): number {
  const received = recording.calls.filter(({ op }) => op === 'receive').map(({ bytes }) => readHeader(bytes).counter);
  return 1 + received.reduce((a, b) => Math.max(a, b), 0);
}

/**
 * Returns frames of the recording, each with an implausible last message: they are checked to their
 * end, then refused.
 */
function refusedFrames(recording: Recording): Uint8Array[] {
  const trailer = encodeMessage({ name: 'suspicion', member: 0xffff, incarnation: 0 });
  const counter = unusedCounter(recording);
  return recording.calls
    .filter((call) => call.op === 'receive')
    .map(({ bytes }) => open(bytes, benchLink.keyOf, benchLink.cipher))
    .filter(({ header, plaintext }) => header.keyEpoch !== 0 && plaintext.length + trailer.length <= PLAIN_BYTES_MAX)
    .map(({ header, plaintext }) => sealBytes({ ...header, counter }, joinBytes([plaintext, trailer]), benchLink));
}

/**
 * Measures on the state at the end of the run: conflict checks with all verdicts invalidated,
 * opening, and one message of each type.
 */
function stateParts(runner: Runner, recording: Recording, end: EndState, samples: Samples): void {
  const { target } = runner;
  const script = new Script(target.bigEndian);
  script.write(SCRIPT_PLACE.context, end.invalidated);
  script.keep();
  const names: string[] = [];
  const random = new RandomStream(1, 'bench/cycles');
  const { nowS, stored } = end;
  for (const at of random.permutation(stored.length).slice(0, walksMax)) {
    script.back();
    script.call('verdict', SCRIPT_PLACE.context, stored[at][0], stored[at][1], nowS, 0);
    names.push('conflict check');
  }
  script.write(SCRIPT_PLACE.context, end.context);
  script.keep();
  for (let what = 1; what <= 11; what += 1) {
    names.push('inspect');
    script.call('inspect', SCRIPT_PLACE.context, what, 1, SCRIPT_PLACE.frame, 256);
  }
  const receive = (frame: Uint8Array, name: string): number => {
    script.write(SCRIPT_PLACE.frame, frame);
    names.push(name);
    return script.call('receive', SCRIPT_PLACE.context, nowS, 0, SCRIPT_PLACE.frame, frame.length);
  };
  const opened = refusedFrames(recording).slice(-openedMax);
  const openEntries = opened.map((frame) => receive(frame, 'open'));
  const typeEntries = receiveEachType(script, recording, end, random, receive);
  const { result, counts } = runScript(runner, script);
  if (result.trap !== 0)
    throw new Error(`${target.name}: the image trapped (site ${result.trapSite}) in entry ${result.done}`);
  counts.forEach(({ instructions }, index) => {
    samples.add(names[index], instructions);
  });
  const statusOf = (entry: number) => result.word(entry) & 0xff;
  const other = openEntries.find((entry) => statusOf(entry) !== STATUS.implausible);
  if (other !== undefined) throw new Error(`an implausible frame ended with status ${statusOf(other)}`);
  const refused = typeEntries.find(({ entry }) => statusOf(entry) !== STATUS.ok);
  if (refused !== undefined)
    throw new Error(`a frame with one ${refused.name} was refused with status ${statusOf(refused.entry)}`);
}

/** Returns the intents of others that the recorded node received, in that order. */
function receivedIntents({ calls }: Recording): Intent[] {
  const frames = calls
    .filter((call) => call.op === 'receive' && accepted(call))
    .map(({ bytes }) => decodeFrame(bytes, benchLink));
  return frames.flatMap(({ messages }) => messages.filter((message): message is Intent => message.name === 'intent'));
}

const renewed = ({ name, ...fields }: Intent) => ({ ...fields, version: fields.version + 1 });

function receiveEachType(
  script: Script,
  recording: Recording,
  end: EndState,
  random: RandomStream,
  receive: (frame: Uint8Array, name: string) => number,
): { name: string; entry: number }[] {
  const entries: { name: string; entry: number }[] = [];
  const counter = unusedCounter(recording);
  const intents = receivedIntents(recording).slice(-variantsPerType);
  for (const { name } of airShapes)
    for (let variant = 0; variant < variantsPerType; variant += 1) {
      const sender = (recording.node + 1 + random.below(recording.nodes - 1)) % recording.nodes;
      const drawn = airMessage(name, { members: recording.nodes, sender, nowS: end.nowS, random });
      // A drawn claim may not be allowed in its intent slot: received ones are published anew.
      const fields = name === 'intent' ? renewed(intents[variant % intents.length]) : drawn;
      script.back();
      const header = {
        cluster: SIMULATED_CLUSTER,
        keyEpoch: keyEpochOf(name),
        sender,
        addressee: recording.node,
        counter,
      };
      const frame = sealBytes(header, encodeShape(shapeNamed(name), fields), benchLink);
      entries.push({ name, entry: receive(frame, `receive ${name}`) });
    }
  return entries;
}

/** Measures one target in a recorded run. */
export function measureTypical(runner: Runner, recording: Recording): TypicalRun {
  const samples = new Samples();
  const { end, different, instructionsPerS } = recordedPart(runner, recording, samples);
  stateParts(runner, recording, end, samples);
  return { ops: samples.list(), instructionsPerS, different, context: end.context };
}
