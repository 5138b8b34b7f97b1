import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { StreamReader } from '../../host/radio/framing.ts';
import { PORT_FRAME_BYTES_MAX, type PortInput, type PortOutput } from '../../hwsim/board/port.ts';
import { decodeInput, decodeOutput, encodeInput, encodeOutput, PortError } from '../../hwsim/emulator/port_codec.ts';

const bytes = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 7) & 0xff);
const time = { nowS: 0xfffffffe, nowMs: 999 };

const inputs: PortInput[] = [
  { kind: 'boot', cause: 2, hashed: true, ...time, config: bytes(1000) },
  { kind: 'boot', cause: 1, hashed: false, nowS: 0, nowMs: 0, config: bytes(4200) },
  { kind: 'frame', ...time, bytes: bytes(256) },
  { kind: 'record', ...time, bytes: bytes(3) },
  { kind: 'tick', ...time },
  { kind: 'store', ...time },
  { kind: 'ask', what: 18, index: 70_000 },
  { kind: 'reset', how: 1 },
];

const outputs: PortOutput[] = [
  {
    ...{ kind: 'hello', target: 5, abi: 1, preset: 2, cause: 3, boots: 70_000, resetsInRow: 255, checkpoints: 2 },
    ...{ contextBytes: 77_456, imageMark: 0x89abcdef, reserved: 0x80000001 },
  },
  { kind: 'frame', bytes: bytes(256) },
  { kind: 'record', bytes: bytes(64) },
  { kind: 'done', status: 0xffffffff, deadlineMs: 0x7fffffff, hash: 0x80000001 },
  { kind: 'trapped', site: 0x01020304, reason: 4 },
  { kind: 'answer', words: [0, 0xffffffff, 5] },
];

/** Returns the frames of a stream, and how many were discarded. */
function read(stream: Uint8Array): { frames: Uint8Array[]; discarded: number } {
  const frames: Uint8Array[] = [];
  const reader = new StreamReader((frame) => frames.push(frame), PORT_FRAME_BYTES_MAX);
  reader.push(stream);
  const { badBlocks, badLengths, badChecksums } = reader.counters;
  return { frames, discarded: badBlocks + badLengths + badChecksums };
}

test('every input and output is decoded as it was encoded, also the longest boot', () => {
  assert.equal(read(Buffer.concat(inputs.map(encodeInput))).frames.map(decodeInput), inputs);
  assert.equal(read(Buffer.concat(outputs.map(encodeOutput))).frames.map(decodeOutput), outputs);
});

test('the bytes are those of firmware/boards/README.md', () => {
  const [tick] = read(encodeInput({ kind: 'tick', nowS: 0x01020304, nowMs: 0x0102 })).frames;
  assert.equal([...tick.subarray(0, 7)], [4, 4, 3, 2, 1, 2, 1]);
  const [boot] = read(
    encodeInput({ kind: 'boot', cause: 5, hashed: true, nowS: 1, nowMs: 2, config: Uint8Array.of(9) }),
  ).frames;
  assert.equal([...boot.subarray(0, 10)], [1, 3, 5, 1, 0, 0, 0, 2, 0, 9]);
});

test('a frame with any bit changed on the line is discarded and counted', () => {
  const good = encodeInput(inputs[3]);
  for (let bit = 0; bit < (good.length - 1) * 8; bit += 1) {
    const bad = Uint8Array.from(good);
    bad[bit >> 3] ^= 1 << (bit & 7);
    const { frames, discarded } = read(Uint8Array.from([...bad, ...good]));
    assert.is(frames.length, 1, `bit ${bit}`);
    assert.ok(discarded > 0, `bit ${bit}`);
  }
});

test('frames that no board sends, and truncated frames, are errors', () => {
  const [tick] = read(encodeInput({ kind: 'tick', nowS: 1, nowMs: 2 })).frames;
  assert.throws(
    () => decodeOutput(tick),
    (error: Error) => error instanceof PortError && /kind 4 is no output/.test(error.message),
  );
  const [done] = read(encodeOutput(outputs[3])).frames;
  assert.throws(() => decodeOutput(done.subarray(0, done.length - 1)), /kind 132 has 11 bytes, not 12/);
  assert.throws(() => decodeInput(done), /kind 132 is no input/);
});

test.run();
