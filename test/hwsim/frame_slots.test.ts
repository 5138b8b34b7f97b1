// The channel's frame slots: each is free again after its frame, and there are so many and no more.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ADDRESSEE_ALL } from '../../host/cbor/generated.ts';
import { Channel } from '../../hwsim/channel/channel.ts';

function makeChannel(): Channel {
  const channel = new Channel({ nodes: 2, bitsPerS: 35000, lightTimeMs: 1, meanLoss: 0, meanBurstS: 20, seed: 1 });
  for (const node of [0, 1]) channel.setPowered(node, true);
  return channel;
}

test('frame slots are taken in order, until none is free', () => {
  const channel = makeChannel();
  const taken: number[] = [];
  while (channel.hasFrameSlot && taken.length < 10_000) {
    const frameSlot = channel.takeFrameSlot();
    channel.begin(1000, 0, frameSlot, 100);
    taken.push(frameSlot);
  }
  assert.ok(taken.length > 1 && taken.length < 10_000);
  assert.equal(
    taken,
    taken.map((_, index) => index),
  );
  assert.throws(() => channel.takeFrameSlot(), /frames in the air at once/);
  channel.resolve(5000, 1, ADDRESSEE_ALL);
  assert.is(channel.hasFrameSlot, true);
  assert.is(channel.takeFrameSlot(), 1, 'the one whose frame has arrived');
});

test.run();
