// The operators that make mutants, on a few lines of firmware each.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { leaseMutants } from './lease.ts';
import { changesIn, mutantsOf, type Operator } from './operators.ts';
import { withSwitches } from './rewrite.ts';

/** What an operator makes of a function's statement, as `original → mutated`. */
function made(operator: Operator, statement: string): string[] {
  const text = `function rule(a: u32, b: u32, c: bool): void {\n${statement}\n}\n`;
  return changesIn('rule.ts', text)
    .filter((change) => change.operator === operator)
    .map(({ start, end, mutated }) => `${text.slice(start, end)} → ${mutated ?? 'nothing'}`);
}

/** The statement with switches, where the switch of the first mutant is `on(0)` and so on. */
function switched(statement: string, isWanted: (operator: Operator) => boolean): string {
  const text = `function rule(a: u32, b: u32): void {\n${statement}\n}\n`;
  const mutants = mutantsOf('rule.ts', text, 'watchdog')
    .filter(({ operator }) => isWanted(operator))
    .map((mutant, number) => ({ ...mutant, number }));
  return withSwitches(text, mutants, ({ number }) => `on(${number})`).split('\n')[1];
}

test('the border of a comparison moves by one', () => {
  for (const [from, to] of ['< <=', '<= <', '> >=', '>= >'].map((pair) => pair.split(' ')))
    assert.equal(made('border', `f(a ${from} b);`), [`a ${from} b → a ${to} b`]);
  assert.equal(made('border', 'f(a == b);'), []);
});

test('a guard is dropped, a condition negated', () => {
  assert.equal(made('dropped-guard', 'if (a < b) return;'), ['a < b → false']);
  assert.equal(made('negation', 'if (c) return;'), ['c → !(c)']);
  assert.equal(made('negation', 'f(a == b);'), ['a == b → a != b']);
  assert.equal(made('negation', 'if (a === b) f();'), ['a === b → a !== b']);
});

test('each term of a condition, a sum or a bound is dropped', () => {
  assert.equal(made('dropped-term', 'f(c && a > b);'), ['c && a > b → c', 'c && a > b → a > b']);
  assert.equal(made('dropped-term', 'f(a - b);'), ['a - b → a']);
  assert.equal(made('dropped-term', 'f(max<u32>(a, b));'), ['max<u32>(a, b) → a', 'max<u32>(a, b) → b']);
  assert.equal(made('dropped-term', "f('a text' + a);"), []);
  assert.equal(made('dropped-term', 'f(a + SCRATCH_OUT_AT);'), []);
});

test('a statement is removed, unless a loop would never end without it', () => {
  assert.equal(made('removal', 'f(a);'), ['f(a); → nothing']);
  assert.equal(made('removal', 'while (a != b) { f(b); a++; }'), ['f(b); → nothing']);
});

test('a constant becomes smaller by one, and zero becomes one', () => {
  assert.equal(made('constant', 'f(7, 0);'), ['7 → 6', '0 → 1']);
  assert.equal(made('constant', 'f(load<u32>(a, 8));'), []);
});

test('branches are swapped', () => {
  assert.equal(made('swap', 'f(c ? a : b);'), ['c ? a : b → c ? b : a']);
});

test('what the compiler knows, what an error says and what stands outside of functions is left alone', () => {
  const all: Operator[] = ['border', 'dropped-guard', 'dropped-term', 'negation', 'constant', 'swap'];
  for (const operator of all) {
    assert.equal(made(operator, 'if (IMAGE_CONTAINED == LEVEL_NONE) f();'), []);
    assert.equal(made(operator, "throw new Error('at ' + (a + 1));"), []);
  }
  assert.equal(changesIn('rule.ts', 'const BOUND: u32 = 3 + 4;\nif (BOUND > 5) ERROR("large");\n'), []);
});

test('an id stays when lines are added above and changes with what it names', () => {
  const text = 'function rule(a: u32): bool {\n  return a < 5;\n}\n';
  const [first] = mutantsOf('rule.ts', text, 'watchdog');
  const [moved] = mutantsOf('rule.ts', `// A line.\n${text}`, 'watchdog');
  const [other] = mutantsOf('rule.ts', text.replace('a < 5', 'a < 6'), 'watchdog');
  assert.is(moved.id, first.id);
  assert.is(moved.line, first.line + 1);
  assert.not.equal(other.id, first.id);
});

test('every mutant has a switch, also inside another, and lines keep their numbers', () => {
  assert.is(
    switched('f(a < b);', (operator) => operator === 'border'),
    'f((on(0) ? (a <= b) : (a < b)));',
  );
  const isNested = (operator: Operator) => operator === 'dropped-term' || operator === 'border';
  assert.is(
    switched('f(a < b && b);', isNested),
    'f((on(1) ? (b) : ((on(0) ? (a < b) : ((on(2) ? (a <= b) : (a < b)) && b)))));',
  );
  const text = 'function rule(a: u32, b: u32): u32 {\n  return max<u32>(\n    a, // first\n    b,\n  );\n}\n';
  const mutants = mutantsOf('rule.ts', text, 'watchdog').map((mutant, number) => ({ ...mutant, number }));
  assert.is(withSwitches(text, mutants, () => 'on()').split('\n').length, text.split('\n').length);
});

test('a removed statement takes no `else` of another', () => {
  const isRemoval = (operator: Operator) => operator === 'removal';
  assert.is(
    switched('if (a) f(); else g();', isRemoval),
    'if (a) { if (!on(0)) { f(); } } else { if (!on(1)) { g(); } }',
  );
});

test('every named mutant of the lease proof stands once in its source', () => {
  const mutants = leaseMutants();
  assert.ok(mutants.length > 30);
  assert.is(new Set(mutants.map(({ id }) => id)).size, mutants.length);
});

test.run();
