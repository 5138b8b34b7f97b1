import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';

const read = (path: string) => readFileSync(join(rootFolder, path), 'utf8');
const files = execFileSync('git', ['ls-files', '-z'], { cwd: rootFolder, encoding: 'utf8' })
  .split('\0')
  .filter(Boolean);
const sources = files.filter((path) => /\.(ts|mjs)$/.test(path));
const written = sources.filter((path) => !/generated/.test(path));
const self = 'test/repository/rules.test.ts';

/** `path:line` of every line that matches. */
function places(paths: string[], pattern: RegExp): string[] {
  return paths.flatMap((path) => {
    const lines = read(path).split('\n');
    return lines.flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : []));
  });
}

test('nothing unfinished, nothing switched off', () => {
  const others = written.filter((path) => path !== self);
  assert.equal(places(others, /\b(TODO|FIXME|XXX)\b/), []);
  assert.equal(
    places(
      others.filter((path) => path.startsWith('test/')),
      /\b(test|suite)\w*\.(only|skip)\(/,
    ),
    [],
  );
  assert.equal(
    files.filter((path) => /(^|\/)(utils?|helpers?|misc)(\.|\/)/.test(path)),
    [],
  );
});

test('no file has the marks of an unresolved merge', () => {
  const texts = files.filter((path) => /\.(ts|mjs|c|h|ld|s|md|json|yaml|cddl|txt|toml|rs)$/i.test(path));
  assert.ok(texts.includes('firmware/boards/README.md'));
  assert.equal(places(texts, /^(<{7}|>{7}|\|{7})( |$)/), []);
});

/** Variables that change how tests run, not for how long. */
const modes = new Set(['REWRITE', 'COSTS']);

test('a test whose size an environment variable sets declares its long version on a line of its own', () => {
  const declared = (text: string, name: string) => new RegExp(`^// long: (.* )?HELIOGRAPH_${name}=`, 'm').test(text);
  const missing = (path: string, text: string) =>
    [...text.matchAll(/process\.env\.HELIOGRAPH_(\w+)/g)]
      .filter(([, name]) => !modes.has(name) && !declared(text, name))
      .map(([, name]) => `${path}: ${name}`);
  const tests = written.filter((path) => path.endsWith('.test.ts') && path !== self);
  assert.equal(
    tests.flatMap((path) => missing(path, read(path))),
    [],
  );
  const use = 'const n = Number(process.env.HELIOGRAPH_N ?? 3);';
  assert.equal(missing('a.test.ts', `// Short. long: HELIOGRAPH_N=9\n${use}`), ['a.test.ts: N']);
  assert.equal(missing('a.test.ts', `// Short.\n// long: HELIOGRAPH_N=9\n${use}`), []);
});

test('the simulator reads no clock, draws no foreign randomness, and uses no function whose last bits differ', () => {
  // Commands and reports are outside: they show what runs gave.
  const outside = /^hwsim\/(cli|bench|report)\b/;
  const simulator = written.filter((path) => path.startsWith('hwsim/') && !outside.test(path));
  const code = simulator.flatMap((path) =>
    places(
      [path],
      /^(?!\s*(\*|\/\/|\/\*)).*\b(Date\.|new Date|performance\.|Math\.(random|sin|cos|tan|exp|log|pow)\b)/,
    ),
  );
  assert.equal(code, []);
});

test('host/clock is the one place that reads time', () => {
  const readers = written.filter((path) => /^(host|hwsim)\//.test(path) && !/^host\/(clock|build)\//.test(path));
  assert.equal(places(readers, /\b(Date\.now|new Date\(|performance\.now)/), []);
});

test('the firmware has no floats and imports nothing foreign', () => {
  const firmware = files.filter((path) => path.startsWith('firmware/') && path.endsWith('.ts'));
  assert.equal(places(firmware, /^(?!\s*(\*|\/\/|\/\*)).*(:\s*f(32|64)\b|<f(32|64)>|\bMath\.)/), []);
  assert.equal(places(firmware, /from ["'](?!\.)/), []);
});

test('dependencies are pinned, and the lockfile holds no download address', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json'));
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    assert.match(String(version), /^\d+\.\d+\.\d+$/, name);
  }
  assert.not(/"resolved": "http/.test(read('package-lock.json')));
});

test('crates are pinned, and come from crates.io by its default name', () => {
  const manifest = read('host/wasmtime-bindings/Cargo.toml');
  const sections = [...manifest.matchAll(/^\[(?:build-)?dependencies\]\n((?:[\w-]+ = .*\n)+)/gm)];
  const crates = sections.flatMap(([, lines]) => lines.trim().split('\n'));
  assert.ok(crates.length >= 4);
  for (const line of crates) {
    assert.match(line, /^[\w-]+ = (\{ version = )?"=\d+\.\d+\.\d+"/);
  }
  const sources = read('host/wasmtime-bindings/Cargo.lock').match(/^source = .*$/gm) ?? [];
  assert.equal([...new Set(sources)], ['source = "registry+https://github.com/rust-lang/crates.io-index"']);
});

test.run();
