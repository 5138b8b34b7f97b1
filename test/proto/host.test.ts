// The host's side alone: frames, diagnostic notation, the record reader, CRC-32C.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { isCheckedType, writeCheck } from '../../host/cbor/check.ts';
import { crc32c } from '../../host/cbor/crc32c.ts';
import { describe, diagnose } from '../../host/security/diagnose.ts';
import { decodeFrame, encodeFrame } from '../../host/security/frame.ts';
import { CHECK_BYTES, FIELD, type Message, RECORD_BYTES_MAX, TYPE } from '../../host/cbor/generated.ts';
import { SHAPES } from '../../host/cbor/generated/shapes.ts';
import { CborFault, skipItem } from '../../host/cbor/item.ts';
import { decodeSequence, encodeMessage, encodeSequence, joinBytes } from '../../host/cbor/message.ts';
import { readRecord, writeRecord } from '../../host/cbor/record.ts';
import { realCipher } from '../../host/security/cipher.ts';
import { type Header, seal } from '../../host/security/envelope.ts';
import { linkKey } from '../../host/security/key_epoch.ts';
import { bytesOf, crcBytes, hexOf } from '../../proto/gen/encoding.ts';
import type { RuleVectors } from '../../proto/gen/vectors.ts';

const vectors = <T>(name: string): T =>
  JSON.parse(readFileSync(join(rootFolder, `proto/vectors/${name}.json`), 'utf8')) as T;
const records = ['observations', 'commands', 'events', 'upsets'].flatMap((name) => vectors<RuleVectors[]>(name));
const header: Header = { cluster: 7, keyEpoch: 1, sender: 3, addressee: 65535, counter: 812 };

interface FrameTable {
  cluster: number;
  epoch: number;
  secret: string;
  good: {
    name: string;
    header: Omit<Header, 'keyEpoch'> & { epoch: number };
    types: number[];
    plain: string;
    hex: string;
  }[];
  bad: { why: string; hex: string }[];
}
const table = vectors<FrameTable>('frames');
const key = linkKey(bytesOf(table.secret), table.cluster, table.epoch);
/** Opens what the table's published secret opens. */
const link = {
  keyOf: ({ cluster, keyEpoch }: Header) => (cluster === table.cluster && keyEpoch === table.epoch ? key : null),
  cipher: realCipher,
};

/** Bytes from hexadecimal digits of a record, and the check that fits them behind. */
function withCheck(hex: string): Uint8Array {
  const record = joinBytes([bytesOf(hex), new Uint8Array(CHECK_BYTES)]);
  writeCheck(record, 0, record.length - CHECK_BYTES);
  return record;
}

const host = suite('host codec');

