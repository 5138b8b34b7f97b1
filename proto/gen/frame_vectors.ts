// Vectors that are no single message: whole frames, and items of messages that this version does
// not know.

import { createCipheriv, hkdfSync } from 'node:crypto';
import { bytesOf, concat, crcBytes, encoded, head, headOfSize, hexOf } from './encoding.ts';
import { PLAIN_BYTES_MAX, TAG_BYTES } from './size.ts';

/**
 * Published, and so worth nothing: no node may ever be given it. The link key of a key epoch is
 * derived from its secret (docs/security.md).
 */
export const frameKeys = {
  cluster: 7,
  epoch: 1,
  secret: hexOf(Uint8Array.from({ length: 32 }, (_, i) => i)),
} as const;

interface GoodFrame {
  readonly name: string;
  readonly header: FrameHeader;
  /** Type numbers of its messages in order; of those the schema does not know too. */
  readonly types: readonly number[];
  readonly plain: string;
  readonly hex: string;
}
interface Bad {
  readonly why: string;
  readonly hex: string;
}
interface FrameHeader {
  readonly cluster: number;
  readonly epoch: number;
  readonly sender: number;
  readonly addressee: number;
  readonly counter: number;
}

const usual: FrameHeader = {
  cluster: frameKeys.cluster,
  epoch: frameKeys.epoch,
  sender: 3,
  addressee: 65535,
  counter: 500,
};
const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'ascii'));
const two = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);
const four = (value: number): Uint8Array => concat(two(value >>> 16), two(value & 0xffff));

/** What a frame may get wrong and still be sealed rightly over what it then says. */
interface Oddities {
  readonly secret?: Uint8Array;
  readonly tag?: Uint8Array;
  readonly items?: number;
  readonly protectedMap?: Uint8Array;
  readonly unprotected?: Uint8Array;
  readonly version?: number;
  /** Head of the byte string of `length` bytes. */
  readonly lengthHead?: (length: number) => Uint8Array;
  readonly context?: string;
  readonly nonceSender?: number;
  readonly behind?: Uint8Array;
  /** Changes the bytes after sealing and before the CRC-32C. */
  readonly altered?: (body: Uint8Array) => void;
}

/** Head of a byte string. */
const bytesHead = (length: number): Uint8Array => head(2, length);

function protectedHeader({ cluster, epoch, sender, addressee, counter }: FrameHeader, version: number): Uint8Array {
  const kid = concat(Uint8Array.of(version), two(cluster), two(epoch), two(sender), two(addressee));
  return concat(bytesOf('a3011818'), bytesOf('0449'), kid, bytesOf('0644'), four(counter));
}

