import { wrapped } from '../output.ts';

/**
 * Digits of a byte string that stand together: longer ones are broken, as diagnostic notation
 * allows.
 */
const digitsMax = 64;
const indent = 4;

/**
 * Breaks lines of diagnostic notation so that they are not too wide: white space means nothing in
 * it.
 */
export function notationLines(text: string): string {
  const broken = text.replace(/h'([0-9a-f]+)'/g, (_, digits: string) => {
    const parts = digits.match(new RegExp(`.{1,${digitsMax}}`, 'g')) ?? [];
    return `h'${parts.join(' ')}'`;
  });
  return broken
    .split('\n')
    .map((line) => wrapped(line, indent))
    .join('\n');
}
