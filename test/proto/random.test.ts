// Both codecs on messages and bytes that nobody chose.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FieldKind, RecordKind, Rule } from '../../proto/gen/schema.ts';
import { ruleNamed } from '../../proto/gen/size.ts';
import type { VectorValue } from '../../proto/gen/vectors.ts';
import {
  firmwareDecode,
  firmwareEncode,
  firmwareSkip,
  hexOf,
  hostDecode,
  hostEncode,
  hostSkip,
  ownRules,
  rules,
} from './pair.ts';
import type { Fields } from './struct.ts';

const roundTrips = 60_000;
const mutations = 120_000;

/** Xorshift of 32 bits; a failing case is found again by its number. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/**
 * Evenly over the lengths of encodings first, so that small numbers come up as often as large ones.
 */
function uintOf(min: number, max: number, draw: (below: number) => number): number {
  const ceiling = [24, 2 ** 8, 2 ** 16, 2 ** 32][draw(4)];
  const top = Math.max(min, Math.min(max, ceiling - 1));
  return min + (draw(4) === 0 ? top - min : draw(top - min + 1));
}

function randomValue(of: FieldKind | RecordKind, draw: (below: number) => number): VectorValue {
  if (of.kind === 'uint') return uintOf(of.min, of.max, draw);
  if (of.kind === 'record') return fieldsOf(ruleNamed(of.record, rules), draw);
  const length = of.min + draw(of.max - of.min + 1);
  if (of.kind === 'bytes') return hexOf(Uint8Array.from({ length }, () => draw(256)));
  return Array.from({ length }, () => randomValue(of.item, draw));
}

function fieldsOf(rule: Rule, draw: (below: number) => number): Fields {
  return Object.fromEntries(rule.fields.map((field) => [field.name, randomValue(field.of, draw)]));
}

/** One to three changes: a bit, a byte, a byte taken out, a byte put in, the end cut off. */
function mutated(bytes: Uint8Array, draw: (below: number) => number): Uint8Array {
  const list = [...bytes];
  const heads = [
    0x00, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1f, 0x40, 0x58, 0x5f, 0x60, 0x80, 0x9f, 0xa1, 0xc1, 0xf6, 0xf9, 0xff,
  ];
  for (let changes = 1 + draw(3); changes > 0 && list.length > 0; changes -= 1) {
    const place = draw(list.length);
    const kind = draw(6);
    if (kind <= 1) list[place] ^= 1 << draw(8);
    else if (kind === 2) list[place] = draw(256);
    else if (kind === 3) list[place] = heads[draw(heads.length)];
    else if (kind === 4) list.splice(place, 1);
    else list.splice(place, 0, heads[draw(heads.length)]);
    if (draw(40) === 0) list.length = draw(list.length + 1);
  }
  return Uint8Array.from(list);
}

const random = suite('wire codec, random');

random('random messages: same bytes, and the same fields back', () => {
  const draw = generator(0x5eed0001);
  for (let i = 0; i < roundTrips; i += 1) {
    const rule = ownRules[i % ownRules.length];
    const fields = fieldsOf(rule, draw);
    const inFirmware = firmwareEncode(rule, fields);
    const onHost = hostEncode(rule, fields);
    if (inFirmware === null || hexOf(inFirmware) !== hexOf(onHost))
      assert.unreachable(`case ${i}: ${rule.name} ${JSON.stringify(fields)}`);
    const said = JSON.stringify(fields);
    if (JSON.stringify(firmwareDecode(rule, onHost)) !== said)
      assert.unreachable(`case ${i}: the firmware decodes ${hexOf(onHost)} otherwise`);
    if (JSON.stringify(hostDecode(rule, onHost)) !== said)
      assert.unreachable(`case ${i}: cbor-x decodes ${hexOf(onHost)} otherwise`);
  }
});

random('mutated messages: both codecs agree on what they refuse and on what they read', () => {
  const draw = generator(0x5eed0002);
  let taken = 0;
  for (let i = 0; i < mutations; i += 1) {
    const rule = ownRules[i % ownRules.length];
    const bytes = mutated(hostEncode(rule, fieldsOf(rule, draw)), draw);
    const inFirmware = firmwareDecode(rule, bytes);
    const onHost = hostDecode(rule, bytes);
    if (JSON.stringify(inFirmware) !== JSON.stringify(onHost)) {
      const results = `firmware ${JSON.stringify(inFirmware)}, cbor-x ${JSON.stringify(onHost)}`;
      assert.unreachable(`case ${i}: ${rule.name} ${hexOf(bytes)}: ${results}`);
    }
    if (firmwareSkip(bytes) !== hostSkip(bytes)) assert.unreachable(`case ${i}: skipItem of ${hexOf(bytes)}`);
    if (inFirmware === null) continue;
    taken += 1;
    const again = firmwareEncode(rule, inFirmware);
    if (again === null || hexOf(again) !== hexOf(bytes))
      assert.unreachable(`case ${i}: ${hexOf(bytes)} was taken but is not what the encoder writes`);
  }
  assert.ok(taken > mutations / 50 && taken < mutations / 2, `${taken} of ${mutations} mutations still were messages`);
});

random('arbitrary bytes: skipItem agrees', () => {
  const draw = generator(0x5eed0003);
  let passed = 0;
  for (let i = 0; i < 100_000; i += 1) {
    const bytes = Uint8Array.from({ length: 1 + draw(24) }, () => (draw(2) === 0 ? draw(256) : 0x80 + draw(8)));
    const inFirmware = firmwareSkip(bytes);
    if (inFirmware !== hostSkip(bytes)) assert.unreachable(`case ${i}: ${hexOf(bytes)}`);
    if (inFirmware > 1) passed += 1;
  }
  assert.ok(passed > 1000);
});

random.run();
