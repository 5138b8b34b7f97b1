// needs: boards
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { targetNames, targets } from '../../host/board/targets.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { type BoardCase, runOnBoard } from './boards.ts';
import { randomCase, sealByNode, tagBytes } from './cases.ts';

const test = suite('security: the cipher on every processor');

/** A frame of 200 bytes: a header of 33 that is authenticated, 147 of text, the tag, and 4 of CRC. */
const frame = {
  ...randomCase(new RandomStream(8439, 'frame')),
  aad: new Uint8Array(33).fill(7),
  text: new Uint8Array(147).fill(9),
};
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

const sealedFrame = sealByNode(frame);
const forgedFrame = sealedFrame.slice();
forgedFrame[0] ^= 1;
const frames: BoardCase[] = [
  { ...frame, operation: 'seal', length: frame.text.length, shift: 1 },
  { ...frame, operation: 'open', text: sealedFrame, length: frame.text.length, shift: 1 },
  { ...frame, operation: 'open', text: forgedFrame, length: frame.text.length, shift: 1 },
];
const others = Array.from({ length: 200 }, (_, index) => caseOf(index));

for (const name of targetNames) {
  test(`${name}: same bytes, forgeries refused, within its budget`, async () => {
    const results = await runOnBoard(targets[name], [...frames, ...others]);
    const [seal, open, forged] = results;
    assert.equal(seal.out.slice(0, frame.text.length + tagBytes), sealedFrame);
    assert.is(open.result, 1);
    assert.equal(open.out.slice(0, frame.text.length), frame.text);
    assert.is(forged.result, 0);
    assert.equal(forged.out, new Uint8Array(forged.out.length));
    console.log(`${name}: seal ${seal.count.instructions}, open ${open.count.instructions}, refuse ${forged.count.instructions}`);
    for (const { count } of [seal, open, forged])
      assert.ok(count.instructions > 0 && count.instructions <= (budgets[name] ?? 100_000));
    others.forEach(({ operation, key, nonce, aad, text, length }, index) => {
      const { result, out } = results[index + frames.length];
      if (operation === 'open') assert.is(result, 1, `${name}, case ${index}`);
      const wanted = operation === 'seal' ? sealByNode({ key, nonce, aad, text }) : out.slice(0, length);
      assert.equal(out.slice(0, wanted.length), wanted, `${name}, case ${index}`);
    });
  });
}

test.run();
