// needs: boards
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  buildSignatureRunner,
  drawn,
  measureSignatures,
  runSignatures,
  type SignatureCall,
} from '../../hwsim/bench/cycles/signature.ts';
import { type TargetName, targets } from '../../host/board/targets.ts';
import { rootFolder } from '../../host/build/root.ts';
import { nodeSignatures } from '../../host/security/signature.ts';
import { vectors } from '../security/signature_vectors.ts';

const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
  const changed = bytes.slice();
  changed[bit >> 3] ^= 1 << (bit & 7);
  return changed;
};

for (const name of Object.keys(targets) as TargetName[])
  test(`${name}: signatures agree with RFC 8032, and wrong ones are refused`, async () => {
    const runner = await buildSignatureRunner(targets[name]);
    const calls = vectors.flatMap(({ seed, publicKey, message, signature }): SignatureCall[] => [
      { op: 'public_key', seed },
      { op: 'sign', seed, publicKey, message },
      { op: 'verify', publicKey, message, signature },
      { op: 'sign', seed, publicKey: flipped(publicKey, 77), message },
      { op: 'verify', publicKey, message, signature: flipped(signature, 3) },
      { op: 'verify', publicKey, message, signature: flipped(signature, 300) },
    ]);
    const results = runSignatures(runner, calls);
    vectors.forEach(({ publicKey, signature }, index) => {
      const [derived, signed, verified, ...refused] = results.slice(index * 6, index * 6 + 6);
      assert.is(Buffer.from(derived.publicKey).toString('hex'), Buffer.from(publicKey).toString('hex'));
      assert.is(Buffer.from(signed.signature).toString('hex'), Buffer.from(signature).toString('hex'));
      assert.equal([signed.result, verified.result], [1, 1]);
      assert.equal(
        refused.map(({ result }) => result),
        [0, 0, 0],
      );
    });
  });

const seeds = [
  new Uint8Array(32).fill(255),
  ...Array.from({ length: 3 }, (_, index) => drawn(`constant ${index}`, 32)),
];
const same = (a: Uint32Array, b: Uint32Array) =>
  a.length === b.length && a.every((address, index) => address === b[index]);

test('m7, m4: signing executes the same instructions in the same order for every seed and message', async () => {
  for (const name of ['m7', 'm4'] as const) {
    const runner = await buildSignatureRunner(targets[name]);
    const calls = seeds.flatMap((seed, index): SignatureCall[] => {
      const message = drawn(`message ${index}`, 200);
      const publicKey = nodeSignatures.publicKey(seed);
      const signature = nodeSignatures.sign(seed, message);
      return [
        { op: 'sign', seed, publicKey, message },
        { op: 'verify', publicKey, message, signature },
      ];
    });
    const results = runSignatures(runner, calls, true);
    assert.ok(results.every(({ result }) => result === 1));
    const traces = (op: string) => results.filter((_, index) => calls[index].op === op).map(({ trace }) => trace!);
    const [first, ...others] = traces('sign');
    assert.ok(first.length > 100_000);
    assert.ok(
      others.every((other) => same(first, other)),
      name,
    );
    // The instructions of verifying depend on its inputs: the comparison can see a difference.
    const [verified, ...otherwise] = traces('verify');
    assert.not(otherwise.some((other) => same(verified, other)));
  }
});

/** Returns the most instructions of an operation on a target from docs/results/signature.md. */
function documented(op: string, name: TargetName): number {
  const lines = readFileSync(join(rootFolder, 'docs/results/signature.md'), 'utf8').split('\n');
  const cells = (line: string) => line.split('|').map((cell) => cell.trim());
  const column = cells(lines.find((line) => line.startsWith('| operation |'))!).indexOf(name);
  const cell = cells(lines.find((line) => line.startsWith(`| ${op} |`))!)[column];
  return Number(cell.split('/')[1].replaceAll(',', ''));
}

test('m7, m4: a signature costs what docs/results/signature.md says within 5 %; memory has bounds', async () => {
  for (const name of ['m7', 'm4'] as const) {
    const { ops, stackBytes, codeBytes, linearBytes } = await measureSignatures(targets[name]);
    for (const { op, worst } of ops) {
      const known = documented(op, name);
      assert.ok(
        Math.abs(worst - known) <= known / 20,
        `${name}: ${op} takes ${worst} instructions, ${known} in docs/results/signature.md`,
      );
    }
    assert.ok(
      stackBytes < 1024 && codeBytes < 16 * 1024 && linearBytes <= 12 * 1024,
      `${stackBytes} ${codeBytes} ${linearBytes}`,
    );
  }
});

test.run();
