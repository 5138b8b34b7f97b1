// The table of good and bad messages that every codec is held against: proto/vectors/*.json.

import { concat, crcBytes, encoded, head, headOfSize, hexOf, type Item, shortestSize } from './encoding.ts';
import { frameKeys, frameVectors, itemVectors } from './frame_vectors.ts';
import type { ArrayKind, FieldKind, RecordKind, Rule } from './schema.ts';
import { isChecked, itemCount, ruleNamed } from './size.ts';

/**
 * A field's value as the table shows it: a number, the hex digits of a byte string, or an array of
 * numbers or objects.
 */
export type VectorValue = number | string | readonly VectorValue[] | { readonly [field: string]: VectorValue };
export interface GoodVector {
  readonly name: string;
  readonly fields: { readonly [field: string]: VectorValue };
  readonly hex: string;
}
export interface BadVector {
  readonly why: string;
  readonly hex: string;
}
export interface RuleVectors {
  readonly rule: string;
  readonly good: readonly GoodVector[];
  readonly bad: readonly BadVector[];
}

/** Chooses a value: `turn` counts the integers of a message, so that neighbours differ. */
type Choice = (min: number, max: number, turn: number) => number;

/** Values on both sides of each change of head. */
const headEdges = [23, 24, 255, 256, 65535, 65536, 0, 4294967295];

const choices: readonly { readonly name: string; readonly choose: Choice }[] = [
  { name: 'least', choose: (min) => min },
  { name: 'greatest', choose: (_min, max) => max },
  { name: 'typical', choose: (min, max, turn) => min + ((turn * 7919 + 1000) % (max - min + 1)) },
  ...headEdges.map((_edge, shift) => ({
    name: `head edges ${shift + 1}`,
    choose: (min: number, max: number, turn: number) =>
      Math.min(max, Math.max(min, headEdges[(turn + shift) % headEdges.length])),
  })),
];

class Builder {
  private turn = 0;
  private readonly choose: Choice;
  private readonly rules: readonly Rule[];

  constructor(choose: Choice, rules: readonly Rule[]) {
    this.choose = choose;
    this.rules = rules;
  }

  private pick(min: number, max: number): number {
    this.turn += 1;
    return this.choose(min, max, this.turn);
  }

  private build(of: FieldKind | RecordKind): { value: VectorValue; item: Item } {
    if (of.kind === 'uint') {
      const value = this.pick(of.min, of.max);
      return { value, item: head(0, value) };
    }
    if (of.kind === 'bytes') {
      const length = this.pick(of.min, of.max);
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 37 + length) & 0xff);
      return { value: hexOf(bytes), item: concat(head(2, length), bytes) };
    }
    if (of.kind === 'record') return this.record(ruleNamed(of.record, this.rules));
    const parts = Array.from({ length: this.pick(of.min, of.max) }, () => this.build(of.item));
    return { value: parts.map((part) => part.value), item: { items: parts.map((part) => part.item) } };
  }

  record(rule: Rule): { value: { [field: string]: VectorValue }; item: { items: Item[] } } {
    const value: { [field: string]: VectorValue } = {};
    const items: Item[] = rule.type === null ? [] : [head(0, rule.type)];
    for (const field of rule.fields) {
      const built = this.build(field.of);
      value[field.name] = built.value;
      items.push(built.item);
    }
    return { value, item: { items } };
  }
}

/** A record's bytes with the check behind them, of a rule that has one. */
function withCheck(rule: Rule, bytes: Uint8Array): Uint8Array {
  return isChecked(rule) ? concat(bytes, head(2, 4), crcBytes(bytes)) : bytes;
}

/** The rule's array of these items, and the check if it has one. */
function arrayOf(rule: Rule, items: readonly Item[]): Uint8Array {
  const count = items.length + (isChecked(rule) ? 1 : 0);
  return withCheck(rule, concat(head(4, count), ...items.map(encoded)));
}

