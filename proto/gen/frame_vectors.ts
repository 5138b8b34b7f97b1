// Vectors that are no single message: whole frames, and items of messages that this version does not know.

import { bytesOf, concat, crcBytes, encoded, head, headOfSize, hexOf } from './encoding.ts';
import { CRC_BYTES, FRAME_BYTES_MAX } from './size.ts';

interface GoodFrame {
  readonly name: string;
  /** Type numbers of its messages in order; of those the schema does not know too. */
  readonly types: readonly number[];
  readonly hex: string;
}
interface Bad {
  readonly why: string;
  readonly hex: string;
}

function sealed(...parts: readonly Uint8Array[]): string {
  const body = concat(...parts);
  return hexOf(concat(body, crcBytes(body)));
}

/** A message of a type that no schema defines, with every kind of item that may be passed over. */
const unknownMessage = encoded({
  items: [
    head(0, 90),
    head(1, 4),
    bytesOf('43010203'),
    { items: [{ items: [head(0, 1000)] }] },
    bytesOf('a10102'),
    bytesOf('d2820102'),
    bytesOf('f6'),
    headOfSize(0, 2 ** 40, 9),
  ],
});

/** Frames, given the typical encoding of each rule. Bad ones are bad as they stand, CRC-32C and all. */
export function frameVectors(typical: (rule: string) => Uint8Array): { good: GoodFrame[]; bad: Bad[] } {
  const headerBytes = bytesOf('8501070319ffff1901f4');
  const pulse = typical('pulse');
  const probe = typical('probe');
  const good = sealed(headerBytes, pulse, probe);
  const flipped = bytesOf(good);
  flipped[20] ^= 0x10;
  const filler = FRAME_BYTES_MAX - CRC_BYTES - headerBytes.length - 5;
  const padded = (length: number): string =>
    sealed(headerBytes, concat(bytesOf('82185a58'), Uint8Array.of(length), new Uint8Array(length)));
  return {
    good: [
      { name: 'header alone', types: [], hex: sealed(headerBytes) },
      { name: 'probe', types: [1], hex: sealed(headerBytes, probe) },
      { name: 'pulse and probe', types: [4, 1], hex: good },
      { name: 'pulse and intent', types: [4, 16], hex: sealed(headerBytes, pulse, typical('intent')) },
      { name: 'unknown between known', types: [2, 90, 1], hex: sealed(headerBytes, typical('ack'), unknownMessage, probe) },
      { name: `${FRAME_BYTES_MAX} bytes`, types: [90], hex: padded(filler) },
    ],
    bad: [
      { why: 'no bytes', hex: '' },
      { why: 'a CRC-32C alone', hex: hexOf(crcBytes(new Uint8Array(0))) },
      { why: 'one bit flipped', hex: hexOf(flipped) },
      { why: 'CRC-32C cut off', hex: good.slice(0, -2) },
      { why: 'CRC-32C little-endian', hex: good.slice(0, -8) + (good.slice(-8).match(/../g) ?? []).reverse().join('') },
      { why: 'CRC-32C of zero', hex: `${good.slice(0, -8)}00000000` },
      { why: `${FRAME_BYTES_MAX + 1} bytes`, hex: padded(filler + 1) },
      { why: 'no header', hex: sealed(probe) },
      { why: 'version 0', hex: sealed(bytesOf('8500070319ffff1901f4'), probe) },
      { why: 'version 16', hex: sealed(bytesOf('8510070319ffff1901f4'), probe) },
      { why: 'header of four items', hex: sealed(bytesOf('8401070319ffff'), probe) },
      { why: 'header of six items', hex: sealed(bytesOf('8601070319ffff1901f400'), probe) },
      { why: 'counter of 64 bits', hex: sealed(bytesOf('8501070319ffff1b0000000100000000'), probe) },
      { why: 'an integer behind the messages', hex: sealed(headerBytes, probe, bytesOf('00')) },
      { why: 'an empty array behind the messages', hex: sealed(headerBytes, probe, bytesOf('80')) },
      { why: 'the last message cut off', hex: sealed(headerBytes, probe.slice(0, -1)) },
      { why: 'unknown type with text', hex: sealed(headerBytes, bytesOf('82185a6161')) },
      { why: 'unknown type with a float', hex: sealed(headerBytes, bytesOf('82185af93c00')) },
      { why: 'unknown type, indefinite', hex: sealed(headerBytes, bytesOf('9f185a00ff')) },
      { why: 'unknown type, too deep', hex: sealed(headerBytes, bytesOf('82185a8181818100')) },
      { why: 'a type that is no integer', hex: sealed(headerBytes, bytesOf('824101')) },
    ],
  };
}

