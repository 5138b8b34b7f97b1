/**
 * Measures sealed frames (SEC-1): to open one, to seal one, and to refuse frames of others.
 *
 * All are whole calls of the image as flown, from the call to its return, so that no cost of a
 * frame is left out:
 *
 *     frame.open       `receive` of a frame whose only message has a later version and is skipped:
 *                      envelope, CRC-32C, counter, tag, decryption, the window
 *                      (`.longest`: of 256 bytes; else of 200)
 *     frame.seal       `transmit` of a frame of key epoch 0, whose text is copied rather than
 *                      composed: head and part of a key epoch
 *     frame.reject.…   `receive` of a frame that is refused, by reason; the shortest, a usual and
 *                      the longest
 */
import { sealBytes } from '../../../host/security/frame.ts';
import {
  CYCLE_S,
  CRC_BYTES,
  ENVELOPE_BYTES,
  FRAME_BYTES_MAX,
  type Message,
  STATUS,
  STATUS_MASK,
  TAG_BYTES,
  WINDOW_CYCLES,
} from '../../../host/cbor/generated.ts';
import { encodeMessage } from '../../../host/cbor/message.ts';
import type { Target } from '../../../host/board/targets.ts';
import { cycleAt } from '../../../host/security/cycle.ts';
import { type Header, withCrc } from '../../../host/security/envelope.ts';
import { makeKeyEpoch } from '../../../host/security/key_epoch.ts';
import { benchAuthority, benchLink } from './sealed_frames.ts';
import { type Runner, runScript } from './runner.ts';
import { Script } from './script.ts';
import type { OpSample } from './typical_run.ts';
import { bootNode, nextTxSlotS, nowS, observe, receive, sizesOf, tick } from './crowd.ts';
import { SCRIPT_PLACE } from '../generated_harness.ts';

/** The frame length of the budgets, on the air. */
export const FRAME_BYTES_USUAL = 200;
const overheadBytes = ENVELOPE_BYTES + TAG_BYTES + CRC_BYTES;
/** Two bytes of text; the ciphertext's length is then encoded in one byte less. */
const frameBytesMin = overheadBytes - 1 + 2;
/** Capacity of the channel that the whole cluster shares, bit/s (docs/messages.md). */
const channelBitsPerS = 35_000;
const sender = 3;
const now = cycleAt(nowS, sender);
/** A type that no message has yet. */
const laterType = 0x7f;

/** Makes a message of a later version: an array of its type and a byte string, `bytes` in all. */
function laterMessage(bytes: number): Uint8Array {
  const message = new Uint8Array(bytes);
  message.set([0x82, 0x18, laterType, 0x58, bytes - 5]);
  return message;
}

/**
 * Makes a frame of `bytes` on the air that its receiver accepts. The text of the shortest has no
 * meaning.
 */
function genuine(bytes: number, header: Partial<Header> = {}): Uint8Array {
  const text = bytes === frameBytesMin ? new Uint8Array(2) : laterMessage(bytes - overheadBytes);
  return sealBytes({ cluster: 1, keyEpoch: 1, sender, addressee: 0, counter: now, ...header }, text, benchLink);
}

/**
 * Changes a byte and corrects the CRC. A negative `at` counts from the end of what the CRC covers.
 */
function altered(frame: Uint8Array, at: number): Uint8Array {
  const body = frame.slice(0, frame.length - CRC_BYTES);
  body[at < 0 ? body.length + at : at] ^= 0x40;
  return withCrc(body);
}

function noisy(frame: Uint8Array): Uint8Array {
  const bytes = frame.slice();
  bytes[bytes.length - 1] ^= 1;
  return bytes;
}

interface Refusal {
  why: string;
  status: number;
  make(bytes: number): Uint8Array;
}

/**
 * Reasons to refuse a frame before its messages are read, besides its length and a used counter.
 */
const refusals: readonly Refusal[] = [
  { why: 'crc', status: STATUS.crc, make: (bytes) => noisy(genuine(bytes)) },
  { why: 'header', status: STATUS.malformed, make: (bytes) => altered(genuine(bytes), 0) },
  { why: 'addressee', status: STATUS.notForUs, make: (bytes) => genuine(bytes, { addressee: 9 }) },
  { why: 'sender', status: STATUS.implausible, make: (bytes) => genuine(bytes, { sender: 0x300 }) },
  { why: 'key-epoch', status: STATUS.keyEpoch, make: (bytes) => altered(genuine(bytes), 13) },
  { why: 'stale', status: STATUS.stale, make: (bytes) => genuine(bytes, { counter: now - WINDOW_CYCLES }) },
  { why: 'tag', status: STATUS.tag, make: (bytes) => altered(genuine(bytes), -1) },
];
const lengths = [frameBytesMin, FRAME_BYTES_USUAL, FRAME_BYTES_MAX];

/** A refused frame: its length on the air, and the instructions to refuse it. */
export interface RefusedFrame {
  why: string;
  bytes: number;
  instructions: number;
}

