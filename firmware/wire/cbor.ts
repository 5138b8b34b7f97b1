// The CBOR primitives (RFC 8949) that the generated codec is made of: unsigned integers, byte
// strings, arrays of a known length.
//
// Every primitive takes the place to work at and the end of the room, and returns the place after
// its item, or 0 if it refuses. A place of 0 is refused too, so that a codec may chain its calls
// and look at the last result only. Nothing is kept between calls. Only the deterministic encoding
// (RFC 8949 §4.2.1) is accepted: shortest heads, definite lengths.
//
// `at - 1 >= end - 1` says in one comparison: at is 0, or no byte is left.

import { SKIP_DEPTH_MAX } from './generated/codes';

const MAJOR_BYTES: u32 = 0x40;
const MAJOR_ARRAY: u32 = 0x80;

/** Writes `value` in its shortest form. Refuses a value above `max`. */
export function writeUint(at: usize, end: usize, value: u32, max: u32): usize {
  if (at - 1 >= end - 1 || value > max) return 0;
  if (value < 24) {
    store<u8>(at, value);
    return at + 1;
  }
  const room: usize = end - at;
  if (value < 0x100) {
    if (room < 2) return 0;
    store<u16>(at, 0x18 | (value << 8), 0, 1);
    return at + 2;
  }
  if (value < 0x10000) {
    if (room < 3) return 0;
    store<u8>(at, 0x19);
    store<u16>(at, bswap<u16>(<u16>value), 1, 1);
    return at + 3;
  }
  if (room < 5) return 0;
  store<u8>(at, 0x1a);
  store<u32>(at, bswap<u32>(value), 1, 1);
  return at + 5;
}

/** As `writeUint`, for a range that does not begin at 0. */
export function writeRange(at: usize, end: usize, value: u32, min: u32, max: u32): usize {
  if (value < min) return 0;
  return writeUint(at, end, value, max);
}

/**
 * Reads an integer of 0..max and stores it as u32 at `into`. Most are below 24, one byte: those are
 * read in place.
 */
// @inline
export function readUint(at: usize, end: usize, max: u32, into: usize): usize {
  if (at - 1 < end - 1) {
    const value: u32 = load<u8>(at);
    if (value < (max < 24 ? max + 1 : 24)) {
      store<u32>(into, value);
      return at + 1;
    }
  }
  return readLongUint(at, end, max, into);
}

/** As `readUint`, for any u32. Most take five bytes: those are read in place. */
// @inline
export function readWordInPlace(at: usize, end: usize, into: usize): usize {
  if (at - 1 < end - 5 && load<u8>(at) == 0x1a && load<u16>(at, 1, 1) != 0) {
    store<u32>(into, bswap<u32>(load<u32>(at, 1, 1)));
    return at + 5;
  }
  return readLongUint(at, end, u32.MAX_VALUE, into);
}

/** As `readWordInPlace`, for codecs that are used seldom. */
export function readWord(at: usize, end: usize, into: usize): usize {
  return readWordInPlace(at, end, into);
}

/** As `readUint`, without a short form in place. */
export function readLongUint(at: usize, end: usize, max: u32, into: usize): usize {
  if (at - 1 >= end - 1) return 0;
  const room: usize = end - at;
  // Heads of 0x18, 0x19 and 0x1a are followed by 1, 2 and 4 bytes.
  const head: u32 = <u32>load<u8>(at) - 0x18;
  let value: u32 = 0;
  let bytes: usize = 5;
  if (head == 1) {
    if (room < 3) return 0;
    value = bswap<u16>(load<u16>(at, 1, 1));
    if (value < 0x100) return 0;
    bytes = 3;
  } else if (head == 2) {
    if (room < 5) return 0;
    value = bswap<u32>(load<u32>(at, 1, 1));
    if (value < 0x10000) return 0;
  } else if (head == 0) {
    if (room < 2) return 0;
    value = load<u8>(at, 1);
    if (value < 24) return 0;
    bytes = 2;
  } else {
    value = head + 0x18;
    if (value > 23) return 0;
    bytes = 1;
  }
  if (value > max) return 0;
  store<u32>(into, value);
  return at + bytes;
}

