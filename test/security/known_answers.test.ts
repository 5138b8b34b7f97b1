// The answers that RFC 8439, 5869, 4231 and FIPS 180 give. The quarter round of 2.1.1 has no
// function of its own here: blocks (2.3.2, A.1) are made of nothing else.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { Cipher, wordsOf } from './cases.ts';
import { compileEntry, instantiate, partsEntry } from './compile.ts';

const test = suite('security: known answers');

type Row = Record<string, string> & { counter: number };
const vectors = JSON.parse(readFileSync(join(rootFolder, 'test/security/vectors.json'), 'utf8')) as Record<
  string,
  Row[]
>;
const { memory, base, calls } = await instantiate(await compileEntry(partsEntry));
const bytes = new Uint8Array(memory.buffer);
const cipher = await Cipher.load('cipher');

const unhex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
const hex = (from: number, length: number) => Buffer.from(bytes.subarray(from, from + length)).toString('hex');
/** Where things lie: a kilobyte each. */
const [scratch, first, second, third, out] = [0, 1, 2, 3, 4].map((index) => base + 1024 * index);

function lay(at: number, text: string): [number, number] {
  const data = unhex(text);
  bytes.set(data, at);
  return [at, data.length];
}

function tagOf(key: string, text: string, pieces: number[]): string {
  lay(scratch, key);
  const [at, length] = lay(first, text);
  calls.poly1305Begin(scratch);
  const ends = [...pieces.filter((end) => end < length), length];
  ends.reduce((from, end) => {
    calls.poly1305Add(scratch, at + from, end - from, 0);
    return end;
  }, 0);
  calls.poly1305End(scratch, out);
  return hex(out, 16);
}

test('ChaCha20 gives the blocks, texts and one-time keys of the RFC', () => {
  assert.is(vectors.chacha20.length, 13);
  for (const { name, key, nonce, counter, text, result } of vectors.chacha20) {
    const [keyAt] = lay(first, key);
    const [textAt, length] = lay(second, text);
    calls.chacha20(keyAt, counter, ...wordsOf(unhex(nonce)), textAt, length, out, scratch);
    assert.is(hex(out, length), result, name);
    // Back again, in place.
    calls.chacha20(keyAt, counter, ...wordsOf(unhex(nonce)), out, length, out, scratch);
    assert.is(hex(out, length), text, name);
  }
});

test('Poly1305 gives the tags of the RFC, in one piece and cut where blocks end', () => {
  assert.is(vectors.poly1305.length, 12);
  for (const { name, key, text, tag } of vectors.poly1305) {
    assert.is(tagOf(key, text, []), tag, name);
    assert.is(tagOf(key, text, [16]), tag, name);
    assert.is(tagOf(key, text, [32, 48]), tag, name);
  }
});

test('AEAD_CHACHA20_POLY1305 seals and opens the examples of the RFC', () => {
  assert.is(vectors.aead.length, 2);
  for (const { name, key, nonce, aad, text, sealed, tag } of vectors.aead) {
    const given = { key: unhex(key), nonce: unhex(nonce), aad: unhex(aad), text: unhex(text) };
    assert.equal(cipher.seal(given), unhex(sealed + tag), name);
    assert.equal(cipher.open(given, unhex(sealed + tag)), given.text, name);
    // Violated: another tag.
    const wrong = unhex(sealed + tag);
    wrong[wrong.length - 1] ^= 0x80;
    assert.is(cipher.open(given, wrong), null, name);
  }
});

test('SHA-256 and HMAC give the published results', () => {
  for (const { name, text, digest } of vectors.sha256) {
    calls.sha256(...lay(first, text), out, scratch);
    assert.is(hex(out, 32), digest, name);
  }
  for (const { name, key, text, tag } of vectors.hmac) {
    calls.hmac(...lay(first, key), ...lay(second, text), out, scratch);
    assert.is(hex(out, 32), tag, name);
  }
});

test('HKDF gives the intermediate key and the first 32 bytes and leaves zeros in its scratch memory', () => {
  assert.is(vectors.hkdf.length, 3);
  for (const { name, secret, salt, info, extracted, derived } of vectors.hkdf) {
    const parts = [...lay(first, secret), ...lay(second, salt)];
    calls.hmac(...lay(second, salt), ...lay(first, secret), out, scratch);
    assert.is(hex(out, 32), extracted, name);
    calls.hkdf(...parts, ...lay(third, info), out, scratch);
    assert.is(hex(out, 32), derived.slice(0, 64), name);
    assert.is(hex(scratch, 168), '00'.repeat(168), name);
  }
});

test.run();
