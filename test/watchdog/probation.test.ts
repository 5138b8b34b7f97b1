/**
 * The watchdog between its rungs: probation after a recovery, reports that do not count, counts
 * that begin anew, time limits from both sides.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BOOT_CAUSE, FIELD, RECOVERY_CAUSE, RECOVERY_LEVEL, TYPE } from '../../host/cbor/generated.ts';
import { LoneNode } from '../schedule/node.ts';
import {
  allTasks,
  recordsOf,
  recoveriesOf,
  restartRuntime,
  runTo,
  runUntilCommand,
  sendTelemetry,
  startS,
  withoutTask3,
} from './runs.ts';

/** Telemetry period of the platform, and the step of the firmware, seconds. */
const telemetryS = 300;
const stepS = 60;

/** A node that was reset and has had good telemetry since: it is on probation. */
function onProbation(): LoneNode {
  const node = new LoneNode({}, startS);
  node.boot({ cause: BOOT_CAUSE.commandedReset, localS: 0, resets: 1 });
  runTo(node, node.missionS + 2 * telemetryS, allTasks);
  assert.equal(recoveriesOf(node), [], 'good telemetry asks for no recovery');
  return node;
}

test('WDG-2 holds: on probation a task hangs that two telemetry records in a row lack', () => {
  const node = onProbation();
  const lastS = node.missionS;
  const order = runUntilCommand(node, TYPE.resetProcessor, lastS + 900, withoutTask3);
  const silentS = order.atS - lastS;
  assert.ok(silentS >= 2 * telemetryS && silentS <= 2 * telemetryS + stepS, `after ${silentS} s`);
});

test('WDG-2 violated: on probation one telemetry record without a task is no hang', () => {
  const node = onProbation();
  for (const tasks of [withoutTask3, allTasks, withoutTask3, allTasks]) {
    node.runTo(node.missionS + telemetryS - stepS);
    sendTelemetry(node, tasks);
    node.runTo(node.missionS + stepS);
  }
  assert.equal(recoveriesOf(node), []);
});

test('WDG-2 violated: on probation two records within 300 s are no hang', () => {
  const node = onProbation();
  for (let record = 0; record < 3; record++) {
    node.runTo(node.missionS + 30);
    sendTelemetry(node, withoutTask3);
  }
  node.runTo(node.missionS + 30);
  assert.equal(recoveriesOf(node), []);
  sendTelemetry(node, allTasks);
});

test('WDG-2 violated: on probation telemetry that does not come is no hang before 900 s', () => {
  const node = onProbation();
  const lastS = node.missionS;
  node.runTo(lastS + 899);
  assert.equal(recoveriesOf(node), []);
  node.runTo(lastS + 900 + stepS);
  assert.is(recoveriesOf(node).length, 1);
});

test('WDG-2 violated: without a recovery before, two records without a task are no hang', () => {
  const node = new LoneNode({}, startS);
  runTo(node, startS + telemetryS, allTasks);
  runTo(node, startS + 3 * telemetryS + 2 * stepS, withoutTask3);
  assert.equal(recoveriesOf(node), []);
});

test('WDG-2 violated: a report on another level, on another task or without an order changes nothing', () => {
  const report = (node: LoneNode, level: number, task: number, ok: number) =>
    node.observe({ name: 'recovery', level, task, ok });
  const calm = new LoneNode({}, startS);
  report(calm, RECOVERY_LEVEL.taskRestart, 0, 0);
  report(calm, RECOVERY_LEVEL.processorReset, 0, 0);
  assert.equal(recoveriesOf(calm), [], 'nothing was ordered');

  const node = new LoneNode({}, startS);
  const order = runUntilCommand(node, TYPE.restartTask, startS + 3000, withoutTask3);
  report(node, RECOVERY_LEVEL.processorReset, 3, 0);
  assert.is(recoveriesOf(node).length, 1, 'no reset was ordered');
  report(node, RECOVERY_LEVEL.taskRestart, 2, 1);
  const again = runUntilCommand(node, TYPE.restartTask, startS + 3000, withoutTask3);
  const waitedS = again.atS - order.atS;
  assert.ok(waitedS >= 150 && waitedS <= 150 + stepS, `the report on task 2 ends nothing of task 3: ${waitedS} s`);
});

test('WDG-2 violated: a runtime restart that is only reported leads to the next level all the same', () => {
  const node = new LoneNode({}, startS);
  const order = runUntilCommand(node, TYPE.restartRuntime, startS + 3000, withoutTask3);
  node.observe({ name: 'recovery', level: RECOVERY_LEVEL.runtimeRestart, task: 3, ok: 1 });
  const next = runUntilCommand(node, TYPE.resetProcessor, startS + 3000, withoutTask3);
  assert.ok(next.atS - order.atS >= 120 && next.atS - order.atS <= 120 + stepS, `${next.atS - order.atS} s later`);
});

