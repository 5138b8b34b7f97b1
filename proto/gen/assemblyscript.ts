// Emits the firmware's codec: one flat struct, one encoder and one decoder per rule, straight-line
// calls of firmware/wire/cbor.ts.

import { MOST_FREQUENT } from './frequent.ts';
import { camel, pascal, singular, upper } from './names.ts';
import type { ArrayKind, Field, Rule, UintKind } from './schema.ts';
import { bytesMax, isChecked, isRecord, itemCount, ruleNamed } from './size.ts';

const WORD_BYTES = 4;

/**
 * Bytes of the rule's struct: one word per integer, two per byte string, one and the items per
 * array.
 */
function structBytes(rule: Rule, rules: readonly Rule[]): number {
  return fixedBytes(rule) + arraysOf(rule).reduce((sum, field) => sum + storageBytes(field.of as ArrayKind, rules), 0);
}

function fixedBytes(rule: Rule): number {
  return rule.fields.reduce((sum, field) => sum + (field.of.kind === 'bytes' ? 2 : 1) * WORD_BYTES, 0);
}

function arraysOf(rule: Rule): Field[] {
  return rule.fields.filter((field) => field.of.kind === 'array');
}

function itemBytes(of: ArrayKind, rules: readonly Rule[]): number {
  return of.item.kind === 'uint' ? WORD_BYTES : structBytes(ruleNamed(of.item.record, rules), rules);
}

function storageBytes(of: ArrayKind, rules: readonly Rule[]): number {
  return of.max * itemBytes(of, rules);
}

/** Where the items of the rule's array field lie, from the struct's address. */
function storageAt(rule: Rule, field: Field, rules: readonly Rule[]): number {
  let at = fixedBytes(rule);
  for (const other of arraysOf(rule)) {
    if (other === field) break;
    at += storageBytes(other.of as ArrayKind, rules);
  }
  return at;
}

function structFields(rule: Rule): string[] {
  return rule.fields.flatMap((field) => {
    const of = field.of;
    const bounds = `${of.min}..${of.max}`;
    if (of.kind === 'uint') return [`  ${field.name}: u32 = 0; // ${bounds}`];
    if (of.kind === 'bytes')
      return [`  ${field.name}At: u32 = 0; // address of the bytes`, `  ${field.name}Length: u32 = 0; // ${bounds}`];
    return [`  ${field.name}Length: u32 = 0; // ${bounds}; the items lie behind the fields`];
  });
}

function into(rule: Rule, fieldName: string): string {
  return `changetype<usize>(m) + offsetof<${pascal(rule.name)}>("${fieldName}")`;
}

function encodeUint(value: string, { min, max }: UintKind): string {
  return min === 0
    ? `  at = writeUint(at, end, ${value}, ${max});`
    : `  at = writeRange(at, end, ${value}, ${min}, ${max});`;
}

/**
 * Wide integers are seldom one byte long, and records are read seldom: no short form in place.
 * Times and digests take five bytes nearly always; those of the most frequent message are read in
 * place.
 */
function decodeUint(rule: Rule, where: string, { min, max }: UintKind): string {
  if (min !== 0) return `  at = readRange(at, end, ${min}, ${max}, ${where});`;
  if (max === 0xffffffff)
    return `  at = ${rule.name === MOST_FREQUENT ? 'readWordInPlace' : 'readWord'}(at, end, ${where});`;
  const read = max > 0xffff || isRecord(rule) ? 'readLongUint' : 'readUint';
  return `  at = ${read}(at, end, ${max}, ${where});`;
}

function encodeField(rule: Rule, field: Field): string[] {
  const of = field.of;
  const value = `m.${field.name}`;
  if (of.kind === 'uint') {
    return [encodeUint(value, of)];
  }
  if (of.kind === 'bytes') return [`  at = writeBytes(at, end, ${value}At, ${value}Length, ${of.min}, ${of.max});`];
  const item = `${camel(rule.name)}${pascal(singular(field.name))}At(m, i)`;
  return [
    `  at = writeCount(at, end, ${value}Length, ${of.min}, ${of.max});`,
    '  if (at == 0) return 0;',
    `  for (let i: u32 = 0, n = ${value}Length; i < n; i++) {`,
    of.item.kind === 'uint'
      ? `  ${encodeUint(item, of.item)}`
      : `    at = encode${pascal(of.item.record)}(at, end, ${item});`,
    '  }',
  ];
}

