import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TYPE } from '../../host/cbor/generated.ts';
import { createV8Engine } from '../../host/engine/v8.ts';
import { RunJudges } from '../../hwsim/check/run_judges.ts';
import { loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { readImage } from '../../host/engine/image.ts';
import { runScenario } from '../../hwsim/fleet/run.ts';
import { scenarioSchema } from '../../hwsim/scenario/schema.ts';
import { layWorld } from '../../hwsim/world/plan.ts';

const days = 0.75;
const onsetS = 43_200;

/**
 * Flies one disruption. Returns what the affected node reported, in order, and what the judges
 * found.
 */
function fly(disruption: object) {
  const drawn = { ...loadScenario('quiet'), nodes: 16, days, disruptions: [{ ...disruption, when: { atDay: 0.5 } }] };
  const scenario = scenarioSchema.parse(drawn);
  const body = loadBody(scenario.body, undefined, () => {});
  const judges = new RunJudges(layWorld(scenario, { seed: 5, nodes: 16, body }));
  const boots: number[] = [];
  const levels: number[] = [];
  const refetched = new Set<number>();
  let affected = -1;
  const watch = {
    event(timeMs: number, node: number, fields: Uint32Array): void {
      if (timeMs < onsetS * 1000) return;
      if (fields[0] === TYPE.booted || fields[0] === TYPE.escalation) affected = node;
      if (fields[0] === TYPE.booted) boots.push(fields[2]);
      if (fields[0] === TYPE.escalation) levels.push(fields[1]);
      if (fields[0] === TYPE.stored && node === affected && fields[1] !== node) refetched.add(fields[1]);
    },
  };
  const engine = createV8Engine(readImage('flight'));
  const { traceHash } = runScenario(scenario, { seed: 5, days, nodes: 16, body, engine, consumers: [watch, judges] });
  const violated = judges.verdicts().filter(({ id, ok }) => !ok && id !== 'SIM-1-greedy-clearly-worse');
  const [outcome] = judges.outcomes();
  return { boots, levels, refetched, violated, outcome, traceHash };
}

test('WDG-2 holds: a node boots from its older checkpoint, and without any boots empty and rejoins', () => {
  const [intact, one, none] = [0, 1, 2].map((badSlots) => fly({ kind: 'reset', downS: 60, badSlots }));
  assert.equal([intact.boots, one.boots, none.boots], [[1], [1], [0]]);
  assert.is.not(one.traceHash, intact.traceHash);
  // A boot without checkpoint starts empty: the node fetches again what the others store.
  assert.ok(none.refetched.size >= 12, `${none.refetched.size} owners' work was fetched again`);
  for (const { violated, outcome } of [intact, one, none]) {
    assert.equal(violated, []);
    assert.is(outcome.sla, 'kept', outcome.missing.join('; '));
  }
});

test('WDG-2 holds: a recovery that fails is followed by the next level, in order, up to safe mode', () => {
  const helped = fly({ kind: 'hung-task' });
  assert.equal(helped.levels, [1]);
  const failing = fly({ kind: 'hung-task', persistent: true, failing: [1, 2, 3, 4] });
  // Two tries of a task, one of the runtime, three resets, the alternate image, safe mode: each
  // level once only.
  assert.equal(failing.levels, [1, 1, 2, 3, 3, 3, 4, 5]);
  for (const { violated } of [helped, failing])
    assert.equal(
      violated.filter(({ id }) => id.startsWith('WDG')),
      [],
    );
  assert.equal(helped.violated, []);
});

test('WDG-2 holds: a reset without effect is repeated, and then the alternate image ends the hang', () => {
  const { levels, boots, violated } = fly({ kind: 'hung-task', failing: [1, 2, 3] });
  assert.is(levels[levels.length - 1], 4);
  assert.ok(levels.filter((level) => level === 3).length > 1, levels.join(' '));
  assert.is(boots.length, 1);
  assert.equal(violated, []);
});

test.run();
