// Random cases against two libraries, every single bit of a frame flipped, and the null
// cipher compared with the cipher.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { Cipher, frame, randomCase, runCases, sealByNode } from './cases.ts';
import { cipherEntry, compileEntry } from './compile.ts';
import { TAG_BYTES } from '../../host/cbor/generated.ts';

const test = suite('security: cipher');

const cipher = await Cipher.load('cipher');
const nullCipher = await Cipher.load('cipher_null');

test('20,000 random cases seal as two libraries do, open again, and are rejected with one bit wrong', () => {
  const result = runCases(cipher, 1, 20_000);
  assert.equal(result.wrong, []);
  assert.ok(result.bytes > 20_000 * 100);
});

test('violated: a sealing that differs from ours in any part is detected', () => {
  // The null cipher's bytes are not those of the cipher.
  const { wrong } = runCases(nullCipher, 1, 20);
  assert.is(wrong.length, 10);
  assert.match(wrong[0], /not what node:crypto seals/);
});

/**
 * Every part of a sealed frame that somebody may alter, a bit at a time. Returns how many openings
 * were tried.
 */
function turnEveryBit(module: Cipher): number {
  const sealed = module.seal(frame);
  const parts = { key: frame.key.slice(), nonce: frame.nonce.slice(), aad: frame.aad.slice(), sealed };
  assert.equal(module.open(parts, sealed), frame.text);
  let tried = 0;
  for (const [name, part] of Object.entries(parts)) {
    for (let bit = 0; bit < part.length * 8; bit += 1) {
      part[bit >> 3] ^= 1 << (bit & 7);
      for (const inPlace of [false, true]) {
        // Throws if what was refused has been written.
        if (module.open(parts, parts.sealed, 3, inPlace) !== null)
          assert.unreachable(`bit ${bit} of ${name} may be turned`);
        tried += 1;
      }
      part[bit >> 3] ^= 1 << (bit & 7);
    }
  }
  assert.equal(module.open(parts, sealed), frame.text);
  return tried;
}

test('a flip of any bit of key, nonce, aad, text or tag is refused, and nothing is written', () => {
  assert.is(turnEveryBit(cipher), 2 * 8 * (32 + 12 + 33 + 147 + TAG_BYTES));
});

test('a byte moved from aad to text, or added to or cut from either, is refused', () => {
  for (const module of [cipher, nullCipher]) {
    const sealed = module.seal(frame);
    const moved = Uint8Array.from([frame.aad[32], ...sealed]);
    assert.is(module.open({ ...frame, aad: frame.aad.slice(0, 32) }, moved), null);
    assert.is(module.open({ ...frame, aad: Uint8Array.from([...frame.aad, 0]) }, sealed), null);
    for (let length = TAG_BYTES; length < sealed.length; length += 1)
      assert.is(module.open(frame, sealed.slice(0, length)), null, `cut to ${length}`);
    assert.is(module.open(frame, Uint8Array.from([...sealed, 0])), null);
  }
});

test('neither the key stream nor the one-time key stays in memory', () => {
  const sealed = cipher.seal(frame);
  assert.ok(cipher.leavesNothing());
  cipher.open(frame, sealed);
  assert.ok(cipher.leavesNothing());
  sealed[0] ^= 1;
  cipher.open(frame, sealed);
  assert.ok(cipher.leavesNothing());
});

test('the null cipher has the same sizes, opens what it sealed and refuses a flip of any bit', () => {
  for (let index = 0; index < 500; index += 1) {
    const random = new RandomStream(2, 'null-cipher', index);
    const given = randomCase(random);
    const [shift, inPlace] = [random.below(16), random.below(2) === 0];
    const sealed = nullCipher.seal(given, shift, inPlace);
    assert.is(sealed.length, sealByNode(given).length);
    assert.equal(sealed.slice(0, given.text.length), given.text);
    assert.equal(nullCipher.open(given, sealed, shift, inPlace), given.text);
  }
  assert.is(turnEveryBit(nullCipher), 2 * 8 * (32 + 12 + 33 + 147 + TAG_BYTES));
});

test('the null cipher refuses what the cipher sealed, and the cipher what the null cipher sealed', () => {
  assert.is(nullCipher.open(frame, cipher.seal(frame)), null);
  assert.is(cipher.open(frame, nullCipher.seal(frame)), null);
});

test('the null cipher exports what the cipher exports, with the same parameters', async () => {
  const everything = (module: 'cipher' | 'cipher_null') =>
    compileEntry(
      `export * from "./firmware/security/${module}";\nexport function memoryBase(): usize { return __heap_base; }`,
    );
  const signatures = async (module: 'cipher' | 'cipher_null') => {
    const { wasm, text } = await everything(module);
    const exported = WebAssembly.Module.exports(new WebAssembly.Module(wasm)).map(
      ({ name, kind }) => `${kind} ${name}`,
    );
    const globals = text.match(/^ \(global \$firmware\/security\/\w+\/[A-Z_]+ i32 \(i32\.const \d+\)\)$/gm) ?? [];
    const constants = globals.map((line) => line.replace(/\$firmware\/security\/\w+\//, ''));
    return [...exported.sort(), ...constants.sort()];
  };
  const of = await signatures('cipher');
  assert.equal(await signatures('cipher_null'), of);
  for (const name of ['function seal', 'function open']) assert.ok(of.includes(name), name);
  const parameters = async (module: 'cipher' | 'cipher_null') => {
    const { text } = await compileEntry(cipherEntry(module));
    return ['seal', 'open'].map((name) =>
      new RegExp(`\\(func \\$firmware/security/${module}/${name} (\\(param.*)$`, 'm')
        .exec(text)?.[1]
        .replaceAll(/\$\d+ ?/g, ''),
    );
  };
  const wanted = await parameters('cipher');
  const nine = Array.from({ length: 9 }, () => '(param i32)').join(' ');
  assert.ok(
    wanted.every((each) => each?.startsWith(nine)),
    String(wanted),
  );
  assert.equal(await parameters('cipher_null'), wanted);
});

test.run();