/** As `readUint`, for a range that does not begin at 0. */
export function readRange(at: usize, end: usize, min: u32, max: u32, into: usize): usize {
  const next = readUint(at, end, max, into);
  if (load<u32>(into) < min) return 0;
  return next;
}

/** Writes the head of an array of `length` items; at most 23, so that the head is one byte. */
export function writeArray(at: usize, end: usize, length: u32): usize {
  if (at - 1 >= end - 1 || length > 23) return 0;
  store<u8>(at, MAJOR_ARRAY | length);
  return at + 1;
}

/** Reads the head of an array of exactly `length` items, at most 23. */
export function readArray(at: usize, end: usize, length: u32): usize {
  if (at - 1 >= end - 1) return 0;
  return <u32>load<u8>(at) == (MAJOR_ARRAY | length) ? at + 1 : 0;
}

/** Writes the head of an array of min..max items, max at most 23. */
export function writeCount(at: usize, end: usize, length: u32, min: u32, max: u32): usize {
  if (length < min || length > max) return 0;
  return writeArray(at, end, length);
}

/**
 * Reads the head of an array of min..max items, max at most 23, and stores the number as u32 at
 * `into`.
 */
export function readCount(at: usize, end: usize, min: u32, max: u32, into: usize): usize {
  if (at - 1 >= end - 1) return 0;
  const length: u32 = <u32>load<u8>(at) - MAJOR_ARRAY;
  if (length < min || length > max) return 0;
  store<u32>(into, length);
  return at + 1;
}

/**
 * Writes what a message opens with: an array of `length` items of which the first is `type`
 * (0..255).
 */
export function writeType(at: usize, end: usize, length: u32, type: u32): usize {
  return writeUint(writeArray(at, end, length), end, type, 255);
}

/** Reads what a message opens with; any other length or type is refused. */
export function readType(at: usize, end: usize, length: u32, type: u32): usize {
  const item = readArray(at, end, length);
  if (item - 1 >= end - 1) return 0;
  if (type < 24) return <u32>load<u8>(item) == type ? item + 1 : 0;
  if (end - item < 2) return 0;
  return <u32>load<u16>(item, 0, 1) == (0x18 | (type << 8)) ? item + 2 : 0;
}

/** Writes the byte string of `length` bytes that lie at `source`; min..max is at most 0..255. */
export function writeBytes(at: usize, end: usize, source: usize, length: u32, min: u32, max: u32): usize {
  if (at - 1 >= end - 1 || length < min || length > max) return 0;
  const head: usize = length < 24 ? 1 : 2;
  if (end - at < head + <usize>length) return 0;
  if (length < 24) store<u8>(at, MAJOR_BYTES | length);
  else store<u16>(at, MAJOR_BYTES | 0x18 | (length << 8), 0, 1);
  memory.copy(at + head, source, length);
  return at + head + <usize>length;
}

/**
 * Reads a byte string of min..max bytes, max at most 255; stores the address of its bytes at
 * `into`, their number at `into + 4`.
 */
export function readBytes(at: usize, end: usize, min: u32, max: u32, into: usize): usize {
  if (at - 1 >= end - 1) return 0;
  const room: usize = end - at;
  let length: u32 = <u32>load<u8>(at) - MAJOR_BYTES;
  let head: usize = 1;
  if (length >= 24) {
    if (length != 0x18 || room < 2) return 0;
    length = load<u8>(at, 1);
    if (length < 24) return 0;
    head = 2;
  }
  if (length < min || length > max || room - head < <usize>length) return 0;
  store<u32>(into, <u32>(at + head));
  store<u32>(into, length, 4);
  return at + head + <usize>length;
}

/**
 * Bytes of the head that lies at `at`, with at least one byte before `end`; 0 if it is cut off,
 * reserved, indefinite or longer than needed.
 */
