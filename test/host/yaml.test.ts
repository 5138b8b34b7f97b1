import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readYaml, YamlFault } from '../../host/cli/yaml.ts';

/** The fault of a text as `line:column message`. */
function faultOf(text: string): string {
  try {
    readYaml(text);
  } catch (error) {
    assert.instance(error, YamlFault);
    const { line, column, message } = error as YamlFault;
    return `${line}:${column} ${message}`;
  }
  return 'none';
}

test('aliases stand for the value of their anchor', () => {
  const { value } = readYaml('a: &x { at: 1 }\nb: *x\nc: [*x, &x 2, *x]\n');
  assert.equal(value, { a: { at: 1 }, b: { at: 1 }, c: [{ at: 1 }, 2, 2] });
});

test('an alias that contains itself is refused with its place', () => {
  assert.is(faultOf('a: 1\nb: &x [2, *x]\n'), '2:11 alias *x contains itself (write the value out)');
  assert.match(faultOf('b: &x { c: [{ d: *x }] }\n'), /^1:18 alias \*x contains itself/);
});

test('an alias without an anchor before it is refused', () => {
  assert.match(faultOf('a: *x\nb: &x 1\n'), /^1:4 alias \*x has no anchor before it \(define &x first\)/);
});

// Written out, its values would be 10^40: a reader that does not stop never ends.
test('aliases that multiply are refused', () => {
  const lines = ['a0: &a0 [1,1,1,1,1,1,1,1,1,1]'];
  for (let i = 1; i < 40; i += 1)
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(',')}]`,
    );
  assert.match(faultOf(lines.join('\n')), /^5:\d+ makes more than 100000 values, aliases written out/);
  // A chain of anchors multiplies levels instead.
  const chain = ['a0: &a0 [1]', ...Array.from({ length: 99 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}]`)];
  assert.match(faultOf(chain.join('\n')), /alias \*a\d+ makes more than 64 levels/);
});

test('deep nesting is refused before it exhausts the stack', () => {
  for (const opening of ['[', '{a: ', '- ', '? ', '[{a: '])
    assert.match(faultOf(opening.repeat(50_000)), /^1:\d+ has more than 64 levels \(nest less deeply\)/, opening);
});

test('a key that comes twice is refused with its place', () => {
  assert.is(faultOf('a: 1\nb: 2\na: 3\n'), '3:1 the key a comes twice (remove one)');
});

test('a key that is no word is refused with its place, and so is a second document', () => {
  for (const text of ['a: 1\n? [b, c]\n: 2\n', 'a: 1\n{b: c}: 2\n', 'a: &k b\n*k : 2\n'])
    assert.match(faultOf(text), /^2:\d a key is a list, a map or an alias \(write a word\)$/, text);
  assert.is(faultOf('a: 1\n---\nb: 2\n'), '2:1 a second document begins here (a file has one: leave it out)');
});

/** Processor time of reading a text, ms. */
function readingMs(text: string): number {
  const begin = process.cpuUsage();
  faultOf(text);
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
}

test('the time to read or refuse a file grows as its length does', () => {
  const keys = (bytes: number) =>
    Array.from({ length: bytes / 10 }, (_, i) => `key${String(i).padStart(5, '0')},`).join('');
  const kinds: ((bytes: number) => string)[] = [
    (bytes) => `{${keys(bytes)}}`,
    (bytes) => '- &a 1\n'.repeat(bytes / 7),
    (bytes) => '#\n'.repeat(bytes / 2),
    (bytes) => `"${'\n'.repeat(bytes)}`,
    (bytes) => '-\n'.repeat(bytes / 2),
  ];
  const largest = 1 << 18;
  for (const textOf of kinds) {
    const part = readingMs(textOf(largest / 16));
    const whole = readingMs(textOf(largest));
    // The square of the length would take 256 times as long. Short times scatter.
    assert.ok(whole < 64 * Math.max(part, 20), `${textOf(8).trim()}: ${whole} ms, a sixteenth of it ${part} ms`);
  }
});

test.run();
