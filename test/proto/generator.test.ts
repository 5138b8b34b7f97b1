// The generator: its output is what is committed, and it refuses schemas that it does not
// understand or that outgrow the frame.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { dispatchFiles } from '../../proto/gen/dispatch.ts';
import { documentationFiles } from '../../proto/gen/documentation.ts';
import { generate, readSchema } from '../../proto/gen/generate.ts';
import { handlersOf } from '../../proto/gen/handlers.ts';
import { roles } from '../../proto/gen/roles.ts';
import { parseSchema } from '../../proto/gen/parse.ts';
import type { Rule, Schema } from '../../proto/gen/schema.ts';
import { parseTables } from '../../proto/gen/tables.ts';
import {
  assertFrames,
  bytesMax,
  CLUSTER_MEMBERS_MAX,
  FRAME_BYTES_MAX,
  isOnAir,
  PLAIN_BYTES_MAX,
} from '../../proto/gen/size.ts';

const parseAll = (text: string): Schema => parseSchema([{ path: 'proto/schema/test.cddl', text }]);
const parse = (text: string): readonly Rule[] => parseAll(text).rules;
const others = `
probe = [type: 1, n: 0..9]
ack = [type: 2, n: 0..9]
probe-request = [type: 3, n: 0..9]
relayed-ack = [type: 5, n: 0..9]
key-epoch-head = [type: 12, n: 0..9]
key-epoch-part = [type: 13, n: 0..9]
member-profile = [type: 33, n: 0..9]
`;

const generator = suite('generator');
const { constants } = readSchema(rootFolder);

generator('every generated file is as committed: else run node proto/gen/main.mjs', () => {
  const files = generate(rootFolder);
  assert.ok(files.length > 15);
  for (const { path, text } of files) {
    assert.ok(readFileSync(join(rootFolder, path), 'utf8') === text, `${path} is stale: run node proto/gen/main.mjs`);
    if (path.endsWith('.ts')) assert.ok(text.split('\n').length <= 500, `${path} is over 500 lines`);
  }
});

generator('reads ranges, messages, byte strings and arrays', () => {
  const [owned, heartbeat] = parse(
    `; A plane.
heartbeat = [type: 4, at: u16, ages: bstr .size (0..50), list: [1*8 owned], n: [0*3 7..9]]
owned = [slot: 0..7]
u16 = 0..65535
`,
  );
  assert.is(owned.name, 'owned');
  assert.is(owned.type, null);
  assert.is(heartbeat.type, 4);
  assert.equal(heartbeat.comment, ['A plane.']);
  assert.equal(
    heartbeat.fields.map((field) => field.of),
    [
      { kind: 'uint', min: 0, max: 65535 },
      { kind: 'bytes', min: 0, max: 50 },
      { kind: 'array', min: 1, max: 8, item: { kind: 'record', record: 'owned' } },
      { kind: 'array', min: 0, max: 3, item: { kind: 'uint', min: 7, max: 9 } },
    ],
  );
});

