// needs: boards
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { committedTable } from '../../hwsim/bench/cycles/measure.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { tableLayout } from '../../hwsim/bench/cycles/native_baseline.ts';
import { buildRunner } from '../../hwsim/bench/cycles/runner.ts';
import { searchWorst, worstOn } from '../../hwsim/bench/cycles/search.ts';
import { attacked } from '../../hwsim/bench/cycles/adversary.ts';
import { targets } from '../../host/board/targets.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';

const committed = committedTable();

test('BRD-1 holds: the slowest known inputs take at most 5 % more than in the committed table', async () => {
  for (const name of ['m7', 'm4'] as const) {
    const { preset } = targets[name];
    const known = (committed.worst ?? []).filter((worst) => targets[worst.target].preset === preset);
    assert.ok(
      known.length >= attacked.length,
      `docs/results/cycles.json knows ${known.length} slow inputs of ${preset}`,
    );
    const grown = worstOn(await buildRunner(targets[name]), known).filter(({ op, instructions }) => {
      const before = known.find((worst) => worst.target === name && worst.op === op);
      return before !== undefined && instructions > before.instructions * 1.05;
    });
    assert.equal(
      grown.map(({ op, instructions }) => `${name} ${op} ${instructions}`),
      [],
    );
  }
});

test('a search depends only on its seed, keeps known inputs and finds inputs slower than an empty table', async () => {
  const runner = await buildRunner(targets.m4);
  const search = (seed: number) => searchWorst(runner, [], { evaluations: 8, seed, report: () => {} });
  const first = search(7);
  assert.equal(search(7), first);
  assert.equal(
    first.map(({ op }) => op),
    [...attacked],
  );
  const instructionsOf = (op: string) => first.find((found) => found.op === op)?.instructions ?? 0;
  assert.ok(
    instructionsOf('tick') > 10_000 && instructionsOf('verdict') > 2000 && instructionsOf('receive') > 10_000,
    JSON.stringify(first),
  );
  const further = searchWorst(runner, first, { evaluations: 4, seed: 8, report: () => {} });
  for (const { op, instructions } of further) assert.ok(instructions >= instructionsOf(op), op);
});

test('the memory map has the same values as the compiled image', () => {
  for (const preset of ['flight', 'compact', 'tiny', 'bare', 'unscrubbed'] as const) {
    assert.is(firmwareConstants(preset).get('CONTEXT_BYTES'), loadV8Engine(preset).image.contextBytes, preset);
    assert.is(tableLayout(preset).length, 23);
  }
});

test.run();