export interface Sealing {
  ops: OpSample[];
  refused: RefusedFrame[];
}

interface Step {
  op: string;
  bytes: number;
  status: number;
  entry: number;
  call: number;
}

/** Adds frames that are opened or refused, each on the same state. */
function receiveSteps(script: Script): Step[] {
  const steps: Step[] = [];
  const give = (op: string, status: number, frame: Uint8Array) => {
    const call = script.calls;
    steps.push({ op, bytes: frame.length, status, entry: receive(script, nowS, frame), call });
  };
  give('frame.open.longest', STATUS.ok, genuine(FRAME_BYTES_MAX));
  script.back();
  give('frame.open', STATUS.ok, genuine(FRAME_BYTES_USUAL));
  for (const bytes of lengths) give('frame.reject.replay', STATUS.replay, genuine(bytes));
  script.back();
  for (const bytes of [1, frameBytesMin - 1])
    give('frame.reject.length', STATUS.length, genuine(frameBytesMin).slice(0, bytes));
  for (const { why, status, make } of refusals)
    for (const bytes of lengths) give(`frame.reject.${why}`, status, make(bytes));
  return steps;
}

/**
 * Excludes this node's neighbours in the key tree: the cover has a part for this node alone, and
 * many other parts, which make the head long.
 */
const excluded = new Set(Array.from({ length: 24 }, (_, index) => 2 * index + 1));
/**
 * A key epoch with the longest encodings: the frame with its head and a part has the usual length.
 */
const newKeyEpoch = { keyEpoch: 300, startS: 70_000, secret: new Uint8Array(32).fill(7) };
const transmitsMax = 12;

/** Adds transmissions until the head and the first part have been sent. */
function sealSteps(script: Script, members: number): Step[] {
  const { head, parts } = makeKeyEpoch(
    benchAuthority,
    newKeyEpoch,
    Array.from({ length: members }, (_, index) => index),
    excluded,
  );
  const own = parts.filter(({ node }) => node === 256);
  const messages: Message[] = [head, { name: 'key-epoch-checked', keyEpoch: head.keyEpoch, ok: 1 }, ...own];
  script.back();
  for (const message of messages) observe(script, nowS, encodeMessage(message));
  tick(script, nowS);
  return Array.from({ length: transmitsMax }, (_, index) => {
    const call = script.calls;
    const entry = script.call(
      'transmit',
      SCRIPT_PLACE.context,
      nextTxSlotS(nowS) + CYCLE_S * index,
      0,
      SCRIPT_PLACE.frame,
      FRAME_BYTES_MAX,
    );
    return { op: 'frame.seal', bytes: FRAME_BYTES_USUAL, status: FRAME_BYTES_USUAL, entry, call };
  });
}

/** Counts all operations. Throws when a frame does not end as its name says. */
export function measureSealing(runner: Runner): Sealing {
  const { target } = runner;
  const { members } = sizesOf(target.preset);
  const script = new Script(target.bigEndian);
  bootNode(script, members, []);
  tick(script, nowS);
  script.keep();
  const received = receiveSteps(script);
  const sealed = sealSteps(script, members);
  const { result, counts } = runScript(runner, script);
  if (result.trap !== 0)
    throw new Error(`${target.name}: the image trapped (site ${result.trapSite}) in entry ${result.done}`);
  const wrong = received.find(({ entry, status }) => (result.word(entry) & STATUS_MASK) !== status);
  if (wrong !== undefined)
    throw new Error(
      `${target.name}: ${wrong.op} of ${wrong.bytes} bytes ended with status ${result.word(wrong.entry) & STATUS_MASK}`,
    );
  const head = sealed.find(({ entry, status }) => result.word(entry) === status);
  if (head === undefined)
    throw new Error(
      `${target.name}: no frame of ${FRAME_BYTES_USUAL} bytes left: ${sealed.map(({ entry }) => result.word(entry))}`,
    );
  const ops = new Map<string, number[]>();
  const refused: RefusedFrame[] = [];
  for (const { op, bytes, call } of [...received, head]) {
    const { instructions } = counts[call];
    ops.set(op, [...(ops.get(op) ?? []), instructions]);
    if (op.startsWith('frame.reject.')) refused.push({ why: op.slice('frame.reject.'.length), bytes, instructions });
  }
  return { ops: [...ops].map(([op, list]) => ({ op, counts: list })), refused };
}

/**
 * Returns the refused frame that costs most when the whole channel is full of it, and its share of
 * the part's clock.
 */
export function worstFlood(target: Target, refused: readonly RefusedFrame[]): RefusedFrame & { share: number } {
  const shares = refused.map((frame) => {
    const perS = channelBitsPerS / (8 * frame.bytes);
    return { ...frame, share: (perS * frame.instructions * target.cyclesPerInstruction) / target.clockHz };
  });
  return shares.reduce((a, b) => (b.share > a.share ? b : a));
}
