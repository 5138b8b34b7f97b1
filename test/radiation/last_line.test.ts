// RAD-1: the scrubber reaches every line of the block, the last too.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LoneNode } from '../schedule/node.ts';
import { firstUnsound, Lines } from './watch.ts';

const test = suite('radiation: every line');
const lines = new Lines('flight');
/** Two passes in quiet times, seconds (firmware/protection/scrub.ts asserts it). */
const passesS = 6 * 3600;

for (const [name, line] of [
  ['middle', lines.count >> 1],
  ['last', lines.count - 1],
] as const)
  test(`RAD-1 holds: a bit that flips in the ${name} line is corrected within two passes, read or not`, () => {
    const node = new LoneNode({}, 36_000);
    const words = new Uint32Array(node.engine.view().buffer);
    const word = (node.context + lines.at + line * 64 + 60) >> 2;
    node.runTo(40_000);
    assert.is(firstUnsound(lines, words, node.context), -1, 'all lines are sound before');
    words[word] ^= 0x100;
    assert.is(firstUnsound(lines, words, node.context), line);
    const { corrected } = node.protection();
    node.runTo(40_000 + passesS);
    assert.is(firstUnsound(lines, words, node.context), -1);
    assert.is(node.protection().corrected, corrected + 1);
  });

test.run();
