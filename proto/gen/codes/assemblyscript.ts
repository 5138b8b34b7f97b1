// Emits the image's named numbers and the layouts of inspect()'s answers.

import { pascal, upper } from '../names.ts';
import type { Answer } from '../schema.ts';
import { askedFor, countOf, docComment, isListed, layoutOf, NOTICE, type Numbers, wordsIn } from './numbers.ts';

/** firmware/wire/generated/codes.ts. */
export function assemblyScriptCodes({ constants, enumerations }: Numbers): string[] {
  return [
    `// ${NOTICE}`,
    '',
    ...constants.flatMap(({ name, value, comment }) => [
      ...docComment(comment),
      `export const ${upper(name)}: u32 = ${value};`,
    ]),
    ...enumerations.flatMap((of) => [
      '',
      ...of.comment.map((line) => `// ${line}`),
      ...of.members.flatMap(({ name, value, comment }) => [
        ...docComment([comment]),
        `export const ${upper(of.name)}_${upper(name)}: u32 = ${value};`,
      ]),
      ...(isListed(of) ? [`export const ${upper(of.name)}_COUNT: u32 = ${countOf(of)};`] : []),
    ]),
  ];
}

/** A class for the words that are numbers; places of arrays and byte strings behind them. */
function answerClass(answer: Answer): string[] {
  const prefix = upper(answer.name);
  const places = layoutOf(answer);
  const numbers = places.filter(({ field }) => field.of.kind === 'uint');
  const others = places.filter(({ field }) => field.of.kind !== 'uint');
  return [
    '',
    `export const INSPECT_${upper(askedFor(answer))}: u32 = ${answer.what};`,
    `export const ${prefix}_WORDS: u32 = ${wordsIn(answer)};`,
    ...others.map(({ field, at }) => `export const ${prefix}_${upper(field.name)}_AT: u32 = ${at * 4};`),
    ...(numbers.length === 0
      ? []
      : [
          ...docComment(answer.comment),
          '@unmanaged',
          `export class ${pascal(answer.name)} {`,
          ...numbers.map(({ field }) => `  ${field.name}: u32 = 0;`),
          '}',
        ]),
  ];
}

/** firmware/wire/generated/answers.ts. */
export function assemblyScriptAnswers(answers: readonly Answer[]): string[] {
  return [
    `// ${NOTICE}`,
    '//',
    '// What inspect() writes: a word for each number of a class, ' +
      'arrays and byte strings from X_AT on; X_WORDS in all.',
    ...answers.flatMap(answerClass),
  ];
}
