// Signs and verifies an owner's signed statement on one of its intents (docs/insiders.md).

import { createHash } from 'node:crypto';
import { type Intent, SIGNATURE_BYTES, type Statement, STATEMENT_DIGEST_BYTES } from '../cbor/generated.ts';
import { encodeMessage } from '../cbor/message.ts';
import { nodeSignatures, type SignatureService } from './signature.ts';

const label = new TextEncoder().encode('heliograph intent');
/** Length of a statement in the answer of `inspect`, words. */
const STATEMENT_WORDS = 24;

export type StatementText = Pick<Statement, 'owner' | 'slot' | 'version' | 'atS' | 'digest'>;

/** Digests a version's content: the first 16 bytes of SHA-256 over its message. */
export function intentDigest(intent: Intent): Uint8Array {
  const hash = createHash('sha256').update(encodeMessage(intent)).digest();
  return Uint8Array.from(hash.subarray(0, STATEMENT_DIGEST_BYTES));
}

/**
 * Encodes the bytes that are signed: a label, cluster, owner, intent slot, version and time,
 * big-endian, and the digest.
 */
function statementBytes(cluster: number, { owner, slot, version, atS, digest }: StatementText): Uint8Array {
  const bytes = new Uint8Array(label.length + 13 + STATEMENT_DIGEST_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(label);
  view.setUint16(label.length, cluster);
  view.setUint16(label.length + 2, owner);
  view.setUint8(label.length + 4, slot);
  view.setUint32(label.length + 5, version);
  view.setUint32(label.length + 9, atS);
  bytes.set(digest, label.length + 13);
  return bytes;
}

export function signStatement(
  seed: Uint8Array,
  cluster: number,
  text: StatementText,
  signatures: SignatureService = nodeSignatures,
): Uint8Array {
  return signatures.sign(seed, statementBytes(cluster, text));
}

export function verifyStatement(
  publicKey: Uint8Array,
  cluster: number,
  statement: Omit<Statement, 'name'>,
  signatures: SignatureService = nodeSignatures,
): boolean {
  return signatures.verify(publicKey, statementBytes(cluster, statement), statement.signature);
}

/** Reads a statement from the answer of `inspect`; null if the words are none. */
export function statementOf(words: Uint32Array): Omit<Statement, 'name'> | null {
  if (words.length !== STATEMENT_WORDS) return null;
  const bytes = Uint8Array.from(new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
  const [owner, slot, version, atS] = words;
  if (owner > 0xffff || slot > 7) return null;
  const digest = bytes.slice(16, 16 + STATEMENT_DIGEST_BYTES);
  return { owner, slot, version, atS, digest, signature: bytes.slice(32, 32 + SIGNATURE_BYTES) };
}
