/**
 * Compiles firmware images in which many mutants sleep: the export `mutant_choose` wakes one, and
 * the exports `mutant_seen_N` return which switches were met. The other exports and the layout of
 * memory are those of the real image.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import asc from 'assemblyscript/asc';
import type { ImageName } from '../../host/build/root.ts';
import { rootFolder } from '../../host/build/root.ts';
import { type NumberedMutant, withSwitches } from './rewrite.ts';

const entry = 'firmware/edge/index.ts';
const switchesPath = 'firmware/mutant_switches';
const bitsPerWord = 64;

/** A source of the compiler that declares the switches of the mutants 0 to `count` − 1. */
function switchesSource(count: number): string {
  const words = Array.from({ length: Math.ceil(count / bitsPerWord) }, (_, word) => word);
  return [
    'let chosen: i32 = -1;',
    'export function mutant_choose(number: i32): void { chosen = number; }',
    ...words.flatMap((word) => [
      `let seen${word}: i64 = 0;`,
      `export function isMutant${word}(bit: i64, number: i32): bool { seen${word} |= bit; return chosen == number; }`,
      `export function mutant_seen_${word}(): i64 { return seen${word}; }`,
    ]),
    '',
  ].join('\n');
}

const wordOf = (number: number) => Math.floor(number / bitsPerWord);

function switchOf({ number }: NumberedMutant): string {
  const bit = BigInt.asIntN(64, 1n << BigInt(number % bitsPerWord));
  return `isMutant${wordOf(number)}(${bit}, ${number})`;
}

/** The source with its switches, and the import of what they call in its first line. */
function mutatedSource(path: string, text: string, mutants: readonly NumberedMutant[]): string {
  const words = [...new Set(mutants.map(({ number }) => wordOf(number)))];
  const from = relative(dirname(path), switchesPath);
  const names = words.map((word) => `isMutant${word}`).join(', ');
  const importLine = `import { ${names} } from '${from.startsWith('.') ? from : `./${from}`}'; `;
  return importLine + withSwitches(text, mutants, switchOf);
}

function exportsOfSwitches(count: number): string {
  const names = Array.from({ length: Math.ceil(count / bitsPerWord) }, (_, word) => `mutant_seen_${word}`);
  return `export { ${['mutant_choose', ...names].join(', ')} } from '../mutant_switches';\n`;
}

interface Place {
  path: string;
  line: number;
}

/** Places in the compiler's message. */
function placesIn(message: string): Place[] {
  return [...message.matchAll(/in (firmware\/[\w/]+\.ts)\((\d+),/g)].map(([, path, line]) => ({
    path,
    line: Number(line),
  }));
}

interface Compiled {
  bytes: Uint8Array;
  /** Mutants that do not compile: they are in no image. */
  refused: NumberedMutant[];
}

async function compileOnce(image: ImageName, mutants: readonly NumberedMutant[], count: number) {
  let bytes: Uint8Array | undefined;
  const stderr = asc.createMemoryStream();
  const readFile = (name: string, folder: string): string | null => {
    const path = relative(rootFolder, resolve(folder, name));
    if (path === `${switchesPath}.ts`) return switchesSource(count);
    let text: string;
    try {
      text = readFileSync(join(rootFolder, path), 'utf8');
    } catch {
      return null;
    }
    const here = mutants.filter((mutant) => mutant.path === path);
    if (here.length > 0) text = mutatedSource(path, text, here);
    return path === entry ? `${text}${exportsOfSwitches(count)}` : text;
  };
  const words = [entry, '--target', image, '--baseDir', rootFolder, '--optimizeLevel', '2', '--shrinkLevel', '0'];
  const { error } = await asc.main(words, {
    readFile,
    writeFile: (_name, contents) => {
      bytes = contents as unknown as Uint8Array;
    },
    listFiles: () => [],
    stderr,
    stdout: asc.createMemoryStream(),
  });
  return { bytes: error ? undefined : bytes, message: stderr.toString() };
}

/** Mutants that stand in a place of an error. */
function mutantsIn(places: readonly Place[], mutants: readonly NumberedMutant[]): NumberedMutant[] {
  return mutants.filter(({ path, line, original }) => {
    const lastLine = line + original.split('\n').length - 1;
    return places.some((place) => place.path === path && place.line >= line && place.line <= lastLine);
  });
}

/**
 * Mutants of the nearest line before the first place of an error: a value whose type they change is
 * refused where it is used.
 */
function mutantsBefore([{ path, line }]: readonly Place[], mutants: readonly NumberedMutant[]): NumberedMutant[] {
  const before = mutants.filter((mutant) => mutant.path === path && mutant.line < line);
  const nearest = Math.max(...before.map((mutant) => mutant.line));
  return before.filter((mutant) => mutant.line === nearest);
}

/**
 * Compiles an image with these mutants of firmware/; `count`: one more than the highest number.
 * Leaves out mutants that the compiler refuses. Throws with its message when it refuses the rest.
 */
export async function compileMutants(
  image: ImageName,
  mutants: readonly NumberedMutant[],
  count: number,
): Promise<Compiled> {
  let wanted = mutants;
  for (;;) {
    const { bytes, message } = await compileOnce(image, wanted, count);
    if (bytes !== undefined) {
      const kept = new Set(wanted);
      return { bytes, refused: mutants.filter((mutant) => !kept.has(mutant)) };
    }
    const places = placesIn(message);
    const inPlace = mutantsIn(places, wanted);
    const out = inPlace.length > 0 || places.length === 0 ? inPlace : mutantsBefore(places, wanted);
    if (out.length === 0) throw new Error(`${image} does not compile:\n${message}`);
    wanted = wanted.filter((mutant) => !out.includes(mutant));
  }
}
