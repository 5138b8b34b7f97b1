import { crc32c } from '../../host/cbor/crc32c.ts';
import { CRC_BYTES, carriedCrc } from '../../host/security/envelope.ts';
import { FIELD, TYPE } from '../../host/cbor/generated.ts';
import { readRecord } from '../../host/cbor/record.ts';
import type { Output } from './controller.ts';

/** What a struck node gave out and its replica did not, or the other way round. */
export interface Divergence {
  output: 'frame' | 'command' | 'event';
  omission: boolean;
  /** A frame whose CRC-32C does not verify: nobody takes it for anything but noise. */
  garbled: boolean;
  /** Index among the outputs of the call; −1 for an omission. */
  index: number;
  /** For people: type and bytes. */
  what: string;
}

/** Record types are 128 and above: in CBOR the byte behind the array's head and 0x18. */
const typeOf = ({ bytes }: Output) => (bytes[1] === 0x18 ? bytes[2] : 0);

function classOf(output: Output): Divergence['output'] {
  if (output.kind === 'frame') return 'frame';
  return typeOf(output) >= TYPE.booted ? 'event' : 'command';
}

const fields = new Uint32Array(24);
/** Counter of `dropped` for events that found no room. */
const eventsFull = 7;

/**
 * Of upsets tells whom they struck, or a replica that took over what was not told yet. Such a word takes the room of another event where there is little, and how many found none is told as
 * well. Neither is a divergence.
 */
function isOwnWord(output: Output): boolean {
  const type = output.kind === 'record' ? typeOf(output) : 0;
  if (type !== TYPE.dropped) return type === TYPE.upset;
  return readRecord(output.bytes, 0, output.bytes.length, fields) > 1 && fields[FIELD.dropped.counter] === eventsFull;
}

/** So much of an output is shown; the rest can be had from a recording of the run. */
const wordBytesMax = 24;
const wordsOf = (output: Output) => {
  const text = Buffer.from(output.bytes.subarray(0, wordBytesMax)).toString('hex');
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
  what: wordsOf(output),
});

export const sameBytes = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

/**
 * Compares what one call made a struck node and its replica give out: frames with frames, commands with commands, events with events, each of the
 * one with an equal one of the other. `broke`: the node broke off in this call; then it may have left out what the replica still gave out.
 */
export function divergencesOf(struck: readonly Output[], replica: readonly Output[], broke: boolean): Divergence[] {
  const divergences: Divergence[] = [];
  const left = replica.map((output) => output as Output | null);
  // Nearly always both gave out the same in the same order.
  struck.forEach((output, index) => {
    const inPlace = left[index];
    const place =
      inPlace && inPlace.kind === output.kind && sameBytes(inPlace.bytes, output.bytes)
        ? index
        : left.findIndex(
            (other) => other !== null && other.kind === output.kind && sameBytes(other.bytes, output.bytes),
          );
    if (place >= 0) left[place] = null;
    else if (!isOwnWord(output)) divergences.push(divergence(output, index));
  });
  if (broke) return divergences;
  for (const output of left) {
    if (output !== null && !isOwnWord(output)) divergences.push(divergence(output, -1));
  }
  return divergences;
}
