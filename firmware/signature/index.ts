// Exports the functions of dist/signature.wasm. Every parameter and result is i32; pointers are
// addresses in linear memory from memory_base() on. Calls do not depend on each other.

import { SIGNED_BYTES_MAX, WASM_PAGE_BYTES } from '../wire/generated/codes';
import { WORKSPACE, WORKSPACE_BYTES, INPUT_KEY, INPUT_SEED, INPUT_SIGNATURE, OUTPUT } from './workspace';
import { constantsSound } from './constants';
import { verifies } from './verify';
import { deriveKey, makeSignature } from './sign';

/** Returns the first byte above static data, 16-aligned. */
export function memory_base(): u32 {
  return (<u32>__heap_base + 15) & ~15;
}

export function message_bytes_max(): u32 {
  return SIGNED_BYTES_MAX;
}

/**
 * Asserts that the caller's buffer lies outside this module's own data: an error of the caller
 * traps.
 */
function checkPlace(at: u32, bytes: u32): void {
  assert(at >= memory_base() && at <= WASM_PAGE_BYTES - bytes);
}

/** Clears the workspace. */
function wipe(): void {
  memory.fill(WORKSPACE, 0, WORKSPACE_BYTES);
}

/**
 * Returns 1 if `signature` (64 bytes) is a signature of the message under the key (32 bytes), else
 * 0: also if the message is longer than message_bytes_max(). Traps when an upset has changed a
 * constant.
 */
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

/**
 * Writes the signature (64 bytes) to `out` and returns 1. Returns 0 and writes nothing if the
 * public key is not the seed's or the message is too long. Traps when an upset has changed a
 * constant.
 */
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

/**
 * Writes the seed's public key to `out` and returns its bytes, 32. Traps when an upset has changed
 * a constant.
 */
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
