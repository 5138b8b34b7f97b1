// The firmware's codec and cbor-x against one table of vectors.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { bytesMax } from '../../proto/gen/size.ts';
import type { RuleVectors } from '../../proto/gen/vectors.ts';
import {
  bytesOf,
  firmware,
  firmwareDecode,
  firmwareEncode,
  firmwareSkip,
  hexOf,
  hostDecode,
  hostEncode,
  hostSkip,
  memoryBytes,
  ownRules,
  rules,
  sourceAt,
  structAt,
  wireAt,
} from './pair.ts';
import { writeStruct } from './struct.ts';

const folder = join(rootFolder, 'proto/vectors');
const tables: RuleVectors[] = readdirSync(folder)
  .filter((name) => !['frames.json', 'items.json'].includes(name))
  .sort()
  .flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as RuleVectors[]);
const items = JSON.parse(readFileSync(join(folder, 'items.json'), 'utf8')) as {
  good: { name: string; hex: string }[];
  bad: { why: string; hex: string }[];
};

const codec = suite('wire codec');

codec('the table has every message of the schema', () => {
  assert.ok(existsSync(folder));
  assert.equal(tables.map((table) => table.rule).sort(), ownRules.map((rule) => rule.name).sort());
});

for (const table of tables) {
  const rule = ownRules.find((candidate) => candidate.name === table.rule)!;

  codec(`${rule.name}: good vectors give the same bytes and fields in both codecs`, () => {
    assert.ok(table.good.length >= 2);
    for (const { name, fields, hex } of table.good) {
      const inFirmware = firmwareEncode(rule, fields);
      assert.ok(inFirmware, `${name}: the firmware refuses to encode it`);
      assert.is(hexOf(inFirmware!), hex, `${name} in firmware`);
      assert.is(hexOf(hostEncode(rule, fields)), hex, `${name} in cbor-x`);
      assert.equal(firmwareDecode(rule, bytesOf(hex)), fields, `${name} decoded in firmware`);
      assert.equal(hostDecode(rule, bytesOf(hex)), fields, `${name} decoded by cbor-x`);
    }
  });

  codec(`${rule.name}: bad vectors are refused by both codecs`, () => {
    assert.ok(table.bad.length >= 20);
    for (const { why, hex } of table.bad) {
      assert.is(firmwareDecode(rule, bytesOf(hex)), null, `the firmware takes: ${why} (${hex})`);
      assert.is(hostDecode(rule, bytesOf(hex)), null, `cbor-x takes: ${why} (${hex})`);
    }
  });

  codec(`${rule.name}: the longest encoding is as long as stated, and no byte is written past the room`, () => {
    const greatest = table.good.find((vector) => vector.name === 'greatest')!;
    const length = greatest.hex.length / 2;
    assert.is(length, bytesMax(rule, rules));
    writeStruct(firmware.memory, { at: structAt, bytesAt: sourceAt }, rule, greatest.fields, rules);
    for (let room = 0; room < length; room += 1) {
      memoryBytes.fill(0xee, wireAt, wireAt + length + 16);
      assert.is(firmware.encode(rule.type ?? 0, wireAt, wireAt + room, structAt), 0, `${room} bytes of room`);
      assert.ok(
        memoryBytes.slice(wireAt + room, wireAt + length + 16).every((byte) => byte === 0xee),
        `wrote past ${room} bytes of room`,
      );
    }
  });
}

codec('a field out of range is refused by both encoders', () => {
  let refused = 0;
  for (const table of tables) {
    const rule = ownRules.find((candidate) => candidate.name === table.rule)!;
    for (const field of rule.fields) {
      if (field.of.kind !== 'uint') continue;
      const beyond = [field.of.max < 0xffffffff ? field.of.max + 1 : -1, field.of.min - 1].filter(
        (value) => value >= 0,
      );
      for (const value of beyond) {
        const fields = { ...table.good[0].fields, [field.name]: value };
        assert.is(firmwareEncode(rule, fields), null, `firmware: ${rule.name}.${field.name} = ${value}`);
        assert.throws(() => hostEncode(rule, fields), new RegExp(`${rule.name}\\.${field.name} is ${value}`));
        refused += 1;
      }
    }
  }
  assert.ok(refused > 60);
});

codec('byte strings and arrays out of bounds are refused by both encoders', () => {
  const heartbeat = tables.find((table) => table.rule === 'heartbeat')!.good[0].fields;
  const heartbeatRule = ownRules.find((rule) => rule.name === 'heartbeat')!;
  const long = { ...heartbeat, ages: '00'.repeat(76) };
  assert.is(firmwareEncode(heartbeatRule, long), null);
  assert.throws(() => hostEncode(heartbeatRule, long), /heartbeat\.ages must be 0\.\.75 bytes/);
  const digest = tables.find((table) => table.rule === 'sync-digest')!.good[0].fields;
  const digestRule = ownRules.find((rule) => rule.name === 'sync-digest')!;
  for (const parts of ['', '00'.repeat(101)]) {
    assert.is(firmwareEncode(digestRule, { ...digest, parts }), null);
    assert.throws(() => hostEncode(digestRule, { ...digest, parts }), /sync-digest\.parts must be 1\.\.100 bytes/);
  }
});

codec('skipItem passes over every good item and every message, in both', () => {
  const all = [...items.good, ...tables.flatMap((table) => table.good)];
  for (const { name, hex } of all) {
    const bytes = bytesOf(`${hex}00`);
    assert.is(firmwareSkip(bytes), bytes.length - 1, `firmware: ${name} (${hex})`);
    assert.is(hostSkip(bytes), bytes.length - 1, `host: ${name} (${hex})`);
  }
});

codec('skipItem refuses every bad item, in both', () => {
  for (const { why, hex } of items.bad) {
    assert.is(firmwareSkip(bytesOf(hex)), 0, `firmware: ${why} (${hex})`);
    assert.is(hostSkip(bytesOf(hex)), 0, `host: ${why} (${hex})`);
  }
});

codec('messageType returns the type, and -1 when there is none', () => {
  const typeOf = (hex: string): number => {
    const bytes = bytesOf(hex);
    memoryBytes.fill(0, wireAt, wireAt + 16);
    memoryBytes.set(bytes, wireAt);
    return firmware.messageType(wireAt, wireAt + bytes.length);
  };
  for (const table of tables) {
    const rule = ownRules.find((candidate) => candidate.name === table.rule)!;
    if (rule.type !== null) for (const { hex } of table.good) assert.is(typeOf(hex), rule.type);
  }
  assert.is(typeOf('81190100'), 256);
  assert.is(typeOf('811a7fffffff'), 0x7fffffff);
  assert.is(typeOf('811a80000000'), -1);
  assert.is(typeOf('9818185a'), 90);
  for (const hex of [
    '',
    '80',
    '81',
    '8118',
    '811817',
    '8120',
    '814101',
    '815f',
    '9f01ff',
    'a10101',
    '01',
    '1a00000001',
    '980101',
    '98',
  ]) {
    assert.is(typeOf(hex), -1, hex);
  }
});

codec.run();
