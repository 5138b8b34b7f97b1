// A module of sealing and opening in a memory of its own, and random cases for it: our bytes
// against those of node:crypto and of @noble/ciphers.

import { createCipheriv } from 'node:crypto';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { cipherEntry, compileEntry, instantiate } from './compile.ts';
import { TAG_BYTES } from '../../host/cbor/generated.ts';

/** What is sealed; `aad` and `text` of any length. */
export interface Case {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
  readonly text: Uint8Array;
}

/**
 * One of the two modules, its buffers a page apart from nothing: every case lies where the test
 * says.
 */
export class Cipher {
  readonly #bytes: Uint8Array;
  readonly #calls: Record<string, (...values: number[]) => number>;
  readonly #key: number;
  readonly #aad: number;
  readonly #text: number;
  readonly #out: number;

  private constructor(
    memory: WebAssembly.Memory,
    base: number,
    calls: Record<string, (...values: number[]) => number>,
  ) {
    this.#bytes = new Uint8Array(memory.buffer);
    this.#calls = calls;
    this.#key = base;
    this.#aad = base + 64;
    this.#text = base + 16384;
    this.#out = base + 32768;
  }

  static async load(module: 'cipher' | 'cipher_null'): Promise<Cipher> {
    const { memory, base, calls } = await instantiate(await compileEntry(cipherEntry(module)));
    return new Cipher(memory, base, calls);
  }

  /** `shift` bytes off any alignment; `inPlace`: out is where the text is. */
  seal({ key, nonce, aad, text }: Case, shift = 0, inPlace = false): Uint8Array {
    const words = this.#lay(key, nonce, aad, text, shift);
    const out = inPlace ? this.#text + shift : this.#out + shift;
    this.#calls.seal(this.#key, ...words, this.#aad + shift, aad.length, this.#text + shift, text.length, out);
    return this.#bytes.slice(out, out + text.length + TAG_BYTES);
  }

  /**
   * The text, or null if refused; throws if a refusal wrote anything to where the text would be.
   */
  open({ key, nonce, aad }: Omit<Case, 'text'>, sealed: Uint8Array, shift = 0, inPlace = false): Uint8Array | null {
    const words = this.#lay(key, nonce, aad, sealed, shift);
    const length = sealed.length - TAG_BYTES;
    const from = this.#text + shift;
    const out = inPlace ? from : this.#out + shift;
    const before = inPlace
      ? sealed.slice(0, length)
      : this.#bytes.fill(0xa5, out, out + length).slice(out, out + length);
    const genuine = this.#calls.open(this.#key, ...words, this.#aad + shift, aad.length, from, length, out);
    const after = this.#bytes.slice(out, out + length);
    if (genuine !== 0) return after;
    if (Buffer.compare(before, after) !== 0) throw new Error('what was refused has been written');
    return null;
  }

  /**
   * Calls for measuring, which only call: the frame laid out once, sealed, opened, and refused for
   * a word of the nonce.
   */
  repeated(given: Case): { seal: () => void; open: () => void; refuse: () => void } {
    const [a, b, c] = this.#lay(given.key, given.nonce, given.aad, given.text, 1);
    const [aad, text, out, length] = [this.#aad + 1, this.#text + 1, this.#out + 1, given.text.length];
    const seal = () => this.#calls.seal(this.#key, a, b, c, aad, given.aad.length, text, length, out);
    const open = (last: number) => this.#calls.open(this.#key, a, b, last, aad, given.aad.length, out, length, text);
    seal();
    if (open(c) !== 1 || open(c ^ 1) !== 0)
      throw new Error('what was sealed does not open, or opens with another nonce');
    return { seal, open: () => void open(c), refuse: () => void open(c ^ 1) };
  }

  /**
   * True if no byte below the buffers, where scratch is, is other than zero: key stream is left
   * nowhere.
   */
  leavesNothing(): boolean {
    return this.#bytes.subarray(0, this.#key).every((byte) => byte === 0);
  }

  #lay(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, text: Uint8Array, shift: number): number[] {
    this.#bytes.set(key, this.#key);
    this.#bytes.set(aad, this.#aad + shift);
    this.#bytes.set(text, this.#text + shift);
    return wordsOf(nonce);
  }
}

