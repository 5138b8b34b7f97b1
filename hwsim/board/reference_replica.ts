import { crc32c } from '../../host/cbor/crc32c.ts';
import { carriedCrc } from '../../host/security/envelope.ts';
import { COUNTER, CRC_BYTES, FIELD, TYPE } from '../../host/cbor/generated.ts';
import { readRecord } from '../../host/cbor/record.ts';
import type { Output } from './controller.ts';

/** An output that a node with upsets produced and its replica did not, or the reverse. */
export interface Divergence {
  output: 'frame' | 'command' | 'event';
  omission: boolean;
  /** A frame whose CRC-32C does not verify: receivers take it for noise. */
  garbled: boolean;
  /** Index among the outputs of the call; −1 for an omission. */
  index: number;
  /** For people: type and bytes. */
  what: string;
}

/**
 * Reads the record type. Types are 128 and above: in CBOR the byte after the array's head and 0x18.
 */
const typeOf = ({ bytes }: Output) => (bytes[1] === 0x18 ? bytes[2] : 0);

function classOf(output: Output): Divergence['output'] {
  if (output.kind === 'frame') return 'frame';
  return typeOf(output) >= TYPE.booted ? 'event' : 'command';
}

const fields = new Uint32Array(24);

/**
 * Returns whether the output is the node's own report of its upsets, which is no divergence. The
 * events `upset` and `repeated-upset` and the command `move-context` come from a node with upsets,
 * or from a replica that took over a report not yet sent. Such an event may take the room of
 * another one, and the node counts events that found no room.
 */
function isOwnReport(output: Output): boolean {
  const type = output.kind === 'record' ? typeOf(output) : 0;
  if (type !== TYPE.dropped) return type === TYPE.upset || type === TYPE.repeatedUpset || type === TYPE.moveContext;
  return (
    readRecord(output.bytes, 0, output.bytes.length, fields) > 1 && fields[FIELD.dropped.counter] === COUNTER.eventsFull
  );
}

/** Bytes of an output that are shown; a recording of the run has the rest. */
const shownBytesMax = 24;
const describe = (output: Output) => {
  const text = Buffer.from(output.bytes.subarray(0, shownBytesMax)).toString('hex');
  return output.kind === 'frame' ? `frame ${text}` : `record ${typeOf(output)} ${text}`;
};

function isGarbled({ kind, bytes }: Output): boolean {
  if (kind !== 'frame') return false;
  return bytes.length <= CRC_BYTES || carriedCrc(bytes) !== crc32c(bytes, 0, bytes.length - CRC_BYTES);
}

const divergence = (output: Output, index: number): Divergence => ({
  output: classOf(output),
  omission: index < 0,
  garbled: isGarbled(output),
  index,
  what: describe(output),
});

export const sameBytes = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

/**
 * Compares the outputs of one call of a node with upsets and of its replica: frames with frames,
 * commands with commands, events with events, each output of one with an equal output of the other.
 * `hasTrapped`: the node trapped in this call; then outputs that only the replica produced do not
 * count.
 */
export function divergencesOf(own: readonly Output[], replica: readonly Output[], hasTrapped: boolean): Divergence[] {
  const divergences: Divergence[] = [];
  const left = replica.map((output) => output as Output | null);
  // Nearly always both produced the same outputs in the same order.
  own.forEach((output, index) => {
    const inPlace = left[index];
    const place =
      inPlace && inPlace.kind === output.kind && sameBytes(inPlace.bytes, output.bytes)
        ? index
        : left.findIndex(
            (other) => other !== null && other.kind === output.kind && sameBytes(other.bytes, output.bytes),
          );
    if (place >= 0) left[place] = null;
    else if (!isOwnReport(output)) divergences.push(divergence(output, index));
  });
  if (hasTrapped) return divergences;
  for (const output of left) {
    if (output !== null && !isOwnReport(output)) divergences.push(divergence(output, -1));
  }
  return divergences;
}
