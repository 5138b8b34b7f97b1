// long: HELIOGRAPH_FIELDS=1

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { loadBody } from '../../hwsim/cli/input.ts';
import { believedRow, believedRows, believedTable } from '../../hwsim/campaign/insider/believed.ts';
import { costOf, flyMutation, flyUndisturbed, goal, isWithin } from '../../hwsim/campaign/insider/measure.ts';
import { extremesOf, linkFields } from '../../hwsim/fault/field_mutation.ts';

/** Fields that cost the most before they were bounded: they are always flown. */
const costly = ['notice.capacity', 'heartbeat.timeS', 'intent.publishedS', 'intent.rate'];
/** One of the other fields in so many is flown; a long run flies all. */
const step = Number(process.env.HELIOGRAPH_FIELDS ?? 8);
const page = join(rootFolder, 'docs/insiders.md');
const begin = '<!-- fields -->\n';
const end = '\n<!-- /fields -->\n';

const fields = suite('fields that members believe');
const body = loadBody('(65803) Didymos 1996 GT', undefined, () => {});
const undisturbed = flyUndisturbed(body);

fields('every field of every message between members has one row, and no row is of another', () => {
  const all = linkFields().map(({ message, field }) => `${message}.${field}`);
  for (const { message, field } of linkFields()) believedRow(message, field);
  const rows = believedRows.flatMap(({ message, fields: names }) => names.map((field) => `${message}.${field}`));
  assert.equal([...rows].sort(), [...all].sort());
  assert.throws(() => believedRow('heartbeat', 'mood'), /no row/);
});

fields('the table of docs/insiders.md is the one that the command uses', () => {
  const text = readFileSync(page, 'utf8');
  const [beginAt, endAt] = [text.indexOf(begin), text.indexOf(end)];
  assert.ok(beginAt >= 0 && endAt > beginAt, 'the page has both marks of the table');
  const wanted = `${text.slice(0, beginAt)}${begin}${believedTable()}${text.slice(endAt)}`;
  if (process.env.HELIOGRAPH_REWRITE === '1') writeFileSync(page, wanted);
  else assert.is(text, wanted, 'run the test with --rewrite');
});

fields('SEC-5 holds: a field at its extremes costs no more than the goal', () => {
  assert.ok(Math.max(...undisturbed.working) >= 7, 'all honest members work');
  for (const [index, { message, field }] of linkFields().entries()) {
    if (index % step !== 0 && !costly.includes(`${message}.${field}`)) continue;
    for (const value of extremesOf(message, field)) {
      const cost = costOf(flyMutation(body, { message, field, value }), undisturbed);
      assert.ok(isWithin(cost, goal), `${message}.${field} = ${JSON.stringify(value)}: ${JSON.stringify(cost)}`);
    }
  }
});

fields('SEC-5 violated: without bounds a notice of no capacity stops the work', () => {
  const trusting = flyUndisturbed(body, 'trusting');
  const cost = costOf(flyMutation(body, { message: 'notice', field: 'capacity', value: 0 }, 'trusting'), trusting);
  assert.not(isWithin(cost, goal), JSON.stringify(cost));
});

fields.run();
