// long: HELIOGRAPH_PARTITIONS=300

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TYPE } from '../../host/cbor/generated.ts';
import { PartitionStorm } from './partitions.ts';
import { ExecutionWatch } from './watch.ts';

/** Seeds from 1 on. */
const seeds = Number(process.env.HELIOGRAPH_PARTITIONS ?? 8);
const days = 2;

const storms = suite('INT-5 in partitions drawn from a seed');

storms('INT-5 holds: no node works a unit that another node works', () => {
  let starts = 0;
  let successions = 0;
  for (let seed = 1; seed <= seeds; seed += 1) {
    const storm = new PartitionStorm(seed).run(days);
    starts += storm.starts;
    successions += storm.successions;
    assert.equal(storm.doubles, [], `seed ${seed}:\n${storm.log.join('\n')}`);
  }
  assert.ok(starts > 10 * seeds, `only ${starts} times did work on a unit begin`);
  assert.ok(successions > seeds / 2, `only ${successions} times was work of a silent member taken over`);
});

storms('a seed gives the same run twice', () => {
  const [one, two] = [new PartitionStorm(7).run(1), new PartitionStorm(7).run(1)];
  assert.equal(one, two);
});

storms(
  'INT-5 violated: the watch reports two nodes on one unit, and no node whose work stopped, failed or ended',
  () => {
    const watch = new ExecutionWatch();
    const start = (atS: number, node: number, untilS: number) =>
      watch.take({ atS, node, fields: [TYPE.startWork, 0, 1, (1 << 16) | 1, 100, untilS] });
    start(0, 0, 100);
    start(100, 1, 300);
    watch.take({ atS: 200, node: 1, fields: [TYPE.stopWork, 0] });
    start(200, 2, 400);
    watch.ended(2, 0);
    start(300, 3, 500);
    assert.equal(watch.doubles, []);
    start(499, 4, 600);
    assert.is(watch.doubles.length, 1);
  },
);

storms.run();