/** A nonce as the firmware takes it. */
export function wordsOf(nonce: Uint8Array): number[] {
  const view = new DataView(nonce.buffer, nonce.byteOffset, nonce.length);
  return [0, 4, 8].map((at) => view.getUint32(at, true));
}

/** Sealed by OpenSSL. */
export function sealByNode({ key, nonce, aad, text }: Case): Uint8Array {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(aad, { plaintextLength: text.length });
  return new Uint8Array(Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]));
}

/** Sealed by @noble/ciphers. */
function sealByNoble({ key, nonce, aad, text }: Case): Uint8Array {
  return chacha20poly1305(key, nonce, aad).encrypt(text);
}

function randomBytes(random: RandomStream, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 1) bytes[at] = random.uint32() >>> 24;
  return bytes;
}

/** Mostly bytes at random; sometimes all ones or all zeros, where carries run through. */
function someBytes(random: RandomStream, length: number): Uint8Array {
  const kind = random.below(8);
  return kind < 2 ? new Uint8Array(length).fill(kind === 0 ? 0xff : 0) : randomBytes(random, length);
}

/** Lengths of frames mostly, each around blocks of 16 and 64 too, a few of thousands. */
function someLength(random: RandomStream): number {
  const kind = random.below(16);
  if (kind === 0) return 0;
  if (kind < 6) return Math.max(0, 16 * random.below(20) + random.below(3) - 1);
  return kind === 6 ? random.below(4096) : random.below(256);
}

export function randomCase(random: RandomStream): Case {
  return {
    key: someBytes(random, 32),
    nonce: someBytes(random, 12),
    aad: someBytes(random, random.below(4) === 0 ? random.below(300) : random.below(48)),
    text: someBytes(random, someLength(random)),
  };
}

/**
 * A frame of 200 bytes: 33 of header that is authenticated, 147 of text, the tag, and 4 of CRC-32C,
 * which comes after.
 */
export const frame: Case = {
  ...randomCase(new RandomStream(8439, 'frame')),
  aad: Uint8Array.from({ length: 33 }, (_, at) => at * 7),
  text: Uint8Array.from({ length: 147 }, (_, at) => at * 11),
};

export interface CampaignResult {
  cases: number;
  /** Bytes of text and of aad in all. */
  bytes: number;
  /**
   * Of cases that differ from either library, do not open, or open although a bit is wrong: what is
   * needed to look at them; the first ten.
   */
  wrong: string[];
}

/**
 * Random cases, half of them in place, at every alignment: sealed here, by node:crypto and by
 * @noble/ciphers; opened here; refused here with one bit of the key, nonce, aad, text or tag
 * changed. `progress` is called after every thousand.
 */
export function runCases(
  cipher: Cipher,
  seed: number,
  cases: number,
  progress?: (done: number) => void,
): CampaignResult {
  const result: CampaignResult = { cases, bytes: 0, wrong: [] };
  for (let index = 0; index < cases; index += 1) {
    const random = new RandomStream(seed, 'cipher', index);
    const given = randomCase(random);
    result.bytes += given.aad.length + given.text.length;
    const shift = random.below(16);
    const inPlace = random.below(2) === 0;
    const failure = failureOf(cipher, given, random, shift, inPlace);
    if (failure !== null && result.wrong.length < 10) result.wrong.push(`seed ${seed}, case ${index}: ${failure}`);
    if (progress !== undefined && (index + 1) % 1000 === 0) progress(index + 1);
  }
  return result;
}

function failureOf(cipher: Cipher, given: Case, random: RandomStream, shift: number, inPlace: boolean): string | null {
  const sealed = cipher.seal(given, shift, inPlace);
  if (Buffer.compare(sealed, sealByNode(given)) !== 0) return 'not what node:crypto seals';
  if (Buffer.compare(sealed, sealByNoble(given)) !== 0) return 'not what @noble/ciphers seals';
  const opened = cipher.open(given, sealed, shift, inPlace);
  if (opened === null || Buffer.compare(opened, given.text) !== 0) return 'does not open';
  const parts = { key: given.key.slice(), nonce: given.nonce.slice(), aad: given.aad.slice(), sealed };
  const filled = Object.values(parts).filter((part) => part.length > 0);
  const altered = filled[random.below(filled.length)];
  altered[random.below(altered.length)] ^= 1 << random.below(8);
  return cipher.open(parts, parts.sealed, shift, inPlace) === null ? null : 'opens although a bit is wrong';
}
