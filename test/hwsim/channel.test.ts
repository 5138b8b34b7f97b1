import { ADDRESSEE_ALL } from '../../host/cbor/generated.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeFrame } from '../../host/security/frame.ts';
import { clusterKeys } from '../../host/security/simulated_keys.ts';
import { addresseeOf, Channel, framesInAirMax } from '../../hwsim/channel/channel.ts';

function makeChannel(changes: Partial<{ meanLoss: number; meanBurstS: number; nodes: number }> = {}): Channel {
  const channel = new Channel({
    nodes: 4,
    bitsPerS: 35000,
    lightTimeMs: 1,
    meanLoss: 0,
    meanBurstS: 20,
    seed: 3,
    ...changes,
  });
  for (let node = 0; node < (changes.nodes ?? 4); node += 1) channel.setPowered(node, true);
  return channel;
}

function heardBy(channel: Channel): number[] {
  return [...channel.heard.subarray(0, channel.heardCount)];
}

test('air time follows from bytes and rate, and all others hear in order of id', () => {
  const channel = makeChannel();
  const arrivalMs = channel.begin(1000, 1, channel.takeFrameSlot(), 175);
  assert.is(arrivalMs, 1000 + 40 + 1);
  channel.resolve(arrivalMs, 0, ADDRESSEE_ALL);
  assert.equal(heardBy(channel), [0, 2, 3]);
  channel.resolve(channel.begin(2000, 1, 0, 175), 0, 3);
  assert.equal(heardBy(channel), [3]);
  assert.equal([channel.framesSent, channel.framesReceived, channel.framesLost, channel.bytesSent], [2, 4, 0, 350]);
  assert.is(channel.airMs, 80);
  assert.is(channel.begin(3000, 1, 0, 35_000), 3000 + 8000 + 1, 'a second has 35,000 bits');
});

test('a frame to one member concerns no other, and one to nobody of the cluster concerns none', () => {
  const channel = makeChannel();
  channel.setSilent(2, true);
  channel.resolve(channel.begin(0, 0, 0, 100), 0, ADDRESSEE_ALL);
  assert.equal([channel.missedCount, channel.framesLost], [1, 1]);
  channel.resolve(channel.begin(100, 0, 0, 100), 0, 1);
  assert.equal([heardBy(channel), channel.missedCount, channel.framesLost], [[1], 0, 1]);
  channel.resolve(channel.begin(200, 0, 0, 100), 0, 4);
  assert.equal([heardBy(channel), channel.missedCount, channel.framesLost], [[], 0, 1]);
});

test('a sender’s next frame begins when its last has ended, and collides only with what overlaps it', () => {
  const channel = makeChannel();
  const first = channel.begin(1000, 0, 0, 175);
  const second = channel.begin(1001, 0, 1, 175);
  const other = channel.begin(1000, 1, 2, 175);
  assert.equal([first, second, other], [1041, 1081, 1041]);
  for (const [arrivalMs, frameSlot] of [
    [first, 0],
    [other, 2],
  ]) {
    channel.resolve(arrivalMs, frameSlot, ADDRESSEE_ALL);
    assert.equal(heardBy(channel), []);
  }
  channel.resolve(second, 1, ADDRESSEE_ALL);
  assert.equal(heardBy(channel), [1, 2, 3]);
});

test('a frame is compared with every frame in the air', () => {
  const channel = makeChannel({ nodes: 5 });
  channel.setPartitionKey(1, 1);
  const apart = channel.begin(1000, 1, 0, 175);
  const second = channel.begin(1000, 2, 1, 175);
  const third = channel.begin(1010, 3, 2, 175);
  channel.resolve(apart, 0, ADDRESSEE_ALL);
  assert.is(channel.framesCollided, 0, 'nobody of its partition sends');
  channel.resolve(second, 1, ADDRESSEE_ALL);
  channel.resolve(third, 2, ADDRESSEE_ALL);
  assert.is(channel.framesCollided, 2);
});

test('a silent radio disturbs no other', () => {
  const channel = makeChannel();
  channel.setSilent(1, true);
  const silent = channel.begin(1000, 1, 0, 175);
  const heard = channel.begin(1000, 0, 1, 175);
  channel.resolve(heard, 1, ADDRESSEE_ALL);
  assert.equal(heardBy(channel), [2, 3]);
  channel.resolve(silent, 0, ADDRESSEE_ALL);
  assert.equal([heardBy(channel), channel.framesCollided], [[], 0]);
});

