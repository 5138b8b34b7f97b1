// Style that no tool of ours checks. biome.json bounds files (500 lines), functions (70 lines) and
// parameters (5) of TypeScript.
import { posix } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { files, isGenerated, read } from './sources.ts';

const columnsMax = 120;
const commentColumnsMax = 100;
const fileLinesMax = 500;
const functionLinesMax = 70;
/**
 * As many files of one folder may share a prefix; one more, and the prefix is the name of a folder.
 */
const sharedPrefixMax = 3;

const program = /\.(ts|mjs|mts|c|h|S|ld|rs|yaml|cddl)$/;
const page = /\.md$/;

/** Lines that are wider than `max` characters, as `path:line`. */
function wideLines(path: string, text: string, max: number, isExempt: (line: string) => boolean): string[] {
  return text.split('\n').flatMap((line, index) => {
    // A character is a column, whatever its bytes.
    return [...line].length > max && !isExempt(line) ? [`${path}:${index + 1}`] : [];
  });
}

const isComment = (line: string): boolean => /^\s*(\/\/|\/\*|\*)/.test(line);
/** Rows of tables cannot be broken, nor can a line that one address or one command fills. */
const isUnbreakable = (line: string): boolean =>
  /^\s*\|/.test(line) || /^\s{4}/.test(line) || !/\S\s+\S/.test(line.trim());

/** Functions of a C file that begin in column 0 and are longer than allowed, as `path:line`. */
function longFunctions(path: string, text: string): string[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    if (!/^[\w].*\)\s*\{$/.test(line)) return [];
    const length = lines.indexOf('}', index) - index + 1;
    return length > functionLinesMax ? [`${path}:${index + 1}`] : [];
  });
}

/**
 * Groups of files of one folder that share what stands before the first `_`, as `folder/prefix_`.
 */
function sharedPrefixes(paths: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const path of paths) {
    const prefix = /^([a-z0-9]+_)/.exec(posix.basename(path))?.[1];
    if (prefix === undefined) continue;
    const key = `${posix.dirname(path)}/${prefix}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count > sharedPrefixMax).map(([key]) => key);
}

const programs = files.filter((path) => program.test(path) && !isGenerated(path));
/** Reports of a command: their rows are as wide as their figures. */
const pages = files.filter((path) => page.test(path) && !path.startsWith('docs/results/'));

/** All places in `paths` where a rule is violated. */
function placesOf(paths: readonly string[], rule: (path: string, text: string) => string[]): string[] {
  return paths.flatMap((path) => rule(path, read(path)));
}

const codeWidth = (path: string, text: string) => wideLines(path, text, columnsMax, isComment);
const commentWidth = (path: string, text: string) =>
  wideLines(path, text, commentColumnsMax, (line) => !isComment(line));
const pageWidth = (path: string, text: string) => wideLines(path, text, columnsMax, isUnbreakable);

test('no line of a program is wider than 120 columns', () => assert.equal(placesOf(programs, codeWidth), []));

test('no comment is wider than 100 columns', () => assert.equal(placesOf(programs, commentWidth), []));

test('no line of a page is wider than 120 columns', () => assert.equal(placesOf(pages, pageWidth), []));

test('no file is longer than 500 lines', () => {
  const length = (path: string) => read(path).trimEnd().split('\n').length;
  assert.equal(
    programs.filter((path) => length(path) > fileLinesMax),
    [],
  );
});

test('no C function is longer than 70 lines', () => {
  const sources = programs.filter((path) => path.endsWith('.c'));
  assert.equal(placesOf(sources, longFunctions), []);
});

test('no four files of one folder share a prefix', () => {
  assert.equal(sharedPrefixes(programs), []);
});

test('a wide line, a wide comment, a long function and a shared prefix are found', () => {
  const wide = 'x'.repeat(121);
  assert.equal(codeWidth('a', `ok\n${wide}\n// ${wide}`), ['a:2']);
  assert.equal(codeWidth('a', 'é'.repeat(120)), []);
  assert.equal(commentWidth('a', `ok\n${wide}\n/** ${'word '.repeat(20)}`), ['a:3']);
  assert.equal(pageWidth('a', `${'word '.repeat(25)}\n| ${'word '.repeat(25)}|\n    ${wide}`), ['a:1']);
  assert.equal(longFunctions('a', `int f(void) {\n${' x;\n'.repeat(69)}}\n`), ['a:1']);
  assert.equal(longFunctions('a', `int f(void) {\n${' x;\n'.repeat(68)}}\n`), []);
  assert.equal(sharedPrefixes(['a/b_c.ts', 'a/b_d.ts', 'a/b_e.ts', 'a/b_f.ts', 'c/b_g.ts']), ['a/b_']);
  assert.equal(sharedPrefixes(['a/b_c.ts', 'a/b_d.ts', 'a/b_e.ts', 'c/b_g.ts']), []);
});

test.run();