function goodVectors(rule: Rule, rules: readonly Rule[]): GoodVector[] {
  const seen = new Set<string>();
  const vectors: GoodVector[] = [];
  for (const { name, choose } of choices) {
    const { value, item } = new Builder(choose, rules).record(rule);
    const hex = hexOf(arrayOf(rule, item.items));
    if (seen.has(hex)) continue;
    seen.add(hex);
    vectors.push({ name, fields: value, hex });
  }
  return vectors;
}

/** Something else in an item's place, and why it is wrong. */
interface Fault {
  readonly why: string;
  readonly item: Uint8Array;
}

function uintFaults(path: string, min: number, max: number, item: Uint8Array): Fault[] {
  const longer = [2, 3, 5, 9].find((size) => size > item.length) ?? 9;
  const value = [...item.slice(1)].reduce((sum, byte) => sum * 256 + byte, item.length === 1 ? item[0] : 0);
  const faults = [
    { why: `${path}: ${value} in ${longer} bytes`, item: headOfSize(0, value, longer) },
    { why: `${path}: above ${max}`, item: head(0, max + 1) },
  ];
  if (min > 0) faults.push({ why: `${path}: below ${min}`, item: head(0, min - 1) });
  return faults;
}

/** Items of another kind; once a rule is enough. */
function foreignItems(path: string): Fault[] {
  return [
    { why: `${path}: negative`, item: Uint8Array.of(0x20) },
    { why: `${path}: 64 bits`, item: headOfSize(0, 2 ** 40, 9) },
    { why: `${path}: half float`, item: Uint8Array.of(0xf9, 0x3c, 0x00) },
    { why: `${path}: double float`, item: Uint8Array.of(0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0) },
    { why: `${path}: text`, item: Uint8Array.of(0x61, 0x31) },
    { why: `${path}: null`, item: Uint8Array.of(0xf6) },
    { why: `${path}: true`, item: Uint8Array.of(0xf5) },
    { why: `${path}: map`, item: Uint8Array.of(0xa0) },
    { why: `${path}: tagged`, item: Uint8Array.of(0xc1, 0x01) },
    { why: `${path}: bignum`, item: Uint8Array.of(0xc2, 0x41, 0x01) },
    { why: `${path}: reserved head`, item: Uint8Array.of(0x1c) },
    { why: `${path}: break`, item: Uint8Array.of(0xff) },
    { why: `${path}: four arrays deep`, item: Uint8Array.of(0x81, 0x81, 0x81, 0x81, 0x01) },
    { why: `${path}: ninety arrays deep`, item: concat(new Uint8Array(90).fill(0x81), Uint8Array.of(1)) },
  ];
}

function bytesFaults(path: string, min: number, max: number, item: Uint8Array): Fault[] {
  const length = item[0] === 0x58 ? item[1] : item[0] & 0x1f;
  const content = item.slice(item.length - length);
  const longer = [2, 3, 5, 9].find((size) => size > shortestSize(length)) ?? 9;
  const faults = [
    { why: `${path}: length in ${longer} bytes`, item: concat(headOfSize(2, length, longer), content) },
    { why: `${path}: ${max + 1} bytes`, item: concat(head(2, max + 1), new Uint8Array(max + 1)) },
    { why: `${path}: indefinite`, item: concat(Uint8Array.of(0x5f), item, Uint8Array.of(0xff)) },
    { why: `${path}: text`, item: concat(head(3, length), new Uint8Array(length).fill(0x61)) },
    { why: `${path}: an integer`, item: Uint8Array.of(5) },
    { why: `${path}: 4 GiB announced`, item: headOfSize(2, 4294967295, 5) },
    { why: `${path}: 2⁵³ bytes announced`, item: headOfSize(2, 2 ** 53, 9) },
    { why: `${path}: more announced than there`, item: Uint8Array.of(0x40 + Math.min(max, 23)) },
  ];
  if (min > 0)
    faults.push({ why: `${path}: ${min - 1} bytes`, item: concat(head(2, min - 1), new Uint8Array(min - 1)) });
  return faults;
}

