import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ContactsReport } from '../../hwsim/cli/contacts/report.ts';
import { columnsMax } from '../../host/cli/output.ts';
import { inFolder } from '../host/support.ts';
import { run } from './run.ts';

const args = ['contacts', '--clusters', '20', '--days', '2', '--seed', '1'];

test('contacts prints places, regions, figures and the command that reproduces them', () => {
  const { status, stdout, stderr } = run(...args);
  assert.is(status, 0, stderr);
  assert.match(stdout, /^clusters {4}20: 5 at L4, 5 at L5, 10 at asteroids; seed 1\n/);
  assert.match(stdout, /^asteroids .* 2 more \(--json\)$/ms);
  assert.match(stdout, /^2 +asteroid +10 +\d\.\d\d–\d\.\d\d AU +4 /m);
  assert.match(stdout, /^between +– +20 /m);
  assert.match(stdout, /^graph +1 component, connected without any one cluster$/m);
  assert.match(stdout, /\nagain {7}npx heliograph contacts --clusters 20 --days 2 --seed 1 --period 60\n$/);
  assert.is(run(...args).stdout, stdout);
  assert.equal(
    stdout.split('\n').filter((line) => line.length > columnsMax),
    [],
  );
});

test('contacts --json has the same, and the contacts of the first hour', () => {
  const report: ContactsReport = JSON.parse(run(...args, '--json').stdout);
  const { places, groups, contacts, contactsADay, radioUse, firstHour } = report;
  assert.match(run(...args).stdout, new RegExp(`^plan hash +${report.planHash}$`, 'm'));
  assert.is(places.length, 20);
  assert.equal(
    groups.map(({ region, clusters }) => [region, clusters]),
    [
      [0, 5],
      [1, 5],
      [2, 10],
      [null, 20],
    ],
  );
  assert.is(
    groups.reduce((sum, group) => sum + group.contacts, 0),
    contacts,
  );
  // Each pair has one contact in an hour.
  const pairs = groups.reduce((sum, group) => sum + group.pairs, 0);
  assert.ok(firstHour.length === pairs && firstHour.every(({ beginMs }) => beginMs < 3_600_000));
  assert.ok(contactsADay.min <= contactsADay.median && contactsADay.median <= contactsADay.max);
  assert.ok(radioUse.max > 0 && radioUse.max < 1);
  assert.ok(report.lookaheadMs! >= 30_000);
  for (const { news } of groups) assert.ok(news !== null && news.p50Ms > 0 && news.p50Ms <= news.maxMs);
});

test('one cluster alone has no contacts; two have one pair', () => {
  const alone = run('contacts', '--clusters', '1', '--days', '1');
  assert.is(alone.status, 0, alone.stderr);
  assert.match(alone.stdout, /^plan +1 day, no contacts$/m);
  const two: ContactsReport = JSON.parse(run('contacts', '--clusters', '2', '--days', '1', '--json').stdout);
  assert.is(two.firstHour.length, 1);
});

test('a plan for which the radios have no time is whole, and ends with 1', () => {
  const { status, stdout } = run('contacts', '--days', '1', '--period', '10');
  assert.is(status, 1);
  assert.match(stdout, /^NO TIME +the radios have none for [1-9]\d* pairs, summed over the days$/m);
});

test("contacts draws bodies from a user's catalogue, and refuses one without Δv", () =>
  inFolder((folder) => {
    const path = join(folder, 'mine.csv');
    writeFileSync(path, 'designation,delta_v_km_s,H,a,e,i\nMine,4.5,20,1.2,0.1,3\nBad,4.5,20,1.2,1.1,3\n');
    const { status, stdout, stderr } = run('contacts', '--clusters', '4', '--days', '1', '--bodies', path);
    assert.is(status, 0, stderr);
    assert.match(stderr, /mine\.csv: 1 bodies read, 1 faults; those rows are left out/);
    assert.match(stdout, /^clusters +4: 2 at L4, 1 at L5, 1 at asteroids; /);
    assert.match(stdout, /^asteroids +Mine 1\.20 AU$/m);
    writeFileSync(path, 'full_name,H,a,e,i\nMine,20,1.2,0.1,3\n');
    const refused = run('contacts', '--bodies', path);
    assert.is(refused.status, 3);
    assert.match(refused.stderr, /no body of the catalogue has a Δv \(give a table with the column delta_v_km_s\)/);
  }));

test.run();
