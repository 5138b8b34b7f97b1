import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readImage } from '../../host/engine/image.ts';
import { loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { flyAndJudge } from '../../hwsim/report/fly_and_judge.ts';
import { scenarioOf } from '../../hwsim/scenario/load.ts';

test('the check is made of whole runs of a day, by the share of their scenario', () => {
  const quiet = loadScenario('quiet');
  const fly = (days: number, shareMin?: number) => {
    const production = shareMin === undefined ? undefined : { shareMin, why: 'a test' };
    const scenario = scenarioOf({ ...quiet, nodes: 6, days, production, greedyBaseline: false }, 'test');
    const body = loadBody(scenario.body, undefined, () => {});
    const { checks } = flyAndJudge({ scenario, body, image: readImage('flight'), silent: true }, null);
    return checks.find(({ id }) => id === 'SIM-1-production');
  };
  assert.is(fly(0.9), undefined);
  assert.is(fly(1, 0.5)?.ok, true);
  assert.match(fly(1, 0.999)?.examples.join() ?? '', /less than the 99\.9 % that the scenario states/);
});

test.run();
