// Emits the host's named numbers, the names of numbers, and the layouts of inspect()'s answers.

import { camel, upper } from '../names.ts';
import type { Answer, Enumeration, Rule } from '../schema.ts';
import { askedFor, countOf, docComment, isListed, layoutOf, NOTICE, type Numbers } from './numbers.ts';

const HEAD = ['// biome-ignore-all format: the generator lays it out', `// ${NOTICE}`, ''];

function enumerationText(of: Enumeration): string[] {
  return [
    '',
    ...docComment(of.comment),
    `export const ${upper(of.name)} = {`,
    ...of.members.flatMap(({ name, value, comment }) => [
      ...docComment([comment]).map((line) => `  ${line}`),
      `  ${camel(name)}: ${value},`,
    ]),
    '} as const;',
  ];
}

function numbersText({ constants, enumerations }: Numbers): string[] {
  return [
    ...constants.flatMap(({ name, value, comment }) => [
      ...docComment(comment),
      `export const ${upper(name)} = ${value};`,
    ]),
    ...enumerations.flatMap(enumerationText),
  ];
}

/** The names of an enumeration by number, '' where a number has none. */
function namesText(of: Enumeration): string {
  const names = Array.from({ length: countOf(of) }, (_, value) => of.members.find((member) => member.value === value));
  return `  ${camel(of.name)}: [${names.map((member) => `'${member?.name ?? ''}'`).join(', ')}],`;
}

function namedFields(rules: readonly Rule[]): string[] {
  return rules.flatMap((rule) => {
    const named = rule.fields.flatMap(({ name, of }) =>
      of.kind === 'uint' && of.names !== undefined ? [`${name}: NAMES.${camel(of.names)}`] : [],
    );
    return named.length === 0 ? [] : [`  '${rule.name}': { ${named.join(', ')} },`];
  });
}

/**
 * host/cbor/generated/{constants,codes}.ts and hwsim/bench/generated_harness.ts: constants and
 * enumerations.
 */
export function typeScriptCodes(numbers: Numbers): string[] {
  return [...HEAD, ...numbersText(numbers)];
}

/**
 * host/cbor/generated/names.ts: names of numbers, and where the fields of inspect()'s answers
 * stand.
 */
export function typeScriptNames(numbers: Numbers, rules: readonly Rule[], answers: readonly Answer[]): string[] {
  return [
    ...HEAD,
    '/** Names of the numbers of each enumeration, by number; an empty text where a number has no meaning. */',
    'export const NAMES = {',
    ...numbers.enumerations.filter(isListed).map(namesText),
    '} as const;',
    '',
    '/** Names of the numbers in fields of messages and records, by record and field. */',
    'export const FIELD_NAMES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {',
    ...namedFields(rules),
    '};',
    '',
    '/** What to ask `inspect(what, index)` for. */',
    'export const INSPECT = {',
    ...answers.map((answer) => `  ${camel(askedFor(answer))}: ${answer.what},`),
    '} as const;',
    '',
    '/** The word of each field in an answer of `inspect`; where an array or a byte string begins. */',
    'export const ANSWER = {',
    ...answers.map((answer) => {
      const places = layoutOf(answer).map(({ field, at }) => `${field.name}: ${at}`);
      return `  ${camel(askedFor(answer))}: { ${places.join(', ')} },`;
    }),
    '} as const;',
  ];
}
