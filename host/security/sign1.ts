/**
 * COSE_Sign1 (RFC 9052, 4.2) with EdDSA over Ed25519 (RFC 9053, 2.2), for what is signed end to end
 * because it leaves the cluster, and for the authority's statements about key epochs.
 *
 *     18([ << {1: −8, 4: kid} >>, {}, payload, signature ])
 *
 * Each message has one form: headers are protected, the payload is attached, the encoding is
 * deterministic (RFC 8949, 4.2). Every other form of the same message is refused.
 */
import { Decoder, Encoder, Tag } from 'cbor-x';
import { CborFault, skipItem } from '../cbor/item.ts';
import type { SignatureService } from './signature.ts';
import { SIGNATURE_BYTES, SIGNED_BYTES_MAX } from '../cbor/generated.ts';

const options = {
  useRecords: false,
  mapsAsObjects: false,
  tagUint8Array: false,
  structuredClone: false,
  copyBuffers: true,
};
const encoder = new Encoder(options);
const decoder = new Decoder(options);
/** The next encoding reuses cbor-x's own buffer. */
const encode = (item: unknown): Uint8Array => Uint8Array.from(encoder.encode(item));

const tagSign1 = 18;
const labelAlgorithm = 1;
const labelKid = 4;
const algorithmEdDsa = -8;
const kidBytesMax = 16;
/** Tag, heads, headers and signature around a payload. */
const sign1OverheadBytesMax = 1 + 1 + 2 + (1 + 2 + 1 + 1 + kidBytesMax) + 1 + 3 + 2 + SIGNATURE_BYTES;
const none = new Uint8Array(0);

/** Why a message is refused; each cause is counted by itself. */
export type Sign1Reason = 'malformed' | 'length' | 'algorithm' | 'unknown-key' | 'signature';

export class Sign1Fault extends Error {
  readonly reason: Sign1Reason;

  constructor(reason: Sign1Reason, message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface Sign1 {
  /** Identifies the key: 1 to `kidBytesMax` bytes. */
  readonly kid: Uint8Array;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

const headersOf = (kid: Uint8Array): Uint8Array =>
  encode(
    new Map<number, unknown>([
      [labelAlgorithm, algorithmEdDsa],
      [labelKid, kid],
    ]),
  );

/**
 * Encodes what is signed (RFC 9052, 4.4). `context` is known to both ends and not sent; it keeps a
 * signature made for one purpose from being used for another.
 */
const signedBytes = (headers: Uint8Array, context: Uint8Array, payload: Uint8Array): Uint8Array =>
  encode(['Signature1', headers, context, payload]);

const assemble = (headers: Uint8Array, payload: Uint8Array, signature: Uint8Array): Uint8Array =>
  encode(new Tag([headers, new Map(), payload, signature], tagSign1));

/**
 * Makes a signed message. Throws RangeError when the kid has not 1 to 16 bytes, or payload and
 * context together are too long to be signed.
 */
export function makeSign1(
  service: SignatureService,
  seed: Uint8Array,
  kid: Uint8Array,
  payload: Uint8Array,
  context: Uint8Array = none,
): Uint8Array {
  if (kid.length === 0 || kid.length > kidBytesMax)
    throw new RangeError(`a kid has 1 to ${kidBytesMax} bytes, not ${kid.length}`);
  const headers = headersOf(kid);
  return assemble(headers, payload, service.sign(seed, signedBytes(headers, context, payload)));
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);

/**
 * Decodes one item that fills `bytes`, and is well-formed and of bounded depth, before cbor-x sees
 * it.
 */
function decodeOne(bytes: Uint8Array): unknown {
  try {
    if (skipItem(bytes, 0, bytes.length) === bytes.length) return decoder.decode(bytes);
  } catch (error) {
    throw new Sign1Fault('malformed', error instanceof CborFault ? error.message : 'this is no CBOR');
  }
  throw new Sign1Fault('malformed', 'bytes follow the item');
}

function readHeaders(headers: Uint8Array): Uint8Array {
  const map = decodeOne(headers);
  if (!(map instanceof Map)) throw new Sign1Fault('malformed', 'the protected header is no map');
  if (map.get(labelAlgorithm) !== algorithmEdDsa)
    throw new Sign1Fault('algorithm', `algorithm ${String(map.get(labelAlgorithm))} is not EdDSA`);
  const kid = map.get(labelKid);
  if (map.size !== 2 || !(kid instanceof Uint8Array) || kid.length === 0 || kid.length > kidBytesMax)
    throw new Sign1Fault('malformed', 'the protected header has an algorithm and a kid, and nothing else');
  return Uint8Array.from(kid);
}

/** Parses a message without verifying it. Throws Sign1Fault: malformed, length or algorithm. */
export function readSign1(bytes: Uint8Array): Sign1 {
  if (bytes.length > SIGNED_BYTES_MAX + sign1OverheadBytesMax) throw new Sign1Fault('length', `${bytes.length} bytes`);
  const item = decodeOne(bytes);
  if (!(item instanceof Tag) || item.tag !== tagSign1) throw new Sign1Fault('malformed', 'this is no COSE_Sign1');
  const parts: unknown = item.value;
  if (!Array.isArray(parts) || parts.length !== 4) throw new Sign1Fault('malformed', 'COSE_Sign1 is an array of four');
  const [headers, open, payload, signature] = parts;
  if (!(headers instanceof Uint8Array && payload instanceof Uint8Array && signature instanceof Uint8Array))
    throw new Sign1Fault('malformed', 'headers, payload and signature are byte strings');
  if (!(open instanceof Map) || open.size !== 0) throw new Sign1Fault('malformed', 'no header is left unprotected');
  if (signature.length !== SIGNATURE_BYTES)
    throw new Sign1Fault('malformed', `a signature of ${signature.length} bytes`);
  const kid = readHeaders(headers);
  if (!sameBytes(bytes, assemble(headersOf(kid), payload, signature)))
    throw new Sign1Fault('malformed', 'the encoding is not the deterministic one');
  return { kid, payload: Uint8Array.from(payload), signature: Uint8Array.from(signature) };
}

/**
 * Parses and verifies a message under the key that `keyOf` gives for its kid. Throws Sign1Fault.
 * `keyOf` is asked before anything is verified: undefined refuses cheaply.
 */
export function verifySign1(
  service: SignatureService,
  bytes: Uint8Array,
  keyOf: (kid: Uint8Array) => Uint8Array | undefined,
  context: Uint8Array = none,
): Sign1 {
  const message = readSign1(bytes);
  const key = keyOf(message.kid);
  if (key === undefined) throw new Sign1Fault('unknown-key', `no key for ${Buffer.from(message.kid).toString('hex')}`);
  const signed = signedBytes(headersOf(message.kid), context, message.payload);
  if (signed.length > SIGNED_BYTES_MAX) throw new Sign1Fault('length', `${signed.length} bytes are signed`);
  if (!service.verify(key, signed, message.signature)) throw new Sign1Fault('signature', 'the signature does not hold');
  return message;
}
