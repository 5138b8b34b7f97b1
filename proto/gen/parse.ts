// Parses the CDDL that schema.ts describes.

import type {
  Answer,
  Constant,
  Enumeration,
  Field,
  FieldKind,
  Member,
  Rule,
  Schema,
  SchemaSource,
  UintKind,
} from './schema.ts';
import { itemCount } from './size.ts';

interface Token {
  readonly text: string;
  readonly line: number;
}

/** Arrays of messages keep to heads of one byte; answers are words. */
const ARRAY_ITEMS_MAX = 23;
const ANSWER_ITEMS_MAX = 1024;
const BYTES_MAX = 255;
const U32_MAX = 4294967295;

const tokenPattern = /\s+|;[^\n]*|\.size\b|\.ge\b|\.\.|[a-zA-Z][a-zA-Z0-9-]*|0x[0-9a-f]+|[0-9]+|[=[\]:,*()&/]/y;

function fail(path: string, line: number, message: string): never {
  throw new Error(`${path}:${line}: ${message}`);
}

function tokens(source: SchemaSource): Token[] {
  const found: Token[] = [];
  let line = 1;
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < source.text.length) {
    const at = tokenPattern.lastIndex;
    const match = tokenPattern.exec(source.text);
    if (match === null)
      fail(source.path, line, `'${source.text[at]}' is not part of the CDDL subset that proto/gen reads`);
    const text = match[0];
    if (!/^[\s;]/.test(text)) found.push({ text, line });
    line += text.split('\n').length - 1;
  }
  return found;
}

/**
 * Parser of one file. The first pass over all files fills `ranges`, the second reads rules and
 * answers.
 */
class FileParser {
  private readonly source: SchemaSource;
  private readonly ranges: Map<string, UintKind>;
  private readonly list: Token[];
  private readonly lines: string[];
  private next = 0;

  constructor(source: SchemaSource, ranges: Map<string, UintKind>) {
    this.source = source;
    this.ranges = ranges;
    this.list = tokens(source);
    this.lines = source.text.split('\n');
  }

