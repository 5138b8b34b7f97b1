// Makes key epochs: the link key that seals a cluster's frames, and the messages that bring a new
// one to all remaining members (docs/security.md).

import { createHash, timingSafeEqual } from 'node:crypto';
import {
  COMMITMENT_BYTES,
  type KeyEpochHead,
  type KeyEpochPart,
  type LinkSecret,
  type PathKey,
} from '../cbor/generated.ts';
import { derive, words16 } from './kdf.ts';
import { type Cipher, realCipher } from './cipher.ts';
import { nodeSignatures, type SignatureService } from './signature.ts';
import { cover, PARTS_MAX, unwrap, wrap } from './tree.ts';

export const BOOTSTRAP_KEY_EPOCH = 0;

/**
 * What a member is provisioned with (docs/security.md): without any keys it neither sends nor
 * accepts frames.
 */
export interface LinkKeys {
  readonly secrets: readonly Omit<LinkSecret, 'name'>[];
  readonly path: readonly Omit<PathKey, 'name'>[];
}

/** Derives the key that seals a cluster's frames in a key epoch. */
export function linkKey(secret: Uint8Array, cluster: number, keyEpoch: number): Uint8Array {
  return derive(secret, 'heliograph link', cluster, keyEpoch);
}

/**
 * Derives the link key of key epoch 0: every member that was ever provisioned has the key of the
 * tree's root.
 */
export function bootstrapKey(rootPathKey: Uint8Array, cluster: number): Uint8Array {
  return linkKey(rootPathKey, cluster, BOOTSTRAP_KEY_EPOCH);
}

/**
 * Binds a head to its secret without revealing the secret: the secret that a part opens to must
 * match.
 */
function commitment(secret: Uint8Array, cluster: number, keyEpoch: number): Uint8Array {
  const hash = createHash('sha256')
    .update('heliograph commitment', 'ascii')
    .update(words16(cluster, keyEpoch))
    .update(secret);
  return Uint8Array.from(hash.digest().subarray(0, COMMITMENT_BYTES));
}

function uint(value: number): Uint8Array {
  if (value < 24) return Uint8Array.of(value);
  if (value < 0x100) return Uint8Array.of(0x18, value);
  if (value < 0x10000) return Uint8Array.of(0x19, ...words16(value));
  return Uint8Array.of(0x1a, ...words16(value >>> 16, value & 0xffff));
}

/**
 * Encodes what the authority signs: [cluster, keyEpoch, startS, parts, commitment], deterministic
 * CBOR. It is not sent, because the head holds all of it.
 */
export function headPayload(cluster: number, head: Omit<KeyEpochHead, 'name' | 'signature'>): Uint8Array {
  const { keyEpoch, startS, parts } = head;
  const numbers = [cluster, keyEpoch, startS, parts].map(uint);
  return Buffer.concat([Uint8Array.of(0x85), ...numbers, Uint8Array.of(0x40 + COMMITMENT_BYTES), head.commitment]);
}

/** Encodes the protected header of the statement: {1: -8 (EdDSA), 4: the cluster}. */
export function headProtected(cluster: number): Uint8Array {
  return Uint8Array.of(0xa2, 0x01, 0x27, 0x04, 0x42, ...words16(cluster));
}

/** Encodes the Sig_structure of RFC 9052 §4.4 for COSE_Sign1: the bytes that are signed. */
export function headStatement(cluster: number, head: Omit<KeyEpochHead, 'name' | 'signature'>): Uint8Array {
  const header = headProtected(cluster);
  const payload = headPayload(cluster, head);
  const length = payload.length < 24 ? [0x40 + payload.length] : [0x58, payload.length];
  return Buffer.concat([
    Uint8Array.of(0x84, 0x6a),
    Buffer.from('Signature1', 'ascii'),
    Uint8Array.of(0x40 + header.length),
    header,
    Uint8Array.of(0x40, ...length),
    payload,
  ]);
}

/** True when the cluster's authority signed this head. */
export function verifyHead(
  authorityPublicKey: Uint8Array,
  cluster: number,
  head: Omit<KeyEpochHead, 'name'>,
  signatures: SignatureService = nodeSignatures,
): boolean {
  return signatures.verify(authorityPublicKey, headStatement(cluster, head), head.signature);
}