const faults: readonly (readonly [string, string, RegExp])[] = [
  ['text', 'a = [type: 1, s: tstr]', /^proto\/schema\/test\.cddl:1: 'tstr' is neither a range nor the name of one$/],
  ['optional field', 'a = [type: 1,\n ? s: 0..1]', /test\.cddl:2: '\?' is not part of the CDDL subset/],
  ['a map', 'a = {type: 1}', /test\.cddl:1: '\{' is not part/],
  [
    'a choice with a gap',
    'a = [type: 1, s: 0..1 / 5..6]',
    /test\.cddl:1: the choice leaves out numbers between 0\.\.1/,
  ],
  ['a member twice', 'e = &(\n a: 1,\n b: 1)', /test\.cddl:3: e: 'b' or its number 1 is there twice/],
  ['an enumeration without members', 'e = &()', /test\.cddl:1: e has no members/],
  ['a signed range', 'a = [type: 1, s: -1..1]', /test\.cddl:1: '-' is not part/],
  ['an unbounded byte string', 'a = [type: 1, s: bstr]', /test\.cddl:1: expected '\.size', found '\]'/],
  ['an unbounded array', '\na = [type: 1, s: [* 0..1]]', /test\.cddl:2: expected a number, found '\*'/],
  ['an empty range', 'a = [type: 1, s: 3..1]', /test\.cddl:1: the range 3\.\.1 is empty/],
  ['a range above u32', 'u = 0..4294967296', /test\.cddl:1: 4294967296 is above u32/],
  [
    'an array too long for a head of one byte',
    'a = [type: 1, s: [0*24 0..1]]',
    /test\.cddl:1: 24 is above the limit of 23/,
  ],
  ['a name twice', 'a = [type: 1, s: 0..1]\na = [type: 2, s: 0..1]', /test\.cddl:2: 'a' is defined twice/],
  ['a range twice', 'u = 0..1\nu = 0..2', /test\.cddl:2: range 'u' is defined twice/],
  ['a type twice', 'a = [type: 1, s: 0..1]\nb = [type: 1, s: 0..1]', /test\.cddl:2: b has the type 1 of a/],
  ['a field twice', 'a = [type: 1, s: 0..1,\n s: 0..1]', /test\.cddl:2: a: field 's' twice/],
  ['a field in kebab-case', 'a = [type: 1, start-s: 0..1]', /test\.cddl:1: field 'start-s' must be in camelCase/],
  ['the type not first', 'a = [s: 0..1, type: 1]', /test\.cddl:1: a: the type must come first/],
  ['type 0', 'a = [type: 0, s: 0..1]', /test\.cddl:1: a: type 0 is outside 1\.\.255/],
  ['no fields', 'a = [type: 1]', /test\.cddl:1: a has no fields/],
  ['an entry that is not defined', 'a = [type: 1, s: [0*2 entry]]', /test\.cddl:1: 'entry' is not defined/],
  ['an entry that is a message', 'a = [type: 1, s: [0*2 b]]\nb = [type: 2, s: 0..1]', /test\.cddl:1: b is a message/],
  [
    'an entry with an array',
    'a = [type: 1, s: [0*2 b]]\nb = [s: [0*2 0..1]]',
    /test\.cddl:1: b may hold integers only/,
  ],
  ['a rule that does not end', 'a = [type: 1, s: 0..1', /test\.cddl:1: the file ends inside a rule/],
  [
    '24 items',
    `a = [type: 1, ${Array.from({ length: 23 }, (_, i) => `f${i}: 0..1`).join(', ')}]`,
    /test\.cddl:1: a has more than 23 items/,
  ],
];
for (const [what, text, message] of faults) {
  generator(`refuses ${what}, with file and line`, () => {
    assert.throws(
      () => parse(text),
      (error: Error) => message.test(error.message) || assert.unreachable(error.message),
    );
  });
}

generator('each message fits a frame, by the sizes of the schema', () => {
  const rules = readSchema(rootFolder).rules;
  assert.is(FRAME_BYTES_MAX, 256);
  assert.is(PLAIN_BYTES_MAX, 209);
  assert.ok(FRAME_BYTES_MAX - PLAIN_BYTES_MAX <= 48, 'envelope, tag and CRC-32C together');
  for (const rule of rules.filter(isOnAir)) assert.ok(bytesMax(rule, rules) <= PLAIN_BYTES_MAX, rule.name);
});

generator('a message that outgrows the frame fails the generation, alone and with the heartbeat', () => {
  const small = 'heartbeat = [type: 4, n: 0..9]\nintent = [type: 16, n: 0..9]\n';
  assert.not.throws(() => assertFrames(parse(others + small)));
  const fitting = 'heartbeat = [type: 4, n: 0..9]\nintent = [type: 16, s: bstr .size (0..202)]\n';
  assert.not.throws(() => assertFrames(parse(others + fitting)));
  const wide = 'heartbeat = [type: 4, n: 0..9]\nintent = [type: 16, s: bstr .size (0..206)]\n';
  assert.throws(
    () => assertFrames(parse(others + wide)),
    /intent take up to 210 bytes, but a frame has room for 209: shorten a field of intent/,
  );
  const both = 'heartbeat = [type: 4, s: bstr .size (0..110)]\nintent = [type: 16, s: bstr .size (0..110)]\n';
  assert.throws(() => assertFrames(parse(others + both)), /heartbeat and intent take up to \d+ bytes/);
});

generator('every role is that of a message on the air', () => {
  const onAir = readSchema(rootFolder)
    .rules.filter(isOnAir)
    .map((rule) => rule.name);
  assert.equal(Object.keys(roles).sort(), onAir.sort());
});

