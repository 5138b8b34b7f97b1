// Reads and writes platform records: flat arrays of unsigned integers, with a check behind them
// unless they are events. This is the hot path between host and firmware: no allocation, no
// exceptions.

import { isCheckedType, isCheckRight, writeCheck } from './check.ts';
import { CHECK_BYTES } from './generated/constants.ts';

/**
 * Reads the record in bytes[at, at + length) into `out`: its items in order, the type first
 * (positions: FIELD in generated.ts). Returns the number of items without the check, or -1 if the
 * bytes are not one array of at most 23 items, u32 in deterministic form, with the check that fits
 * them where the type has one, or `out` is too short.
 */
export function readRecord(bytes: Uint8Array, at: number, length: number, out: Uint32Array): number {
  if (length < 1 || at + length > bytes.length) return -1;
  const isChecked = length > CHECK_BYTES + 2 && bytes[at + 1] === 0x18 && isCheckedType(bytes[at + 2]);
  const end = at + length - (isChecked ? CHECK_BYTES : 0);
  const count = bytes[at] - 0x80 - (isChecked ? 1 : 0);
  if (count < 0 || count > 23 || count > out.length) return -1;
  if (isChecked && !isCheckRight(bytes, at, end)) return -1;
  let next = at + 1;
  for (let i = 0; i < count; i += 1) {
    if (next >= end) return -1;
    const head = bytes[next];
    if (head < 24) {
      out[i] = head;
      next += 1;
    } else if (head === 0x1a) {
      if (next + 5 > end || (bytes[next + 1] | bytes[next + 2]) === 0) return -1;
      out[i] = (bytes[next + 1] << 24) | (bytes[next + 2] << 16) | (bytes[next + 3] << 8) | bytes[next + 4];
      next += 5;
    } else if (head === 0x19) {
      if (next + 3 > end || bytes[next + 1] === 0) return -1;
      out[i] = (bytes[next + 1] << 8) | bytes[next + 2];
      next += 3;
    } else if (head === 0x18) {
      if (next + 2 > end || bytes[next + 1] < 24) return -1;
      out[i] = bytes[next + 1];
      next += 2;
    } else return -1;
  }
  return next === end && isChecked === (count > 0 && isCheckedType(out[0])) ? count : -1;
}

/**
 * Writes the first `count` (at most 22) of `values`, each a u32 and the first the type, as one
 * record at bytes[at…], with its check. Returns its length in bytes, or -1 if it does not fit or a
 * value is no u32. The ranges of fields are not checked.
 */
export function writeRecord(
  bytes: Uint8Array,
  at: number,
  values: ArrayLike<number>,
  count: number = values.length,
): number {
  if (count > 22 || at >= bytes.length) return -1;
  const isChecked = isCheckedType(values[0]);
  bytes[at] = 0x80 | (count + (isChecked ? 1 : 0));
  let next = at + 1;
  for (let i = 0; i < count; i += 1) {
    const value = values[i];
    if (value >>> 0 !== value) return -1;
    const size = value < 24 ? 1 : value < 0x100 ? 2 : value < 0x10000 ? 3 : 5;
    if (next + size > bytes.length) return -1;
    if (size === 1) bytes[next] = value;
    else {
      bytes[next] = size === 2 ? 0x18 : size === 3 ? 0x19 : 0x1a;
      for (let place = size - 1, rest = value; place > 0; place -= 1, rest >>>= 8) bytes[next + place] = rest & 0xff;
    }
    next += size;
  }
  if (!isChecked) return next - at;
  if (next + CHECK_BYTES > bytes.length) return -1;
  writeCheck(bytes, at, next);
  return next + CHECK_BYTES - at;
}

/**
 * Reads the items of a whole record, the type first. Throws when the bytes are no record. For the
 * hot path there is `readRecord`.
 */
export function recordFields(record: Uint8Array): number[] {
  const fields = new Uint32Array(23);
  const count = readRecord(record, 0, record.length, fields);
  if (count < 1) throw new Error(`${Buffer.from(record).toString('hex')} is no record`);
  return [...fields.subarray(0, count)];
}
