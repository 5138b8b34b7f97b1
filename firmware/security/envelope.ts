// Reads and writes the envelope of a link frame: COSE_Encrypt0 (RFC 9052) with every length fixed,
// so that the header is compared rather than parsed.
//
//    0  d0 83 55 a3 01 18 18   tag 16, array of 3, protected header of 21 bytes, a map of 3:
//                              algorithm 24 (ChaCha20/Poly1305)
//    7  04 49                  key id of 9 bytes: version, then cluster, key epoch, sender,
//                              addressee, two bytes each
//   18  06 44                  Partial IV: the counter, 4 bytes
//   24  a0 58 LL               no unprotected header; ciphertext and tag, LL bytes (one byte of
//                              head if fewer than 24)
//
// The nonce is the key's Base IV (sender, ten zeros) xor the counter at its end. The tag covers
// ["Encrypt0", protected header, h''].

import {
  ENVELOPE_BYTES,
  PLAIN_BYTES_MAX,
  TAG_BYTES,
  ADDRESSEE_ALL,
  CRC_BYTES,
  FRAME_BYTES_MAX,
  PROTOCOL_VERSION,
  STATUS_KEY_EPOCH,
  STATUS_IMPLAUSIBLE,
  STATUS_MALFORMED,
  STATUS_NOT_FOR_US,
  STATUS_OK,
  STATUS_VERSION,
  COUNTER_FRAME_ALGORITHM,
  COUNTER_FRAME_KEY_EPOCH,
  COUNTER_FRAME_FORM,
  COUNTER_FRAME_SENDER,
  COUNTER_FRAME_VERSION,
} from '../wire/generated/codes';
import { FRAMES_CHECKED } from '../memory/limits';
import { PLAIN_AT, SCRATCH_AT } from '../memory/map';
import { crc32c } from '../base/crc32c';
import { call } from '../memory/guard';
import { node } from '../node/table';
import { countLoss } from '../node/queues';
import { open, seal } from './aead';
import { keyIndex, linkKey } from './table';

const SHORT_BODY_BYTES: u32 = 24;

/** The fixed bytes, loaded little-endian: bytes 0 to 3; 4, 7 and 8; 5 and 6; 18 and 19. */
const FORM_0: u32 = 0xa35583d0;
const FORM_4: u32 = 0x01;
const ALGORITHM: u32 = 0x1818;
const KEY_ID: u32 = 0x4904;
const PARTIAL_IV: u32 = 0x4406;
const KEY_ID_AT: u32 = 9;
const SENDER_AT: u32 = 14;
const COUNTER_AT: u32 = 20;

/** Enc_structure: 83 68 "Encrypt0", then bytes 2 to 23 of the frame, then 40. */
const ASSOCIATED_BYTES: u32 = 33;
const PROTECTED_AT: u32 = 2;

function read16(at: usize): u32 {
  return bswap<u16>(load<u16>(at, 0, 1));
}

function reject(ctx: usize, counter: u32, status: u32): u32 {
  countLoss(ctx, counter);
  return status;
}

/**
 * Reads the envelope of a frame whose length and CRC are right into the present call. Nothing of it
 * is trusted yet. Returns a status; a frame that is not for this node is refused here.
 */
export function readEnvelope(ctx: usize, frame: usize, length: u32): u32 {
  const now = call(ctx);
  if (load<u32>(frame, 0, 1) != FORM_0 || load<u8>(frame, 4) != FORM_4)
    return reject(ctx, COUNTER_FRAME_FORM, STATUS_MALFORMED);
  if (<u32>load<u16>(frame, 5, 1) != ALGORITHM) return reject(ctx, COUNTER_FRAME_ALGORITHM, STATUS_MALFORMED);
  if (
    <u32>load<u16>(frame, 7, 1) != KEY_ID ||
    <u32>load<u16>(frame, 18, 1) != PARTIAL_IV ||
    load<u8>(frame, 24) != 0xa0
  )
    return reject(ctx, COUNTER_FRAME_FORM, STATUS_MALFORMED);
  let body: u32 = <u32>load<u8>(frame, 25) - 0x40;
  let at = ENVELOPE_BYTES - 1;
  if (body == 0x18) {
    body = load<u8>(frame, 26);
    at = ENVELOPE_BYTES;
    if (body < SHORT_BODY_BYTES) return reject(ctx, COUNTER_FRAME_FORM, STATUS_MALFORMED);
  } else if (body >= SHORT_BODY_BYTES) return reject(ctx, COUNTER_FRAME_FORM, STATUS_MALFORMED);
  if (at + body + CRC_BYTES != length || body <= TAG_BYTES) return reject(ctx, COUNTER_FRAME_FORM, STATUS_MALFORMED);
  if (load<u8>(frame, KEY_ID_AT) != PROTOCOL_VERSION) return reject(ctx, COUNTER_FRAME_VERSION, STATUS_VERSION);
  const state = node(ctx);
  now.addressee = read16(frame + SENDER_AT + 2);
  if (read16(frame + KEY_ID_AT + 1) != state.cluster || (now.addressee != ADDRESSEE_ALL && now.addressee != state.self))
    return STATUS_NOT_FOR_US;
  now.sender = read16(frame + SENDER_AT);
  if (now.sender >= state.members) return reject(ctx, COUNTER_FRAME_SENDER, STATUS_IMPLAUSIBLE);
  now.keyEpoch = read16(frame + KEY_ID_AT + 3);
  now.counter = bswap<u32>(load<u32>(frame, COUNTER_AT, 1));
  now.bodyAt = at;
  now.bodyBytes = body - TAG_BYTES;
  const key = linkKey(ctx, keyIndex(now.keyEpoch));
  return key.present != 0 && key.keyEpoch == now.keyEpoch
    ? STATUS_OK
    : reject(ctx, COUNTER_FRAME_KEY_EPOCH, STATUS_KEY_EPOCH);
}