function arrayFaults(path: string, of: ArrayKind, item: { items: readonly Item[] }): Fault[] {
  const content = concat(...item.items.map(encoded));
  const count = item.items.length;
  const one = item.items.length > 0 ? encoded(item.items[0]) : Uint8Array.of(0);
  const faults = [
    {
      why: `${path}: ${of.max + 1} items`,
      item: concat(head(4, of.max + 1), ...Array.from({ length: of.max + 1 }, () => one)),
    },
    { why: `${path}: count in two bytes`, item: concat(headOfSize(4, count, 2), content) },
    { why: `${path}: indefinite`, item: concat(Uint8Array.of(0x9f), content, Uint8Array.of(0xff)) },
    { why: `${path}: one more announced than there`, item: concat(head(4, count + 1), content) },
    { why: `${path}: 4 billion announced`, item: concat(headOfSize(4, 4294967295, 5), content) },
    { why: `${path}: an integer`, item: Uint8Array.of(0) },
  ];
  if (of.min > 0)
    faults.push({
      why: `${path}: ${of.min - 1} items`,
      item: concat(head(4, of.min - 1), ...Array.from({ length: of.min - 1 }, () => one)),
    });
  return faults;
}

/** All faults of one field, also those within its first entry. */
function fieldFaults(path: string, of: FieldKind, item: Item, rules: readonly Rule[]): Fault[] {
  if (of.kind === 'uint') return uintFaults(path, of.min, of.max, item as Uint8Array);
  if (of.kind === 'bytes') return bytesFaults(path, of.min, of.max, item as Uint8Array);
  const array = item as { items: readonly Item[] };
  const faults = arrayFaults(path, of, array);
  if (array.items.length === 0) return faults;
  const inPlace = (first: Uint8Array): Uint8Array => encoded({ items: [first, ...array.items.slice(1)] });
  if (of.item.kind === 'uint') {
    return [
      ...faults,
      ...uintFaults(`${path}[0]`, of.item.min, of.item.max, array.items[0] as Uint8Array).map((fault) => ({
        why: fault.why,
        item: inPlace(fault.item),
      })),
    ];
  }
  const entry = array.items[0] as { items: readonly Item[] };
  const rule = ruleNamed(of.item.record, rules);
  const replaced = ruleFaults(rule, entry.items, rules).map((fault) => ({
    why: `${path}[0] ${fault.why}`,
    item: inPlace(fault.item),
  }));
  return [...faults, ...replaced];
}

/** Faults of a record's check. */
function checkFaults(rule: Rule, items: readonly Item[]): Fault[] {
  const whole = arrayOf(rule, items);
  const [body, check] = [whole.slice(0, -5), whole.slice(-4)];
  const flipped = (at: number) => whole.map((byte, i) => (i === at ? byte ^ 1 : byte));
  return [
    { why: 'without a check', item: encoded({ items }) },
    { why: 'the check announced and left out', item: body },
    { why: 'the check in three bytes', item: concat(body, head(2, 3), check.slice(1)) },
    { why: 'the check in five bytes', item: concat(body, head(2, 5), check, Uint8Array.of(0)) },
    { why: 'the check as an integer', item: concat(body, Uint8Array.of(0x1a), check) },
    { why: 'the check in the other order', item: concat(body, head(2, 4), check.slice().reverse()) },
    { why: 'a bit flipped in the check', item: flipped(whole.length - 1) },
    { why: 'a bit flipped in the last field', item: flipped(body.length - 1) },
  ];
}

