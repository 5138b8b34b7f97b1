/** Reads and compares inputs and outputs of a board's port. */
import { DEADLINE_SHIFT, FLAG, STATUS, STATUS_MASK } from '../../../host/cbor/generated.ts';
import { eventTypeMin } from '../../../host/cbor/types.ts';
import type { LocalTime, PortInput, PortOutput } from '../../board/port.ts';
import { hex } from '../frame_parts.ts';

/** Returns the time of an input, ms of the run. */
export const timeOf = (input: PortInput): number => {
  const { nowS, nowMs } = input as PortInput & LocalTime;
  return nowS * 1000 + nowMs;
};

/** Returns the type of a record to or from the platform. */
export const typeOf = (record: Uint8Array): number => (record[1] === 0x18 ? record[2] : 0);

export const isCommand = (output: PortOutput | undefined) =>
  output?.kind === 'record' && typeOf(output.bytes) < eventTypeMin;

export function isAccepted(output: PortOutput | undefined): boolean {
  return output?.kind === 'done' && (output.status & STATUS_MASK) === STATUS.ok;
}

/** True when a frame's receiver takes it for damaged. */
export function isRefused(output: PortOutput | undefined): boolean {
  return output?.kind === 'done' && (output.status & STATUS_MASK) === STATUS.crc;
}

/**
 * Removes the flag that an event waits, which the report of an upset sets, and the hash of the
 * context, in which upsets are counted.
 */
export function unflagged(output: PortOutput): PortOutput {
  return output.kind === 'done' ? { ...output, status: (output.status & ~FLAG.event) >>> 0, hash: 0 } : output;
}

/** Status and flags of a result: above them is the deadline. */
const flagsMask = (1 << DEADLINE_SHIFT) - 1;

/** Removes the time to wake as well: another one makes the board late, not wrong. */
export function untimed(output: PortOutput): PortOutput {
  const plain = unflagged(output);
  return plain.kind === 'done' ? { ...plain, status: plain.status & flagsMask, deadlineMs: 0 } : plain;
}

const spell = (output: PortOutput) =>
  JSON.stringify(output, (_, value) => (value instanceof Uint8Array ? hex(value) : value));

export function sameOutput(a: PortOutput | undefined, b: PortOutput | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return spell(a) === spell(b);
}

export function sameOutputs(a: readonly PortOutput[], b: readonly PortOutput[]): boolean {
  return a.length === b.length && a.every((output, index) => sameOutput(output, b[index]));
}

export const framesOf = (outputs: readonly PortOutput[]): Uint8Array[] =>
  outputs.flatMap((output) => (output.kind === 'frame' ? [output.bytes] : []));

/**
 * A frame that an uncorrupted board would have sent, and what was sent instead (null: nothing).
 * `expected` null: one frame more than it would have sent.
 */
export interface FrameChange {
  atMs: number;
  expected: Uint8Array | null;
  sent: Uint8Array | null;
}

/** Returns how the frames of two lists of outputs for one input differ. */
export function frameChanges(atMs: number, expected: readonly PortOutput[], got: readonly PortOutput[]): FrameChange[] {
  const [right, sent] = [framesOf(expected), framesOf(got)];
  const changes: FrameChange[] = [];
  for (let index = 0; index < Math.max(right.length, sent.length); index += 1) {
    const [a, b] = [right[index] ?? null, sent[index] ?? null];
    if (a !== null && b !== null && hex(a) === hex(b)) continue;
    changes.push({ atMs, expected: a, sent: b });
  }
  return changes;
}
