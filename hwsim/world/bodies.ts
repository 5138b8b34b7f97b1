import { parse as parseCsv } from 'csv-parse/sync';
import { distance } from 'fastest-levenshtein';
import table from './bodies.csv';

/**
 * Facts about one small body. The shipped table (bodies.csv) has 128: those of lowest Δv among the
 * bodies brighter than H 22, and the famous ones. Δv from low Earth orbit after L. Benner's table
 * (JPL, 2013-04-14); H, a, e, i from JPL.
 */
export interface Body {
  designation: string;
  /** Δv from low Earth orbit to rendezvous; null when the catalogue has none. */
  deltaVKmS: number | null;
  /** Absolute magnitude. */
  h: number;
  aAu: number;
  e: number;
  iDeg: number;
  source: string;
  /** Names of the catalogue that the designation does not have: its columns `pdes` and `name`. */
  alsoCalled?: readonly string[];
}

/** A row of a catalogue that cannot be used: where it is, and why. */
interface BadRow {
  /** Line of a CSV, or index + 1 of a JSON row. */
  line: number;
  field: string;
  message: string;
}

interface Catalogue {
  bodies: Body[];
  /** The first faults, and how many there are in all. */
  bad: BadRow[];
  badCount: number;
}

/**
 * Reports a catalogue that cannot be read at all. The message names the file, the field and the
 * next step.
 */
export class CatalogueError extends Error {}

/**
 * Column names by field: of the shipped table, of JPL's small-body query, and of common tables made
 * by hand.
 */
const columnNames: Record<string, string[]> = {
  designation: ['designation', 'full_name'],
  primary: ['pdes'],
  name: ['name'],
  deltaVKmS: ['delta_v_km_s', 'delta_v', 'dv'],
  h: ['H', 'h'],
  aAu: ['a_au', 'a'],
  e: ['e'],
  iDeg: ['i_deg', 'i'],
  source: ['source'],
};

/** Ranges outside of which a figure is taken for a typing error. The upper limits are generous. */
const ranges = {
  deltaVKmS: { from: 0, to: 100, text: 'from 0 to 100 km/s' },
  h: { from: -5, to: 40, text: 'from -5 to 40 magnitudes' },
  aAu: { from: 0.1, to: 1000, text: 'from 0.1 to 1000 AU' },
  // A parabola, e = 1, has no semi-major axis.
  e: { from: 0, to: 1 - Number.EPSILON, text: 'from 0 to below 1 (bound orbits only)' },
  iDeg: { from: 0, to: 180, text: 'from 0 to 180 degrees' },
} as const;
type Figure = keyof typeof ranges;

/** A number in decimal digits. What JavaScript reads besides, as 0x10 or Infinity, is a slip. */
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function isWithin(value: unknown, field: Figure): value is number {
  const { from, to } = ranges[field];
  return typeof value === 'number' && value >= from && value <= to;
}

type Cell = string | number | null | undefined;

const optionalColumns = new Set(['deltaVKmS', 'source', 'designation', 'primary', 'name']);

