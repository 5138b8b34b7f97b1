// RAD-1: finds a line whose code does not match after a call.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine } from '../../host/engine/engine.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { applyOverrides, loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { runScenario } from '../../hwsim/fleet/run.ts';
import { Lines, watchCodes } from './watch.ts';

const test = suite('radiation: guard');

const lines = new Lines('flight');

/** Flies and returns what was wrong, by call and table; stops at the first trap. */
function fly(name: string, nodes: number, days: number, seed: number, flown = loadV8Engine('flight')): string[] {
  const found = new Map<string, number>();
  const engine = watchCodes(flown, lines, (call, line) => {
    const what = `${call}: ${lines.nameOf(line)}`;
    found.set(what, (found.get(what) ?? 0) + 1);
    if (found.size > 9) throw new Error([...found.keys()].join('; '));
  });
  const scenario = applyOverrides(loadScenario(name), { nodes, days, seed });
  const facts = runScenario(scenario, {
    seed,
    days,
    nodes,
    body: loadBody(scenario.body, undefined, () => {}),
    engine,
  });
  return [...found]
    .map(([what, times]) => `${what}, ${times} times`)
    .concat(facts.traps.slice(0, 5).map(({ site }) => `trap ${site}`));
}

test('after every call every line has its code', () => {
  assert.equal(fly('cluster-neo', 12, 0.5, 3), []);
});

test('a bit flipped in a late call is found after that call, and not after it was corrected', () => {
  const engine = loadV8Engine('flight');
  let ticks = 0;
  const faultyLine = lines.lineOf('MEMBERSHIP_AT');
  const tick: Engine['calls']['tick'] = (ctx, nowS, nowMs) => {
    const result = engine.calls.tick(ctx, nowS, nowMs);
    ticks += 1;
    if (ticks === 400) engine.view()[ctx + lines.at + faultyLine * 64 + 5] ^= 8;
    return result;
  };
  const found = fly('quiet', 3, 0.05, 3, { ...engine, calls: { ...engine.calls, tick } });
  assert.ok(ticks > 500);
  assert.match(found[0], /^tick: line \d+, MEMBERSHIP_AT, 1 times$/);
});

test.run();