host('CRC-32C gives the values of RFC 3720 appendix B.4', () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
  assert.is(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.is(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.is(crc32c(ascending), 0x46dd794e);
  assert.is(crc32c(ascending.slice().reverse()), 0x113fdb5c);
  assert.is(crc32c(new TextEncoder().encode('123456789')), 0xe3069283);
  assert.is(crc32c(joinBytes([Uint8Array.of(9, 9), ascending, Uint8Array.of(9)]), 2, 34), 0x46dd794e);
  assert.is(crc32c(new Uint8Array(0)), 0);
  assert.equal([...crcBytes(new Uint8Array(32))], [0x8a, 0x91, 0x36, 0xaa]);
});

host('good frames decode, with the types of their messages in order', () => {
  const typeOf = new Map(SHAPES.map((shape) => [shape.name, shape.type]));
  for (const { name, header: fields, types, plain, hex } of table.good) {
    const { epoch: keyEpoch, ...rest } = fields;
    const said: Header = { ...rest, keyEpoch };
    const { header: found, messages } = decodeFrame(bytesOf(hex), link);
    assert.equal(found, said, name);
    assert.equal(
      messages.map((message) => (message.name === 'unknown' ? message.type : typeOf.get(message.name))),
      types,
      name,
    );
    assert.is(hexOf(seal(said, bytesOf(plain), key)), hex, `${name}: sealed again`);
  }
});

host('bad frames are refused, with a byte offset within them', () => {
  assert.ok(table.bad.length >= 50);
  for (const { why, hex } of table.bad) {
    const bytes = bytesOf(hex);
    assert.throws(
      () => decodeFrame(bytes, link),
      (error: Error) => error instanceof CborFault && error.offset >= 0 && error.offset <= bytes.length,
      why,
    );
  }
});

host('a frame comes back as it was, and one too long is not built', () => {
  const messages: Message[] = [
    { name: 'suspicion', member: 4, incarnation: 2 },
    {
      name: 'silent-list',
      entries: [
        { member: 5, lastLivenessTick: 99, revocations: 0 },
        { member: 6, lastLivenessTick: 70000, revocations: 1 },
      ],
    },
  ];
  assert.equal(decodeFrame(encodeFrame(header, messages, link), link), { header, messages });
  const long: Message = {
    name: 'silent-list',
    entries: Array.from({ length: 16 }, () => ({ member: 65535, lastLivenessTick: 4294967295, revocations: 255 })),
  };
  assert.is(encodeFrame(header, [long], link).length, 27 + 179 + 16 + 4);
  const isolation: Message = { name: 'isolation', fromS: 4294967295, untilS: 4294967295 };
  assert.throws(
    () => encodeFrame(header, [long, isolation, isolation, isolation], link),
    /the messages take 215 bytes, a frame has room for 209/,
  );
  assert.throws(() => encodeFrame({ ...header, keyEpoch: 2 }, messages, link), /no key for key epoch 2 of cluster 7/);
});

host('a sequence of records comes back as it was', () => {
  const sequence: Message[] = [
    { name: 'group', group: 1, kind: 1, units: 12, capacity: 4000, stockKg: 1_000_000, loadKg: 0 },
    { name: 'health', tasks: 3, batteryWh: 900, storedKg: 0, solarW: 250 },
  ];
  assert.equal(decodeSequence(encodeSequence(sequence)), sequence);
  assert.throws(
    () => decodeSequence(encodeSequence(sequence).slice(0, -1)),
    (error: Error) => error instanceof CborFault,
  );
});

const shown: Message[] = [
  { name: 'probe', sequence: 17 },
  { name: 'silent-list', entries: [{ member: 5, lastLivenessTick: 99, revocations: 0 }] },
  {
    name: 'heartbeat',
    timeS: 1,
    timeMs: 2,
    errorMs: 3,
    ages: Uint8Array.of(0xab, 0),
    digestHigh: 4,
    digestLow: 5,
    recent: 4294967295,
    agree: new Uint8Array(0),
  },
];
const headerLine = '[1 /version/, 7 /cluster/, 1 /keyEpoch/, 3 /sender/, 65535 /addressee/, 812 /counter/] /header/';

host('diagnose shows a frame: header, field names, entries, and the word on its tag and its CRC-32C', () => {
  const frame = encodeFrame(header, shown, link);
  const lines = diagnose(frame, link).split('\n');
  assert.is(lines[0], headerLine);
  assert.is(lines[1], '[1 /type: probe/, 17 /sequence/]');
  assert.is(lines[2], '[11 /type: silent-list/, [[5 /member/, 99 /lastLivenessTick/, 0 /revocations/]] /entries/]');
  assert.is(
    lines[3],
    "[4 /type: heartbeat/, 1 /timeS/, 2 /timeMs/, 3 /errorMs/, h'ab00' /ages/, 4 /digestHigh/, 5 /digestLow/, " +
      "4294967295 /recent/, h'' /agree/]",
  );
  assert.is(lines[4], '/ tag: right, opened with the key of key epoch 1 /');
  assert.match(lines[5], /^\/ CRC-32C 0x[0-9a-f]{8}: right \/$/);
  assert.is(lines.length, 6);
  frame[frame.length - 1] ^= 1;
  assert.match(diagnose(frame, link), /\/ CRC-32C 0x[0-9a-f]{8}: wrong, computed 0x[0-9a-f]{8} \/$/);
});

host('diagnose shows a sealed frame without keys, and names what keeps one from being opened', () => {
  const frame = encodeFrame(header, shown, link);
  const lines = diagnose(frame).split('\n');
  assert.is(lines[0], headerLine);
  assert.match(lines[1], /^\/ \d+ bytes of ciphertext and tag: sealed, --keys opens them \/$/);
  assert.is(lines.length, 3);
  const faultOf = (bytes: Uint8Array): CborFault => {
    try {
      diagnose(bytes, link);
    } catch (error) {
      if (error instanceof CborFault) return error;
      throw error;
    }
    return assert.unreachable('it was shown') as never;
  };
  const altered = frame.slice();
  altered[40] ^= 1;
  assert.match(
    faultOf(altered).message,
    /^byte \d+: the tag is wrong: the frame was altered, or sealed under another key$/,
  );
  assert.ok(faultOf(altered).shown.startsWith(headerLine));
  const otherLink = { ...link, keyOf: () => key };
  const unknown = encodeFrame({ ...header, keyEpoch: 9 }, shown, otherLink);
  assert.match(faultOf(unknown).message, /^byte 10: no key for key epoch 9 of cluster 7$/);
  const wrong = seal(header, bytesOf('820119'), key);
  assert.match(faultOf(wrong).shown, /CRC-32C/);
  assert.match(faultOf(wrong).message, /^byte 2: of the opened messages: the head needs 2 bytes more, 0 are left$/);
});

host('describe gives machines the same', () => {
  const frame = encodeFrame(header, shown, link);
  const { kind, header: said, messages, crc } = describe(frame, link);
  assert.is(kind, 'frame');
  assert.equal(said, { version: 1, ...header });
  assert.equal(
    (messages as { name: string }[]).map(({ name }) => name),
    ['probe', 'silent-list', 'heartbeat'],
  );
  assert.is((messages as { ages: string }[])[2].ages, 'ab00');
  assert.is(crc?.right, true);
  assert.is(describe(frame).messages, null);
  const record = describe(encodeMessage({ name: 'stop-work', slot: 3 }));
  assert.equal(record, { kind: 'records', header: null, messages: [{ name: 'stop-work', slot: 3 }], crc: null });
});

host('diagnose shows records, and messages of types that it does not know', () => {
  assert.is(
    diagnose(
      encodeSequence([
        { name: 'stop-work', slot: 3 },
        { name: 'booted', cause: 1, restored: 0, incarnation: 9 },
      ]),
    ),
    "[161 /type: stop-work/, 3 /slot/, h'b4ac3af6' /check/]\n" +
      '[192 /type: booted/, 1 /cause/, 0 /restored/, 9 /incarnation/]',
  );
  assert.is(
    diagnose(bytesOf('88185a24430102038181190100a10102d2820102f61bffffffffffffffff')),
    "[90, -5, h'010203', [[256]], {1: 2}, 18([1, 2]), null, 18446744073709551615] /type 90 is unknown to this version/",
  );
});

host('diagnose and describe show a record without its check, and say so', () => {
  assert.is(diagnose(bytesOf('8218a103')), '[161 /type: stop-work/, 3 /slot/] / without its check: it is refused /');
  assert.equal(describe(bytesOf('8218a103')).messages, [{ name: 'stop-work', slot: 3 }]);
});

host('diagnose names the byte of the fault, and shows what came before it', () => {
  const good = encodeSequence([
    { name: 'stop-work', slot: 3 },
    { name: 'stop-work', slot: 4 },
  ]);
  const shownBefore = diagnose(good);
  assert.match(
    shownBefore,
    /^\[161 .*, 3 \/slot\/, h'[0-9a-f]{8}' \/check\/\]\n\[161 .*, 4 \/slot\/, h'[0-9a-f]{8}' \/check\/\]$/,
  );
  const damaged = withCheck('8318a103');
  damaged[damaged.length - 1] ^= 1;
  const cases: readonly (readonly [Uint8Array, number, RegExp])[] = [
    [joinBytes([good, withCheck('8318a108')]), 21, /^byte 21: stop-work\.slot is 8, outside 0\.\.7$/],
    [joinBytes([good, bytesOf('8218a11803')]), 21, /^byte 21: 3 is not in its shortest form$/],
    [joinBytes([good, withCheck('8418a10300')]), 18, /^byte 18: stop-work has 2 fields, must have 1$/],
    [joinBytes([good, bytesOf('8218a1')]), 21, /^byte 21: the bytes end where an item should begin$/],
    [joinBytes([good, bytesOf('9f18a103ff')]), 18, /^byte 18: indefinite length$/],
    [joinBytes([good, bytesOf('8218a1c103')]), 21, /^byte 21: messages hold unsigned integers/],
    [joinBytes([good, bytesOf('8318a10303')]), 18, /^byte 18: stop-work has no check: its last item must be 4 bytes$/],
    [joinBytes([good, damaged]), 22, /^byte 22: the check of stop-work does not fit: the record is damaged$/],
  ];
  for (const [bytes, offset, message] of cases) {
    try {
      diagnose(bytes);
      assert.unreachable(String(message));
    } catch (error) {
      assert.instance(error, CborFault);
      assert.is((error as CborFault).offset, offset);
      assert.match((error as CborFault).message, message);
      assert.is((error as CborFault).shown, shownBefore);
    }
  }
  assert.throws(() => diagnose(new Uint8Array(0)), /byte 0: no bytes/);
  assert.throws(() => diagnose(bytesOf('d083')), /^byte 2: too short: a frame takes 48 bytes at least$/);
});

host('a message that a field is missing from is not encoded, and the field is named', () => {
  assert.throws(() => encodeMessage({ name: 'probe' } as unknown as Message), /probe\.sequence is undefined/);
  assert.throws(
    () => encodeMessage({ name: 'probe', sequence: 1.5 }),
    /probe\.sequence is 1\.5, but must be an integer of 0\.\.65535/,
  );
  assert.throws(
    () => encodeMessage({ name: 'silent-list', entries: [{ member: 70000, lastLivenessTick: 1, revocations: 0 }] }),
    /silent-list\.entries\[0\]\.member is 70000/,
  );
  assert.throws(() => encodeMessage({ name: 'nothing' } as unknown as Message), /no message 'nothing'/);
});

host('the types that end with a check are those whose rules have one', () => {
  const types = SHAPES.filter(({ type }) => type !== null);
  assert.equal([...new Set(types.map(({ isChecked }) => isChecked))].sort(), [false, true]);
  for (const { name, type, isChecked } of types) assert.is(isCheckedType(type as number), isChecked, name);
});

host('an item has at most 32,767 bytes, items or pairs, though more are there', () => {
  const long = 0x7fff;
  const item = (major: number, count: number, bytesEach: number) =>
    Uint8Array.of((major << 5) | 25, count >> 8, count & 0xff, ...new Uint8Array(count * bytesEach));
  for (const [major, bytesEach] of [
    [2, 1],
    [4, 1],
    [5, 2],
  ]) {
    const whole = item(major, long, bytesEach);
    assert.is(skipItem(whole, 0, whole.length), whole.length);
    const more = item(major, long + 1, bytesEach);
    assert.throws(
      () => skipItem(more, 0, more.length),
      (fault: CborFault) => fault instanceof CborFault,
    );
  }
});

host('readRecord gives the items of every record, at the positions of FIELD', () => {
  const out = new Uint32Array(23);
  const around = new Uint8Array(8 + RECORD_BYTES_MAX);
  for (const { rule, good } of records) {
    const shape = SHAPES.find((candidate) => candidate.name === rule)!;
    // Records of keys are written once a boot, by encodeMessage.
    if (shape.fields.some(({ of }) => of.kind !== 'uint')) continue;
    for (const { fields, hex } of good) {
      around.fill(0xff);
      around.set(bytesOf(hex), 4);
      const items = [shape.type as number, ...shape.fields.map((field) => fields[field.name] as number)];
      assert.is(readRecord(around, 4, hex.length / 2, out), items.length);
      assert.equal([...out.slice(0, items.length)], items);
      const written = new Uint8Array(RECORD_BYTES_MAX);
      assert.is(writeRecord(written, 0, items), hex.length / 2);
      assert.is(hexOf(written.slice(0, hex.length / 2)), hex);
    }
  }
  assert.is(FIELD.startWork.untilS, 5);
  assert.is(TYPE.startWork, 160);
});

host('readRecord refuses what is no flat record of u32, cut off, or followed by more', () => {
  const out = new Uint32Array(23);
  for (const hex of [
    '',
    '01',
    '8218a1',
    '8218a103',
    ...[
      '8318a1',
      '8318a11817',
      '8318a11900ff',
      '8318a11a0000ffff',
      '8318a11b0000000100000000',
      '8318a140',
      '8318a180',
      '8318a1f6',
    ].map((record) => hexOf(withCheck(record))),
  ]) {
    assert.is(readRecord(bytesOf(hex), 0, hex.length / 2, out), -1, hex);
  }
  const whole = withCheck('8618a00318ff1901001a00010000');
  assert.is(readRecord(whole, 0, whole.length, out), 5);
  for (let length = 0; length < whole.length; length += 1)
    assert.is(readRecord(whole, 0, length, out), -1, `cut off after ${length}`);
  assert.is(readRecord(joinBytes([whole, Uint8Array.of(0)]), 0, whole.length + 1, out), -1);
  assert.is(readRecord(whole, 1, whole.length, out), -1, 'past the end of the bytes');
  assert.is(readRecord(whole, 0, whole.length, new Uint32Array(4)), -1, 'no room');
});

host('writeRecord refuses what does not fit or is no u32', () => {
  const items = [160, 3, 255, 256, 65536];
  for (let room = 0; room < 19; room += 1)
    assert.is(writeRecord(new Uint8Array(room), 0, items), -1, `${room} bytes of room`);
  assert.is(writeRecord(new Uint8Array(19), 0, items), 19);
  for (const value of [-1, 1.5, 2 ** 32, Number.NaN]) assert.is(writeRecord(new Uint8Array(19), 0, [160, value]), -1);
});

host.run();