function columnsOf(titles: string[], fileName: string): Record<string, number> {
  // KStars writes the header as a comment: `#full_name,…`.
  const header = titles.map((title, index) => (index === 0 ? title.replace(/^#\s*/, '') : title).trim());
  const naming = ['designation', 'primary', 'name'].flatMap((field) => columnNames[field]);
  if (!naming.some((name) => header.includes(name))) throw noColumn(naming, header, fileName);
  const columns: Record<string, number> = {};
  for (const [field, names] of Object.entries(columnNames)) {
    columns[field] = -1;
    for (const name of names) {
      if (columns[field] < 0) columns[field] = header.indexOf(name);
    }
    if (columns[field] < 0 && !optionalColumns.has(field)) throw noColumn(names, header, fileName);
  }
  return columns;
}

function noColumn(names: readonly string[], header: readonly string[], fileName: string): CatalogueError {
  return new CatalogueError(
    `${fileName}: no column ${names.join(' or ')} among: ${header.join(', ')} ` +
      '(ask the JPL query for full_name,H,a,e,i)',
  );
}

function readFigure(cell: Cell, field: Figure, line: number, bad: BadRow[], optional: boolean): number | null {
  const column = columnNames[field][0];
  const text = textOf(cell);
  if (text === '') {
    if (!optional) bad.push({ line, field: column, message: 'is empty' });
    return null;
  }
  const value = decimal.test(text) ? Number(text) : Number.NaN;
  if (isWithin(value, field)) return value;
  bad.push({ line, field: column, message: `is '${text}', not a number ${ranges[field].text}` });
  return null;
}

/** A cell's text with single spaces; '' for what is neither text nor number. */
function textOf(cell: Cell): string {
  if (typeof cell !== 'string' && typeof cell !== 'number') return '';
  return String(cell).trim().replace(/\s+/g, ' ');
}

/** Composes what a row calls its body: the designation, or pdes and name; and other names. */
function designationOf(cell: (field: string) => Cell): Pick<Body, 'designation' | 'alsoCalled'> {
  const [whole, primary, name] = ['designation', 'primary', 'name'].map((field) => textOf(cell(field)));
  const designation = whole || [primary, name].filter((part) => part !== '').join(' ');
  const known = namesOf(designation);
  const others = [primary, name].filter((part) => part !== '' && !known.includes(part.toLowerCase()));
  return { designation, ...(others.length === 0 ? {} : { alsoCalled: others }) };
}

function readRow(
  cells: Cell[],
  columns: Record<string, number>,
  line: number,
  bad: BadRow[],
  source: string,
): Body | null {
  const before = bad.length;
  const cell = (field: string) => (columns[field] < 0 ? null : cells[columns[field]]);
  const { designation, alsoCalled } = designationOf(cell);
  if (designation === '') bad.push({ line, field: 'designation', message: 'is empty' });
  const deltaVKmS = readFigure(cell('deltaVKmS'), 'deltaVKmS', line, bad, true);
  const h = readFigure(cell('h'), 'h', line, bad, false);
  const aAu = readFigure(cell('aAu'), 'aAu', line, bad, false);
  const e = readFigure(cell('e'), 'e', line, bad, false);
  const iDeg = readFigure(cell('iDeg'), 'iDeg', line, bad, false);
  if (bad.length > before) return null;
  const body = {
    designation,
    deltaVKmS,
    h: h!,
    aAu: aAu!,
    e: e!,
    iDeg: iDeg!,
    source: textOf(cell('source')) || source,
  };
  return alsoCalled === undefined ? body : { ...body, alsoCalled };
}

/** Bounds on what a catalogue leaves in memory. JPL's whole table has 1.5 million bodies. */
const bodiesMax = 2_000_000;
const badRowsKeptMax = 1000;
const rowCharactersMax = 65_536;
/** JSON is read whole, with all columns, before the first row can be looked at. */
const jsonCharactersMax = 64 << 20;

/** Takes the rows of a catalogue one after the other; keeps the bodies and the first bad rows. */
class CatalogueReader {
  readonly bodies: Body[] = [];
  readonly bad: BadRow[] = [];
  badCount = 0;
  readonly #fileName: string;
  readonly #source: string;
  readonly #seen = new Set<string>();
  #columns: Record<string, number> | null = null;

  constructor(fileName: string, source: string) {
    this.#fileName = fileName;
    this.#source = source;
  }

  /** Takes the header, then each row. Throws CatalogueError. */
  take(line: number, cells: Cell[]): void {
    if (this.#columns === null) {
      this.#columns = columnsOf(cells.map(String), this.#fileName);
      return;
    }
    const bad: BadRow[] = [];
    const body = readRow(cells, this.#columns, line, bad, this.#source);
    if (body !== null && this.#seen.has(body.designation))
      bad.push({ line, field: 'designation', message: `'${body.designation}' is there twice` });
    else if (body !== null) this.#keep(body);
    this.badCount += bad.length;
    if (this.bad.length < badRowsKeptMax) this.bad.push(...bad);
  }

  #keep(body: Body): void {
    if (this.bodies.length === bodiesMax)
      throw new CatalogueError(`${this.#fileName}: has more than ${bodiesMax} bodies (leave some out)`);
    this.#seen.add(body.designation);
    this.bodies.push(body);
  }

  get isEmpty(): boolean {
    return this.#columns === null;
  }
}

const [lineFeed, carriageReturn, quote] = [10, 13, 34];

/**
 * Refuses rows that csv-parse could not hold: a row is one line, of bounded length. Throws
 * CatalogueError with the line.
 */
function refuseLongRows(text: string, fileName: string): void {
  let [line, begin, quotes] = [1, 0, 0];
  for (let at = 0; at <= text.length; at += 1) {
    const code = at === text.length ? lineFeed : text.charCodeAt(at);
    if (code === quote) quotes += 1;
    if (at - begin > rowCharactersMax)
      throw new CatalogueError(`${fileName}: line ${line} has more than ${rowCharactersMax} characters (shorten it)`);
    if (code !== lineFeed && code !== carriageReturn) continue;
    if (quotes % 2 !== 0)
      throw new CatalogueError(`${fileName}: line ${line} has a quote that is not closed (close it)`);
    if (code === lineFeed) line += 1;
    [begin, quotes] = [at + 1, 0];
  }
}

function readCsv(text: string, fileName: string, reader: CatalogueReader): void {
  refuseLongRows(text, fileName);
  const options = { bom: true, trim: true, skip_empty_lines: true, relax_column_count: true } as const;
  try {
    parseCsv(text, {
      ...options,
      // Nothing is returned: csv-parse keeps no row.
      on_record: (cells: Cell[], { lines }: { lines: number }) => void reader.take(lines, cells),
    });
  } catch (error) {
    if (error instanceof CatalogueError) throw error;
    throw new CatalogueError(`${fileName}: ${(error as Error).message} (a CSV with a header line is expected)`);
  }
  if (reader.isEmpty)
    throw new CatalogueError(`${fileName}: is empty (a header line and one row per body are expected)`);
}

function readJson(text: string, fileName: string, reader: CatalogueReader): void {
  if (text.length > jsonCharactersMax)
    throw new CatalogueError(`${fileName}: has more than ${jsonCharactersMax} characters of JSON (give it as CSV)`);
  let value: { fields?: unknown; data?: unknown } | null;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CatalogueError(`${fileName}: ${(error as Error).message} (the JPL query's JSON answer is expected)`);
  }
  const { fields, data } = value ?? {};
  if (!Array.isArray(fields) || !Array.isArray(data)) {
    throw new CatalogueError(`${fileName}: needs the arrays "fields" and "data", as the JPL small-body query answers`);
  }
  reader.take(0, fields as Cell[]);
  data.forEach((cells, index) => {
    reader.take(index + 1, Array.isArray(cells) ? (cells as Cell[]) : []);
  });
}

/**
 * Reads a catalogue: a CSV with a header line, or JSON `{"fields": […], "data": [[…], …]}`. Rows
 * that cannot be used are returned as `bad`, never guessed; the second row of a designation is bad.
 * Throws CatalogueError when nothing can be read.
 */
export function parseCatalogue(text: string, fileName: string, source = 'JPL'): Catalogue {
  const reader = new CatalogueReader(fileName, source);
  const read = /^\s*[{[]/.test(text) ? readJson : readCsv;
  read(text, fileName, reader);
  const { bodies, bad, badCount } = reader;
  if (bodies.length === 0) {
    const first = bad[0] === undefined ? 'it has no rows' : `line ${bad[0].line}: ${bad[0].field} ${bad[0].message}`;
    throw new CatalogueError(`${fileName}: no body can be read; ${first}`);
  }
  return { bodies, bad, badCount };
}

/** Checks a body as a recording holds it. Throws CatalogueError that names file and field. */
export function recordedBody(value: unknown, fileName: string): Body {
  const body = (value ?? {}) as Body;
  const isText = (text: unknown) => typeof text === 'string' && text !== '';
  const optional = body.deltaVKmS === null ? [] : (['deltaVKmS'] as const);
  const wrong = (['h', 'aAu', 'e', 'iDeg', ...optional] as const).find((field) => !isWithin(body[field], field));
  if (wrong !== undefined) throw new CatalogueError(`${fileName}: ${wrong} is no number ${ranges[wrong].text}`);
  if (!isText(body.designation) || !isText(body.source))
    throw new CatalogueError(`${fileName}: is no body of a recorded run: it has no designation or source`);
  return body;
}

/** Returns the table that ships with the project. */
export function shippedBodies(): Body[] {
  return parseCatalogue(table, 'bodies.csv').bodies;
}

/**
 * Returns the names of a body in lower case: '(101955) Bennu 1999 RQ36' has the whole, '101955',
 * 'Bennu', '1999 RQ36', '101955 Bennu' and '(101955) Bennu'.
 */
function namesOf(designation: string): string[] {
  const provisional = /\(?((?:1[89]|20)\d\d [A-Z]{2}\d*|[A-Z]\d{3} [A-Z]{2}\d*|\d{4} (?:P-L|T-[123]))\)?$/.exec(
    designation,
  );
  const rest = (provisional === null ? designation : designation.slice(0, provisional.index)).trim();
  const numbered = /^\(?(\d+)\)?\s*(.*)$/.exec(rest);
  const [, number, name] = numbered ?? [undefined, undefined, rest];
  const full = number && name ? [`${number} ${name}`, `(${number}) ${name}`] : [];
  const parts = [designation, provisional?.[1], number, number && `(${number})`, name, ...full];
  return parts.filter((part) => part !== undefined && part !== '').map((part) => String(part).toLowerCase());
}

function allNamesOf({ designation, alsoCalled = [] }: Body): string[] {
  return [...namesOf(designation), ...alsoCalled.map((name) => name.toLowerCase())];
}

/**
 * Finds a body by designation, number or name, whatever the case. Throws CatalogueError, with the
 * three nearest names when no body matches, or with the candidates when several match.
 */
export function findBody(bodies: Body[], wanted: string): Body {
  const name = wanted.trim().replace(/\s+/g, ' ').toLowerCase();
  const found = bodies.filter((body) => allNamesOf(body).includes(name));
  if (found.length === 1) return found[0];
  if (found.length > 1) {
    const names = found.slice(0, 4).map((body) => body.designation);
    throw new CatalogueError(`body '${wanted}' matches several: ${names.join('; ')} (give the whole designation)`);
  }
  const near = bodies
    .map((body, index) => ({
      body,
      index,
      score: Math.min(...allNamesOf(body).map((each) => distance(each, name))),
    }))
    .sort((left, right) => left.score - right.score || left.index - right.index)
    .slice(0, 3)
    .map(({ body }) => body.designation);
  throw new CatalogueError(`no body '${wanted}' among ${bodies.length}; did you mean ${near.join(', or ')}?`);
}

/**
 * The body of the shipped table by designation, number or name. Throws CatalogueError as `findBody`
 * does.
 */
export function shippedBody(wanted: string): Body {
  return findBody(shippedBodies(), wanted);
}
