// needs: bundles
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { command } from './run.ts';

/**
 * The text of a bundle and of all chunks that it imports statically: what is loaded before a
 * command is chosen.
 */
function loadedAtStart(path: string, seen = new Set<string>()): string {
  if (seen.has(path)) return '';
  seen.add(path);
  const text = readFileSync(path, 'utf8');
  const imports = text.matchAll(/^(?:import|\} from|import \{[^}]*\} from)\s*"(\.[^"]+\.mjs)";$/gm);
  return text + [...imports].map(([, chunk]) => loadedAtStart(join(dirname(path), chunk), seen)).join('');
}

test('help and small commands start without the simulator, the key store and the parsers', () => {
  const program = loadedAtStart(command);
  // The composition root imports the declarations of hwsim/cli dynamically, and always.
  const own = readFileSync(command, 'utf8');
  const chunks = [...own.matchAll(/import\("(\.[^"]+\.mjs)"\)/g)].map(([, chunk]) => join(dirname(command), chunk));
  const declarations = chunks
    .map((chunk) => loadedAtStart(chunk))
    .filter((text) => text.includes('// hwsim/cli/commands.ts'));
  assert.is(declarations.length, 1);
  const text = program + declarations[0];
  assert.match(text, /\/\/ host\/cli\/keys\/commands\.ts/);
  const loaded = [...text.matchAll(/^\/\/ ((?:host|hwsim)\/.*\.ts)$/gm)].map(([, path]) => path);
  const light = /^(host\/(cli|build|store|clock)|hwsim\/cli)\//;
  const tables = [
    'host/board/targets.ts',
    'host/engine/addon.ts',
    'host/engine/names.ts',
    'host/cbor/crc32c.ts',
    'host/cbor/generated.ts',
    'host/cbor/generated/codes.ts',
    'host/cbor/generated/constants.ts',
    'host/cbor/generated/names.ts',
    'hwsim/scenario/shipped.ts',
    'hwsim/campaign/fault_models.ts',
    'hwsim/world/orbits/bounds.ts',
  ];
  assert.equal(
    loaded.filter((path) => !light.test(path) && !tables.includes(path)),
    [],
  );
  const packages = [...text.matchAll(/from "([a-z@][^"]*)";$/gm)].map(([, name]) => name);
  for (const heavy of ['zod', 'yaml', 'cbor-x', 'highs', 'wabt', 'cli-table3', 'cli-progress'])
    assert.not(packages.includes(heavy), heavy);
});

test.run();
