// Every judge has tests: that it accepts, and that it notices each way of violation that
// docs/judges.md names.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { read, sourcesOf } from './sources.ts';

const page = 'docs/judges.md';

/** Ids of the judges: each gives its own in a verdict. */
function idsInCode(sources: Iterable<string>): string[] {
  const given = /(?:\breadonly id = |\.verdict\()'([\w-]+)'/g;
  return [...sources].flatMap((source) => [...source.matchAll(given)].map(([, id]) => id)).sort();
}

/** By judge: the ways of violation in the last table of the page, which semicolons separate. */
function waysOf(text: string): Map<string, string[]> {
  const table = text.slice(text.indexOf('| id | violated when |')).split('\n\n')[0];
  const rows = table.split('\n').slice(2);
  return new Map(
    rows.map((row) => {
      const [, id, ways] = row.split('|').map((cell) => cell.trim());
      return [id, ways.split(';').map((way) => way.trim())];
    }),
  );
}

/** Distinct titles of tests that claim a half of a judge. */
function titlesOf(sources: Iterable<string>, id: string, half: 'holds' | 'violated'): string[] {
  const title = new RegExp(`\\btest\\(\\s*['"\`](${id} ${half}: [^'"\`\\n]+)['"\`]`, 'g');
  return [...new Set([...sources].flatMap((source) => [...source.matchAll(title)].map(([, found]) => found)))];
}

const tests = [...sourcesOf(/^test\/check\/.*\.test\.ts$/).values()];
const ways = waysOf(read(page));

test('docs/judges.md has a row for each judge, and no other', () => {
  assert.equal([...ways.keys()].sort(), idsInCode(sourcesOf(/^hwsim\/check\/.*\.ts$/).values()));
  assert.ok(ways.size >= 17, `only ${ways.size} judges`);
});

test('every judge has a test that it holds, and one for each way of violation', () => {
  for (const [id, named] of ways) {
    assert.ok(titlesOf(tests, id, 'holds').length > 0, `no test is titled '${id} holds: …'`);
    const violated = titlesOf(tests, id, 'violated').length;
    assert.ok(violated >= named.length, `${id}: ${violated} tests for ${named.length} ways of violation in ${page}`);
  }
});

test('a judge without a row, a way without a test and a test of another judge are noticed', () => {
  assert.equal(idsInCode(["readonly id = 'A-1-x';", "return findings.verdict('b');", "verdict(this.id) id = 'c'"]), [
    'A-1-x',
    'b',
  ]);
  const rows = '| id | violated when |\n|---|---|\n| A-1-x | one; two |\n\n| B | z |';
  assert.equal([...waysOf(rows)], [['A-1-x', ['one', 'two']]]);
  const source = "test('A-1-x violated: one', f);\ntest('A-1-x violated: one', f);\ntest('A-1-xy violated: two', f);";
  assert.equal(titlesOf([source], 'A-1-x', 'violated'), ['A-1-x violated: one']);
  assert.equal(titlesOf([source], 'A-1-x', 'holds'), []);
});

test.run();
