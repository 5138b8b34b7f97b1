// needs: boards
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { budgetsOf, committedTable, type CyclesTable, regressions } from '../../hwsim/bench/cycles/measure.ts';
import { rootFolder } from '../../host/build/root.ts';

function measured(...names: string[]): CyclesTable {
  const words = ['bench', 'cycles', ...names.flatMap((name) => ['--target', name]), '--json'];
  const run = spawnSync(process.execPath, [join(rootFolder, 'host/bin/heliograph.mjs'), ...words], {
    encoding: 'utf8',
  });
  assert.is(run.status, 0, run.stderr);
  return JSON.parse(run.stdout);
}

const table = measured('m7', 'm4');
const committed = committedTable();

test('BRD-1 holds: no operation takes over 5 % more instructions than in the committed table', () => {
  assert.ok(committed.targets.length === 5, 'docs/results/cycles.json has not all targets');
  assert.equal(regressions(table, committed), []);
});

test('BRD-1 violated: growth of an operation by 6 % is reported, growth by 4 % is not', () => {
  const grown = (share: number): CyclesTable => ({
    ...committed,
    targets: committed.targets.map((target) => ({
      ...target,
      ops: target.ops.map((entry) =>
        entry.op === 'open' ? { ...entry, instructions: entry.instructions * (1 + share) } : entry,
      ),
    })),
  });
  assert.is(regressions(grown(0.06), committed).length, 5);
  assert.match(regressions(grown(0.06), committed)[0], /m7: open takes/);
  assert.equal(regressions(grown(0.04), committed), []);
});

test('BRD-1, SEC-1 hold: frames opened and refused, utilisation and stack keep to their budgets on m7 and m4', () => {
  const kept = budgetsOf(table).filter(({ what }) => /open a frame|refused|utilisation|stack/.test(what));
  assert.is(kept.length, 8);
  assert.equal(
    kept.filter(({ ok }) => !ok),
    [],
  );
});

test('BRD-1 violated: a figure above its budget is reported', () => {
  const [m7] = table.targets;
  const ops = m7.ops.map((entry) => (entry.op === 'frame.open' ? { ...entry, worst: 15_001 } : entry));
  const flood = { ...m7.flood, share: 0.0101 };
  const slow = { ...table, targets: [{ ...m7, ops, flood, utilisation: 0.011, stackBoundBytes: 4097 }] };
  const exceeded = budgetsOf(slow).filter(({ ok }) => !ok);
  for (const wanted of [/open a frame/, /refused/, /utilisation/, /stack/])
    assert.ok(
      exceeded.some(({ what }) => wanted.test(what)),
      String(wanted),
    );
});

test('bench cycles --json has the fields that scripts rely on', () => {
  for (const {
    name,
    ops,
    utilisation,
    stackBoundBytes,
    stackMeasuredBytes,
    codeBytes,
    ramBytes,
    flood,
  } of table.targets) {
    assert.ok(ops.length > 25, name);
    for (const op of ['frame.open', 'frame.seal', 'frame.reject.tag', 'frame.reject.replay', 'frame.reject.addressee'])
      assert.ok(
        ops.some((entry) => entry.op === op),
        `${name} ${op}`,
      );
    assert.ok(flood.share > 0 && flood.instructions > 0 && flood.bytes > 0, name);
    for (const { op, instructions, worst } of ops)
      assert.ok(instructions > 0 && worst >= instructions, `${name} ${op}`);
    assert.ok(
      utilisation > 0 &&
        stackMeasuredBytes > 0 &&
        stackMeasuredBytes <= stackBoundBytes &&
        codeBytes > 0 &&
        ramBytes > 0,
    );
  }
  assert.ok(table.nativeRatio.length === 6 && table.nativeRatio.every(({ ratio }) => ratio > 0.5 && ratio < 4));
});

test('RAD-1 holds: the cost of protection does not grow on m7 and m4; scrubbing keeps to its budget on m7', () => {
  assert.equal(
    table.protection.map(({ target }) => target),
    ['m7', 'm4'],
  );
  for (const { target, flown, unscrubbed, bare, ratio, ratioUnscrubbed } of table.protection) {
    assert.ok(flown > unscrubbed && unscrubbed > bare && bare > 0, `${target}: ${flown}, ${unscrubbed}, ${bare}`);
    const before = committed.protection.find((known) => known.target === target);
    assert.ok(before !== undefined, `docs/results/cycles.json has no cost of protection on ${target}`);
    assert.ok(ratio <= before.ratio * 1.05, `${target}: ${ratio} times the instructions, ${before.ratio} before`);
    assert.ok(
      ratioUnscrubbed <= before.ratioUnscrubbed * 1.05,
      `${target}: ${ratioUnscrubbed}, ${before.ratioUnscrubbed} before`,
    );
  }
  const [scrubbing] = budgetsOf(table).filter(({ what }) => /^m7: scrubbing/.test(what));
  assert.ok(scrubbing.ok, `${scrubbing.value} of ${scrubbing.limit}`);
});

test('RAD-1 violated: protection or scrubbing above its budget is reported', () => {
  const [cost] = table.protection;
  const costly = { ...table, protection: [{ ...cost, ratioUnscrubbed: 1.11, scrubbingShare: 0.0011 }] };
  const exceeded = budgetsOf(costly).filter(({ what, ok }) => !ok && /scrubbing/.test(what));
  assert.is(exceeded.length, 2);
});

test.run();
