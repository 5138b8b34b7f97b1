import { ADDRESSEE_ALL } from '../../host/cbor/generated.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeFrame } from '../../host/security/frame.ts';
import { clusterKeys } from '../../host/security/simulated_keys.ts';
import { addresseeOf, Channel } from '../../hwsim/channel/channel.ts';

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
  channel.setSilent(1, true);
  channel.setSilent(1, true);
  channel.setSilent(1, false);
  channel.setPowered(3, false);
  channel.resolve(channel.begin(0, 0, 0, 100), 0, ADDRESSEE_ALL);
  assert.equal([heardBy(channel), channel.missedCount], [[2], 1]);
  channel.resolve(channel.begin(500, 1, 0, 100), 0, ADDRESSEE_ALL);
  assert.equal(heardBy(channel), []);
  assert.is(channel.setSilent(1, false), false);
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