function headBytes(at: usize, end: usize): usize {
  const info: u32 = <u32>load<u8>(at) & 0x1f;
  const room: usize = end - at;
  if (info < 24) return 1;
  if (info == 24) return room >= 2 && load<u8>(at, 1) >= 24 ? 2 : 0;
  if (info == 25) return room >= 3 && load<u8>(at, 1) != 0 ? 3 : 0;
  if (info == 26) return room >= 5 && load<u16>(at, 1, 1) != 0 ? 5 : 0;
  if (info == 27) return room >= 9 && load<u32>(at, 1, 1) != 0 ? 9 : 0;
  return 0;
}

/** Argument of a head of 1, 2, 3 or 5 bytes. */
function headArgument(at: usize, bytes: usize): u32 {
  if (bytes == 1) return <u32>load<u8>(at) & 0x1f;
  if (bytes == 2) return load<u8>(at, 1);
  if (bytes == 3) return bswap<u16>(load<u16>(at, 1, 1));
  return bswap<u32>(load<u32>(at, 1, 1));
}

/**
 * Type of the message at `at`: the first item of an array, 0..2³¹−1. -1 if there is no such array;
 * the rest of it is not looked at.
 */
export function messageType(at: usize, end: usize): i32 {
  if (at - 1 >= end - 1) return -1;
  const head: u32 = load<u8>(at);
  if (head <= MAJOR_ARRAY || head > (MAJOR_ARRAY | 0x1a)) return -1;
  // All of ours have at most 23 items and a type of one or two bytes.
  if (end - at >= 3 && head <= MAJOR_ARRAY + 23) {
    const type: u32 = load<u8>(at, 1);
    if (type < 24) return type;
    if (type == 0x18) return load<u8>(at, 2) >= 24 ? <i32>load<u8>(at, 2) : -1;
  }
  const bytes = headBytes(at, end);
  if (bytes == 0) return -1;
  at += bytes;
  if (at >= end || load<u8>(at) > 0x1a) return -1;
  const typeBytes = headBytes(at, end);
  if (typeBytes == 0) return -1;
  const type = headArgument(at, typeBytes);
  return type > <u32>i32.MAX_VALUE ? -1 : <i32>type;
}

/**
 * The place after the item at `at`, whatever it is, so that a message of a later version can be
 * passed over. 0 if it is malformed, nested deeper than SKIP_DEPTH_MAX, not in deterministic form,
 * or holds what never goes on the air: text, floats, simple values other than false, true and null.
 * A map's keys are not looked at.
 */
export function skipItem(at: usize, end: usize): usize {
  if (at - 1 >= end - 1) return 0;
  // Items still to come on each open level, 16 bits a level, the innermost lowest.
  let open: u64 = 0;
  let depth: u32 = 0;
  while (at < end) {
    const major: u32 = load<u8>(at) >> 5;
    const bytes = headBytes(at, end);
    if (bytes == 0 || major == 3) return 0;
    if (major == 7) {
      const simple: u32 = load<u8>(at);
      if (simple < 0xf4 || simple > 0xf6) return 0;
    }
    let items: u32 = 0;
    if (major == 2 || major == 4 || major == 5) {
      const argument = bytes == 9 ? u32.MAX_VALUE : headArgument(at, bytes);
      if (argument > <u32>(end - at) || argument > 0x7fff) return 0;
      if (major == 2) at += <usize>argument;
      else items = major == 5 ? argument * 2 : argument;
    } else if (major == 6) items = 1;
    at += bytes;
    if (at > end) return 0;
    if (major >= 4 && major <= 6) {
      if (depth == SKIP_DEPTH_MAX) return 0;
      depth += 1;
      open = (open << 16) | <u64>items;
    }
    while (depth > 0 && (<u32>open & 0xffff) == 0) {
      open >>= 16;
      depth -= 1;
    }
    if (depth == 0) return at;
    open -= 1;
  }
  return 0;
}
