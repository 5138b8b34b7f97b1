// Frames whose CRC-32C is wrong: noise.

import { crc32 } from 'node:zlib';
import { type Negative, received, talk } from './cases.ts';
import { CRC_BYTES } from '../../../host/cbor/generated.ts';

export const noiseCases: readonly Negative[] = [
  ...[0, 1, 2, 3].map((byte) =>
    received(`byte ${byte} of the CRC-32C is wrong`, 'crc', 'frame_crc', (bench) => {
      const frame = bench.frame({}, talk);
      frame[frame.length - CRC_BYTES + byte] ^= 0x10;
      return [frame];
    }),
  ),
  received('every single bit turned', 'crc', 'frame_crc', (bench) => {
    const frame = bench.frame({}, talk);
    return Array.from({ length: frame.length * 8 }, (_, bit) => {
      const noisy = frame.slice();
      noisy[bit >> 3] ^= 1 << (bit & 7);
      return noisy;
    });
  }),
  received('the CRC-32C little-endian', 'crc', 'frame_crc', (bench) => {
    const frame = bench.frame({}, talk);
    frame.subarray(-CRC_BYTES).reverse();
    return [frame];
  }),
  received('a CRC-32 of zlib in place of CRC-32C', 'crc', 'frame_crc', (bench) => {
    const frame = Buffer.from(bench.frame({}, talk));
    frame.writeUInt32BE(crc32(frame.subarray(0, -CRC_BYTES)), frame.length - CRC_BYTES);
    return [frame];
  }),
  received('a CRC-32C of zero', 'crc', 'frame_crc', (bench) => {
    const frame = bench.frame({}, talk);
    frame.fill(0, -CRC_BYTES);
    return [frame];
  }),
  received('zeros, as many as a frame has', 'crc', 'frame_crc', () => [new Uint8Array(256)]),
  received('ones, as many as a frame has', 'crc', 'frame_crc', () => [new Uint8Array(256).fill(255)]),
];
