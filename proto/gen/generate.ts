// From proto/schema to every generated file: the firmware's codec, the host's types, the table in
// docs/messages.md.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accessorFiles } from './accessors.ts';
import { imageNumbers } from './codes/numbers.ts';
import { upper } from './names.ts';
import { assemblyScriptFiles } from './assemblyscript.ts';
import { codeFiles } from './codes/files.ts';
import { dispatchFiles } from './dispatch.ts';
import { documentationFiles } from './documentation.ts';
import { handlersOf, type Source } from './handlers.ts';
import { parseSchema } from './parse.ts';
import type { Schema } from './schema.ts';
import { assertFrames } from './size.ts';
import { parseTables } from './tables.ts';
import { typeScriptFiles } from './typescript.ts';
import { vectorFiles } from './vectors.ts';

/** The schema in `root`/proto/schema. Throws `path:line: reason`. */
export function readSchema(root: string): Schema {
  const folder = join(root, 'proto/schema');
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.cddl'))
    .sort();
  return parseSchema(
    names.map((name) => ({ path: `proto/schema/${name}`, text: readFileSync(join(folder, name), 'utf8') })),
  );
}

/** Tables of the firmware's modules. Throws `path: reason`. */
function readTables(root: string): ReturnType<typeof parseTables> {
  const path = 'proto/schema/tables.yaml';
  return parseTables(readFileSync(join(root, path), 'utf8'), path);
}

/** Sources of the firmware's modules. */
function readFirmware(root: string): Source[] {
  const paths = readdirSync(join(root, 'firmware'), { recursive: true, encoding: 'utf8' });
  return paths
    .map((path) => `firmware/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !path.includes('/generated/'))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/**
 * All generated files, paths relative to `root`; writes nothing. Throws on a faulty schema or one
 * that outgrows the frame.
 */
export function generate(root: string = process.cwd()): { path: string; text: string }[] {
  const schema = readSchema(root);
  const { rules } = schema;
  const tables = readTables(root);
  assertFrames(rules);
  const codes = new Set(imageNumbers(schema).constants.map(({ name }) => upper(name)));
  return [
    ...assemblyScriptFiles(rules),
    ...codeFiles(schema, [...tables.values()].flat()),
    ...accessorFiles(tables, codes),
    ...dispatchFiles(handlersOf(rules, readFirmware(root))),
    ...typeScriptFiles(rules),
    ...vectorFiles(rules),
    ...documentationFiles(rules),
  ];
}
