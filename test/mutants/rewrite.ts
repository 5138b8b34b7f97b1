/**
 * Writes a source in which every mutant has a switch: the original runs until the switch of one
 * mutant is on.
 */
import type { Mutant } from './operators.ts';

/** A mutant with the number that chooses it at run time. */
export interface NumberedMutant extends Mutant {
  number: number;
}

/** The expression that is true while a mutant is chosen. */
export type SwitchOf = (mutant: NumberedMutant) => string;

/** Mutants at one place, with the places inside it. */
interface Site {
  start: number;
  end: number;
  mutants: NumberedMutant[];
  inner: Site[];
}

/** Nests the places of the mutants. Throws when two overlap: syntax trees do not. */
function sitesOf(mutants: readonly NumberedMutant[]): Site[] {
  const sorted = [...mutants].sort((a, b) => a.start - b.start || b.end - a.end);
  const outer: Site = { start: 0, end: Number.POSITIVE_INFINITY, mutants: [], inner: [] };
  const open = [outer];
  for (const mutant of sorted) {
    while (open.at(-1)!.end <= mutant.start) open.pop();
    const around = open.at(-1)!;
    if (around.start === mutant.start && around.end === mutant.end) {
      around.mutants.push(mutant);
      continue;
    }
    if (mutant.end > around.end) throw new Error(`${mutant.id} overlaps another mutant`);
    const site = { start: mutant.start, end: mutant.end, mutants: [mutant], inner: [] };
    around.inner.push(site);
    open.push(site);
  }
  return outer.inner;
}

/** The text from `start` to `end` with the switches of the sites inside it. */
function write(text: string, { start, end }: { start: number; end: number }, sites: Site[], switchOf: SwitchOf) {
  let written = '';
  let at = start;
  for (const site of sites) {
    written += text.slice(at, site.start) + writeSite(text, site, switchOf);
    at = site.end;
  }
  return written + text.slice(at, end);
}

/** A mutant's text in one line, so that the lines of the source keep their numbers. */
const inOneLine = (mutated: string) => mutated.replace(/\/\/.*$/gm, '').replace(/\s*\n\s*/g, ' ');

function writeSite(text: string, site: Site, switchOf: SwitchOf): string {
  let written = write(text, site, site.inner, switchOf);
  for (const mutant of site.mutants) {
    const chosen = switchOf(mutant);
    const { operator } = mutant;
    const mutated = mutant.mutated === null ? null : inOneLine(mutant.mutated);
    // In braces: an `else` that follows must not become its own.
    if (mutated === null) written = `{ if (!${chosen}) { ${written} } }`;
    // A condition may be a number: both sides become booleans.
    else if (operator === 'dropped-guard') written = `(${chosen} ? false : !!(${written}))`;
    else if (mutated.startsWith('!(')) written = `(${chosen} ? ${mutated} : !!(${written}))`;
    else written = `(${chosen} ? (${mutated}) : (${written}))`;
  }
  return written;
}

/** The source with a switch for each of the mutants, which are all mutants of this source. */
export function withSwitches(text: string, mutants: readonly NumberedMutant[], switchOf: SwitchOf): string {
  return write(text, { start: 0, end: text.length }, sitesOf(mutants), switchOf);
}
