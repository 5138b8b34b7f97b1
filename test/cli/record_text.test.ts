import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SHAPES } from '../../host/cbor/generated/shapes.ts';
import { withNames } from '../../host/cbor/names.ts';
import { commandTypeMin } from '../../host/cbor/types.ts';
import { nameRecord, recordText } from '../../host/cli/record_text.ts';

/** Types of commands and events. */
const records = SHAPES.filter(({ type }) => type !== null && type >= commandTypeMin);

test('every command and event has a text, and its own record type does not stand in it as fields and numbers', () => {
  assert.ok(records.length > 30);
  for (const { name, fields } of records) {
    const values = Object.fromEntries(fields.map((field) => [field.name, 1]));
    const plain = [name, ...fields.map((field) => `${field.name} 1`)].join(' ');
    assert.is.not(recordText(name, values), plain, name);
    assert.not(/undefined|NaN/.test(recordText(name, values)), recordText(name, values));
  }
});

test('texts have names instead of numbers', () => {
  const shown = (type: number, ...fields: number[]) => {
    const { name, fields: named } = nameRecord(Uint32Array.of(type, ...fields), fields.length + 1);
    return recordText(name, named);
  };
  assert.is(shown(193, 6, 1, 40), 'member 6 alive, last liveness tick 40');
  assert.is(shown(193, 6, 4, 40), 'member 6 dead, last liveness tick 40');
  assert.is(shown(192, 1, 0, 3), 'booted after power-on without a checkpoint, incarnation 3');
  assert.is(shown(160, 2, 1, 0x10003, 90, 5000), 'start mine on unit 3 of group 1, 90 kg/day until 5000 s (intent 2)');
  assert.is(shown(201, 1, 5, 77), 'loss counter frame-crc is 5, first at local second 77');
  assert.is(shown(202, 3, 1, 2), 'recovery by processor-reset, cause hung-task, task 2');
  assert.is(shown(193, 6, 9, 40), 'member 6 state 9, last liveness tick 40');
  assert.is(shown(250, 6, 9), 'type-250 field1 6 field2 9');
});

test('JSON keeps the numbers and adds the names', () => {
  assert.equal(withNames('member-state', { member: 6, state: 1 }), { member: 6, state: 1, stateName: 'alive' });
  assert.equal(withNames('listening', { id: 6 }), { id: 6 });
});

test.run();
