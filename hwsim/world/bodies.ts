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
  bad: BadRow[];
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
  designation: ['designation', 'full_name', 'pdes', 'name'],
  deltaVKmS: ['delta_v_km_s', 'delta_v', 'dv'],
  h: ['H', 'h'],
  aAu: ['a_au', 'a'],
  e: ['e'],
  iDeg: ['i_deg', 'i'],
  source: ['source'],
};

/** Ranges outside of which a figure is taken for a typing error. The upper limits are generous. */
const ranges: Record<string, { from: number; to: number; unit: string }> = {
  deltaVKmS: { from: 0, to: 100, unit: 'km/s' },
  h: { from: -5, to: 40, unit: 'magnitudes' },
  aAu: { from: 0.1, to: 1000, unit: 'AU' },
  e: { from: 0, to: 1, unit: '(bound orbits only)' },
  iDeg: { from: 0, to: 180, unit: 'degrees' },
};

type Cell = string | number | null | undefined;

function columnsOf(header: string[], fileName: string): Record<string, number> {
  const columns: Record<string, number> = {};
  for (const [field, names] of Object.entries(columnNames)) {
    columns[field] = -1;
    for (const name of names) {
      if (columns[field] < 0) columns[field] = header.indexOf(name);
    }
    const optional = field === 'deltaVKmS' || field === 'source';
    if (columns[field] < 0 && !optional) {
      throw new CatalogueError(
        `${fileName}: no column ${names.join(' or ')} among: ${header.join(', ')} ` +
          '(ask the JPL query for full_name,H,a,e,i)',
      );
    }
  }
  return columns;
}

function readFigure(cell: Cell, field: string, line: number, bad: BadRow[], optional: boolean): number | null {
  const column = columnNames[field][0];
  const text = cell === null || cell === undefined ? '' : String(cell).trim();
  if (text === '') {
    if (!optional) bad.push({ line, field: column, message: 'is empty' });
    return null;
  }
  const value = Number(text);
  const range = ranges[field];
  if (!Number.isFinite(value) || value < range.from || value > range.to) {
    bad.push({
      line,
      field: column,
      message: `is '${text}', not a number from ${range.from} to ${range.to} ${range.unit}`,
    });
    return null;
  }
  return value;
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
  const designation = String(cell('designation') ?? '')
    .trim()
    .replace(/\s+/g, ' ');
  if (designation === '') bad.push({ line, field: 'designation', message: 'is empty' });
  const deltaVKmS = readFigure(cell('deltaVKmS'), 'deltaVKmS', line, bad, true);
  const h = readFigure(cell('h'), 'h', line, bad, false);
  const aAu = readFigure(cell('aAu'), 'aAu', line, bad, false);
  const e = readFigure(cell('e'), 'e', line, bad, false);
  const iDeg = readFigure(cell('iDeg'), 'iDeg', line, bad, false);
  if (bad.length > before) return null;
  return { designation, deltaVKmS, h: h!, aAu: aAu!, e: e!, iDeg: iDeg!, source: String(cell('source') ?? source) };
}

interface Rows {
  header: string[];
  rows: { line: number; cells: Cell[] }[];
}

function rowsOfCsv(text: string, fileName: string): Rows {
  let records: { record: string[]; info: { lines: number } }[];
  try {
    const options = { bom: true, info: true, trim: true, skip_empty_lines: true, relax_column_count: true } as const;
    records = parseCsv(text, options) as unknown as typeof records;
  } catch (error) {
    throw new CatalogueError(`${fileName}: ${(error as Error).message} (a CSV with a header line is expected)`);
  }
  if (records.length === 0)
    throw new CatalogueError(`${fileName}: is empty (a header line and one row per body are expected)`);
  const [header, ...rows] = records;
  return { header: header.record, rows: rows.map(({ record, info }) => ({ line: info.lines, cells: record })) };
}

function rowsOfJson(text: string, fileName: string): Rows {
  let value: { fields?: unknown; data?: unknown };
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CatalogueError(`${fileName}: ${(error as Error).message} (the JPL query's JSON answer is expected)`);
  }
  const { fields, data } = value;
  if (!Array.isArray(fields) || !Array.isArray(data)) {
    throw new CatalogueError(`${fileName}: needs the arrays "fields" and "data", as the JPL small-body query answers`);
  }
  const rows = data.map((cells, index) => ({ line: index + 1, cells: Array.isArray(cells) ? (cells as Cell[]) : [] }));
  return { header: fields.map(String), rows };
}

/**
 * Reads a catalogue: a CSV with a header line, or JSON `{"fields": […], "data": [[…], …]}`. Rows
 * that cannot be used are returned as `bad`, never guessed; the second row of a designation is bad.
 * Throws CatalogueError when nothing can be read.
 */
export function parseCatalogue(text: string, fileName: string, source = 'JPL'): Catalogue {
  const json = /^\s*[{[]/.test(text);
  const { header, rows } = json ? rowsOfJson(text, fileName) : rowsOfCsv(text, fileName);
  const columns = columnsOf(header, fileName);
  const bodies: Body[] = [];
  const bad: BadRow[] = [];
  const seen = new Set<string>();
  for (const { line, cells } of rows) {
    const body = readRow(cells, columns, line, bad, source);
    if (body === null) continue;
    if (seen.has(body.designation)) {
      bad.push({ line, field: 'designation', message: `'${body.designation}' is there twice` });
      continue;
    }
    seen.add(body.designation);
    bodies.push(body);
  }
  if (bodies.length === 0) {
    const first = bad[0] === undefined ? 'it has no rows' : `line ${bad[0].line}: ${bad[0].field} ${bad[0].message}`;
    throw new CatalogueError(`${fileName}: no body can be read; ${first}`);
  }
  return { bodies, bad };
}

/** Returns the table that ships with the project. */
export function shippedBodies(): Body[] {
  return parseCatalogue(table, 'bodies.csv').bodies;
}

/**
 * Returns the names of a body: '(101955) Bennu 1999 RQ36' has the whole, '101955', 'Bennu' and
 * '1999 RQ36'.
 */
function namesOf(designation: string): string[] {
  const provisional = /\(?((?:1[89]|20)\d\d [A-Z]{2}\d*|[A-Z]\d{3} [A-Z]{2}\d*)\)?$/.exec(designation);
  const rest = provisional === null ? designation : designation.slice(0, provisional.index);
  const numbered = /^\(?(\d+)\)?\s*(.*)$/.exec(rest.trim());
  const parts = [designation, provisional?.[1], numbered?.[1], numbered === null ? rest.trim() : numbered[2]];
  return parts.filter((name) => name !== undefined && name !== '').map((name) => String(name).toLowerCase());
}

/**
 * Finds a body by designation, number or name, whatever the case. Throws CatalogueError, with the
 * three nearest names when no body matches, or with the candidates when several match.
 */
export function findBody(bodies: Body[], wanted: string): Body {
  const name = wanted.trim().replace(/\s+/g, ' ').toLowerCase();
  const found = bodies.filter((body) => namesOf(body.designation).includes(name));
  if (found.length === 1) return found[0];
  if (found.length > 1) {
    const names = found.slice(0, 4).map((body) => body.designation);
    throw new CatalogueError(`body '${wanted}' matches several: ${names.join('; ')} (give the whole designation)`);
  }
  const near = bodies
    .map((body, index) => ({
      body,
      index,
      score: Math.min(...namesOf(body.designation).map((each) => distance(each, name))),
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
