// Emits firmware/<module>/accessors.ts: how the module's tables are read and written, line by line
// checked and renewed.

import { upper } from './names.ts';
import type { Table } from './tables.ts';

const LINE_BYTES = 64;
const COLUMNS_MAX = 120;

const bytesName = (table: Table): string => `${upper(table.name)}_BYTES`;
const parameters = (table: Table): string =>
  table.index === undefined ? 'ctx: usize' : `ctx: usize, ${table.index}: u32`;
const passed = (table: Table): string => (table.index === undefined ? 'ctx' : `ctx, ${table.index}`);
const isRepeated = (table: Table): boolean => table.index !== undefined;

/** Where the record lies in the context. */
function place(table: Table): string {
  return isRepeated(table) ? `${table.at} + ${table.index} * ${bytesName(table)}` : table.at;
}

function returned(table: Table, at = place(table)): string {
  return table.record === undefined ? `return ctx + ${at};` : `return changetype<${table.record}>(ctx + ${at});`;
}

/** Calls `guard` or its plural for the lines of one record of a table outside the core. */
function lineCalls(table: Table, guard: string): string[] {
  const { at, bytes, index } = table;
  if (bytes > LINE_BYTES) {
    const end = isRepeated(table)
      ? `lineOf(at + ${bytesName(table)} - 1) + 1`
      : `lineOf(${at}) + ${bytes / LINE_BYTES}`;
    return isRepeated(table)
      ? [`const at = ${place(table)};`, `${guard}s(ctx, lineOf(at), ${end});`]
      : [`${guard}s(ctx, lineOf(${at}), ${end});`];
  }
  if (!isRepeated(table)) return [`${guard}(ctx, lineOf(${at}));`];
  const shift = Math.log2(LINE_BYTES / bytes);
  return [`${guard}(ctx, lineOf(${at}) + ${shift === 0 ? index : `(${index} >>> ${shift})`});`];
}

/** Statements of an accessor that checks or marks lines first. */
function guarded(table: Table, guard: 'reads' | 'changes' | 'replaces' | 'readsAndChanges'): string[] {
  if (table.in === 'core') return [`${guard}(ctx, ${table.lines});`, returned(table)];
  const lines = lineCalls(table, `${guard}Line`);
  return [...lines, lines.length > 1 ? returned(table, 'at') : returned(table)];
}

interface Accessor {
  readonly about: string | null;
  readonly name: string;
  readonly isInline: boolean;
  readonly body: readonly string[];
}

function readAccessor(table: Table): Accessor {
  const name = table.record === undefined ? `${table.name}At` : table.name;
  const about = table.about ?? null;
  if (table.read === 'open') return { about, name, isInline: true, body: [returned(table)] };
  return { about, name, isInline: false, body: guarded(table, table.read === 'checked' ? 'reads' : 'readsAndChanges') };
}

function variant(table: Table, also: Table['also'][number]): Accessor {
  const { name, record } = table;
  if (also === 'seen')
    return {
      about: 'Its line was checked in this call.',
      name: `${name}Seen`,
      isInline: true,
      body: [returned(table)],
    };
  if (also === 'replace')
    return {
      about: 'To be written without regard to what stood there.',
      name: `${name}ToReplace`,
      isInline: false,
      body: guarded(table, 'replaces'),
    };
  const body =
    table.in === 'core'
      ? [`changes(ctx, ${table.lines});`, `return ${record === undefined ? `${name}At` : name}(${passed(table)});`]
      : guarded(table, 'changes');
  return { about: null, name: `${name}ToChange`, isInline: also === 'mark', body };
}

function accessorText(table: Table, accessor: Accessor): string[] {
  const result = table.record ?? 'usize';
  return [
    ...(accessor.about === null ? [] : [`/** ${accessor.about} */`]),
    ...(accessor.isInline ? ['// @inline'] : []),
    `export function ${accessor.name}(${parameters(table)}): ${result} {`,
    ...accessor.body.map((line) => `  ${line}`),
    '}',
    '',
  ];
}

