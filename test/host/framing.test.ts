import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FRAME_BYTES_MAX } from '../../host/cbor/generated.ts';
import { withCrc } from '../../host/security/envelope.ts';
import {
  decodeBlock,
  encodeStream,
  hasRightChecksum,
  STREAM_BYTES_MAX,
  StreamReader,
} from '../../host/radio/framing.ts';

/** xorshift32: the same bytes on every run. */
function byteSource(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0xff;
  };
}

function frameOf(length: number, next: () => number): Uint8Array {
  return withCrc(Uint8Array.from({ length: length - 4 }, next));
}

function read(stream: Uint8Array): { frames: Uint8Array[]; reader: StreamReader } {
  const frames: Uint8Array[] = [];
  const reader = new StreamReader((frame) => frames.push(frame));
  reader.push(stream);
  return { frames, reader };
}

test('COBS gives the published examples', () => {
  const cases: [number[], number[]][] = [
    [[0], [1, 1, 0]],
    [
      [0, 0],
      [1, 1, 1, 0],
    ],
    [
      [0x11, 0x22, 0, 0x33],
      [3, 0x11, 0x22, 2, 0x33, 0],
    ],
    [
      [0x11, 0, 0, 0],
      [2, 0x11, 1, 1, 1, 0],
    ],
  ];
  for (const [plain, coded] of cases) assert.equal([...encodeStream(Uint8Array.from(plain))], coded);
});

test('every length comes back, also around the 254-byte blocks', () => {
  const next = byteSource(1);
  for (let length = 1; length <= 800; length++) {
    for (const filler of [next, () => 0, () => 7]) {
      const plain = Uint8Array.from({ length }, filler);
      const coded = encodeStream(plain);
      assert.is(coded.indexOf(0), coded.length - 1);
      assert.equal(decodeBlock(coded.subarray(0, coded.length - 1)), plain);
    }
  }
});

test('the longest frame fits the reader', () => {
  const frame = frameOf(FRAME_BYTES_MAX, byteSource(2));
  assert.ok(encodeStream(frame).length <= STREAM_BYTES_MAX);
  assert.equal(read(encodeStream(frame)).frames, [frame]);
});

test('a stream has room for the longest frame, whatever is in it, and not for a byte more', () => {
  for (const length of [253, 254, 255, 508, 509, FRAME_BYTES_MAX]) {
    const frame = withCrc(new Uint8Array(length - 4).fill(7));
    const codes = Math.ceil(length / 254);
    assert.is(encodeStream(frame).length, length + (length % 254 === 0 ? codes + 1 : codes) + 1, `${length}`);
    const frames: Uint8Array[] = [];
    const reader = new StreamReader((got) => frames.push(got), length);
    reader.push(encodeStream(frame));
    assert.equal(frames, [frame], `${length}`);
    reader.push(encodeStream(withCrc(new Uint8Array(length - 3).fill(7))));
    assert.equal([frames.length, reader.counters.badLengths], [1, 1]);
  }
  assert.is(STREAM_BYTES_MAX, FRAME_BYTES_MAX + Math.ceil(FRAME_BYTES_MAX / 254) + 1);
});

test('a frame that is too long is dropped though its stream has room for it', () => {
  const { frames, reader } = read(Uint8Array.of());
  const short = new StreamReader((frame) => frames.push(frame), 509);
  // Zeros cost a stream nothing, so that a frame of 510 bytes may be as long as one of 509.
  short.push(encodeStream(withCrc(new Uint8Array(506).fill(0))));
  assert.equal([frames.length, short.counters.badLengths, reader.counters.frames], [0, 1, 0]);
});

test('frames cut anywhere are put together', () => {
  const next = byteSource(3);
  const sent = Array.from({ length: 20 }, (_, index) => frameOf(5 + index * 9, next));
  const stream = sent.flatMap((frame) => [...encodeStream(frame)]);
  const frames: Uint8Array[] = [];
  const reader = new StreamReader((frame) => frames.push(frame));
  for (const byte of stream) reader.push(Uint8Array.of(byte));
  assert.equal(frames, sent);
});

test('every single-bit corruption of a frame is dropped, counted, and the next frame is read', () => {
  const frame = frameOf(60, byteSource(4));
  const good = encodeStream(frame);
  for (let bit = 0; bit < (good.length - 1) * 8; bit++) {
    const bad = Uint8Array.from(good);
    bad[bit >> 3] ^= 1 << (bit & 7);
    const { frames, reader } = read(Uint8Array.from([...bad, ...good]));
    assert.is(frames.length, 1, `bit ${bit}`);
    assert.equal(frames[0], frame);
    const { badBlocks, badChecksums, badLengths } = reader.counters;
    assert.ok(badBlocks + badChecksums + badLengths >= 1, `bit ${bit} was not counted`);
  }
});

test('every byte left out, and every byte put in, is dropped', () => {
  const good = encodeStream(frameOf(60, byteSource(5)));
  for (let at = 0; at < good.length - 1; at++) {
    const without = [...good.subarray(0, at), ...good.subarray(at + 1)];
    assert.is(read(Uint8Array.from(without)).frames.length, 0, `without ${at}`);
    const doubled = [...good.subarray(0, at), 0x55, ...good.subarray(at)];
    assert.is(read(Uint8Array.from(doubled)).frames.length, 0, `more at ${at}`);
  }
});

test('a lost end joins two frames into one that is dropped; the third is read', () => {
  const next = byteSource(6);
  const [first, second, third] = [frameOf(40, next), frameOf(50, next), frameOf(60, next)];
  const stream = [...encodeStream(first).subarray(0, -1), ...encodeStream(second), ...encodeStream(third)];
  assert.equal(read(Uint8Array.from(stream)).frames, [third]);
});

test('babble without an end holds no memory and is counted once', () => {
  const frame = frameOf(60, byteSource(7));
  const { frames, reader } = read(Uint8Array.from([...new Uint8Array(100_000).fill(0x33), 0, ...encodeStream(frame)]));
  assert.equal(frames, [frame]);
  assert.is(reader.counters.badLengths, 1);
});

test('idle zeros are not frames', () => {
  const { frames, reader } = read(new Uint8Array(100));
  assert.is(frames.length, 0);
  assert.equal(reader.counters, { frames: 0, badBlocks: 0, badLengths: 0, badChecksums: 0 });
});

test('random bytes never pass', () => {
  const next = byteSource(8);
  const { frames } = read(Uint8Array.from({ length: 200_000 }, next));
  assert.is(frames.length, 0);
});

test('a checksum alone is no frame', () => {
  assert.not(hasRightChecksum(new Uint8Array(4)));
  assert.not(hasRightChecksum(new Uint8Array(0)));
  assert.ok(hasRightChecksum(withCrc(Uint8Array.of(1))));
});

test.run();