generator('a message without a sender, or outside every range of types, fails the generation', () => {
  const ranged = parse(`${others}heartbeat = [type: 4, n: 0..9]\nintent = [type: 16, n: 0..9]\n`);
  assert.ok(documentationFiles(ranged)[0].text.includes('| 16 | `intent` |'));
  assert.throws(
    () => documentationFiles([...ranged, ...parse('offer = [type: 48, n: 0..9]')]),
    /type 48 of 'offer' is in no module's range/,
  );
  assert.throws(
    () => documentationFiles([...ranged, ...parse('gossip = [type: 9, n: 0..9]')]),
    /does not say who sends 'gossip' to whom/,
  );
});

generator('docs/messages.md has the exact length of each bitmap, and room for no other', () => {
  const rules = (ages: number, agree: number) =>
    parse(`${others}heartbeat = [type: 4, ages: bstr .size (0..${ages}), agree: bstr .size (0..${agree})]
intent = [type: 16, n: bstr .size (4..4)]
`);
  const [{ text }] = documentationFiles(rules(75, 25));
  assert.ok(text.includes('ages 3 × ⌈members ÷ 8⌉ bytes, agree ⌈members ÷ 8⌉ bytes'), text);
  assert.ok(text.includes('n 4 bytes'));
  assert.throws(
    () => documentationFiles(rules(73, 25)),
    /heartbeat\.ages has 0\.\.73 bytes, but bitmaps of 200 take 75/,
  );
  assert.throws(() => documentationFiles(rules(75, 26)), /heartbeat\.agree has 0\.\.26 bytes/);
  assert.is(constants.find(({ name }) => name === 'cluster-members-max')?.value, CLUSTER_MEMBERS_MAX);
});

const handlerSource = (...names: string[]) => [
  {
    path: 'firmware/a/handlers.ts',
    text: names.map((name) => `export function ${name}(ctx: usize, m: A): bool {}\n`).join(''),
  },
];
const ping = parse('ping = [type: 1, n: 0..9]');
const reading = parse('; ---- observations (platform) ----\nreading = [type: 130, n: 0..9]');

generator('a message goes to the handlers of its name', () => {
  const [{ text }] = dispatchFiles(handlersOf(ping, handlerSource('admitPing', 'applyPing')));
  assert.ok(text.includes("import * as aHandlers from '../a/handlers';"));
  assert.ok(text.includes('if (applied) aHandlers.applyPing(ctx, m);'));
  assert.ok(text.includes('else if (!aHandlers.admitPing(ctx, m)) return IMPLAUSIBLE;'));
  const [without] = dispatchFiles(handlersOf(ping, handlerSource('applyPing')));
  assert.not(without.text.includes('admitPing'), 'whatever decodes is admitted');
  const [observed] = dispatchFiles(handlersOf(reading, handlerSource('observeReading')));
  assert.ok(observed.text.includes('next == end ? aHandlers.observeReading(ctx, m) : STATUS_MALFORMED'));
});

generator('a message without a handler, or with two, fails the generation', () => {
  assert.throws(() => handlersOf(ping, handlerSource('admitPing')), /no firmware module exports applyPing\(ctx, m\)/);
  assert.throws(() => handlersOf(reading, []), /no firmware module exports observeReading\(ctx, m\)/);
  const twice = [...handlerSource('applyPing'), { ...handlerSource('applyPing')[0], path: 'firmware/b/handlers.ts' }];
  assert.throws(
    () => handlersOf(ping, twice),
    /firmware\/b\/handlers.ts and firmware\/a\/handlers.ts both define applyPing/,
  );
});

const tableFaults: readonly (readonly [string, string, RegExp])[] = [
  ['without a place', '{ name: a, in: core, bytes: 8, read: open }', /invalid input.*at/is],
  ['of an unknown kind', '{ name: a, in: heap, at: A_AT, bytes: 8, read: open }', /core.*tables/is],
  ['of records without an index', '{ name: a, in: tables, at: A_AT, bytes: 8, count: 2, read: open }', /no index/],
  ['of the core without lines', '{ name: a, in: core, at: A_AT, bytes: 8, read: checked }', /a .* names no lines/],
  [
    'whose records straddle lines',
    '{ name: a, in: tables, at: A_AT, index: i, bytes: 24, count: 2, read: checked }',
    /records of a do not fill a line/,
  ],
];
for (const [what, text, message] of tableFaults) {
  generator(`refuses a table ${what}`, () => {
    assert.throws(() => parseTables(`node: [${text}]`, 'tables.yaml'), message);
  });
}

generator.run();