  private get file(): string {
    return this.source.path.replace(/^.*\//, '').replace(/\.cddl$/, '');
  }

  private get line(): number {
    return (this.list[this.next] ?? this.list[this.list.length - 1])?.line ?? 1;
  }

  private fail(message: string, line = this.line): never {
    fail(this.source.path, line, message);
  }

  private peek(): string {
    return this.list[this.next]?.text ?? '';
  }

  private take(): string {
    const text = this.peek();
    if (text === '') this.fail('the file ends inside a rule');
    this.next += 1;
    return text;
  }

  private expect(text: string): void {
    if (this.peek() !== text) this.fail(`expected '${text}', found '${this.peek() || 'the end of the file'}'`);
    this.next += 1;
  }

  /** Takes the token if it is the next. */
  private skip(text: string): boolean {
    if (this.peek() !== text) return false;
    this.next += 1;
    return true;
  }

  private name(what: string): string {
    if (!/^[a-zA-Z]/.test(this.peek())) this.fail(`expected ${what}, found '${this.peek()}'`);
    return this.take();
  }

  private integer(): number {
    if (!/^[0-9]/.test(this.peek())) this.fail(`expected a number, found '${this.peek()}'`);
    const value = Number(this.peek());
    if (value > U32_MAX) this.fail(`${value} is above u32`);
    this.next += 1;
    return value;
  }

  private bounds(separator: string, limit: number): { min: number; max: number } {
    const min = this.integer();
    this.expect(separator);
    const max = this.integer();
    if (max < min) this.fail(`the range ${min}${separator}${max} is empty`);
    if (max > limit) this.fail(`${max} is above the limit of ${limit} here`);
    return { min, max };
  }

  /** One alternative of a choice: a range, its name, an enumeration's name, a number. */
  private alternative(): UintKind {
    if (/^[0-9]/.test(this.peek())) {
      if (this.list[this.next + 1]?.text === '..') return { kind: 'uint', ...this.bounds('..', U32_MAX) };
      const value = this.integer();
      return { kind: 'uint', min: value, max: value };
    }
    const named = this.ranges.get(this.peek());
    if (named === undefined) this.fail(`'${this.peek()}' is neither a range nor the name of one`);
    this.next += 1;
    return named;
  }

  private uint(): UintKind {
    let kind = this.alternative();
    while (this.skip('/')) {
      const other = this.alternative();
      if (other.min > kind.max + 1 || kind.min > other.max + 1)
        this.fail(`the choice leaves out numbers between ${kind.min}..${kind.max} and ${other.min}..${other.max}`);
      const names = kind.names ?? other.names;
      const bounds = { min: Math.min(kind.min, other.min), max: Math.max(kind.max, other.max) };
      kind = { kind: 'uint', ...bounds, ...(names === undefined ? {} : { names }) };
    }
    return this.skip('.ge') ? { ...kind, min: this.integer() } : kind;
  }

  private field(itemsMax: number): Field {
    const line = this.line;
    const name = this.name('a field name');
    if (!/^[a-z][a-zA-Z0-9]*$/.test(name)) this.fail(`field '${name}' must be in camelCase`, line);
    this.expect(':');
    if (this.skip('bstr')) {
      this.expect('.size');
      this.expect('(');
      const of: FieldKind = { kind: 'bytes', ...this.bounds('..', BYTES_MAX) };
      this.expect(')');
      return { name, of, line };
    }
    if (!this.skip('[')) return { name, of: this.uint(), line };
    const bounds = this.bounds('*', itemsMax);
    const isRange = /^[0-9]/.test(this.peek()) || this.ranges.has(this.peek());
    const item = isRange ? this.uint() : ({ kind: 'record', record: this.name('a rule') } as const);
    this.expect(']');
    return { name, of: { kind: 'array', ...bounds, item }, line };
  }

  /** The number behind `word:` if that comes next. */
  private label(word: string): number | null {
    if (this.peek() !== word || this.list[this.next + 1]?.text !== ':') return null;
    this.next += 2;
    return this.integer();
  }

  private fields(name: string, line: number, itemsMax: number): Field[] {
    const fields: Field[] = [];
    while (!this.skip(']')) {
      if (fields.length > 0) this.expect(',');
      if (this.peek() === 'type') this.fail(`${name}: the type must come first, and once`);
      const field = this.field(itemsMax);
      if (fields.some((other) => other.name === field.name))
        this.fail(`${name}: field '${field.name}' twice`, field.line);
      fields.push(field);
    }
    if (fields.length === 0) this.fail(`${name} has no fields`, line);
    return fields;
  }

  private arrayRule(name: string, line: number, schema: Collected): void {
    this.expect('[');
    const comment = this.commentAbove(line);
    const what = this.label('what');
    if (what !== null) {
      this.expect(',');
      schema.answers.push({ name, what, fields: this.fields(name, line, ANSWER_ITEMS_MAX), comment });
      return;
    }
    const type = this.label('type');
    if (type !== null && (type < 1 || type > 255)) this.fail(`${name}: type ${type} is outside 1..255`);
    if (type !== null && this.peek() !== ']') this.expect(',');
    const fields = this.fields(name, line, ARRAY_ITEMS_MAX);
    const rule = { name, type, fields, file: this.file, section: this.sectionAt(line), comment, line };
    if (itemCount(rule) > ARRAY_ITEMS_MAX) this.fail(`${name} has more than ${ARRAY_ITEMS_MAX} items`, line);
    schema.rules.push(rule);
  }

  private enumeration(name: string, line: number): Enumeration {
    this.expect('&');
    this.expect('(');
    const members: Member[] = [];
    while (!this.skip(')')) {
      const at = this.line;
      const member = this.name('a member');
      this.expect(':');
      const value = this.integer();
      if (members.some((other) => other.name === member || other.value === value))
        this.fail(`${name}: '${member}' or its number ${value} is there twice`, at);
      members.push({ name: member, value, comment: this.commentBehind(at) });
      if (this.peek() !== ')') this.expect(',');
    }
    if (members.length === 0) this.fail(`${name} has no members`, line);
    return { name, file: this.file, members, comment: this.commentAbove(line) };
  }

  private sectionAt(line: number): string {
    for (let above = line - 1; above > 0; above -= 1) {
      const match = /^; ---- (\w+).*----\s*$/.exec(this.lines[above - 1]);
      if (match !== null) return match[1];
    }
    return '';
  }

  private commentAbove(line: number): string[] {
    const comment: string[] = [];
    for (let above = line - 1; above > 0; above -= 1) {
      const text = this.lines[above - 1];
      if (!text.startsWith(';') || text.startsWith('; ----')) break;
      comment.unshift(text.replace(/^; ?/, ''));
    }
    return comment;
  }

  private commentBehind(line: number): string {
    return /;\s*(.*)$/.exec(this.lines[line - 1])?.[1] ?? '';
  }

  /** First pass: ranges, enumerations and constants, and what names they give to numbers. */
  parseNumbers(schema: Collected): void {
    while (this.next < this.list.length) {
      const line = this.line;
      const name = this.name('a rule name');
      this.expect('=');
      if (this.peek() === '[') this.passArray();
      else if (this.peek() === '&') {
        const found = this.enumeration(name, line);
        schema.enumerations.push(found);
        const values = found.members.map((member) => member.value);
        this.addRange(name, { kind: 'uint', min: Math.min(...values), max: Math.max(...values), names: name }, line);
      } else if (this.list[this.next + 1]?.text === '..') this.addRange(name, this.alternative(), line);
      else schema.constants.push({ name, file: this.file, value: this.integer(), comment: this.commentAbove(line) });
    }
  }

  private addRange(name: string, range: UintKind, line: number): void {
    if (this.ranges.has(name)) this.fail(`range '${name}' is defined twice`, line);
    this.ranges.set(name, range);
  }

  /** Second pass: rules and answers. */
  parseArrays(schema: Collected): void {
    while (this.next < this.list.length) {
      const line = this.line;
      const name = this.name('a rule name');
      this.expect('=');
      if (this.peek() === '[') this.arrayRule(name, line, schema);
      else if (this.peek() === '&') this.enumeration(name, line);
      else this.uint();
    }
  }

  private passArray(): void {
    let depth = 0;
    do {
      const text = this.take();
      depth += text === '[' ? 1 : text === ']' ? -1 : 0;
    } while (depth > 0);
  }
}

/** A schema while it is read. */
interface Collected {
  readonly rules: Rule[];
  readonly enumerations: Enumeration[];
  readonly constants: Constant[];
  readonly answers: Answer[];
}

function checkRules(rules: readonly Rule[], pathOf: (rule: Rule) => string): void {
  const byName = new Map<string, Rule>();
  const byType = new Map<number, Rule>();
  for (const rule of rules) {
    const name = byName.get(rule.name);
    if (name !== undefined) fail(pathOf(rule), rule.line, `'${rule.name}' is defined twice`);
    byName.set(rule.name, rule);
    if (rule.type === null) continue;
    const other = byType.get(rule.type);
    if (other !== undefined) fail(pathOf(rule), rule.line, `${rule.name} has the type ${rule.type} of ${other.name}`);
    byType.set(rule.type, rule);
  }
  for (const rule of rules) {
    for (const field of rule.fields) {
      if (field.of.kind !== 'array' || field.of.item.kind !== 'record') continue;
      const item = byName.get(field.of.item.record);
      if (item === undefined) fail(pathOf(rule), field.line, `'${field.of.item.record}' is not defined`);
      if (item.type !== null)
        fail(pathOf(rule), field.line, `${item.name} is a message; an array holds integers or records without type`);
      if (item.fields.some((inner) => inner.of.kind !== 'uint'))
        fail(pathOf(rule), field.line, `${item.name} may hold integers only`);
    }
  }
}

function checkNames({ rules, enumerations, constants, answers }: Collected): void {
  const seen = new Set<string>();
  for (const { name } of [...rules, ...enumerations, ...constants, ...answers]) {
    if (seen.has(name)) throw new Error(`proto/schema defines '${name}' twice`);
    seen.add(name);
  }
}

/** Parses all schema files. Throws `path:line: reason`. */
export function parseSchema(sources: readonly SchemaSource[]): Schema {
  const ranges = new Map<string, UintKind>();
  const schema: Collected = { rules: [], enumerations: [], constants: [], answers: [] };
  for (const source of sources) new FileParser(source, ranges).parseNumbers(schema);
  for (const source of sources) new FileParser(source, ranges).parseArrays(schema);
  checkRules(
    schema.rules,
    (rule) => sources.find((source) => source.path.endsWith(`${rule.file}.cddl`))?.path ?? rule.file,
  );
  checkNames(schema);
  schema.rules.sort((a, b) => (a.type ?? 0) - (b.type ?? 0) || (a.name < b.name ? -1 : 1));
  schema.answers.sort((a, b) => a.what - b.what);
  return schema;
}
