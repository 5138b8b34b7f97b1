// Requirement ids run from docs/requirements.md to code and tests, and back.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { claimsOf, idsIn, rowIds, withTests } from './requirements.ts';
import { read, sourcesOf } from './sources.ts';

const page = 'docs/requirements.md';
const tests = new Map([...sourcesOf(/^test\/.*\.test\.ts$/)].filter(([path]) => !path.startsWith('test/repository/')));
const claims = claimsOf(tests);
const text = read(page);
const rows = rowIds(text);
const namedIn = (pattern: RegExp) => new Set([...sourcesOf(pattern).values()].flatMap(idsIn));

test('every id that code or tests name has a row with tests, and no id has two', () => {
  const named = namedIn(/^(firmware|host|hwsim|proto|test)\/(?!repository\/).*\.(ts|c|h|md)$/);
  assert.equal([...named].sort(), [...rows].sort());
});

test('every requirement stands in code, and has a test that it holds and one that its violation is noticed', () => {
  const code = namedIn(/^(firmware|hwsim|host)\/.*\.(ts|c|h|md)$/);
  assert.equal(
    rows.filter((id) => !code.has(id)),
    [],
    'ids that no code names',
  );
  assert.equal(
    rows.filter((id) => (claims.get(id)?.holds ?? []).length === 0),
    [],
    'never shown to hold',
  );
  assert.equal(
    rows.filter((id) => (claims.get(id)?.violated ?? []).length === 0),
    [],
    'violation never noticed',
  );
});

test('the column of tests is what the titles of the tests say', () => {
  const expected = withTests(text, claims);
  if (process.env.HELIOGRAPH_REWRITE === '1') writeFileSync(join(rootFolder, page), expected);
  assert.is(read(page), expected, 'stale: npm test -- requirements --rewrite');
});

test('an id without a half, and a stale column, are found', () => {
  const claimed = claimsOf(
    new Map([['test/a/b.test.ts', "test('INT-1, SEC-1 hold: x', f);\ntest(`INT-1 violated: z`, f);"]]),
  );
  assert.equal(claimed.get('INT-1'), { holds: ['a/b'], violated: ['a/b'] });
  assert.equal(claimed.get('SEC-1'), { holds: ['a/b'], violated: [] });
  const row = '| SEC-1 | text | how | old |';
  assert.is(withTests(row, claimed), '| SEC-1 | text | how | holds: a/b; violated: none |');
  assert.equal(rowIds(`${row}\n| SIM-2 | text |`), ['SEC-1']);
});

test.run();
