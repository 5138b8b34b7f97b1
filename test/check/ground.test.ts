// Who lives and who reaches whom, now and before; and what planned pauses cost.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INTENT_STATE, TYPE, WORK_KIND } from '../../host/cbor/generated.ts';
import { JudgeHarness, nodeDown, nodeUp, siteOf, splitInHalves } from './judge_harness.ts';

const { started, claimed } = INTENT_STATE;

function seen() {
  const harness = new JudgeHarness(4);
  return { harness, ground: harness.seen.ground };
}

test('all reach each other from the very start, and a path is added up over its breaks', () => {
  const { harness, ground } = seen();
  assert.is(ground.connectedSinceMs(0, 3), 0);
  assert.is(ground.pathMs(0, 3, 0, 1000), 1000);
  harness.world(100, splitInHalves);
  harness.world(150, { kind: 'partition', sets: [], disruption: null });
  assert.equal([ground.pathMs(0, 3, 0, 200_000), ground.pathMs(0, 1, 0, 200_000)], [150_000, 200_000]);
  assert.equal([ground.pathMs(0, 3, 90_000, 160_000), ground.pathMs(0, 3, 100_000, 150_000)], [20_000, 0]);
  assert.equal([ground.connectedSinceMs(0, 3), ground.connectedSinceMs(0, 1)], [150_000, 0]);
  harness.world(160, nodeDown(3));
  assert.equal([ground.connectedSinceMs(0, 3), ground.connected(0, 3), ground.connected(3, 3)], [-1, false, false]);
});

test('changes at one instant count as one', () => {
  const { harness, ground } = seen();
  harness.world(100, nodeDown(3));
  harness.world(100, nodeUp(3));
  assert.is(ground.pathMs(0, 3, 0, 200_000), 200_000);
});

test('the majority is the part with most live members; of equal parts the one with the lowest', () => {
  const { harness, ground } = seen();
  assert.is(ground.majority(), 0);
  harness.world(100, splitInHalves);
  assert.is(ground.majority(), 0);
  harness.world(110, nodeDown(0));
  assert.is(ground.majority(), 2);
  harness.world(120, nodeDown(2));
  assert.is(ground.majority(), 1);
  harness.world(130, nodeDown(1));
  harness.world(130, nodeDown(3));
  assert.is(ground.majority(), -1);
  const alone = seen();
  for (const node of [0, 1, 2, 3]) alone.harness.world(100, { kind: 'radio-down', node, disruption: null });
  assert.is(alone.ground.majority(), 0);
});

test('a silent radio is a part of its own; only a silence without a disruption is a planned window', () => {
  const { harness, ground } = seen();
  const radio = (timeS: number, kind: 'radio-down' | 'radio-up', disruption: string | null) =>
    harness.world(timeS, { kind, node: 3, disruption });
  radio(100, 'radio-down', null);
  assert.equal([ground.connected(3, 3), ground.connected(0, 3), ground.away[3]], [true, false, 1]);
  radio(200, 'radio-up', null);
  assert.equal([ground.connected(0, 3), ground.away[3], ground.backMs[3]], [true, 0, 200_000]);
  radio(300, 'radio-down', 'storm-1');
  assert.is(ground.away[3], 0);
  radio(400, 'radio-up', 'storm-1');
  assert.is(ground.backMs[3], 200_000);
});

test('a node that is down for good is so until it is up', () => {
  const { harness, ground } = seen();
  harness.world(100, nodeDown(3, true));
  assert.equal([ground.live(3), ground.permanentlyDown[3]], [false, 1]);
  harness.world(200, nodeUp(3));
  assert.equal([ground.live(3), ground.permanentlyDown[3]], [true, 0]);
  harness.world(300, nodeDown(3));
  assert.equal([ground.live(3), ground.permanentlyDown[3]], [false, 0]);
});

/** Kilograms that the pauses of node 0, in maintenance from minute 2 to minute 12, cost group 1. */
function pausedKg(change: (harness: JudgeHarness) => void, group = 1): number {
  const { harness } = seen();
  change(harness);
  harness.maintain(100, 0, true);
  harness.maintain(700, 0, false);
  harness.until(2000);
  return Math.round(harness.seen.pauses.cumulative([group], 30)[30] * 1000) / 1000;
}
const perMinute = { version: 1, rate: 1440 };

test('a pause costs the rates of the started mining claims of its owner, minute by minute', () => {
  assert.is(
    pausedKg((harness) => harness.publish(60, 0, { ...perMinute, state: started })),
    10,
  );
  assert.is(
    pausedKg((harness) => harness.publish(60, 0, { ...perMinute, state: started, startS: 300 })),
    7,
    'from its start on',
  );
  assert.is(
    pausedKg((harness) => harness.publish(60, 0, { ...perMinute, state: claimed })),
    0,
  );
  assert.is(
    pausedKg((harness) => harness.publish(60, 1, { ...perMinute, state: started })),
    0,
    'another node',
  );
});

test('running sums of pauses begin at nothing', () => {
  const { harness } = seen();
  harness.publish(60, 0, { ...perMinute, state: started });
  harness.maintain(100, 0, true);
  harness.until(2000);
  const sums = harness.seen.pauses.cumulative([1], 5);
  assert.equal(
    [...sums].map((kg) => Math.round(kg * 1000) / 1000),
    [0, 0, 0, 1, 2, 3],
  );
});

test('what is mined all the same, hauling, and a node that is down cost nothing', () => {
  const mining = (harness: JudgeHarness) => {
    harness.publish(60, 0, { ...perMinute, state: started });
    harness.start(70, 0, { resource: siteOf(1), untilS: 9000 });
  };
  assert.is(pausedKg(mining), 0);
  const hauling = (harness: JudgeHarness) =>
    harness.event(60, 0, TYPE.published, 0, 1, WORK_KIND.haul, siteOf(1, 2), 0, 9000, 1440, 1, started, 0, 0, 0);
  assert.is(pausedKg(hauling, 2), 0);
  const down = (harness: JudgeHarness) => {
    harness.publish(60, 0, { ...perMinute, state: started });
    harness.world(70, nodeDown(0));
  };
  assert.is(pausedKg(down), 0);
});

test.run();
