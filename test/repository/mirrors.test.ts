// No number is written by hand in two languages: what several share is declared in proto/schema and
// generated.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import * as generated from '../../host/cbor/generated.ts';
import * as harness from '../../hwsim/bench/generated_harness.ts';

type Language = 'AssemblyScript' | 'TypeScript' | 'C' | 'Rust';
interface Source {
  readonly path: string;
  readonly text: string;
}
interface Declaration {
  readonly path: string;
  readonly language: Language;
  readonly name: string;
  readonly value: number;
}

const self = 'test/repository/mirrors.test.ts';
/**
 * Judges write the bounds that they apply again: a bound taken from the code would let any value
 * pass.
 */
const judges = 'hwsim/check/';
/** The model of the protocol has parameters of its own. */
const models = 'test/model/';
/** Equal names and numbers that mean different things, or the same thing everywhere. */
const allowed: ReadonlyMap<string, string> = new Map([
  ['never', 'the greatest number, as each module marks what never was'],
  ['wordbytes', 'a word has four bytes on every machine'],
]);

function languageOf(path: string): Language | null {
  if (/\/generated|\/accessors\.ts$|edge\/visit\.ts$|image\/codes\.h$|native_baseline\/harness\.h$/.test(path))
    return null;
  if (path.startsWith('proto/') || path.startsWith(judges) || path.startsWith(models)) return null;
  if (path.startsWith('firmware/') && path.endsWith('.ts')) return 'AssemblyScript';
  if (/\.m?ts$|\.mjs$/.test(path)) return 'TypeScript';
  if (/\.[ch]$/.test(path)) return 'C';
  return path.endsWith('.rs') ? 'Rust' : null;
}

/** `VERSION_BITS`, `versionBits` and `version-bits` are one name. */
const folded = (name: string): string => name.replace(/[_-]/g, '').toLowerCase();

/** The value of an expression of numbers and operators; null for anything else. */
function numberOf(expression: string): number | null {
  const tokens = expression.replace(/(\d)_(?=\d)/g, '$1').match(/0x[\da-f]+|[\da-z]+|\S/gi) ?? [];
  const plain = tokens.map((token) => token.replace(/^(0x[\da-f]+|\d+)u?$/i, '$1'));
  if (!plain.every((token) => /^(?:0x[\da-f]+|\d+|[()+\-*<>|&~])$/i.test(token))) return null;
  if (!plain.some((token) => /^\d/.test(token))) return null;
  return Number(new Function(`return (${plain.join('').replace(/<<|>>>?/g, ' $& ')}) >>> 0;`)());
}

/** `#define NAME value` and the members of enumerations, counted on where they have no value. */
function inC({ text }: Source): [string, string][] {
  const code = text.replace(/\/\*.*?\*\//gs, '');
  const defined = [...code.matchAll(/^#define (\w+) (.+)$/gm)].map(([, name, value]): [string, string] => [
    name,
    value,
  ]);
  for (const [, body] of code.matchAll(/\benum\s*\w*\s*\{([^}]*)\}/gs)) {
    let next = 0;
    for (const [, name, value] of body.matchAll(/(\w+)\s*(?:=\s*([^,]+))?(?:,|$)/g)) {
      const number = value === undefined ? next : numberOf(value.trim());
      if (number === null) continue;
      defined.push([name, String(number)]);
      next = number + 1;
    }
  }
  return defined;
}

