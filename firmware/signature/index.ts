// The exported functions of dist/signature.wasm. Every parameter and result is i32; pointers are addresses in linear memory from memory_base() on. Calls have nothing to do with each other.

import { SIGNED_BYTES_MAX } from '../wire/generated/codes';
import { WORKSPACE, WORKSPACE_BYTES, INPUT_KEY, INPUT_SEED, INPUT_SIGNATURE, OUTPUT } from './workspace';
import { constantsSound } from './constants';
import { verifies } from './verify';
import { deriveKey, makeSignature } from './sign';

const PAGE_BYTES: u32 = 65536;

/** First byte above static data, 16-aligned. */
export function memory_base(): u32 {
  return (<u32>__heap_base + 15) & ~15;
}

export function message_bytes_max(): u32 {
  return SIGNED_BYTES_MAX;
}

/** The caller's own error: an assertion. Nothing of ours may be read as a message, or written over. */
function checkPlace(at: u32, bytes: u32): void {
  assert(at >= memory_base() && at <= PAGE_BYTES - bytes);
}

/** Nothing of a call stays: its workspace is cleared. */
function wipe(): void {
  memory.fill(WORKSPACE, 0, WORKSPACE_BYTES);
}

/** 1 when `signature` (64 bytes) is one of the message under the key (32 bytes), else 0: also when the message is longer than message_bytes_max(). Traps when a constant was changed by an upset. */
export function verify(publicKey: u32, message: u32, length: u32, signature: u32): u32 {
  if (length > SIGNED_BYTES_MAX) return 0;
  checkPlace(publicKey, 32);
  checkPlace(message, length);
  checkPlace(signature, 64);
  assert(constantsSound());
  memory.copy(INPUT_KEY, publicKey, 32);
  memory.copy(INPUT_SIGNATURE, signature, 64);
  return verifies(message, length) ? 1 : 0;
}

/** Writes the signature (64 bytes) to `out` and returns 1; 0, and nothing written, when the public key is not the seed's or the message is too long. Traps when a constant was changed by an upset. */
export function sign(seed: u32, publicKey: u32, message: u32, length: u32, out: u32): u32 {
  if (length > SIGNED_BYTES_MAX) return 0;
  checkPlace(seed, 32);
  checkPlace(publicKey, 32);
  checkPlace(message, length);
  checkPlace(out, 64);
  assert(constantsSound());
  memory.copy(INPUT_SEED, seed, 32);
  memory.copy(INPUT_KEY, publicKey, 32);
  const signed = makeSignature(message, length);
  if (signed) memory.copy(out, INPUT_SIGNATURE, 64);
  wipe();
  return signed ? 1 : 0;
}

/** Writes the seed's public key to `out` and returns its bytes, 32. Traps when a constant was changed by an upset. */
export function public_key(seed: u32, out: u32): u32 {
  checkPlace(seed, 32);
  checkPlace(out, 32);
  assert(constantsSound());
  memory.copy(INPUT_SEED, seed, 32);
  deriveKey();
  memory.copy(out, OUTPUT, 32);
  wipe();
  return 32;
}
