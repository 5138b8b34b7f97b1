// Reads the part of CDDL (RFC 8610) that our schemas use, and refuses the rest with file and line:
//
//     u16 = 0..65535                                        a named range of unsigned integers
//     probe = [type: 1, sequence: u16]                      a message: an array whose first item is its type number
//     owned = [slot: 0..7, version: u32]                    a record without a type: an entry of an array
//     ages: bstr .size (0..50)                              a bounded byte string
//     digests: [1*8 u32]   entries: [0*20 silent-entry]       a bounded array of integers or of records
//
// A comment `; ---- title (note) ----` opens a section; the comment right above a rule belongs to it.

/** An unsigned integer of min..max. */
export interface UintKind {
  readonly kind: 'uint';
  readonly min: number;
  readonly max: number;
}
/** A byte string of min..max bytes. */
export interface BytesKind {
  readonly kind: 'bytes';
  readonly min: number;
  readonly max: number;
}
/** An array of min..max items, each an integer or a record named `record`. */
export interface ArrayKind {
  readonly kind: 'array';
  readonly min: number;
  readonly max: number;
  readonly item: UintKind | RecordKind;
}
/** Another rule's array. */
export interface RecordKind {
  readonly kind: 'record';
  readonly record: string;
}
export type FieldKind = UintKind | BytesKind | ArrayKind;

export interface Field {
  readonly name: string;
  readonly of: FieldKind;
  readonly line: number;
}

/** One array rule. `type` is null for records without a type number; `fields` leaves the type out. */
export interface Rule {
  readonly name: string;
  readonly type: number | null;
  readonly fields: readonly Field[];
  /** Name of the schema file without its ending. */
  readonly file: string;
  /** First word of the section's title, '' outside sections. */
  readonly section: string;
  readonly comment: readonly string[];
  readonly line: number;
}

export interface SchemaSource {
  readonly path: string;
  readonly text: string;
}

interface Token {
  readonly text: string;
  readonly line: number;
}

/** Arrays keep to heads of one byte. */
const ARRAY_ITEMS_MAX = 23;
const BYTES_MAX = 255;
const U32_MAX = 4294967295;

const tokenPattern = /\s+|;[^\n]*|\.size\b|\.\.|[a-zA-Z][a-zA-Z0-9-]*|[0-9]+|[=[\]:,*()]/y;

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

/** Parser of one file. Ranges named in other files are in `ranges`, filled by a first pass over all files. */
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

  private get line(): number {
    return (this.list[this.next] ?? this.list[this.list.length - 1])?.line ?? 1;
  }

  private fail(message: string): never {
    fail(this.source.path, this.line, message);
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

  private uint(): UintKind {
    if (/^[0-9]/.test(this.peek())) return { kind: 'uint', ...this.bounds('..', U32_MAX) };
    const named = this.ranges.get(this.peek());
    if (named === undefined) this.fail(`'${this.peek()}' is neither a range nor the name of one`);
    this.next += 1;
    return named;
  }

  private field(): Field {
    const line = this.line;
    const name = this.name('a field name');
    if (!/^[a-z][a-zA-Z0-9]*$/.test(name)) fail(this.source.path, line, `field '${name}' must be in camelCase`);
    this.expect(':');
    if (this.peek() === 'bstr') {
      this.next += 1;
      this.expect('.size');
      this.expect('(');
      const of: BytesKind = { kind: 'bytes', ...this.bounds('..', BYTES_MAX) };
      this.expect(')');
      return { name, of, line };
    }
    if (this.peek() !== '[') return { name, of: this.uint(), line };
    this.next += 1;
    const bounds = this.bounds('*', ARRAY_ITEMS_MAX);
    const isRange = /^[0-9]/.test(this.peek()) || this.ranges.has(this.peek());
    const item: UintKind | RecordKind = isRange ? this.uint() : { kind: 'record', record: this.name('a rule') };
    this.expect(']');
    return { name, of: { kind: 'array', ...bounds, item }, line };
  }

  private arrayRule(name: string, line: number): Rule {
    this.expect('[');
    let type: number | null = null;
    const fields: Field[] = [];
    while (this.peek() !== ']') {
      if (fields.length > 0 || type !== null) this.expect(',');
      if (this.peek() === 'type') {
        this.next += 1;
        this.expect(':');
        if (fields.length > 0 || type !== null) this.fail(`${name}: the type must come first, and once`);
        type = this.integer();
        if (type < 1 || type > 255) this.fail(`${name}: type ${type} is outside 1..255`);
        continue;
      }
      const field = this.field();
      if (fields.some((other) => other.name === field.name))
        fail(this.source.path, field.line, `${name}: field '${field.name}' twice`);
      fields.push(field);
    }
    this.expect(']');
    if (fields.length + 1 > ARRAY_ITEMS_MAX)
      fail(this.source.path, line, `${name} has more than ${ARRAY_ITEMS_MAX} items`);
    if (fields.length === 0) fail(this.source.path, line, `${name} has no fields`);
    const file = this.source.path.replace(/^.*\//, '').replace(/\.cddl$/, '');
    return { name, type, fields, file, section: this.sectionAt(line), comment: this.commentAbove(line), line };
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

  /** Calls back for each rule: first pass (`rules` null) takes ranges, second pass takes arrays. */
  parse(rules: Rule[] | null): void {
    while (this.next < this.list.length) {
      const line = this.line;
      const name = this.name('a rule name');
      this.expect('=');
      if (this.peek() === '[') {
        if (rules !== null) rules.push(this.arrayRule(name, line));
        else this.passArray();
      } else {
        const range: UintKind = { kind: 'uint', ...this.bounds('..', U32_MAX) };
        if (rules === null && this.ranges.has(name)) fail(this.source.path, line, `range '${name}' is defined twice`);
        if (rules === null) this.ranges.set(name, range);
      }
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

function check(rules: readonly Rule[], pathOf: (rule: Rule) => string): void {
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

/** Parses all schema files into their array rules, ordered by type, records without type first. Throws `path:line: reason`. */
export function parseSchema(sources: readonly SchemaSource[]): Rule[] {
  const ranges = new Map<string, UintKind>();
  const rules: Rule[] = [];
  const pathOf = (rule: Rule): string =>
    sources.find((source) => source.path.endsWith(`${rule.file}.cddl`))?.path ?? rule.file;
  for (const source of sources) new FileParser(source, ranges).parse(null);
  for (const source of sources) new FileParser(source, ranges).parse(rules);
  check(rules, pathOf);
  return rules.sort((a, b) => (a.type ?? 0) - (b.type ?? 0) || (a.name < b.name ? -1 : 1));
}