test('WDG-2 holds: every level waits for its time limit and no longer', () => {
  const node = new LoneNode({}, startS);
  const times = [TYPE.restartTask, TYPE.restartTask, TYPE.restartRuntime, TYPE.resetProcessor].map(
    (type) => runUntilCommand(node, type, startS + 3000, withoutTask3).atS,
  );
  const waits = times.slice(1).map((atS, index) => atS - times[index]);
  for (const [index, limitS] of [150, 150, 120].entries())
    assert.ok(waits[index] >= limitS && waits[index] <= limitS + stepS, `${waits[index]} s, not ${limitS}`);
  const lastReset = [1, 2].map(() => runUntilCommand(node, TYPE.resetProcessor, startS + 3000, withoutTask3).atS)[1];
  const imageS = runUntilCommand(node, TYPE.alternateImage, startS + 3000, withoutTask3).atS;
  const safeS = runUntilCommand(node, TYPE.safeMode, startS + 3000, withoutTask3).atS;
  assert.ok(imageS - lastReset >= 120 && imageS - lastReset <= 120 + stepS, `${imageS - lastReset} s`);
  assert.ok(safeS - imageS >= 180 && safeS - imageS <= 180 + stepS, `${safeS - imageS} s`);
});

test('WDG-2 holds: after a stable hour every count begins anew', () => {
  const node = new LoneNode({}, startS);
  // Two restarts of the task, one of the runtime, one reset.
  const image = node.checkpoint();
  runUntilCommand(node, TYPE.restartRuntime, startS + 3000, withoutTask3);
  restartRuntime(node, image);
  const first = runUntilCommand(node, TYPE.resetProcessor, node.missionS + 1500, withoutTask3);
  assert.is(first.fields[FIELD.resetProcessor.count], 1);
  node.restore(image, { cause: BOOT_CAUSE.commandedReset, localS: 0, resets: 1 });
  runTo(node, node.missionS + 3600 + 2 * telemetryS, allTasks);
  node.commands.length = 0;
  const reset = runUntilCommand(node, TYPE.resetProcessor, node.missionS + 3000, withoutTask3);
  assert.is(reset.fields[FIELD.resetProcessor.count], 1, 'the reset before the stable hour counts no more');
  assert.equal(recoveriesOf(node), [
    `${TYPE.restartTask}:3`,
    `${TYPE.restartTask}:3`,
    `${TYPE.restartRuntime}:${RECOVERY_CAUSE.hungTask}`,
    `${TYPE.resetProcessor}:${RECOVERY_CAUSE.failedRecovery}:1`,
  ]);
});

test('WDG-1 violated: a feed comes neither in the first minute after a boot nor twice within five', () => {
  const node = new LoneNode({}, startS);
  node.boot({ cause: BOOT_CAUSE.commandedReset, localS: 0, resets: 1 });
  const bootS = node.missionS;
  node.commands.length = 0;
  runTo(node, bootS + 7200, allTasks);
  const feeds = recordsOf(node.commands, TYPE.feedWatchdog).map(({ atS }) => atS);
  assert.ok(feeds[0] >= bootS + 60 && feeds[0] <= bootS + 60 + stepS, `${feeds[0] - bootS} s`);
  const gaps = feeds.slice(1).map((atS, index) => atS - feeds[index]);
  assert.ok(gaps.length > 10 && gaps.every((gapS) => gapS >= 300 && gapS <= 300 + stepS), gaps.join(' '));
});

test('WDG-1 holds: feeds are numbered', () => {
  const node = new LoneNode({}, startS);
  runTo(node, startS + 3600, allTasks);
  const numbers = recordsOf(node.commands, TYPE.feedWatchdog).map(({ fields }) => fields[FIELD.feedWatchdog.sequence]);
  assert.ok(numbers.length > 8);
  assert.equal(
    numbers,
    numbers.map((_, index) => index + 1),
  );
});

test('WDG-2 holds: beacons of safe mode come every ten minutes, counted anew from a restart', () => {
  const node = new LoneNode({}, startS);
  node.boot({ cause: BOOT_CAUSE.alternateImage, localS: 0, resets: 3, image: 0 });
  runTo(node, node.missionS + 1500, 0);
  restartRuntime(node, node.checkpoint());
  const bootS = node.missionS;
  runTo(node, bootS + 3660, 0);
  // The first frame announces the restart.
  const [joinS, ...sinceBootS] = node.frames.map((atS) => atS - bootS).filter((s) => s >= 0);
  assert.ok(joinS <= 2 * stepS, `${joinS} s`);
  assert.ok(sinceBootS[0] >= 600 && sinceBootS[0] <= 600 + 2 * stepS, `the first after ${sinceBootS[0]} s`);
  const gaps = sinceBootS.slice(1).map((s, index) => s - sinceBootS[index]);
  assert.ok(gaps.length >= 4 && gaps.every((gapS) => gapS >= 540 && gapS <= 660), gaps.join(' '));
});

test.run();
