// One concept, one word: private words that docs/glossary.md replaces stand nowhere.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { files, read } from './sources.ts';

interface Rule {
  /** What the reader is to write instead. */
  instead: string;
  /**
   * Words, in lower case, wherever they stand: also as a part of an identifier, as in `toldS` and
   * `WHAT_TOLD`.
   */
  words?: readonly string[];
  /** A phrase in comments, titles of tests and pages, outside `code`. */
  phrase?: RegExp;
}

const rules: readonly Rule[] = [
  { instead: 'tick of liveness', words: ['beat', 'beats'] },
  { instead: 'heartbeat', words: ['pulse', 'pulses'] },
  { instead: 'equivocator', words: ['dealer', 'dealers'] },
  { instead: 'Byzantine node, actions, attacks', words: ['liar', 'liars', 'deed', 'deeds'] },
  { instead: 'vote revocation', words: ['burial', 'burials', 'bury', 'buries', 'buried'] },
  { instead: 'silent, dead or unreachable', words: ['gone'] },
  { instead: 'invalidate', words: ['soil', 'soils', 'soiled'] },
  { instead: 'notified, emit, publish, report, show', words: ['told', 'tell', 'tells', 'telling', 'untold'] },
  { instead: 'correct (a flipped bit), repair (a plan)', words: ['mend', 'mends', 'mended', 'mending'] },
  { instead: 'correct, restore', phrase: /\bputs? right\b/ },
  { instead: 'evict, discard, retract', phrase: /\blet(s|ting)? go\b/ },
  { instead: 'crash recovery', words: ['dying'] },
  { instead: 'outputs', words: ['saying', 'sayings'] },
  { instead: 'divergence', words: ['departure', 'departures', 'departs', 'departed'] },
  { instead: 'reference replica', words: ['twin', 'twins'] },
  { instead: 'inject, injected, faultable', words: ['strike', 'strikes', 'striking', 'struck'] },
  { instead: 'fork pool, emulator pool', words: ['yard', 'rack'] },
  { instead: 'native C baseline', words: ['yardstick'] },
  { instead: 'judge harness', words: ['courtroom'] },
  { instead: 'checkpoint store', words: ['keeper', 'keepers'] },
  { instead: 'null cipher, test double', phrase: /\bstand-ins?\b/ },
  { instead: 'modules', words: ['rooms'] },
  { instead: 'agreement round, key epoch, mission epoch', phrase: /(?<!\b(key|mission)[ -])(?<!`)\bepochs?\b/ },
  {
    instead: 'TDMA slot, intent slot, timeline entry, checkpoint slot, frame slot',
    phrase: /(?<!\b(tdma|tx|transmission|transmit|intent|checkpoint|frame)[ -])\bslots?\b/,
  },
];

/**
 * Names that stay: fields of published JSON and of stored campaigns, names of random streams, which
 * are part of every recorded hash, and digits of a constant.
 */
const published = new RegExp(
  [
    String.raw`\b(frames|decisions|events)Departed\b`,
    String.raw`\bgone(Bins|P50S|P99S)\b`,
    String.raw`\bdeeds\b`,
    String.raw`(\.|\{ ?)rooms\b`,
    String.raw`'(liar|(test/)?yardstick(/\w+)?)'`,
    String.raw`\b0x[0-9a-f]+\b`,
  ].join('|'),
  'g',
);

/** Generated pages name fields as the schema does; the schema itself is checked. */
const exempt = new RegExp(
  `^(${[
    'docs/(glossary|messages|codes)\\.md',
    'test/repository/words\\.test\\.ts',
    'docs/results/',
    'CHANGELOG\\.md',
    'LICENSE',
    'package',
  ].join('|')})`,
);
const checked = files.filter(
  (path) => /\.(ts|mjs|mts|c|h|S|ld|rs|yaml|cddl|md|toml)$/.test(path) && !exempt.test(path),
);

/**
 * The words of a line, those within identifiers too: `toldS`, `WHAT_TOLD` and `told` all have the
 * word `told`.
 */
function wordsOf(line: string): string[] {
  return (line.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g) ?? []).map((word) => word.toLowerCase());
}

const testTitle = /^\s*\w+\(\s*(['"`])(.*)\1, (?:async )?\(/;

/** A line's comment, test title or, in a page, its prose; code in backticks is left out. */
function proseOf(path: string, line: string): string {
  const text = path.endsWith('.md')
    ? /^ {4}/.test(line)
      ? ''
      : line
    : (testTitle.exec(line)?.[2] ?? /(?:^\s*\*|\/\/|\/\*|^\s*[;#])(.*)$/.exec(line)?.[1] ?? '');
  return text.replace(/`[^`]*`/g, '`').toLowerCase();
}

/** `path:line word: instead` of every forbidden word. */
function forbidden(path: string, text: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    const own = line.replace(published, '');
    const words = new Set(wordsOf(own));
    const prose = proseOf(path, own);
    return rules.flatMap(({ instead, words: banned = [], phrase }) => {
      const found = [...banned.filter((word) => words.has(word)), ...(phrase?.exec(prose)?.slice(0, 1) ?? [])];
      return found.map((word) => `${path}:${index + 1} ${word}: ${instead}`);
    });
  });
}

test('no private word stands in code, comments or pages', () => {
  const places = checked.flatMap((path) => forbidden(path, read(path)));
  assert.equal(places, []);
});

test('a private word is found in prose, in identifiers and in comments; field terms are not', () => {
  const count = (path: string, line: string) => forbidden(path, line).length;
  assert.is(count('a.ts', 'const toldS = 1;'), 1);
  assert.is(count('a.ts', 'WHAT_TOLD'), 1);
  assert.is(count('a.md', 'What it lets go of, and a stand-in for it.'), 2);
  assert.is(count('a.ts', '// the last epoch'), 1);
  assert.is(count('a.ts', "test('the last epoch ends', () => {"), 1);
  assert.is(count('a.ts', '// the last key epoch; a TDMA slot and the intent slots'), 0);
  assert.is(count('a.ts', 'const epoch = header.epoch; // `epoch` of the header'), 0);
  assert.is(count('a.ts', '// heartbeat, untouched, stalled, restricted'), 0);
});

test.run();
