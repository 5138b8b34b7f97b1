import { FIELD, TYPE } from '../../host/cbor/generated.ts';
import { readRecord } from '../../host/cbor/record.ts';

/** Values of `outcome` in an `upset` event. */
const outcomeDropped = 2;
const fields = new Uint32Array(24);

/** What a node told of upsets that it found: corrected in place; or let go, to be told again by peers. */
export interface Told {
  corrected: number;
  dropped: number;
}

/** Adds what an event record of `length` bytes at `at` tells of upsets; false when it is another event. */
export function takeUpset(bytes: Uint8Array, at: number, length: number, told: Told): boolean {
  if (readRecord(bytes, at, length, fields) < 1 || fields[0] !== TYPE.upset) return false;
  if (fields[FIELD.upset.outcome] === outcomeDropped) told.dropped += 1;
  else told.corrected += fields[FIELD.upset.count];
  return true;
}

/** Whether a line of the context holds an event on its way to the platform: its length, then the record. */
export function isEventLine(bytes: Uint8Array, at: number): boolean {
  const length = bytes[at];
  return length > 0 && length < 64 && readRecord(bytes, at + 1, length, fields) > 0 && fields[0] >= TYPE.booted;
}
