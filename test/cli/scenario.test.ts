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

test('sim refuses what scenario check refuses, with the same place and next step', () =>
  inFolder((folder) => {
    const path = join(folder, 'mine.yaml');
    const quiet = shippedScenarios.quiet;
    const texts: [string, RegExp][] = [
      [`${quiet}\nx: &x [*x]\n`, /mine\.yaml:\d+:8 YAML: alias \*x contains itself \(write the value out\)/],
      [quiet.replace(/depotKgPerDay: \d+/, 'depotKgPerDay: 4294967296'), /depotKgPerDay: is 4294967296/],
      [quiet.replace(/^days: .*$/m, 'days: 1e-9'), /days: is 1e-9: expected number to be >=0\.001/],
      [quiet.replace(/^body: .*$/m, 'body: Nowhere'), /no body 'Nowhere'.*did you mean/],
      ['['.repeat(200_000), /mine\.yaml:1:\d+ YAML: has more than 64 levels/],
      ['# '.padEnd(300_000, 'x'), /mine\.yaml: 300000 bytes are more than/],
    ];
    for (const [text, reason] of texts) {
      writeFileSync(path, text);
      const [checked, flown] = [run('scenario', 'check', path), run('sim', path)];
      assert.equal([checked.status, flown.status], [3, 3], checked.stderr + flown.stderr);
      assert.match(checked.stderr, reason);
      assert.is(flown.stderr, checked.stderr);
    }
    assert.is(run('sim', 'quiet', '--days', '1e-9').status, 2);
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