/** Faults of an array of a rule, as the array's bytes. */
function ruleFaults(rule: Rule, items: readonly Item[], rules: readonly Rule[]): Fault[] {
  const first = rule.type === null ? 0 : 1;
  const content = concat(...items.map(encoded));
  // The check fits the faulty bytes, so that they are refused for their fault.
  const replace = (place: number, item: Item): Uint8Array =>
    arrayOf(
      rule,
      items.map((old, i) => (i === place ? item : old)),
    );
  const whole = arrayOf(rule, items);
  const faults: Fault[] = [
    { why: 'one field short', item: arrayOf(rule, items.slice(0, -1)) },
    { why: 'one field more', item: arrayOf(rule, [...items, head(0, 0)]) },
    { why: 'empty array', item: Uint8Array.of(0x80) },
    {
      why: 'number of items in two bytes',
      item: withCheck(rule, concat(headOfSize(4, itemCount(rule), 2), content)),
    },
    { why: 'indefinite array', item: concat(Uint8Array.of(0x9f), whole.slice(1), Uint8Array.of(0xff)) },
    { why: 'a byte string for the array', item: concat(head(2, whole.length - 1), whole.slice(1)) },
    { why: 'tagged', item: concat(Uint8Array.of(0xd2), whole) },
    ...(isChecked(rule) ? checkFaults(rule, items) : []),
  ];
  if (rule.type !== null) {
    faults.push({ why: 'type in too many bytes', item: replace(0, headOfSize(0, rule.type, rule.type < 24 ? 2 : 3)) });
    faults.push({ why: 'another type', item: replace(0, head(0, rule.type + 1)) });
  }
  faults.push(
    ...foreignItems(rule.fields[0].name).map((fault) => ({ why: fault.why, item: replace(first, fault.item) })),
  );
  rule.fields.forEach((field, i) => {
    const own = fieldFaults(field.name, field.of, items[first + i], rules);
    faults.push(...own.map((fault) => ({ why: fault.why, item: replace(first + i, fault.item) })));
  });
  return faults;
}

function badVectors(rule: Rule, rules: readonly Rule[]): BadVector[] {
  const { item } = new Builder(choices[2].choose, rules).record(rule);
  const good = arrayOf(rule, item.items);
  const faults = ruleFaults(rule, item.items, rules).map((fault) => ({ why: fault.why, hex: hexOf(fault.item) }));
  faults.push({ why: 'trailing byte', hex: `${hexOf(good)}00` });
  for (let length = 0; length < good.length; length += 1)
    faults.push({ why: `cut off after ${length} bytes`, hex: hexOf(good.slice(0, length)) });
  return faults;
}

function ruleVectors(rule: Rule, rules: readonly Rule[]): RuleVectors {
  return { rule: rule.name, good: goodVectors(rule, rules), bad: badVectors(rule, rules) };
}

function line(value: unknown, isLast: boolean): string {
  return `      ${JSON.stringify(value)}${isLast ? '' : ','}`;
}

function rulesText(tables: readonly RuleVectors[]): string {
  const text = tables.map((table) =>
    [
      `  { "rule": ${JSON.stringify(table.rule)},`,
      '    "good": [',
      ...table.good.map((vector, i) => line(vector, i === table.good.length - 1)),
      '    ],',
      '    "bad": [',
      ...table.bad.map((vector, i) => line(vector, i === table.bad.length - 1)),
      '    ] }',
    ].join('\n'),
  );
  return `[\n${text.join(',\n')}\n]\n`;
}

function listText(name: string, list: readonly unknown[]): string {
  const lines = list.map((vector, i) => line(vector, i === list.length - 1));
  return `  ${JSON.stringify(name)}: [\n${lines.join('\n')}\n  ]`;
}

function tableText(table: { good: readonly unknown[]; bad: readonly unknown[] }, facts: object = {}): string {
  const said = Object.entries(facts).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`);
  return `{\n${said.join('')}${listText('good', table.good)},\n${listText('bad', table.bad)}\n}\n`;
}

/**
 * The tables as files relative to the repository: one per schema file or section, one of frames,
 * one of items to pass over.
 */
export function vectorFiles(rules: readonly Rule[]): { path: string; text: string }[] {
  const own = rules.filter((rule) => rule.type !== null);
  const fileOf = (rule: Rule): string => (rule.section === '' ? rule.file : rule.section);
  const names = [...new Set(own.map(fileOf))].sort();
  const files = names.map((name) => ({
    path: `proto/vectors/${name}.json`,
    text: rulesText(own.filter((rule) => fileOf(rule) === name).map((rule) => ruleVectors(rule, rules))),
  }));
  const typical = (name: string): Uint8Array =>
    encoded(new Builder(choices[2].choose, rules).record(ruleNamed(name, rules)).item);
  return [
    ...files,
    { path: 'proto/vectors/frames.json', text: tableText(frameVectors(typical), frameKeys) },
    { path: 'proto/vectors/items.json', text: tableText(itemVectors()) },
  ];
}
