// Reads proto/schema/tables.yaml: which tables a context has, and how modules read and write them.

import { parse } from 'yaml';
import { z } from 'zod';

const table = z.strictObject({
  name: z.string().regex(/^[a-z][a-zA-Z]*$/),
  record: z
    .string()
    .regex(/^[A-Z][a-zA-Z]*$/)
    .optional(),
  about: z.string().optional(),
  at: z.string(),
  in: z.enum(['core', 'tables']),
  index: z.string().optional(),
  bytes: z.int().positive(),
  count: z.union([z.string(), z.int().positive()]).default(1),
  lines: z.string().optional(),
  spans: z.string().optional(),
  read: z.enum(['checked', 'open', 'changed']),
  also: z.array(z.enum(['seen', 'change', 'mark', 'replace'])).default([]),
  shared: z.array(z.enum(['bytes', 'lines'])).default([]),
});

/** One table: see the head of proto/schema/tables.yaml for what each field means. */
export type Table = z.infer<typeof table>;

const LINE_BYTES = 64;

function faultOf({ name, in: where, index, bytes, count, lines, read, also }: Table): string | null {
  const marks = read !== 'open' || also.length > 0;
  if (index === undefined && count !== 1) return `${name} has several records and no index`;
  if (where === 'core' && marks && lines === undefined) return `${name} is in the core and names no lines`;
  if (where === 'core' && also.some((variant) => variant === 'seen' || variant === 'replace'))
    return `${name} is in the core: its variants are change and mark`;
  if (where === 'tables' && (read === 'changed' || also.includes('mark')))
    return `${name} is in the tables: it is read checked or open, and changed or replaced`;
  if (where === 'tables' && index !== undefined && bytes < LINE_BYTES && !Number.isInteger(Math.log2(bytes)))
    return `records of ${name} do not fill a line`;
  return null;
}

/**
 * The tables of each module, by the module's folder in firmware/. Throws on what is not a
 * declaration of tables.
 */
export function parseTables(text: string, path: string): ReadonlyMap<string, readonly Table[]> {
  const result = z.record(z.string(), z.array(table)).safeParse(parse(text));
  if (!result.success) throw new Error(`${path}: ${z.prettifyError(result.error)}`);
  for (const tables of Object.values(result.data)) {
    for (const one of tables) {
      const fault = faultOf(one);
      if (fault !== null) throw new Error(`${path}: ${fault}`);
    }
  }
  return new Map(Object.entries(result.data));
}