/** Single items, for the part of each codec that passes over what it does not know. */
export function itemVectors(): { good: { name: string; hex: string }[]; bad: Bad[] } {
  const good: readonly (readonly [string, string])[] = [
    ['zero', '00'],
    ['23', '17'],
    ['24', '1818'],
    ['255', '18ff'],
    ['256', '190100'],
    ['65535', '19ffff'],
    ['65536', '1a00010000'],
    ['2³²−1', '1affffffff'],
    ['2³²', '1b0000000100000000'],
    ['2⁶⁴−1', '1bffffffffffffffff'],
    ['−1', '20'],
    ['−2⁶⁴', '3bffffffffffffffff'],
    ['empty bytes', '40'],
    ['one byte', '4100'],
    ['24 bytes', `5818${'ab'.repeat(24)}`],
    ['256 bytes', `590100${'cd'.repeat(256)}`],
    ['empty array', '80'],
    ['four arrays deep', '8181818100'],
    ['four arrays deep, none empty', '828182830001020203'],
    ['24 items', `9818${'00'.repeat(24)}`],
    ['empty map', 'a0'],
    ['map', 'a201020304'],
    ['map in array', '82a101410205'],
    ['tag', 'c100'],
    ['tag of two bytes', 'd81800'],
    ['four tags deep', 'c1c2c3c400'],
    ['tagged array', 'd28440404040'],
    ['false', 'f4'],
    ['true', 'f5'],
    ['null', 'f6'],
  ];
  const bad: readonly (readonly [string, string])[] = [
    ['nothing', ''],
    ['23 in two bytes', '1817'],
    ['255 in three bytes', '1900ff'],
    ['65535 in five bytes', '1a0000ffff'],
    ['2³²−1 in nine bytes', '1b00000000ffffffff'],
    ['head cut off after 1 of 2', '18'],
    ['head cut off after 2 of 3', '1901'],
    ['head cut off after 4 of 5', '1a000100'],
    ['head cut off after 8 of 9', '1b00000001000000'],
    ['reserved 28', '1c'],
    ['reserved 29', '1d'],
    ['reserved 30', '1e'],
    ['indefinite integer', '1f'],
    ['−1 in two bytes', '3800'],
    ['bytes cut off', '4200'],
    ['length in two bytes', '580100'],
    ['indefinite bytes', '5f4100ff'],
    ['4 GiB of bytes', '5affffffff'],
    ['2⁶³ bytes', '5b8000000000000000'],
    ['empty text', '60'],
    ['text', '6161'],
    ['indefinite text', '7f6161ff'],
    ['text in array', '82616100'],
    ['array cut off', '8200'],
    ['count in two bytes', '980100'],
    ['indefinite array', '9f00ff'],
    ['empty indefinite array', '9fff'],
    ['4 billion items', '9affffffff'],
    ['2⁶³ items', '9b8000000000000000'],
    ['five arrays deep', '818181818100'],
    ['five arrays deep, empty', '8181818180'],
    ['ninety arrays deep', `${'81'.repeat(90)}00`],
    ['five tags deep', 'c1c2c3c4c500'],
    ['tag alone', 'c1'],
    ['tag 1 in two bytes', 'd80100'],
    ['map cut off', 'a101'],
    ['indefinite map', 'bf0102ff'],
    ['4 billion pairs', 'baffffffff'],
    ['2³¹ pairs', 'ba80000000'],
    ['undefined', 'f7'],
    ['simple 0', 'e0'],
    ['simple 32', 'f820'],
    ['half float', 'f93c00'],
    ['float', 'fa3f800000'],
    ['double', 'fb3ff0000000000000'],
    ['not a number', 'f97e00'],
    ['break', 'ff'],
    ['reserved simple', 'fc'],
  ];
  return { good: good.map(([name, hex]) => ({ name, hex })), bad: bad.map(([why, hex]) => ({ why, hex })) };
}
