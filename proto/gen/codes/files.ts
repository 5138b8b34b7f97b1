// Names the files that hold named numbers.

import { filledPage } from '../fill.ts';
import type { Schema } from '../schema.ts';
import type { Table } from '../tables.ts';
import { assemblyScriptAnswers, assemblyScriptCodes } from './assemblyscript.ts';
import { codesHeader, harnessHeader, inspectHeader } from './c.ts';
import { codesPage } from './documentation.ts';
import { harnessNumbers, hostNumbers, imageNumbers } from './numbers.ts';
import { typeScriptCodes, typeScriptNames } from './typescript.ts';

/** All named numbers and the answers of inspect(), as files relative to the repository. */
export function codeFiles(schema: Schema, tables: readonly Table[]): { path: string; text: string }[] {
  const { rules, answers } = schema;
  const host = hostNumbers(schema, tables);
  const harness = harnessNumbers(schema);
  const files: readonly (readonly [string, readonly string[]])[] = [
    ['firmware/wire/generated/codes.ts', assemblyScriptCodes(imageNumbers(schema))],
    ['firmware/wire/generated/answers.ts', assemblyScriptAnswers(answers)],
    ['host/cbor/generated/constants.ts', typeScriptCodes({ ...host, enumerations: [] })],
    ['host/cbor/generated/codes.ts', typeScriptCodes({ ...host, constants: [] })],
    ['host/cbor/generated/names.ts', typeScriptNames(host, rules, answers)],
    ['firmware/boards/image/codes.h', codesHeader(host, rules)],
    ['firmware/boards/image/inspect.h', inspectHeader(answers)],
    ['hwsim/bench/generated_harness.ts', typeScriptCodes(harness)],
    ['test/native_baseline/harness.h', harnessHeader(harness)],
    ['docs/codes.md', codesPage(host, answers)],
  ];
  return files.map(([path, lines]) => ({
    path,
    text: path.endsWith('.md') ? filledPage(lines) : `${lines.join('\n')}\n`,
  }));
}