function decodeField(rule: Rule, field: Field, rules: readonly Rule[]): string[] {
  const of = field.of;
  if (of.kind === 'uint') {
    return [decodeUint(rule, into(rule, field.name), of)];
  }
  if (of.kind === 'bytes')
    return [`  at = readBytes(at, end, ${of.min}, ${of.max}, ${into(rule, `${field.name}At`)});`];
  const item = `changetype<usize>(m) + ${storageAt(rule, field, rules)} + <usize>i * ${itemBytes(of, rules)}`;
  return [
    `  at = readCount(at, end, ${of.min}, ${of.max}, ${into(rule, `${field.name}Length`)});`,
    '  if (at == 0) return 0;',
    `  for (let i: u32 = 0, n = m.${field.name}Length; i < n; i++) {`,
    of.item.kind === 'uint'
      ? `  ${decodeUint(rule, item, of.item)}`
      : `    at = decode${pascal(of.item.record)}(at, end, changetype<${pascal(of.item.record)}>(${item}));`,
    '  }',
  ];
}

function accessors(rule: Rule, field: Field, rules: readonly Rule[]): string[] {
  const of = field.of as ArrayKind;
  const struct = pascal(rule.name);
  const item = pascal(singular(field.name));
  const address = `changetype<usize>(m) + <usize>i * ${itemBytes(of, rules)}`;
  const base = storageAt(rule, field, rules);
  const bound = `i < ${of.max}; the caller keeps to it.`;
  const maximum = [
    `/** Items that \`${struct}.${field.name}\` can hold. */`,
    `export const ${upper(rule.name)}_${upper(field.name)}_MAX: u32 = ${of.max};`,
    '',
  ];
  if (of.item.kind === 'record') {
    return [
      ...maximum,
      `/** Item i of \`${field.name}\`. ${bound} */`,
      `export function ${camel(rule.name)}${item}At(m: ${struct}, i: u32): ${pascal(of.item.record)} {`,
      `  return changetype<${pascal(of.item.record)}>(${address} + ${base});`,
      '}',
      '',
    ];
  }
  return [
    ...maximum,
    `/** Item i of \`${field.name}\`. ${bound} */`,
    `export function ${camel(rule.name)}${item}At(m: ${struct}, i: u32): u32 {`,
    `  return load<u32>(${address}, ${base});`,
    '}',
    '',
    `/** Sets item i of \`${field.name}\`. ${bound} */`,
    `export function set${struct}${item}At(m: ${struct}, i: u32, value: u32): void {`,
    `  store<u32>(${address}, value, ${base});`,
    '}',
    '',
  ];
}

/** The schema's own words on the rule. */
function comment(rule: Rule): string[] {
  return rule.comment.map((line) => (line === '' ? '//' : `// ${line}`));
}

function ruleText(rule: Rule, rules: readonly Rule[]): string[] {
  const struct = pascal(rule.name);
  const lines: string[] = [];
  if (rule.type !== null) lines.push(`export const TYPE_${upper(rule.name)}: u32 = ${rule.type};`);
  lines.push(
    '/** Longest encoding. */',
    `export const ${upper(rule.name)}_BYTES_MAX: u32 = ${bytesMax(rule, rules)};`,
    `export const ${upper(rule.name)}_STRUCT_BYTES: u32 = ${structBytes(rule, rules)};`,
    '',
    ...comment(rule),
    '@unmanaged',
    `export class ${struct} {`,
    ...structFields(rule),
    '}',
    '',
    ...arraysOf(rule).flatMap((field) => accessors(rule, field, rules)),
    `export function encode${struct}(at: usize, end: usize, m: ${struct}): usize {`,
    ...(isChecked(rule) ? ['  const from = at;'] : []),
    rule.type === null
      ? `  at = writeArray(at, end, ${itemCount(rule)});`
      : `  at = writeType(at, end, ${itemCount(rule)}, TYPE_${upper(rule.name)});`,
    ...rule.fields.flatMap((field) => encodeField(rule, field)),
    isChecked(rule) ? '  return writeCheck(from, at, end);' : '  return at;',
    '}',
    '',
    `export function decode${struct}(at: usize, end: usize, m: ${struct}): usize {`,
    ...(isChecked(rule) ? ['  const from = at;'] : []),
    rule.type === null
      ? `  at = readArray(at, end, ${itemCount(rule)});`
      : `  at = readType(at, end, ${itemCount(rule)}, TYPE_${upper(rule.name)});`,
    ...rule.fields.flatMap((field) => decodeField(rule, field, rules)),
    isChecked(rule) ? '  return readCheck(from, at, end);' : '  return at;',
    '}',
    '',
  );
  return lines;
}