/** A frame by the RFC, piece by piece: it knows nothing of fixed offsets. */
function frame(plain: Uint8Array, header: Partial<FrameHeader> = {}, odd: Oddities = {}): Uint8Array {
  const { sender, counter, cluster, epoch } = { ...usual, ...header };
  const map = odd.protectedMap ?? protectedHeader({ ...usual, ...header }, odd.version ?? 1);
  const wrapped = concat(bytesHead(map.length), map);
  const info = concat(ascii('heliograph link'), two(cluster), two(epoch));
  const key = new Uint8Array(hkdfSync('sha256', odd.secret ?? bytesOf(frameKeys.secret), new Uint8Array(0), info, 32));
  const nonce = concat(two(odd.nonceSender ?? sender), new Uint8Array(6), four(counter));
  const context = ascii(odd.context ?? 'Encrypt0');
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(concat(bytesOf('83'), head(3, context.length), context, wrapped, bytesOf('40')), {
    plaintextLength: plain.length,
  });
  const ciphertext = concat(cipher.update(plain), cipher.final(), cipher.getAuthTag());
  const body = concat(
    odd.tag ?? bytesOf('d0'),
    head(4, odd.items ?? 3),
    wrapped,
    odd.unprotected ?? bytesOf('a0'),
    (odd.lengthHead ?? bytesHead)(ciphertext.length),
    ciphertext,
    odd.behind ?? new Uint8Array(0),
  );
  odd.altered?.(body);
  return concat(body, crcBytes(body));
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

/** Flips a bit of byte `at`, counted from the end if negative. */
const flipped = (at: number) => (body: Uint8Array) => {
  body[at < 0 ? body.length + at : at] ^= 0x10;
};

function badEnvelopes(plain: Uint8Array): Bad[] {
  const odd = (why: string, oddities: Oddities, header: Partial<FrameHeader> = {}): Bad => ({
    why,
    hex: hexOf(frame(plain, header, oddities)),
  });
  const map = hexOf(protectedHeader(usual, 1));
  return [
    odd('no tag', { tag: new Uint8Array(0) }),
    odd('tag of COSE_Mac0', { tag: bytesOf('d1') }),
    odd('tag in two bytes', { tag: bytesOf('d810') }),
    odd('COSE_Encrypt: an array of four, with recipients', { items: 4, behind: bytesOf('80') }),
    odd('an array of two announced', { items: 2 }),
    odd('version 0', { version: 0 }),
    odd('version 2', { version: 2 }),
    odd('algorithm 1, AES-GCM', { protectedMap: bytesOf(map.replace('011818', '0101')) }),
    odd('algorithm 23 in two bytes', { protectedMap: bytesOf(map.replace('011818', '011817')) }),
    odd('algorithm 25', { protectedMap: bytesOf(map.replace('011818', '011819')) }),
    odd('algorithm 5, authentication only', { protectedMap: bytesOf(map.replace('011818', '0105')) }),
    odd('no algorithm', { protectedMap: bytesOf(map.replace('a3011818', 'a2')) }),
    odd('key id of eight bytes', { protectedMap: bytesOf(map.replace('04490100', '044801')) }),
    odd('IV for Partial IV', { protectedMap: bytesOf(map.replace('0644', '0544')) }),
    odd('Partial IV of three bytes', { protectedMap: bytesOf(map.replace('064400', '0643')) }),
    odd('a label more', { protectedMap: bytesOf(`a4${map.slice(2)}0800`) }),
    odd('empty protected header', { protectedMap: new Uint8Array(0) }),
    odd('unprotected header with an algorithm', { unprotected: bytesOf('a1011818') }),
    odd('unprotected header null', { unprotected: bytesOf('f6') }),
    odd('length of the ciphertext in three bytes', { lengthHead: (length) => headOfSize(2, length, 3) }),
    odd('ciphertext one byte longer than there', { lengthHead: (length) => bytesHead(length + 1) }),
    odd('ciphertext one byte shorter than there', { lengthHead: (length) => bytesHead(length - 1) }),
    odd('ciphertext indefinite', { lengthHead: () => bytesOf('5f') }),
    odd('ciphertext null: detached', { lengthHead: () => bytesOf('f6') }),
    odd('a byte behind', { behind: bytesOf('00') }),
    odd('cluster altered', { altered: flipped(11) }),
    odd('epoch altered', { altered: flipped(13) }),
    odd('sender altered', { altered: flipped(15) }),
    odd('addressee altered', { altered: flipped(17) }),
    odd('counter altered', { altered: flipped(23) }),
    odd('ciphertext altered', { altered: flipped(30) }),
    odd('tag altered', { altered: flipped(-1) }),
    odd("another's secret", { secret: new Uint8Array(32) }),
    odd('authenticated as COSE_Mac0', { context: 'MAC0' }),
    odd('nonce of another sender', { nonceSender: 4 }),
    odd('another cluster', {}, { cluster: 8 }),
    odd('another epoch', {}, { epoch: 2 }),
    odd('the bootstrap epoch, which this secret does not open', {}, { epoch: 0 }),
  ];
}

/**
 * Frames, given the typical encoding of each rule. Bad ones are bad as they stand, with a right
 * CRC-32C unless it is what is wrong.
 */
export function frameVectors(typical: (rule: string) => Uint8Array): { good: GoodFrame[]; bad: Bad[] } {
  const heartbeat = typical('heartbeat');
  const probe = typical('probe');
  const good = frame(concat(heartbeat, probe));
  const goodHex = hexOf(good);
  const noisy = Uint8Array.from(good);
  flipped(40)(noisy);
  const padded = (length: number): Uint8Array =>
    concat(bytesOf('82185a58'), Uint8Array.of(length), new Uint8Array(length));
  const named = (name: string, types: number[], plain: Uint8Array, header: Partial<FrameHeader> = {}): GoodFrame => {
    return { name, header: { ...usual, ...header }, types, plain: hexOf(plain), hex: hexOf(frame(plain, header)) };
  };
  const content = (why: string, ...parts: Uint8Array[]): Bad => ({ why, hex: hexOf(frame(concat(...parts))) });
  return {
    good: [
      named('two bytes, the shortest message', [15], bytesOf('810f')),
      named('probe', [1], probe),
      named('probe for one member', [1], probe, { addressee: 42 }),
      named('seven bytes, the longest short head', [90], bytesOf('82185a43010203')),
      named('eight bytes, the shortest long head', [90], bytesOf('82185a4401020304')),
      named('heartbeat and probe', [4, 1], concat(heartbeat, probe)),
      named('heartbeat and intent', [4, 16], concat(heartbeat, typical('intent'))),
      named('unknown between known', [2, 90, 1], concat(typical('ack'), unknownMessage, probe)),
      named('least header', [1], probe, { sender: 0, addressee: 0, counter: 0 }),
      named('greatest header', [1], probe, { sender: 65535, addressee: 65535, counter: 4294967295 }),
      named(`${PLAIN_BYTES_MAX} bytes of messages`, [90], padded(PLAIN_BYTES_MAX - 5)),
    ],
    bad: [
      { why: 'no bytes', hex: '' },
      { why: 'a CRC-32C alone', hex: hexOf(crcBytes(new Uint8Array(0))) },
      { why: 'noise: one bit flipped', hex: hexOf(noisy) },
      { why: 'CRC-32C cut off', hex: goodHex.slice(0, -2) },
      {
        why: 'CRC-32C little-endian',
        hex: goodHex.slice(0, -8) + (goodHex.slice(-8).match(/../g) ?? []).reverse().join(''),
      },
      { why: 'CRC-32C of zero', hex: `${goodHex.slice(0, -8)}00000000` },
      content(`${PLAIN_BYTES_MAX + 1} bytes of messages`, padded(PLAIN_BYTES_MAX - 4)),
      { why: 'messages in the clear', hex: hexOf(concat(probe, crcBytes(probe))) },
      ...badEnvelopes(concat(heartbeat, probe)),
      content('no message'),
      content('one byte', bytesOf('80')),
      content('an integer behind the messages', probe, bytesOf('00')),
      content('an empty array behind the messages', probe, bytesOf('80')),
      content('the last message cut off', probe.slice(0, -1)),
      content('unknown type with text', bytesOf('82185a6161')),
      content('unknown type with a float', bytesOf('82185af93c00')),
      content('unknown type, indefinite', bytesOf('9f185a00ff')),
      content('unknown type, too deep', bytesOf('82185a8181818100')),
      content('a type that is no integer', bytesOf('824101')),
    ],
  };
}

const goodItems: readonly (readonly [string, string])[] = [
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
const badItems: readonly (readonly [string, string])[] = [
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

/** Single items, for the part of each codec that passes over what it does not know. */
export function itemVectors(): { good: { name: string; hex: string }[]; bad: Bad[] } {
  return { good: goodItems.map(([name, hex]) => ({ name, hex })), bad: badItems.map(([why, hex]) => ({ why, hex })) };
}