/** Words of a head: key epoch, startS, parts, four of commitment, sixteen of signature. */
const headWords = { commitment: 3, signature: 7, end: 23 } as const;

/**
 * Reads the head whose signature the firmware asks about, from the answer of `inspect` to
 * `pendingHead`; null: no head waits.
 */
export function headOf(words: Uint32Array): KeyEpochHead | null {
  if (words.length !== headWords.end) return null;
  const [keyEpoch, startS, parts] = words;
  // The bytes as in memory: every known host is little-endian.
  const bytesOf = (from: number, to: number) => new Uint8Array(words.slice(from, to).buffer);
  const commitment = bytesOf(headWords.commitment, headWords.signature);
  const signature = bytesOf(headWords.signature, headWords.end);
  return { name: 'key-epoch-head', keyEpoch: keyEpoch, startS, parts, commitment, signature };
}

export interface Authority {
  readonly cluster: number;
  /** Seed of the authority's key pair. */
  readonly seed: Uint8Array;
  /** The key of a node of the cluster's tree. */
  pathKey(node: number): Uint8Array;
}

/** Derives the seed of the authority's key pair. */
export function authoritySeed(clusterKey: Uint8Array, cluster: number): Uint8Array {
  return derive(clusterKey, 'heliograph authority', cluster);
}

/**
 * No cover exists: no member would remain, or the excluded lie so that a head cannot count the
 * parts.
 */
export class CoverError extends Error {}

export interface KeyEpochMessages {
  readonly head: KeyEpochHead;
  readonly parts: readonly KeyEpochPart[];
}

/**
 * Makes the messages of a key epoch for `members` without `excluded`. `cipher`: that of the
 * members' image. Throws CoverError.
 */
export function makeKeyEpoch(
  authority: Authority,
  keyEpoch: { readonly keyEpoch: number; readonly startS: number; readonly secret: Uint8Array },
  members: Iterable<number>,
  excluded: ReadonlySet<number>,
  cipher: Cipher = realCipher,
): KeyEpochMessages {
  const { cluster } = authority;
  const nodes = cover(members, excluded);
  if (nodes.length === 0) throw new CoverError('no member would be left');
  if (nodes.length > PARTS_MAX)
    throw new CoverError(
      `the excluded members lie so far apart that the others need ${nodes.length} parts, ` +
        `${PARTS_MAX} are allowed (docs/security.md): exclude members near to those that are, or make the ` +
        'cluster anew under another number for those that remain',
    );
  const parts = nodes.map((node): KeyEpochPart => {
    const place = { cluster, node, keyEpoch: keyEpoch.keyEpoch };
    const wrapped = wrap(authority.pathKey(node), place, keyEpoch.secret, cipher);
    return { name: 'key-epoch-part', keyEpoch: keyEpoch.keyEpoch, node, wrapped };
  });
  const unsigned = {
    keyEpoch: keyEpoch.keyEpoch,
    startS: keyEpoch.startS,
    parts: parts.length,
    commitment: commitment(keyEpoch.secret, cluster, keyEpoch.keyEpoch),
  };
  const signature = nodeSignatures.sign(authority.seed, headStatement(cluster, unsigned));
  return { head: { name: 'key-epoch-head', ...unsigned, signature }, parts };
}

/**
 * Opens a part as a member does: the secret, or null if the part is not on the member's path, was
 * altered, or does not match the head.
 */
export function openPart(
  path: ReadonlyMap<number, Uint8Array>,
  cluster: number,
  head: Omit<KeyEpochHead, 'name'>,
  part: Omit<KeyEpochPart, 'name'>,
): Uint8Array | null {
  const key = path.get(part.node);
  if (key === undefined || part.keyEpoch !== head.keyEpoch) return null;
  const secret = unwrap(key, cluster, part.node, part.keyEpoch, part.wrapped);
  if (secret === null || !timingSafeEqual(commitment(secret, cluster, part.keyEpoch), head.commitment)) return null;
  return secret;
}