/** File of firmware/wire/generated that holds the rule, without its ending. */
function fileOf(rule: Rule): string {
  return rule.section === '' ? rule.file : rule.section;
}

function imports(own: readonly Rule[], rules: readonly Rule[], file: string, body: string): string[] {
  const primitives = [
    'readArray',
    'readBytes',
    'readCount',
    'readLongUint',
    'readRange',
    'readType',
    'readUint',
    'readWord',
    'readWordInPlace',
    'writeArray',
    'writeBytes',
    'writeCount',
    'writeRange',
    'writeType',
    'writeUint',
  ];
  const used = primitives.filter((name) => body.includes(`${name}(`));
  const lines = [`import { ${used.join(', ')} } from "../cbor";`];
  const checks = ['readCheck', 'writeCheck'].filter((name) => body.includes(`${name}(`));
  if (checks.length > 0) lines.push(`import { ${checks.join(', ')} } from "../check";`);
  for (const field of own.flatMap((rule) => rule.fields)) {
    if (field.of.kind !== 'array' || field.of.item.kind !== 'record') continue;
    const item = ruleNamed(field.of.item.record, rules);
    if (fileOf(item) === file) continue;
    const struct = pascal(item.name);
    lines.push(`import { ${struct}, decode${struct}, encode${struct} } from "./${fileOf(item)}";`);
  }
  return [...new Set(lines)];
}

const NOTICE = '// Generated by proto/gen: change proto/schema, run `node proto/gen/main.mjs`.';
const CONTRACT = [
  '// encodeX(at, end, m) writes m from `at` on and returns the place after it; ' +
    '0 if it does not fit before `end` or a field is out of',
  '// range. decodeX(at, end, m) reads what lies at `at` and returns the place after it; ' +
    '0 if it is not exactly what encodeX would have',
  '// written, and m then holds anything. A place of 0 is refused, so calls may be chained.',
];

/** The firmware's codec as files relative to the repository. */
export function assemblyScriptFiles(rules: readonly Rule[]): { path: string; text: string }[] {
  const names = [...new Set(rules.map(fileOf))].sort();
  const files = names.map((name) => {
    const own = rules.filter((rule) => fileOf(rule) === name);
    const body = own.flatMap((rule) => ruleText(rule, rules));
    const head = [NOTICE, '//', ...CONTRACT, '', ...imports(own, rules, name, body.join('\n')), ''];
    return { path: `firmware/wire/generated/${name}.ts`, text: `${[...head, ...body].join('\n').trimEnd()}\n` };
  });
  const records = rules.filter(isRecord);
  const all = [
    NOTICE,
    '',
    '/** Room for any struct of the codec. */',
    `export const STRUCT_BYTES_MAX: u32 = ${Math.max(...rules.map((rule) => structBytes(rule, rules)))};`,
    '/** Longest encoding of any platform record. */',
    `export const RECORD_BYTES_MAX: u32 = ${Math.max(...records.map((rule) => bytesMax(rule, rules)))};`,
    '',
    'export { messageType, skipItem } from "../cbor";',
    ...names.map((name) => `export * from "./${name}";`),
  ];
  return [...files, { path: 'firmware/wire/generated/messages.ts', text: `${all.join('\n')}\n` }];
}
