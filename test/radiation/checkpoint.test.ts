// RAD-1: what becomes of flipped bits in a stored checkpoint.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BOOT_CAUSE, CHECKPOINT_HEADER_BYTES, STATUS } from '../../host/cbor/generated.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { LoneNode } from '../schedule/node.ts';
import { Lines } from './watch.ts';

const test = suite('radiation: checkpoint');
const random = new RandomStream(6, 'checkpoint');
const lines = new Lines('flight');
const linesAt = CHECKPOINT_HEADER_BYTES + lines.at;
const codesAt = CHECKPOINT_HEADER_BYTES + lines.codesAt;

const node = new LoneNode({}, 36_000);
node.runTo(36_000 + 3 * 3600);
const sound = node.checkpoint();

/** The number of ones in a byte. */
const bitsOf = (byte: number): number => byte.toString(2).replaceAll('0', '').length;

/** The status of a restore from the checkpoint after `damage`. */
function restored(damage: (image: Uint8Array) => void): number {
  const image = sound.slice();
  damage(image);
  return node.restore(image, { cause: BOOT_CAUSE.runtimeRestart, localS: Math.floor(node.localMs / 1000) });
}

test('RAD-1 holds: a flipped bit in a line of a checkpoint is corrected', () => {
  for (let round = 0; round < 100; round += 1) {
    const bit = linesAt * 8 + random.below(lines.count * 512);
    assert.is(
      restored((image) => (image[bit >> 3] ^= 1 << (bit & 7))),
      STATUS.ok,
      `bit ${bit}`,
    );
  }
});

test('RAD-1 holds: a flipped bit in a code of a checkpoint is corrected', () => {
  for (let round = 0; round < 100; round += 1) {
    const bit = codesAt * 8 + random.below(lines.count * 64);
    assert.is(
      restored((image) => (image[bit >> 3] ^= 1 << (bit & 7))),
      STATUS.ok,
      `bit ${bit}`,
    );
  }
});

test('RAD-1 holds: one flipped bit in every line and none in its code is corrected', () => {
  const status = restored((image) => {
    for (let line = 0; line < lines.count; line += 1) image[linesAt + line * 64 + random.below(64)] ^= 4;
  });
  assert.is(status, STATUS.ok);
});

for (const [name, value] of [
  ['zeros', 0],
  ['ones', 0xff],
] as const) {
  test(`RAD-1 holds: a checkpoint in which a line and its code read as ${name} is refused`, () => {
    for (let line = 0; line < lines.count; line += 1) {
      const status = restored((image) => {
        image.fill(value, linesAt + line * 64, linesAt + (line + 1) * 64);
        image.fill(value, codesAt + line * 8, codesAt + (line + 1) * 8);
      });
      if (status !== STATUS.checkpoint) assert.unreachable(lines.nameOf(line));
    }
  });
}

/**
 * Rotations do not change a word of ones, so a line that differs from its old contents in an even
 * number of whole words (a table's empty entries) passes.
 */
for (const [name, value, percent] of [
  ['zeros', 0, 1.5],
  ['ones', 0xff, 6],
] as const) {
  test(`RAD-1 holds: of lines that read as ${name} beside their old codes, at most ${percent} % are believed`, () => {
    const believed = [];
    for (let line = 0; line < lines.count; line += 1) {
      const at = linesAt + line * 64;
      const flips = sound.subarray(at, at + 64).reduce((sum, byte) => sum + bitsOf(byte ^ value), 0);
      const status = restored((image) => image.fill(value, at, at + 64));
      if (status !== (flips > 1 ? STATUS.checkpoint : STATUS.ok)) believed.push(lines.nameOf(line));
    }
    assert.ok(believed.length <= (percent / 100) * lines.count, `${believed.length}: ${believed.join('; ')}`);
  });
}

test.run();
