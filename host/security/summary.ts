// Signs and verifies the summary of a cluster (firmware/federation).

import { ANSWER, SIGNATURE_BYTES } from '../cbor/generated.ts';
import { nodeSignatures, type SignatureService } from './signature.ts';

const label = new TextEncoder().encode('heliograph federation');
/** The signature is the last item of a summary: its head has two bytes. */
const SIGNATURE_ITEM_BYTES = SIGNATURE_BYTES + 2;

/** Reads the bytes of a summary from the answer of `inspect`; null if the words are none. */
export function summaryOf(words: Uint32Array): Uint8Array | null {
  if (words.length <= ANSWER.summary.message) return null;
  const bytes = new Uint8Array(words.buffer, words.byteOffset + ANSWER.summary.message * 4);
  return Uint8Array.from(bytes.subarray(0, words[ANSWER.summary.length]));
}

/** The bytes that are signed: a label, and the message up to the head of its signature. */
function summaryBytes(message: Uint8Array): Uint8Array {
  return Buffer.concat([label, message.subarray(0, message.length - SIGNATURE_ITEM_BYTES)]);
}

export function signSummary(
  seed: Uint8Array,
  message: Uint8Array,
  signatures: SignatureService = nodeSignatures,
): Uint8Array {
  return signatures.sign(seed, summaryBytes(message));
}

export function verifySummary(
  publicKey: Uint8Array,
  message: Uint8Array,
  signatures: SignatureService = nodeSignatures,
): boolean {
  return signatures.verify(publicKey, summaryBytes(message), message.subarray(-SIGNATURE_BYTES));
}
