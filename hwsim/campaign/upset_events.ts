/** Reads what a node reports of upsets that its protection found: events of type `upset`. */
import { FIELD, TYPE } from '../../host/cbor/generated.ts';
import { readRecord } from '../../host/cbor/record.ts';

/** Value of `outcome` in an `upset` event: the record could not be corrected and was discarded. */
const outcomeDiscarded = 2;
const fields = new Uint32Array(24);

/**
 * Upsets that a node reported: bits corrected in place, and records discarded to be fetched again
 * from peers.
 */
export interface ReportedUpsets {
  corrected: number;
  discarded: number;
}

/**
 * Adds the record of `length` bytes at `at` to the counts. The report of a stuck cell, and the
 * order to move the context, count nothing. False when it is another record.
 */
export function takeUpset(bytes: Uint8Array, at: number, length: number, upsets: ReportedUpsets): boolean {
  if (readRecord(bytes, at, length, fields) < 1) return false;
  if (fields[0] === TYPE.repeatedUpset || fields[0] === TYPE.moveContext) return true;
  if (fields[0] !== TYPE.upset) return false;
  if (fields[FIELD.upset.outcome] === outcomeDiscarded) upsets.discarded += 1;
  else upsets.corrected += fields[FIELD.upset.count];
  return true;
}

/**
 * True when a line of the context holds an event that waits to be polled: its length, then the
 * record.
 */
export function isEventLine(bytes: Uint8Array, at: number): boolean {
  const length = bytes[at];
  return length > 0 && length < 64 && readRecord(bytes, at + 1, length, fields) > 0 && fields[0] >= TYPE.booted;
}
