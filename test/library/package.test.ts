// needs: bundles
// The package as others get it: packed, installed into an empty project, its examples type-checked
// and run.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { transformSync } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { examplesOf, pagePath, readPage, withOutputs } from './examples.ts';

interface Project {
  folder: string;
  /** Folder of the installed package. */
  installed: string;
}

const test = suite<Project>('package', { folder: '', installed: '' });
const page = 'library.md';
const examples = examplesOf(readPage(page), 'ts');

function run(command: string, words: string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, words, { cwd, encoding: 'utf8' });
  assert.is(status, 0, `${command} ${words.join(' ')}: ${error?.message ?? ''}${stdout}${stderr}`);
  return stdout;
}

/**
 * Installs as npm would, without a network: the package's own files, and links to what it depends
 * on.
 */
function install(folder: string): string {
  const [{ filename }] = JSON.parse(
    run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], rootFolder),
  ) as { filename: string }[];
  const installed = join(folder, 'node_modules', 'heliograph');
  mkdirSync(installed, { recursive: true });
  run('tar', ['-xzf', join(folder, filename), '--strip-components=1', '-C', installed], folder);
  const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(realpathSync(join(rootFolder, 'node_modules', name)), link);
  }
  return installed;
}

test.before((project) => {
  run(process.execPath, [join(rootFolder, 'host/build/build.mjs'), '--quiet'], rootFolder);
  project.folder = mkdtempSync(join(tmpdir(), 'heliograph-package-'));
  writeFileSync(join(project.folder, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n');
  project.installed = install(project.folder);
  examples.forEach(({ code }, index) => {
    writeFileSync(join(project.folder, `example-${index}.ts`), code);
    writeFileSync(join(project.folder, `example-${index}.mjs`), transformSync(code, { loader: 'ts' }).code);
  });
});

test.after(({ folder }) => rmSync(folder, { recursive: true, force: true }));

for (const moduleKind of ['nodenext', 'esnext'])
  test(`the examples of docs/library.md have the right types for module ${moduleKind}`, ({ folder }) => {
    const words = ['--noEmit', '--strict', '--target', 'es2023', '--types', '', '--lib', 'es2023,dom'];
    const resolution = moduleKind === 'nodenext' ? 'nodenext' : 'bundler';
    const files = examples.map((_, index) => `example-${index}.ts`);
    run(
      join(rootFolder, 'node_modules/.bin/tsc'),
      [...words, '--module', moduleKind, '--moduleResolution', resolution, ...files],
      folder,
    );
  });

test('a wrong argument is a type error', ({ folder }) => {
  writeFileSync(join(folder, 'wrong.ts'), "import { loadImage } from 'heliograph';\nloadImage('enormous');\n");
  const words = ['--noEmit', '--strict', '--module', 'nodenext', '--types', '', 'wrong.ts'];
  const { status, stdout } = spawnSync(join(rootFolder, 'node_modules/.bin/tsc'), words, {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.is.not(status, 0);
  assert.match(stdout, /wrong\.ts\(2,11\)/);
});

test('the examples of docs/library.md print what the page says', ({ folder }) => {
  const outputs = examples.map((_, index) => run(process.execPath, [`example-${index}.mjs`], folder));
  if (process.env.HELIOGRAPH_REWRITE === '1') writeFileSync(pagePath(page), withOutputs(readPage(page), 'ts', outputs));
  assert.ok(outputs.length >= 3 && outputs.every((output) => output.length > 0));
  assert.equal(
    outputs,
    examplesOf(readPage(page), 'ts').map(({ output }) => output),
  );
});

test('the library and the command fly the same run; the installed command builds nothing', ({ folder, installed }) => {
  const flight = `
    import { flyScenario, judge, loadScenario } from 'heliograph';
    const flight = await flyScenario(loadScenario('cluster-neo', { seed: 3, nodes: 6, days: 0.05 }));
    for (const entry of flight) if (flight.timeMs > 1_800_000) break;
    console.log(JSON.stringify(judge(flight)));`;
  writeFileSync(join(folder, 'flight.mjs'), flight);
  const byLibrary = JSON.parse(run(process.execPath, ['flight.mjs'], folder));
  const words = ['sim', 'cluster-neo', '--seed', '3', '--nodes', '6', '--days', '0.05', '--json'];
  const byCommand = JSON.parse(run(process.execPath, [join(installed, 'host/bin/heliograph.mjs'), ...words], folder));
  for (const verdict of [byLibrary, byCommand]) verdict.speed.wallS = 0;
  assert.equal(byLibrary, byCommand);
});

test('heliograph/node does not load the simulator', ({ installed }) => {
  const entry = readFileSync(join(installed, 'dist/library-node.mjs'), 'utf8');
  assert.not.match(entry, /hwsim/);
});

test.run();
