// RAD-1: check, use, renew.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { applyOverrides, loadBody, loadScenario } from '../../host/cli/input.ts';
import { runScenario } from '../../hwsim/fleet/run.ts';
import { Lines, watchCodes } from './watch.ts';

const test = suite('radiation: guard');

/** Flies and returns what was wrong, by call and table; stops at the first trap. */
function fly(name: string, nodes: number, days: number, seed: number): string[] {
  const found = new Map<string, number>();
  const lines = new Lines('flight');
  const engine = watchCodes(loadV8Engine('flight'), lines, (call, line) => {
    const what = `${call}: ${lines.nameOf(line)}`;
    found.set(what, (found.get(what) ?? 0) + 1);
    if (found.size > 9) throw new Error([...found.keys()].join('; '));
  });
  const scenario = applyOverrides(loadScenario(name), { nodes, days, seed });
  const facts = runScenario(scenario, { seed, days, nodes, body: loadBody(scenario.body, undefined, () => {}), engine });
  return [...found]
    .map(([what, times]) => `${what}, ${times} times`)
    .concat(facts.traps.slice(0, 5).map(({ site }) => `trap ${site}`));
}

test('after every call every line has its code', () => {
  assert.equal(fly('cluster-neo', 12, 0.5, 3), []);
});

test.run();
