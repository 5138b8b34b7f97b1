// Writes and reads the check that ends a record between platform and firmware: a byte string of
// four bytes, the CRC-32C, big-endian, of the record before it. A flipped bit in a configuration,
// an observation or a command is refused and not read as another value.
//
// The CRC is computed bit by bit: a record is short, and a flipped bit in a table would refuse
// every record.

import { CHECK_BYTES, CHECK_HEAD } from './generated/codes';

/** Polynomial of CRC-32C (RFC 9260 appendix B), reflected. */
const POLYNOMIAL: u32 = 0x82f63b78;

function checkOf(from: usize, to: usize): u32 {
  let crc: u32 = 0xffffffff;
  for (; from < to; from++) {
    crc ^= load<u8>(from);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (POLYNOMIAL & (0 - (crc & 1)));
  }
  return ~crc;
}

/** Writes the check of the record in from..at behind it. Returns the place after it, or 0. */
export function writeCheck(from: usize, at: usize, end: usize): usize {
  if (at == 0 || end - at < CHECK_BYTES) return 0;
  store<u8>(at, CHECK_HEAD);
  store<u32>(at, bswap<u32>(checkOf(from, at)), 1, 1);
  return at + CHECK_BYTES;
}

/**
 * Reads the check at `at` of the record that begins at `from`. Returns the place after it, or 0 if
 * it does not fit the record.
 */
export function readCheck(from: usize, at: usize, end: usize): usize {
  if (at == 0 || end - at < CHECK_BYTES || <u32>load<u8>(at) != CHECK_HEAD) return 0;
  return bswap<u32>(load<u32>(at, 1, 1)) == checkOf(from, at) ? at + CHECK_BYTES : 0;
}

/** Whether the record in from..next ends with the check that fits it. */
export function endsWithCheck(from: usize, next: usize): bool {
  return next - from > CHECK_BYTES && readCheck(from, next - CHECK_BYTES, next) != 0;
}
