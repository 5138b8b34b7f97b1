// SIM-4: the fleet image decides what the flight image decides, and is for the simulator only. The
// long version flies all of cluster-neo on 20 seeds.
// long: HELIOGRAPH_FLEET_SEEDS=20

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { type RunFacts, runScenario } from '../../hwsim/fleet/run.ts';
import { type Scenario, scenarioSchema } from '../../hwsim/scenario/schema.ts';

const test = suite('fleet image');

const longSeeds = Number(process.env.HELIOGRAPH_FLEET_SEEDS ?? 0);

function fly(image: 'flight' | 'fleet' | 'trusting', scenario: Scenario, seed: number): RunFacts {
  const { days, nodes } = scenario;
  const body = loadBody(scenario.body, undefined, () => {});
  return runScenario(scenario, { seed, days, nodes, body, engine: loadV8Engine(image) });
}

/** Flies on both images; asserts equal decisions and returns the facts of the flight image. */
function assertEqual(scenario: Scenario, seed: number): RunFacts {
  const [flight, fleet] = [fly('flight', scenario, seed), fly('fleet', scenario, seed)];
  assert.is(fleet.decisionHash, flight.decisionHash, `${scenario.name}, seed ${seed}`);
  assert.equal([fleet.events, fleet.radio], [flight.events, flight.radio], `${scenario.name}, seed ${seed}`);
  assert.is.not(fleet.traceHash, flight.traceHash, 'the bytes on the air differ');
  return flight;
}

const kindsOf = ({ disruptions }: RunFacts) => [...new Set(disruptions.map(({ kind }) => kind))].sort();

/** Sixteen nodes, of which one resets, one dies and a third is hidden, in half a day. */
const short = scenarioSchema.parse({
  ...loadScenario('cluster-neo'),
  nodes: 16,
  days: 0.5,
  disruptions: [
    { kind: 'reset', when: { atDay: 0.1 }, downS: 60 },
    { kind: 'node-death', when: { atDay: 0.2 } },
    { kind: 'occultation', when: { atDay: 0.25 }, hours: 3, share: 0.33, predictedHours: 1 },
  ],
});

test('SIM-4 holds: 16 nodes decide the same on both images through a reset, a death and a partition', () => {
  const facts = assertEqual(short, 7);
  assert.ok(facts.calls.boots > short.nodes, 'a node was reset');
  assert.equal(kindsOf(facts), ['node-death', 'occultation', 'reset']);
});

const byzantine = loadScenario('byzantine-1');
const attacked = scenarioSchema.parse({
  ...byzantine,
  nodes: 8,
  days: 0.4,
  insider: { fromDay: 0.05, excludedAfterHours: 1, attacks: ['claims', 'impersonates', 'equivocates'] },
  disruptions: [],
});

test('SIM-4 holds: members decide the same on both images about a Byzantine one, until keys exclude it', () => {
  const { insider } = assertEqual(attacked, 7);
  assert.ok(insider?.excludedS, 'the ground issued keys without it');
});

test('SIM-4 violated: an image with another rule has another decision hash', () => {
  const [fleet, trusting] = [fly('fleet', attacked, 7), fly('trusting', attacked, 7)];
  assert.is.not(trusting.decisionHash, fleet.decisionHash);
});

if (longSeeds > 0)
  test(`SIM-4 holds: cluster-neo decides the same on both images on ${longSeeds} seeds`, () => {
    const scenario = loadScenario('cluster-neo');
    for (let seed = 1; seed <= longSeeds; seed += 1) assert.ok(kindsOf(assertEqual(scenario, seed)).length > 5);
  });

test('the fleet image says what it is, so that boards and nodes refuse it', () => {
  const [flight, fleet] = [loadV8Engine('flight').image, loadV8Engine('fleet').image];
  assert.is(flight.isCipherNull, false);
  assert.is(fleet.isCipherNull, true);
  assert.ok(fleet.contextBytes < flight.contextBytes, 'a context without codes is smaller');
});

test.run();
