// The import graph of the sources: arrows point down, no circles, nothing exported in vain.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  cyclesOf,
  drawGraph,
  foreignImports,
  groupGraph,
  importsOf,
  type Layers,
  moduleOf,
  resolveImport,
  unusedExports,
  upwardImports,
} from './import_graph.ts';
import { isGenerated, sourcesOf } from './sources.ts';

const layersOf = (text: string): Layers => text.split('; ').map((layer) => layer.split(', '));

/**
 * Top first. `.` holds the files of the tree's own folder. docs/architecture.md explains the order.
 */
const trees: Record<string, Layers> = {
  firmware: layersOf(
    'edge, signature; watchdog; federation; convergence; schedule; intent; membership; security; node;' +
      ' protection; base; memory; wire',
  ),
  host: layersOf('.; cli; node; board; platform; radio, store, clock; security, engine; cbor; build'),
  hwsim: layersOf(
    '.; cli; bench; federation; report; campaign; emulator; check; fleet; board; fault; world; scenario;' +
      ' channel; kernel',
  ),
};

/** What each tree must not import. */
const foreign: Record<string, readonly string[]> = {
  firmware: ['host', 'hwsim', 'proto', 'test'],
  host: ['firmware', 'hwsim', 'proto', 'test'],
  hwsim: ['firmware', 'proto', 'test'],
  proto: ['firmware', 'host', 'hwsim', 'test'],
};

/**
 * The one place where the command line names the simulator's commands; it loads them when one is
 * called.
 */
const compositionRoot = /^host\/cli\/main\.ts → hwsim\/cli\/\w+\.ts$/;

const sources = sourcesOf(/^(firmware|host|hwsim|proto|test)\/.*(?<!\.d)\.ts$/);
const graph = drawGraph(sources);
const code = new Map([...graph].filter(([path]) => !path.startsWith('test/')));

test('the graph has every relative import of the sources, and resolves each', () => {
  const paths = new Set(sources.keys());
  for (const [path, source] of sources) {
    // Generators and tests hold program texts, too.
    if (/^(proto|test)\//.test(path)) continue;
    const imports = importsOf(source).filter(({ from }) => from.startsWith('.'));
    const written = source.match(/^(?!\s*(\*|\/\/)).*\b(from|import)\s*\(?\s*['"]\.{1,2}\//gm) ?? [];
    assert.is(imports.length, written.length, path);
    for (const { from } of imports)
      assert.ok(
        /\.(csv|jsonl|yaml|cddl|json|mjs)$/.test(from) || resolveImport(path, from, paths) !== null,
        `${path} ${from}`,
      );
  }
});

test('no files import each other in a circle', () => {
  assert.equal(cyclesOf(graph), []);
});

test('no modules import each other in a circle', () => {
  const lazily = new Map([...code].filter(([path]) => path !== 'host/cli/main.ts'));
  assert.equal(cyclesOf(groupGraph(lazily, moduleOf)), []);
});

test('no import runs from a lower layer into a higher one', () => {
  assert.equal(
    Object.entries(trees).flatMap(([tree, layers]) => upwardImports(code, tree, layers)),
    [],
  );
});

test('no tree imports from one that it must not know; the command line names hwsim/cli, lazily', () => {
  const found = Object.entries(foreign).flatMap(([tree, others]) => foreignImports(code, tree, others));
  assert.equal(
    found.filter((each) => !compositionRoot.test(each)),
    [],
  );
  const main = importsOf(sources.get('host/cli/main.ts') ?? '').filter(({ from }) => from.includes('hwsim'));
  assert.ok(main.length > 0);
  assert.equal(
    main.filter(({ isDynamic }) => !isDynamic),
    [],
  );
});

/**
 * Tests compile parts of the firmware by entries that are text: `export { seal } from
 * "./firmware/security/cipher";`.
 */
function testEntries(): string {
  const entry = /\{([^}]*)\} from "(\.\/firmware\/[^"$]+)"/g;
  const statements = [...sources].flatMap(([path, source]) =>
    path.startsWith('test/') ? [...source.matchAll(entry)] : [],
  );
  return statements.map(([, names, from]) => `import {${names}} from "${from}";`).join('\n');
}

test('the firmware exports nothing that none of it imports', () => {
  const firmware = new Map([...sources].filter(([path]) => path.startsWith('firmware/')));
  firmware.set('entries.ts', testEntries());
  const isRoot = (path: string) =>
    isGenerated(path) || /^(entries|firmware\/(edge|signature|memory\/runtime)\/index)\.ts$/.test(path);
  assert.equal(unusedExports(firmware, isRoot), []);
});

const drawn = drawGraph(
  new Map([
    ['host/a/one.ts', "import { two } from '../b/two.ts';\nimport type { T } from './three.ts';"],
    ['host/a/three.ts', 'export interface T {}'],
    ['host/b/two.ts', "export const two = () => import('../c/four.ts');"],
    ['host/c/four.ts', "// import { no } from '../a/three.ts';\nexport { three } from '../a/three.ts';"],
    ['hwsim/x/y.ts', "import '../../host/a/one.ts';"],
    ['host/c/five.ts', "import './five.ts';\nimport { y } from '../../hwsim/x/y.ts';"],
  ]),
);

test('a circle, an upward import and a foreign import are found in a graph that has them', () => {
  assert.equal(cyclesOf(drawn), [['host/c/five.ts']]);
  assert.equal(cyclesOf(groupGraph(drawn, moduleOf)), [['host/a', 'host/b', 'host/c', 'hwsim/x']]);
  assert.equal(upwardImports(drawn, 'host', [['a'], ['b'], ['c']]), ['host/c/four.ts → host/a/three.ts']);
  assert.equal(upwardImports(drawn, 'host', [['a', 'b'], ['c']]).length, 2);
  assert.ok(upwardImports(drawn, 'host', [['a'], ['b']]).includes('host/c/four.ts lies in no layer'));
  assert.equal(foreignImports(drawn, 'host', ['hwsim']), ['host/c/five.ts → hwsim/x/y.ts']);
});

test('an export that nobody imports is found', () => {
  const texts = new Map([
    ['a.ts', 'export const one = 1;\nexport function two() {}\nexport class Three {}'],
    ['b.ts', "import { one as first } from './a';\nexport const root = first;"],
  ]);
  assert.equal(
    unusedExports(texts, (path) => path === 'b.ts'),
    ['a.ts two', 'a.ts Three'],
  );
});

test.run();
