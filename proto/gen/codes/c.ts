// Emits the named numbers that C programs use.

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
      ...of.comment.map((line) => `/* ${line} */`),
      ...of.members.map(({ name, value }) => define(`${upper(of.name)}_${upper(name)}`, value)),
    ]),
  ];
}

function headerText(guard: string, lines: readonly string[]): string[] {
  return [`/* ${NOTICE} */`, `#ifndef ${guard}`, `#define ${guard}`, '', ...lines, '', '#endif'];
}

/** firmware/boards/image/codes.h. */
export function codesHeader(numbers: Numbers, rules: readonly Rule[], answers: readonly Answer[]): string[] {
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
    '',
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
