// Emits the named numbers that C programs use.

import { COMMENT_COLUMNS_MAX, filled } from '../fill.ts';
import { upper } from '../names.ts';
import type { Answer, Rule } from '../schema.ts';
import { askedFor, layoutOf, NOTICE, type Numbers } from './numbers.ts';

/** The message whose fields boards look at. */
const CONFIG = 'config';

const define = (name: string, value: number): string => `#define ${name} ${value}u`;

function numbersText({ constants, enumerations }: Numbers): string[] {
  return [
    ...constants.map(({ name, value }) => define(upper(name), value)),
    ...enumerations.flatMap((of) => [
      '',
      ...commentLines(of.comment),
      ...of.members.map(({ name, value }) => define(`${upper(of.name)}_${upper(name)}`, value)),
    ]),
  ];
}

/** A comment of one or more lines of at most 100 columns; none for an empty text. */
function commentLines(comment: readonly string[]): string[] {
  const lines = filled(comment.join(' '), COMMENT_COLUMNS_MAX - 6);
  if (lines.length === 0) return [];
  return `/* ${lines.join('\n   ')} */`.split('\n');
}

function headerText(guard: string, lines: readonly string[]): string[] {
  return [`/* ${NOTICE} */`, `#ifndef ${guard}`, `#define ${guard}`, '', ...lines, '', '#endif'];
}

/** firmware/boards/image/codes.h. */
export function codesHeader(numbers: Numbers, rules: readonly Rule[]): string[] {
  return headerText('HELIOGRAPH_CODES_H', [
    ...numbersText(numbers),
    '',
    '/* Types of messages and records. */',
    ...rules.flatMap(({ name, type }) => (type === null ? [] : [define(`TYPE_${upper(name)}`, type)])),
    '',
    '/* Place of each field in the array of `config`, its type counted. */',
    ...rules
      .filter(({ name }) => name === CONFIG)
      .flatMap(({ fields }) => fields.map((field, index) => define(`CONFIG_${upper(field.name)}`, index + 1))),
  ]);
}

/** firmware/boards/image/inspect.h. */
export function inspectHeader(answers: readonly Answer[]): string[] {
  return headerText('HELIOGRAPH_INSPECT_H', [
    '/* What to ask inspect() for, and the word of each field in its answer. */',
    ...answers.flatMap((answer) => [
      define(`INSPECT_${upper(askedFor(answer))}`, answer.what),
      ...layoutOf(answer).map(({ field, at }) => define(`${upper(answer.name)}_${upper(field.name)}`, at)),
    ]),
  ]);
}

/** test/native_baseline/harness.h. */
export function harnessHeader(numbers: Numbers): string[] {
  return headerText('HELIOGRAPH_HARNESS_H', numbersText(numbers));
}
