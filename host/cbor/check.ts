// The check that ends a record between platform and firmware: a byte string of four bytes, the
// CRC-32C, big-endian, of the record before it (docs/messages.md).

import { crc32c } from './crc32c.ts';
import { CHECK_BYTES, CHECK_HEAD } from './generated/constants.ts';
import { eventTypeMin, recordTypeMin } from './types.ts';

/** Whether records of the type end with a check: all but events. */
export function isCheckedType(type: number): boolean {
  return type >= recordTypeMin && type < eventTypeMin;
}

/** Whether bytes[at, at + length) may be a record of a checked type, and end with its check. */
export function isChecked(bytes: Uint8Array, at: number, length: number): boolean {
  if (length < CHECK_BYTES + 3 || bytes[at + 1] !== 0x18 || !isCheckedType(bytes[at + 2])) return false;
  return isCheckRight(bytes, at, at + length - CHECK_BYTES);
}

/** Writes the check of the record in bytes[from, at) at `at`; the caller has room for it. */
export function writeCheck(bytes: Uint8Array, from: number, at: number): void {
  const crc = crc32c(bytes, from, at);
  bytes[at] = CHECK_HEAD;
  for (let place = 0; place < 4; place += 1) bytes[at + 1 + place] = (crc >>> (24 - 8 * place)) & 0xff;
}

/** Whether the check of the record in bytes[from, at) stands at `at` and fits it. */
export function isCheckRight(bytes: Uint8Array, from: number, at: number): boolean {
  if (bytes[at] !== CHECK_HEAD) return false;
  const read = (bytes[at + 1] << 24) | (bytes[at + 2] << 16) | (bytes[at + 3] << 8) | bytes[at + 4];
  return read >>> 0 === crc32c(bytes, from, at);
}
