// Small clusters are judged by what they can do: one node is a large part of them.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LEASE_S } from '../../host/cbor/generated.ts';
import { readImage } from '../../host/engine/image.ts';
import { loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { flyAndJudge } from '../../hwsim/report/fly_and_judge.ts';
import { scenarioOf } from '../../hwsim/scenario/load.ts';

function fly(change: object) {
  const scenario = scenarioOf({ ...loadScenario('cluster-neo'), greedyBaseline: false, ...change }, 'small');
  const body = loadBody(scenario.body, undefined, () => {});
  return flyAndJudge({ scenario, body, image: readImage('flight'), silent: true }, null);
}

const { world } = loadScenario('cluster-neo');

test('CVG-1 holds: a reset in a cluster of four converges, though the others do maintenance meanwhile', () => {
  // On day 2.4 node 3 is due for maintenance: half an hour without a quarter of the production.
  const disruptions = [{ kind: 'reset', when: { atDay: 2.42 }, downS: 1800 }];
  for (const seed of [1, 2]) {
    const flown = fly({ seed, nodes: 4, days: 2.6, world: { ...world, lots: 1 }, disruptions });
    const [reset] = flown.disruptions;
    assert.is(reset.sla, 'kept', JSON.stringify(reset.heldUpDuring));
  }
});

test('CVG-1 holds: a death among 20 nodes converges within the hour', () => {
  const disruptions = [{ kind: 'node-death', when: { fromDay: 1, toDay: 1.5 } }];
  const [death] = fly({ seed: 3, nodes: 20, days: 2, disruptions }).disruptions;
  assert.is(death.sla, 'kept', JSON.stringify(death.heldUpDuring));
  // The lease of the dead is what takes longest.
  assert.ok(death.heldUpBy.bindings > (LEASE_S * 2) / 3 && death.heldUpBy.bindings > death.heldUpBy.views);
});

test('a disruption of a node that died before is void, and says so', () => {
  const disruptions = [
    { kind: 'node-death', node: 2, when: { atDay: 0.3 } },
    { kind: 'reset', node: 2, when: { atDay: 0.5 }, downS: 60 },
  ];
  const flown = fly({ seed: 1, nodes: 4, days: 0.7, world: { ...world, lots: 1 }, disruptions });
  assert.equal(
    flown.disruptions.map(({ sla, withinSla }) => [sla, withinSla]),
    [
      ['kept', true],
      ['void', null],
    ],
  );
});

test.run();
