// needs: boards
import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { targetNames, targets } from '../../host/board/targets.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { type BoardCase, frameCases, runOnBoard } from './boards.ts';
import { frame, randomCase, sealByNode } from './cases.ts';
import { TAG_BYTES } from '../../host/cbor/generated.ts';

const test = suite('security: the cipher on every processor');

/** Of the 15,000 and 20,000 that a frame may cost with all that is around it. */
const budgets: Partial<Record<string, number>> = { m7: 11_000, m4: 11_000 };

function caseOf(index: number): BoardCase {
  const random = new RandomStream(8439, 'boards', index);
  const { key, nonce, aad, text } = randomCase(random);
  const kept = { key, nonce, aad: aad.slice(0, 128), text: text.slice(0, 480) };
  const open = index % 2 === 1;
  const input = open ? sealByNode(kept) : kept.text;
  return { ...kept, operation: open ? 'open' : 'seal', text: input, length: kept.text.length, shift: index % 16 };
}

const others = Array.from({ length: 200 }, (_, index) => caseOf(index));

/**
 * Secrets that differ in all bits, lengths that do not: sealed, opened, and refused for a wrong bit
 * here and there.
 */
const secrets: BoardCase[] = [0x00, 0xff, 0x5a, 0xa5, 0x01, 0x80].flatMap((byte, index) => {
  const random = new RandomStream(8439, 'secrets', index);
  const fill = (length: number) => Uint8Array.from({ length }, () => (index < 2 ? byte : byte ^ random.below(256)));
  const given = { ...frame, key: fill(32), text: fill(frame.text.length), aad: fill(33) };
  const right = sealByNode(given);
  const wrong = right.slice();
  wrong[(index * 31) % right.length] ^= 1 << index;
  const shared = { ...given, length: given.text.length, shift: 1 };
  return [
    { ...shared, operation: 'seal' as const },
    { ...shared, operation: 'open' as const, text: right },
    { ...shared, operation: 'open' as const, text: wrong },
  ];
});

for (const name of targetNames) {
  test(`${name} executes the same instructions in the same order for any secrets`, async () => {
    const results = await runOnBoard(targets[name], [...secrets, { ...frameCases[0], length: frame.text.length - 1 }]);
    const digests = results.map(({ trace }) => createHash('sha256').update(trace).digest('hex'));
    for (let index = 3; index < secrets.length; index += 1)
      assert.is(digests[index], digests[index % 3], `case ${index}`);
    // Violated: another length is another way, and so is a refusal.
    assert.is(new Set([...digests.slice(0, 3), digests[secrets.length]]).size, 4);
    assert.ok(results[0].trace.length > 1000);
  });

  test(`${name} seals to the same bytes, refuses forgeries and keeps to its budget`, async () => {
    const results = await runOnBoard(targets[name], [...frameCases, ...others]);
    const [seal, open, forged] = results;
    assert.equal(seal.out.slice(0, frame.text.length + TAG_BYTES), sealByNode(frame));
    assert.is(open.result, 1);
    assert.equal(open.out.slice(0, frame.text.length), frame.text);
    assert.is(forged.result, 0);
    assert.equal(forged.out, new Uint8Array(forged.out.length));
    console.log(
      `${name}: seal ${seal.count.instructions}, open ${open.count.instructions}, refuse ${forged.count.instructions}`,
    );
    for (const { count } of [seal, open, forged])
      assert.ok(count.instructions > 0 && count.instructions <= (budgets[name] ?? 100_000));
    others.forEach(({ operation, key, nonce, aad, text, length }, index) => {
      const { result, out } = results[index + frameCases.length];
      if (operation === 'open') assert.is(result, 1, `${name}, case ${index}`);
      const wanted = operation === 'seal' ? sealByNode({ key, nonce, aad, text }) : out.slice(0, length);
      assert.equal(out.slice(0, wanted.length), wanted, `${name}, case ${index}`);
    });
  });
}

test.run();
