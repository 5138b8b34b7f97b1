// long: HELIOGRAPH_TRIALS=10000

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FIELD, LEASE_GUARD_S, TYPE } from '../../host/cbor/generated.ts';
import { flyTrial, trialKinds } from './lease_trials.ts';
import { ExecutionWatch } from './watch.ts';

/** Seeds from 1 on, of each kind. */
const seeds = Number(process.env.HELIOGRAPH_TRIALS ?? 80);

const trials = suite('INT-5 where the bounds of leases meet');

for (const [kind, { takeovers }] of Object.entries(trialKinds))
  trials(`INT-5 holds: ${kind}: one node works the unit, and takeovers keep the guards of both`, () => {
    let starts = 0;
    let successions = 0;
    for (let seed = 1; seed <= seeds; seed += 1) {
      const outcome = flyTrial(kind, seed);
      starts += outcome.starts;
      successions += outcome.successions;
      assert.equal(outcome.violations, [], `seed ${seed}:\n${outcome.log.join('\n')}`);
    }
    assert.ok(starts >= seeds / 2, `only ${starts} times did work on the unit begin`);
    assert.ok(successions >= takeovers * seeds, `only ${successions} times did another node work on`);
  });

trials('a seed gives the same trial twice', () => {
  for (const kind of Object.keys(trialKinds)) assert.equal(flyTrial(kind, 3), flyTrial(kind, 3));
});

trials('INT-5 violated: the watch measures the time between the work of two nodes by their own clocks', () => {
  const watch = new ExecutionWatch();
  const claimS = 100;
  const record = (node: number, atS: number, type: number, fields: Record<number, number>, aheadS = 0) =>
    watch.take({ atS, node, fields: Object.assign([type, 0, 1, (1 << 16) | 1, 100, 0], fields) }, aheadS);
  record(0, 0, TYPE.startWork, { [FIELD.startWork.untilS]: claimS }, 2);
  record(1, 50, TYPE.settled, { [FIELD.settled.startS]: claimS + LEASE_GUARD_S }, -3);
  record(1, claimS + 50, TYPE.startWork, { [FIELD.startWork.untilS]: 900 }, -3);
  assert.equal(watch.doubles, []);
  assert.equal(watch.successions, [{ from: 0, to: 1, gapS: LEASE_GUARD_S, endS: claimS }]);
  record(1, 300, TYPE.stopWork, {});
  record(2, 310, TYPE.startWork, { [FIELD.startWork.untilS]: 900 });
  assert.is(watch.successions[1].gapS, 10);
});

trials.run();