/** The constant that holds a table's lines as bits of the core. */
function linesConstant(table: Table): string[] {
  const end =
    table.spans ??
    (isRepeated(table) ? `${table.at} + ${table.count} * ${bytesName(table)}` : `${table.at} + ${table.bytes}`);
  const keyword = table.shared.includes('lines') ? 'export const' : 'const';
  const value = `(2 << ((${end} - 1 - LINES_AT) >> 6)) - (1 << ((${table.at} - LINES_AT) >> 6))`;
  const line = `${keyword} ${table.lines}: u32 = ${value};`;
  return line.length <= COLUMNS_MAX ? [line] : [`${keyword} ${table.lines}: u32 =`, `  ${value};`];
}

function constants(tables: readonly Table[]): string[] {
  const lines: string[] = [];
  const named = new Set<string>();
  for (const table of tables) {
    const isShared = table.shared.includes('bytes');
    if (isShared || isRepeated(table))
      lines.push(`${isShared ? 'export const' : 'const'} ${bytesName(table)}: u32 = ${table.bytes};`);
    if (table.lines === undefined || named.has(table.lines)) continue;
    named.add(table.lines);
    lines.push(...linesConstant(table));
  }
  return lines;
}

function importText(names: readonly string[], from: string): string[] {
  if (names.length === 0) return [];
  const line = `import { ${names.join(', ')} } from '${from}';`;
  return line.length <= COLUMNS_MAX ? [line] : ['import {', ...names.map((name) => `  ${name},`), `} from '${from}';`];
}

function importLines(tables: readonly Table[], body: string, codes: ReadonlySet<string>): string[] {
  const used = (names: Iterable<string>): string[] =>
    [...new Set(names)].filter((name) => new RegExp(`\\b${name}\\b`).test(body)).sort();
  const places = tables.flatMap(({ at, spans }) => [at, ...(spans === undefined ? [] : [spans])]);
  const counts = used(tables.flatMap(({ count }) => (typeof count === 'string' ? [count] : [])));
  const guards = ['changes', 'lineOf', 'reads', 'readsAndChanges'];
  const ofLines = ['reads', 'changes', 'replaces'].flatMap((verb) => [`${verb}Line`, `${verb}Lines`]);
  return [
    ...importText(
      counts.filter((count) => codes.has(count)),
      '../wire/generated/codes',
    ),
    ...importText(
      counts.filter((count) => !codes.has(count)),
      '../memory/limits',
    ),
    ...importText(used(['LINES_AT', ...places]), '../memory/map'),
    ...importText(used([...guards, ...ofLines]), '../memory/guard'),
    ...importText(used(tables.flatMap(({ record }) => (record === undefined ? [] : [record]))), './records'),
  ];
}

function checks(tables: readonly Table[]): string[] {
  return tables
    .filter((table) => table.record !== undefined)
    .map(
      ({ name, record, bytes }) =>
        `if (offsetof<${record}>() > ${bytes}) ERROR('${name} has more than ${bytes} bytes');`,
    );
}

const NOTICE = '// Generated by proto/gen: change proto/schema/tables.yaml, run `node proto/gen/main.mjs`.';

function moduleText(tables: readonly Table[], codes: ReadonlySet<string>): string {
  const body = [
    ...constants(tables),
    '',
    ...tables.flatMap((table) =>
      [readAccessor(table), ...table.also.map((also) => variant(table, also))].flatMap((accessor) =>
        accessorText(table, accessor),
      ),
    ),
    ...checks(tables),
  ];
  return `${[NOTICE, '', ...importLines(tables, body.join('\n'), codes), '', ...body].join('\n')}\n`;
}

/**
 * Accessors of all modules, as files relative to the repository. `codes`: names that the generated
 * codes declare.
 */
export function accessorFiles(
  modules: ReadonlyMap<string, readonly Table[]>,
  codes: ReadonlySet<string>,
): { path: string; text: string }[] {
  return [...modules].map(([module, tables]) => ({
    path: `firmware/${module}/accessors.ts`,
    text: moduleText(tables, codes),
  }));
}
