import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadBody } from '../../hwsim/cli/input.ts';
import { readImage } from '../../host/engine/image.ts';
import { flyAndJudge } from '../../hwsim/report/fly_and_judge.ts';
import { drawScenario } from '../../hwsim/campaign/cluster/swarm.ts';

/** Seeds of the short version; `npx heliograph swarm --seeds N` is the long one. */
const seeds = [1, 2, 3, 4, 5, 6];
/** Checks that must hold in every scenario. The long version also reports the other judges. */
const safety = ['INT-5-exclusive', 'INT-3-arbitration', 'INT-4-versions', 'no-trap'];

test('every seed draws a scenario of its own, and the same one each time', () => {
  const drawn = Array.from({ length: 300 }, (_, seed) => drawScenario(seed));
  assert.equal(drawScenario(17), drawn[17]);
  assert.is(new Set(drawn.map((scenario) => JSON.stringify({ ...scenario, seed: 0, name: '' }))).size, 300);
  const kinds = new Set(drawn.flatMap(({ disruptions }) => disruptions.map(({ kind }) => kind)));
  assert.ok(kinds.size >= 7);
});

test('what a seed draws can happen: some draws had to leave out a disruption, and none is refused', () => {
  let deaths = 0;
  for (let seed = 0; seed < 2000; seed++) {
    const { nodes, disruptions } = drawScenario(seed);
    const killed = disruptions.filter(({ kind }) => kind === 'node-death').length;
    assert.ok(killed < nodes, `seed ${seed}`);
    deaths = Math.max(deaths, killed);
  }
  assert.ok(deaths >= 3);
});

for (const seed of seeds) {
  test(`safety checks hold in swarm seed ${seed} (again: npx heliograph swarm --seeds 1 --from ${seed})`, () => {
    const scenario = drawScenario(seed);
    const body = loadBody(scenario.body, undefined, () => {});
    const { checks } = flyAndJudge({ scenario, body, image: readImage('flight') }, null);
    for (const id of safety) {
      const check = checks.find((each) => each.id === id);
      assert.ok(check?.ok, `${id}: ${check?.examples.join('; ') ?? 'no such check'}`);
    }
  });
}

test.run();