test('each frame in the air has a frame slot of its own; when all are taken, none is free until one arrives', () => {
  const channel = makeChannel();
  const taken = Array.from({ length: framesInAirMax }, (_, index) => {
    assert.ok(channel.hasFrameSlot);
    const frameSlot = channel.takeFrameSlot();
    channel.begin(1000 * index, 0, frameSlot, 175);
    return frameSlot;
  });
  assert.equal(
    taken,
    taken.map((_, index) => index),
    'in order',
  );
  assert.is(channel.hasFrameSlot, false);
  assert.throws(() => channel.takeFrameSlot(), /more than 64 frames in the air at once/);
  channel.resolve(5041, 5, ADDRESSEE_ALL);
  assert.is(channel.hasFrameSlot, true);
  assert.is(channel.takeFrameSlot(), 5);
});

test('two transmissions that overlap are lost to all that would hear both', () => {
  const channel = makeChannel();
  const first = channel.begin(1000, 0, 0, 175);
  const second = channel.begin(1039, 1, 1, 175);
  channel.resolve(first, 0, ADDRESSEE_ALL);
  assert.equal([heardBy(channel), channel.missedCount], [[], 3]);
  channel.resolve(second, 1, ADDRESSEE_ALL);
  assert.equal(heardBy(channel), []);
  assert.is(channel.framesCollided, 2);
  const third = channel.begin(2000, 0, 0, 175);
  const fourth = channel.begin(2040, 1, 1, 175);
  channel.resolve(third, 0, ADDRESSEE_ALL);
  assert.equal(heardBy(channel), [1, 2, 3]);
  channel.resolve(fourth, 1, ADDRESSEE_ALL);
  assert.equal(heardBy(channel), [0, 2, 3]);
});

test('a node that transmits does not hear, even a sender with which it cannot collide', () => {
  const channel = makeChannel();
  channel.setPartitionKey(1, 9);
  const first = channel.begin(1000, 0, 0, 175);
  channel.begin(1010, 1, 1, 175);
  channel.setPartitionKey(1, 0);
  channel.resolve(first, 0, ADDRESSEE_ALL);
  assert.equal(heardBy(channel), [2, 3]);
});

test('members of a partition set hear only each other, and frames of two sets do not collide', () => {
  const channel = makeChannel();
  for (const node of [2, 3]) channel.setPartitionKey(node, 1);
  const first = channel.begin(1000, 0, 0, 175);
  const second = channel.begin(1010, 2, 1, 175);
  channel.resolve(first, 0, ADDRESSEE_ALL);
  assert.equal([heardBy(channel), channel.missedCount], [[1], 2]);
  channel.resolve(second, 1, ADDRESSEE_ALL);
  assert.equal(heardBy(channel), [3]);
});

test('a silent radio neither sends nor hears, reasons are counted, an unpowered radio has no losses', () => {
  const channel = makeChannel();
  assert.is(channel.setSilent(1, true), true);
  assert.is(channel.setSilent(1, true), true);
  assert.is(channel.setSilent(1, false), true);
  channel.setPowered(3, false);
  channel.resolve(channel.begin(0, 0, 0, 100), 0, ADDRESSEE_ALL);
  assert.equal([heardBy(channel), channel.missedCount], [[2], 1]);
  channel.resolve(channel.begin(500, 1, 0, 100), 0, ADDRESSEE_ALL);
  assert.equal(heardBy(channel), []);
  assert.is(channel.setSilent(1, false), false);
});

test('a link of total loss delivers nothing, one without loss everything, whatever the bursts', () => {
  for (const meanBurstS of [0, 20]) {
    const lossy = makeChannel({ meanLoss: 1, meanBurstS });
    const clear = makeChannel({ meanLoss: 0, meanBurstS });
    for (const atMs of [0, 1000]) {
      lossy.resolve(lossy.begin(atMs, 0, 0, 100), 0, ADDRESSEE_ALL);
      assert.equal([heardBy(lossy), lossy.missedCount], [[], 3]);
      clear.resolve(clear.begin(atMs, 0, 0, 100), 0, ADDRESSEE_ALL);
      assert.equal([heardBy(clear), clear.missedCount], [[1, 2, 3], 0]);
    }
  }
});

