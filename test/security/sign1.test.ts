import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { moduleSignatures, nodeSignatures, type SignatureService } from '../../host/security/signature.ts';
import { headPayload, verifyHead } from '../../host/security/key_epoch.ts';
import { makeSign1, readSign1, Sign1Fault, type Sign1Reason, verifySign1 } from '../../host/security/sign1.ts';
import { vectors } from './signature_vectors.ts';

const [{ seed, publicKey }] = vectors;
const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
const kid = hex('00010007');
const payload = hex('8318190102');
const keyOf = (wanted: Uint8Array) => (Buffer.from(wanted).equals(kid) ? publicKey : undefined);

function reasonOf(work: () => unknown): Sign1Reason | 'accepted' {
  try {
    work();
  } catch (error) {
    if (error instanceof Sign1Fault) return error.reason;
    throw error;
  }
  return 'accepted';
}
const good = makeSign1(nodeSignatures, seed, kid, payload);
const refusal = (bytes: Uint8Array) => reasonOf(() => verifySign1(nodeSignatures, bytes, keyOf));

/** The message with other parts in hex: protected, unprotected, payload, signature. */
function assembled(parts: {
  tag?: string;
  headers?: string;
  open?: string;
  payload?: string;
  signature?: string;
  rest?: string;
}): Uint8Array {
  const [signature] = [Buffer.from(good.subarray(-64)).toString('hex')];
  const whole = [
    ...[parts.tag ?? 'd284', parts.headers ?? '49a20127044400010007', parts.open ?? 'a0'],
    ...[parts.payload ?? '458318190102', parts.signature ?? `5840${signature}`, parts.rest ?? ''],
  ];
  return hex(whole.join(''));
}

test('a message has the bytes of RFC 9052: tag 18, protected header {1: -8, 4: kid}, nothing unprotected', () => {
  assert.is(
    Buffer.from(good).toString('hex', 0, good.length - 64),
    'd28449a201270444000100 07a0458318190102 5840'.replaceAll(' ', ''),
  );
  assert.equal(assembled({}), good);
  const signed = `846a5369676e61747572653149a20127044400010007 40 458318190102`.replaceAll(' ', '');
  assert.ok(nodeSignatures.verify(publicKey, hex(signed), good.subarray(-64)));
});

test('every signature service reads the messages of every other', () => {
  const services: SignatureService[] = [nodeSignatures, moduleSignatures()];
  for (const maker of services)
    for (const reader of services)
      for (const length of [0, 1, 23, 24, 255, 256, 1900]) {
        const long = new Uint8Array(length).fill(length);
        const read = verifySign1(reader, makeSign1(maker, seed, kid, long), keyOf);
        assert.equal([read.kid, read.payload], [kid, long]);
      }
});

test('the head of a key epoch is signed like a message with the same content', () => {
  const cluster = 7;
  const head = { keyEpoch: 300, startS: 86_400, parts: 8, commitment: new Uint8Array(16).fill(9) };
  const message = makeSign1(nodeSignatures, seed, Uint8Array.of(0, cluster), headPayload(cluster, head));
  const { signature } = readSign1(message);
  assert.ok(verifyHead(publicKey, cluster, { ...head, signature }));
  assert.not(verifyHead(publicKey, cluster, { ...head, parts: 9, signature }));
});

test('a message with any bit flipped is refused', () => {
  for (let bit = 0; bit < good.length * 8; bit += 1) {
    const flipped = Uint8Array.from(good);
    flipped[bit >> 3] ^= 1 << (bit & 7);
    assert.is.not(refusal(flipped), 'accepted', `bit ${bit}`);
  }
});

test('a message cut off after any byte, or with a byte added, is refused', () => {
  for (let length = 0; length < good.length; length += 1)
    assert.is(refusal(good.subarray(0, length)), 'malformed', `${length}`);
  assert.is(refusal(assembled({ rest: '00' })), 'malformed');
});

test('another encoding of the same content is refused', () => {
  const malformed: Record<string, Parameters<typeof assembled>[0]> = {
    'no tag': { tag: '84' },
    'the tag of COSE_Mac0': { tag: 'd184' },
    'a tag in a longer form': { tag: 'd81284' },
    'twice tagged': { tag: 'd2d284' },
    'five parts': { tag: 'd285', rest: '40' },
    'an array of unknown length': { tag: 'd29f', rest: 'ff' },
    'kid before algorithm': { headers: '49a20444000100070127' },
    'headers in a map of unknown length': { headers: '4abf0127044400010007ff' },
    'a third header': { headers: '4ba301270444000100070500' },
    'no kid': { headers: '43a10127' },
    'an empty kid': { headers: '45a201270440' },
    'a header twice': { headers: '4ba301270127044400010007' },
    'headers that are no map': { headers: '4100' },
    'headers not in bytes': { headers: 'a20127044400010007' },
    'an unprotected kid': { open: 'a1044400010007' },
    'a payload left out': { payload: 'f6' },
    'a payload that is text': { payload: '6161' },
    'a payload in a longer form': { payload: '58058318190102' },
    'a signature of 63 bytes': { signature: `583f${'00'.repeat(63)}` },
    'a signature of 65 bytes': { signature: `5841${'00'.repeat(65)}` },
    'deep nesting': { open: '8181818181818181a0' },
  };
  for (const [name, parts] of Object.entries(malformed)) assert.is(refusal(assembled(parts)), 'malformed', name);
});

test('a wrong algorithm, key and context are refused for different reasons', () => {
  assert.is(refusal(assembled({ headers: '49a20126044400010007' })), 'algorithm');
  assert.is(refusal(assembled({ headers: '49a20100044400010007' })), 'algorithm');
  assert.is(
    reasonOf(() => verifySign1(nodeSignatures, good, () => undefined)),
    'unknown-key',
  );
  assert.is(
    reasonOf(() => verifySign1(nodeSignatures, good, () => vectors[1].publicKey)),
    'signature',
  );
  assert.is(refusal(assembled({ headers: '49a20127044400010008' })), 'unknown-key');
  const purpose = hex('01');
  const bound = makeSign1(nodeSignatures, seed, kid, payload, purpose);
  assert.is(refusal(bound), 'signature');
  assert.is(
    reasonOf(() => verifySign1(nodeSignatures, bound, keyOf, purpose)),
    'accepted',
  );
});

test('a payload that is too long is neither signed nor read', () => {
  const long = new Uint8Array(2048);
  assert.throws(() => makeSign1(nodeSignatures, seed, kid, long), RangeError);
  assert.throws(() => makeSign1(nodeSignatures, seed, new Uint8Array(17), payload), RangeError);
  assert.throws(() => makeSign1(nodeSignatures, seed, new Uint8Array(0), payload), RangeError);
  assert.is(
    reasonOf(() => readSign1(new Uint8Array(4096))),
    'length',
  );
  assert.is(refusal(assembled({ payload: `590800${'00'.repeat(2048)}` })), 'length');
});

test.run();