/** Writes what the tag covers besides the text to the scratch. Returns its address. */
function associate(ctx: usize, frame: usize): usize {
  const at: usize = ctx + SCRATCH_AT;
  store<u64>(at, 0x707972636e456883);
  store<u16>(at, 0x3074, 8);
  // Words, because the call of a bulk copy costs more than its 22 bytes.
  store<u64>(at, load<u64>(frame, PROTECTED_AT, 1), 10, 1);
  store<u64>(at, load<u64>(frame, PROTECTED_AT + 8, 1), 18, 1);
  store<u64>(at, load<u64>(frame, PROTECTED_AT + 14, 1), 24, 1);
  store<u8>(at, 0x40, ASSOCIATED_BYTES - 1);
  return at;
}

/**
 * Opens the frame whose envelope was read: its plain text is at PLAIN_AT then. False if the tag is
 * wrong.
 */
export function openEnvelope(ctx: usize, frame: usize): bool {
  const now = call(ctx);
  const key = changetype<usize>(linkKey(ctx, keyIndex(now.keyEpoch)));
  const n0: u32 = load<u16>(frame, SENDER_AT, 1);
  const n2 = load<u32>(frame, COUNTER_AT, 1);
  return open(
    key,
    n0,
    0,
    n2,
    associate(ctx, frame),
    ASSOCIATED_BYTES,
    frame + now.bodyAt,
    now.bodyBytes,
    ctx + PLAIN_AT,
  );
}

/**
 * Seals `length` bytes of plain text at out + ENVELOPE_BYTES with the key epoch, addressee and
 * counter of the present call, and completes the frame at `out`. Returns the frame's length.
 */
export function sealEnvelope(ctx: usize, out: usize, length: u32): u32 {
  const state = node(ctx);
  const now = call(ctx);
  const body = length + TAG_BYTES;
  store<u32>(out, FORM_0, 0, 1);
  store<u8>(out, FORM_4, 4);
  store<u16>(out, <u16>ALGORITHM, 5, 1);
  store<u16>(out, <u16>KEY_ID, 7, 1);
  store<u8>(out, PROTOCOL_VERSION, KEY_ID_AT);
  store<u16>(out, bswap<u16>(<u16>state.cluster), KEY_ID_AT + 1, 1);
  store<u16>(out, bswap<u16>(<u16>now.keyEpoch), KEY_ID_AT + 3, 1);
  store<u16>(out, bswap<u16>(<u16>state.self), SENDER_AT, 1);
  store<u16>(out, bswap<u16>(<u16>now.addressee), SENDER_AT + 2, 1);
  store<u16>(out, <u16>PARTIAL_IV, 18, 1);
  store<u32>(out, bswap<u32>(now.counter), COUNTER_AT, 1);
  store<u8>(out, 0xa0, 24);
  let at = ENVELOPE_BYTES;
  if (body < SHORT_BODY_BYTES) {
    at--;
    memory.copy(out + at, out + ENVELOPE_BYTES, length);
    store<u8>(out, 0x40 + body, 25);
  } else {
    store<u8>(out, 0x58, 25);
    store<u8>(out, body, 26);
  }
  const key = changetype<usize>(linkKey(ctx, keyIndex(now.keyEpoch)));
  const text = out + at;
  seal(
    key,
    load<u16>(out, SENDER_AT, 1),
    0,
    bswap<u32>(now.counter),
    associate(ctx, out),
    ASSOCIATED_BYTES,
    text,
    length,
    text,
  );
  const sealed = at + body;
  store<u32>(out + sealed, FRAMES_CHECKED ? bswap<u32>(crc32c(out, sealed)) : 0, 0, 1);
  return sealed + CRC_BYTES;
}

if (PLAIN_BYTES_MAX > FRAME_BYTES_MAX || ENVELOPE_BYTES + TAG_BYTES + CRC_BYTES > 48)
  ERROR('envelope, tag and CRC have 48 bytes at most');
