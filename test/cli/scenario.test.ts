import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { fieldComments, optionalSections } from '../../hwsim/cli/scenario/comments.ts';
import { newScenarioText } from '../../hwsim/cli/scenario/new.ts';
import { parseScenario, shippedScenario } from '../../hwsim/scenario/load.ts';
import { scenarioSchema } from '../../hwsim/scenario/schema.ts';
import { shippedScenarios } from '../../hwsim/scenario/shipped.ts';
import { inFolder } from '../host/support.ts';
import { run, runWith } from './run.ts';

test('scenario list prints the shipped scenarios', () => {
  const listed = JSON.parse(run('scenario', 'list', '--json').stdout) as Record<string, unknown>[];
  assert.equal(
    listed.map(({ name }) => name),
    Object.keys(shippedScenarios),
  );
  const { title, nodes, days, disruptions, upsets } = listed.find(({ name }) => name === 'storm-s5')!;
  assert.match(String(title), /S5/);
  assert.equal([nodes, days, disruptions, upsets], [200, 2, 1, true]);
  assert.match(run('scenario', 'list').stdout, /^name +nodes +days +disruptions +title\n(.*\n)+quiet +100 +7 +0 /);
});

test('scenario new writes a commented file that is valid and flies, and never replaces one', () =>
  inFolder((folder) => {
    const made = runWith({ cwd: folder }, 'scenario', 'new', '--from', 'storm');
    assert.is(made.status, 0, made.stderr);
    assert.is(made.stdout, 'my-storm.yaml: written, from storm\nNext: npx heliograph sim ./my-storm.yaml\n');
    const path = join(folder, 'my-storm.yaml');
    assert.is(run('scenario', 'check', path).status, 0);
    const { name, ...rest } = parse(readFileSync(path, 'utf8'));
    const { name: shippedName, ...shipped } = parse(shippedScenarios.storm);
    assert.equal([name, shippedName], ['my-storm', 'storm']);
    assert.equal(rest, shipped);
    const flags = ['--days', '0.02', '--nodes', '4', '--json'];
    const hashOf = (scenario: string) => JSON.parse(run('sim', scenario, ...flags).stdout).traceHash;
    assert.is(hashOf(path), hashOf('storm'));

    writeFileSync(path, 'mine');
    const again = runWith({ cwd: folder }, 'scenario', 'new', 'my-storm.yaml');
    assert.is(again.status, 2);
    assert.match(again.stderr, /my-storm\.yaml exists already: name another file/);
    assert.is(readFileSync(path, 'utf8'), 'mine');
    assert.is(runWith({ cwd: folder }, 'scenario', 'new', 'none/x.yaml').status, 4);
  }));

test('every field has a comment, and every comment a field', () => {
  const { shape } = scenarioSchema;
  const fields = Object.keys(shape);
  assert.equal(
    fields.filter((field) => fieldComments[field] === undefined),
    [],
  );
  const world = Object.keys(shape.world.shape).map((field) => `world.${field}`);
  const known = new Set([...fields, ...world]);
  assert.equal(
    Object.keys(fieldComments).filter((field) => !known.has(field)),
    [],
  );
  for (const from of Object.keys(shippedScenarios)) {
    const text = newScenarioText(from, 'mine');
    const shipped = parse(shippedScenarios[from]);
    for (const field of fields)
      if (field !== 'seed' || field in shipped)
        assert.match(text, new RegExp(`^(# )?${field}:`, 'm'), `${from} ${field}`);
    for (const line of text.split('\n')) assert.ok(line.length <= 120, line);
    // A comment says what its field is: the file reads the same without any.
    assert.equal({ ...parseScenario(text, 'mine.yaml'), name: from }, shippedScenario(from));
  }
});

test('the optional sections of a new file are valid when their # is removed', () => {
  for (const [field, line] of Object.entries(optionalSections)) {
    const text = newScenarioText('quiet', 'mine').replace(`# ${line}`, line);
    const value = parseScenario(text, 'mine.yaml')[field as keyof typeof scenarioSchema.shape];
    assert.ok(value !== undefined, field);
  }
});

test.run();