/** Uses a link `uses` times; the share lost, and the share lost of the uses after a loss. */
function lossesOf(channel: Channel, stepMs: number, uses: number) {
  let [lost, after, repeated] = [0, 0, 0];
  let before = false;
  for (let use = 1; use <= uses; use += 1) {
    const bad = channel.linkIsBad(0, 1, use * stepMs);
    if (bad) lost += 1;
    if (before) after += 1;
    if (bad && before) repeated += 1;
    before = bad;
  }
  return { share: lost / uses, shareAfterLoss: repeated / after };
}

test('without bursts, and after pauses of twelve days, losses are independent', () => {
  const near = (actual: number) => assert.ok(Math.abs(actual - 0.3) < 0.03, String(actual));
  for (const [meanBurstS, stepMs] of [
    [0, 1],
    [1e8, 2 ** 30],
    [1e8, 2 ** 31],
  ]) {
    const { share, shareAfterLoss } = lossesOf(makeChannel({ meanLoss: 0.3, meanBurstS, nodes: 2 }), stepMs, 20_000);
    near(share);
    near(shareAfterLoss);
  }
});

test('a link’s memory fades by half in its half-life, from a millisecond to twelve days', () => {
  for (const pauseMs of [1, 2, 1000, 1023, 1024, 3 * 1024 + 5, 2 ** 20, 5 * 2 ** 20 + 7777, 2 ** 30 - 1]) {
    // The memory is e^−t/(burst·(1−loss)): it is a half after this pause.
    const meanBurstS = pauseMs / 1000 / (0.7 * Math.LN2);
    const { shareAfterLoss } = lossesOf(makeChannel({ meanLoss: 0.3, meanBurstS, nodes: 2 }), pauseMs, 20_000);
    assert.ok(Math.abs(shareAfterLoss - 0.65) < 0.03, `${shareAfterLoss} after ${pauseMs} ms`);
  }
});

test('every directed link has losses of its own', () => {
  const channel = makeChannel({ meanLoss: 0.3, meanBurstS: 20 });
  const links = [
    [0, 1],
    [0, 2],
    [1, 0],
  ];
  const alike = [0, 0];
  const uses = 20_000;
  for (let use = 0; use < uses; use += 1) {
    const [first, ...others] = links.map(([sender, receiver]) => channel.linkIsBad(sender, receiver, use * 60_000));
    for (const [index, other] of others.entries()) if (other === first) alike[index] += 1;
  }
  // Two independent links are in the same state for 0.3² + 0.7² of the time.
  for (const count of alike) assert.ok(Math.abs(count / uses - 0.58) < 0.03, String(count / uses));
});

test('a Gilbert–Elliott link has the mean loss and burst length of its parameters, at dense and sparse use', () => {
  for (const stepMs of [250, 60_000]) {
    const channel = makeChannel({ meanLoss: 0.3, meanBurstS: 20, nodes: 2 });
    let lost = 0;
    let bursts = 0;
    let before = false;
    const uses = 400_000;
    for (let i = 0; i < uses; i += 1) {
      const bad = channel.linkIsBad(0, 1, i * stepMs);
      if (bad) lost += 1;
      if (bad && !before) bursts += 1;
      before = bad;
    }
    assert.ok(Math.abs(lost / uses - 0.3) < 0.02, `loss ${lost / uses} at ${stepMs} ms`);
    const burstS = (lost / bursts) * (stepMs / 1000);
    if (stepMs === 250) assert.ok(Math.abs(burstS - 20) < 2, `bursts of ${burstS} s`);
    else assert.ok(Math.abs(burstS - 60 / 0.7) < 3, 'uses a minute apart are nearly independent');
  }
});

test('the addressee is read at its fixed position, and a frame without envelope is for all', () => {
  const link = clusterKeys(1, 7, 200).link();
  const probe = { name: 'probe', sequence: 1 } as const;
  const frame = (addressee: number) =>
    encodeFrame({ cluster: 7, keyEpoch: 1, sender: 5, addressee, counter: 9 }, [probe], link);
  for (const addressee of [0, 7, 42, 199, ADDRESSEE_ALL]) assert.is(addresseeOf(frame(addressee), 0), addressee);
  assert.is(addresseeOf(Uint8Array.of(0, ...frame(42)), 1), 42);
  const other = frame(42);
  other[0] ^= 1;
  assert.is(addresseeOf(other, 0), ADDRESSEE_ALL);
});

test.run();