function declarationsIn(source: Source, language: Language): Declaration[] {
  const pattern =
    language === 'Rust'
      ? /^\s*(?:pub )?const (\w+): \w+ = ([^;]*);/gm
      : /^(?:export )?const (\w+)(?:: [\w<>]+)? =\s*([^;{]*);/gm;
  const found =
    language === 'C'
      ? inC(source)
      : [...source.text.matchAll(pattern)].map(([, name, value]) => [name, value] as const);
  return found.flatMap(([name, expression]) => {
    const value = numberOf(expression.trim());
    return value === null ? [] : [{ path: source.path, language, name, value }];
  });
}

/**
 * Names that are written in more than one language with one value, or that the generator gives as
 * well.
 */
function mirrored(declarations: readonly Declaration[], generatedNames: ReadonlySet<string>): string[] {
  const groups = new Map<string, Declaration[]>();
  for (const declaration of declarations) {
    const key = folded(declaration.name);
    groups.set(key, [...(groups.get(key) ?? []), declaration]);
  }
  return [...groups].flatMap(([key, group]) => {
    const places = group.map(({ path, name, value }) => `${path}: ${name} = ${value}`).join(', ');
    if (allowed.has(key)) return [];
    if (generatedNames.has(key)) return [`proto/schema declares it: ${places}`];
    const twice = group.some((one) =>
      group.some((other) => other.language !== one.language && other.value === one.value),
    );
    return twice ? [`in two languages: ${places}`] : [];
  });
}

/**
 * Object literals whose members repeat those of a generated enumeration: `{ boot: 1, frame: 2,
 * record: 3 }`.
 */
function repeatedMembers({ path, text }: Source, enumerations: ReadonlyMap<string, Record<string, number>>): string[] {
  return [...text.matchAll(/= \{([^{}]*)\}/g)].flatMap(([, body]) => {
    const members = [...body.matchAll(/(\w+):\s*(\d+)\s*(?:,|$)/g)].map(
      ([, name, value]) => [folded(name), value] as const,
    );
    if (members.length < 3) return [];
    const repeated = [...enumerations].find(([, of]) => {
      const known = new Map(Object.entries(of).map(([name, value]) => [folded(name), String(value)]));
      return members.every(([name, value]) => known.get(name) === value);
    });
    return repeated === undefined ? [] : [`${path} repeats ${repeated[0]}`];
  });
}

/** The words of `watchdogCause`, `BOARD_CAUSE` or `board-cause`, sorted. */
function wordsOf(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').split(/[ _-]/);
  return words
    .map((word) => word.toLowerCase())
    .sort()
    .join(' ');
}

/**
 * Constants that repeat one member of a generated enumeration: `watchdogCause = 2`, whatever the
 * order of the words, or `runtimeRestart = 4`.
 */
function repeatedMember(
  declarations: readonly Declaration[],
  enumerations: ReadonlyMap<string, Record<string, number>>,
): string[] {
  const members = [...enumerations].flatMap(([of, values]) =>
    Object.entries(values).map(([member, value]) => {
      const last = of.split('_').at(-1)!;
      const names = [`${member}_${of}`, `${member}_${last}`].map(wordsOf);
      return { of, value, names: /[A-Z]/.test(member) ? [...names, wordsOf(member)] : names };
    }),
  );
  return declarations.flatMap(({ path, name, value }) => {
    const words = wordsOf(name);
    const found = members.find((member) => member.value === value && member.names.includes(words));
    return found === undefined ? [] : [`${path}: ${name} repeats ${found.of}`];
  });
}

const both = { ...generated, ...harness };
const generatedNames = new Set(
  Object.entries(both)
    .filter(([, value]) => typeof value === 'number')
    .map(([name]) => folded(name))
    .filter((name) => name !== 'recordbytesmax'),
);
const tablesOfNames = ['FIELD', 'ANSWER', 'NAMES', 'FIELD_NAMES'];
const enumerations: ReadonlyMap<string, Record<string, number>> = new Map(
  Object.entries(both as Record<string, unknown>)
    .filter(([name, value]) => typeof value === 'object' && !tablesOfNames.includes(name))
    .map(([name, value]) => [name, value as Record<string, number>]),
);

const sources = execFileSync('git', ['ls-files', '-z'], { cwd: rootFolder, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path !== '' && languageOf(path) !== null)
  .map((path): Source => ({ path, text: readFileSync(join(rootFolder, path), 'utf8') }));

test('no constant is written by hand in two languages', () => {
  const declarations = sources.flatMap((source) => declarationsIn(source, languageOf(source.path) as Language));
  assert.ok(declarations.length > 500, 'declarations are found');
  assert.equal(mirrored(declarations, generatedNames), []);
});

test('no object repeats a generated enumeration', () => {
  assert.equal(
    sources.filter(({ path }) => path !== self).flatMap((source) => repeatedMembers(source, enumerations)),
    [],
  );
});

test('no TypeScript constant repeats a member of a generated enumeration', () => {
  const written = sources.filter(({ path }) => languageOf(path) === 'TypeScript' && path !== self);
  const declarations = written.flatMap((source) => declarationsIn(source, 'TypeScript'));
  assert.equal(repeatedMember(declarations, enumerations), []);
  const text = 'const watchdogCause = 2;\nconst runtimeRestart = 4;\nconst watchdog = 2;\nconst causeWatchdog = 3;\n';
  assert.equal(repeatedMember(declarationsIn({ path: 'a.ts', text }, 'TypeScript'), enumerations), [
    'a.ts: watchdogCause repeats BOARD_CAUSE',
    'a.ts: runtimeRestart repeats BOOT_CAUSE',
  ]);
});

test('a constant in two languages is found, whatever the spelling', () => {
  const c = { path: 'a.c', text: '#define VERSION_BITS 19u\nenum { FIRST, SECOND, THIRD = 7, FOURTH };\n' };
  const ts = { path: 'a.ts', text: 'const versionBits = 19;\nconst fourth = 8;\nconst third = 9;\n' };
  const declarations = [...declarationsIn(c, 'C'), ...declarationsIn(ts, 'TypeScript')];
  assert.equal(mirrored(declarations, new Set()), [
    'in two languages: a.c: VERSION_BITS = 19, a.ts: versionBits = 19',
    'in two languages: a.c: FOURTH = 8, a.ts: fourth = 8',
  ]);
  assert.equal(mirrored(declarationsIn(ts, 'TypeScript'), new Set(['third'])), [
    'proto/schema declares it: a.ts: third = 9',
  ]);
  assert.equal(
    repeatedMembers({ path: 'b.ts', text: 'const port = { boot: 1, frame: 2, record: 3 };' }, enumerations),
    ['b.ts repeats PORT'],
  );
});

test.run();
