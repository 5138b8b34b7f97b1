/**
 * The watchdog module through the ABI: windowed feeding, and every step of the ladder after an
 * injected fault.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FEATURE, BOOT_CAUSE, FIELD, RECOVERY_CAUSE, RECOVERY_LEVEL, STATUS, TYPE } from '../../host/cbor/generated.ts';
import { LoneNode, type NodeRecord } from '../schedule/node.ts';
import {
  allTasks,
  isInSafeMode,
  overwriteSafeModeFlag,
  recordsOf,
  recoveriesOf,
  resetProcessor,
  restartRuntime,
  runTo,
  runUntilCommand,
  sendTelemetry,
  startS,
  withoutTask3,
} from './runs.ts';

test('WDG-1 holds: the watchdog is fed only within its window over a day of good telemetry', () => {
  const node = new LoneNode({}, startS);
  runTo(node, startS + 86_400, allTasks);
  const feeds = recordsOf(node.commands, TYPE.feedWatchdog);
  assert.ok(feeds.length > 86_400 / 600);
  let last = startS;
  for (const { atS } of feeds) {
    assert.ok(atS - last >= 60 && atS - last <= 600, `${atS - last} s after the last feed`);
    last = atS;
  }
  assert.is(recoveriesOf(node).length, 0);
});

test('WDG-1 holds: the watchdog is fed without mission time too', () => {
  const node = new LoneNode({}, startS);
  node.boot({ timeKnown: false, localS: 0 });
  node.commands.length = 0;
  runTo(node, node.missionS + 7200, allTasks);
  assert.ok(recordsOf(node.commands, TYPE.feedWatchdog).length >= 12);
});

/**
 * Returns the feeds from `fromS` until safe mode, in which a ladder without any answer ends, and
 * which feeds again.
 */
function feedsBeforeSafeMode(node: LoneNode, fromS: number): NodeRecord[] {
  const [safe] = recordsOf(node.commands, TYPE.safeMode);
  assert.ok(safe !== undefined && safe.atS - fromS > 600);
  return recordsOf(node.commands, TYPE.feedWatchdog).filter(({ atS }) => atS > fromS && atS < safe.atS);
}

test('WDG-1 violated: feeding stops when one task is silent for more than 900 s', () => {
  const node = new LoneNode({}, startS);
  runTo(node, startS + 1800, allTasks);
  runTo(node, startS + 1800 + 7200, withoutTask3);
  assert.is(feedsBeforeSafeMode(node, startS + 1800 + 900).length, 0);
});

test('WDG-1 violated: feeding stops without telemetry', () => {
  const node = new LoneNode({}, startS);
  node.runTo(startS + 7200);
  assert.is(feedsBeforeSafeMode(node, startS + 900).length, 0);
});

test('WDG-1 violated: a value out of range in protected memory stops the feeding and restarts the runtime', () => {
  const node = new LoneNode({}, startS);
  runTo(node, startS + 1200, allTasks);
  const fed = recordsOf(node.commands, TYPE.feedWatchdog).length;
  overwriteSafeModeFlag(node, { before: 0, after: 77 });
  runTo(node, startS + 1500, allTasks);
  assert.is(recordsOf(node.commands, TYPE.feedWatchdog).length, fed);
  assert.is(
    recordsOf(node.events, TYPE.escalation)[0].fields.join(':'),
    `${TYPE.escalation}:2:${RECOVERY_CAUSE.corruptState}:0`,
  );
});

test('WDG-2 holds: a hung task is restarted, and its check-in ends the recovery', () => {
  const node = new LoneNode({}, startS);
  const order = runUntilCommand(node, TYPE.restartTask, startS + 3000, withoutTask3);
  assert.ok(order.atS - startS >= 900 && order.atS - startS <= 960, `${order.atS - startS} s after its last check-in`);
  node.runTo(order.atS + 30);
  sendTelemetry(node, allTasks);
  runTo(node, order.atS + 3000, allTasks);
  assert.equal(recoveriesOf(node), [`${TYPE.restartTask}:3`]);
  assert.equal(
    recordsOf(node.events, TYPE.escalation).map(({ fields }) => fields.join(':')),
    [`${TYPE.escalation}:1:${RECOVERY_CAUSE.hungTask}:3`],
  );
  assert.ok(
    recordsOf(node.commands, TYPE.feedWatchdog).some(({ atS }) => atS > startS + 1200),
    'the watchdog is fed again',
  );
});

test('WDG-2 holds: the recovery record of a task restart counts as a check-in', () => {
  const node = new LoneNode({}, startS);
  const order = runUntilCommand(node, TYPE.restartTask, startS + 3000, withoutTask3);
  node.observe({ name: 'recovery', level: RECOVERY_LEVEL.taskRestart, task: 3, ok: 1 });
  node.runTo(order.atS + 200);
  assert.is(recoveriesOf(node).length, 1);
});

test('WDG-2 holds: a task restart that fails is tried twice, then the runtime restarts', () => {
  const node = new LoneNode({}, startS);
  runUntilCommand(node, TYPE.restartTask, startS + 3000, withoutTask3);
  node.observe({ name: 'recovery', level: RECOVERY_LEVEL.taskRestart, task: 3, ok: 0 });
  node.observe({ name: 'recovery', level: RECOVERY_LEVEL.taskRestart, task: 3, ok: 0 });
  assert.equal(recoveriesOf(node), [
    `${TYPE.restartTask}:3`,
    `${TYPE.restartTask}:3`,
    `${TYPE.restartRuntime}:${RECOVERY_CAUSE.hungTask}`,
  ]);
});

test('WDG-2 holds: task restarts without an answer reach their time limit, then the runtime restarts', () => {
  const node = new LoneNode({}, startS);
  const first = runUntilCommand(node, TYPE.restartTask, startS + 3000, withoutTask3);
  const order = runUntilCommand(node, TYPE.restartRuntime, startS + 3000, withoutTask3);
  assert.is(recordsOf(node.commands, TYPE.restartTask).length, 2);
  assert.ok(order.atS - first.atS <= 2 * (150 + 60));
});

test('WDG-2 holds: a runtime restart that does not help leads to a processor reset', () => {
  const node = new LoneNode({}, startS);
  const image = node.checkpoint();
  runUntilCommand(node, TYPE.restartRuntime, startS + 3000, withoutTask3);
  restartRuntime(node, image);
  const order = runUntilCommand(node, TYPE.resetProcessor, node.missionS + 1500, withoutTask3);
  assert.is(order.fields.join(':'), `${TYPE.resetProcessor}:${RECOVERY_CAUSE.hungTask}:1`);
});

test('WDG-2 holds: a runtime restart that does not happen leads to a processor reset', () => {
  const node = new LoneNode({}, startS);
  const before = runUntilCommand(node, TYPE.restartRuntime, startS + 3000, withoutTask3);
  const order = runUntilCommand(node, TYPE.resetProcessor, startS + 3000, withoutTask3);
  assert.ok(order.atS - before.atS <= 120 + 60);
  assert.is(order.fields[FIELD.resetProcessor.cause], RECOVERY_CAUSE.failedRecovery);
});

test('WDG-2 holds: a checkpoint that does not verify is refused, and a processor reset follows', () => {
  const node = new LoneNode({}, startS);
  const image = node.checkpoint();
  runUntilCommand(node, TYPE.restartRuntime, startS + 3000, withoutTask3);
  // Two bits of one line: a single bit would be corrected.
  image[image.length >> 1] ^= 5;
  const localS = Math.floor(node.localMs / 1000);
  assert.is(node.restore(image, { cause: BOOT_CAUSE.runtimeRestart, localS }), STATUS.checkpoint);
  node.boot({ cause: BOOT_CAUSE.runtimeRestart, localS });
  assert.is(recoveriesOf(node).at(-1), `${TYPE.resetProcessor}:${RECOVERY_CAUSE.lostCheckpoint}:1`);
});

test('WDG-2 holds: resets that do not help are counted up to three, then the alternate image follows', () => {
  const node = new LoneNode({}, startS);
  const image = node.checkpoint();
  node.boot({ cause: BOOT_CAUSE.commandedReset, localS: 0, resets: 1 });
  for (const count of [2, 3]) {
    const order = runUntilCommand(node, TYPE.resetProcessor, node.missionS + 1500, withoutTask3);
    assert.is(order.fields[FIELD.resetProcessor.count], count);
    resetProcessor(node, image, { resets: count });
  }
  const order = runUntilCommand(node, TYPE.alternateImage, node.missionS + 1500, withoutTask3);
  assert.is(order.fields[FIELD.alternateImage.cause], RECOVERY_CAUSE.hungTask);
  assert.is(recordsOf(node.commands, TYPE.resetProcessor).length, 2);
});

test('WDG-2 holds: a reset that fails is ordered again up to three times, then the alternate image follows', () => {
  const node = new LoneNode({}, startS);
  node.boot({ cause: BOOT_CAUSE.runtimeRestart, localS: 0 });
  assert.is(recordsOf(node.commands, TYPE.resetProcessor).length, 1);
  node.observe({ name: 'recovery', level: RECOVERY_LEVEL.processorReset, task: 0, ok: 0 });
  node.observe({ name: 'recovery', level: RECOVERY_LEVEL.processorReset, task: 0, ok: 0 });
  assert.equal(
    recordsOf(node.commands, TYPE.resetProcessor).map(({ fields }) => fields[FIELD.resetProcessor.count]),
    [1, 2, 3],
  );
  node.observe({ name: 'recovery', level: RECOVERY_LEVEL.processorReset, task: 0, ok: 0 });
  assert.is(recoveriesOf(node).at(-1), `${TYPE.alternateImage}:${RECOVERY_CAUSE.failedRecovery}`);
});

test('WDG-2 holds: a reset without effect reaches its time limit three times, then the alternate image follows', () => {
  const node = new LoneNode({}, startS);
  node.boot({ cause: BOOT_CAUSE.runtimeRestart, localS: 0 });
  const beginS = node.missionS;
  const order = runUntilCommand(node, TYPE.alternateImage, beginS + 1000, allTasks);
  assert.is(recordsOf(node.commands, TYPE.resetProcessor).length, 3);
  assert.ok(order.atS - beginS <= 3 * (120 + 60) + 60);
});

test('WDG-2 holds: three resets in a row by the hardware watchdog lead to the alternate image', () => {
  const node = new LoneNode({}, startS);
  node.boot({ cause: BOOT_CAUSE.watchdog, localS: 0, resets: 2 });
  assert.is(recoveriesOf(node).length, 0);
  node.boot({ cause: BOOT_CAUSE.watchdog, localS: 0, resets: 3 });
  assert.equal(recoveriesOf(node), [`${TYPE.alternateImage}:${RECOVERY_CAUSE.watchdogResets}`]);
});

test('WDG-2 holds: an alternate image that fails, or does not start, leads to safe mode', () => {
  const refused = new LoneNode({}, startS);
  refused.boot({ cause: BOOT_CAUSE.watchdog, localS: 0, resets: 3 });
  refused.observe({ name: 'recovery', level: RECOVERY_LEVEL.alternateImage, task: 0, ok: 0 });
  assert.is(recoveriesOf(refused).at(-1), `${TYPE.safeMode}:${RECOVERY_CAUSE.failedRecovery}`);
  const mute = new LoneNode({}, startS);
  mute.boot({ cause: BOOT_CAUSE.watchdog, localS: 0, resets: 3 });
  const beginS = mute.missionS;
  assert.ok(runUntilCommand(mute, TYPE.safeMode, beginS + 600, allTasks).atS - beginS <= 180 + 60);
  const sameImage = new LoneNode({}, startS);
  sameImage.boot({ cause: BOOT_CAUSE.alternateImage, localS: 0, resets: 3, image: 0 });
  assert.is(recoveriesOf(sameImage).at(-1), `${TYPE.safeMode}:${RECOVERY_CAUSE.failedRecovery}`);
});

test('WDG-2 holds: a task that hangs in the alternate image too leads to safe mode', () => {
  const node = new LoneNode({}, startS);
  node.boot({ cause: BOOT_CAUSE.alternateImage, localS: 0, resets: 0, image: 1 });
  const order = runUntilCommand(node, TYPE.safeMode, node.missionS + 1500, withoutTask3);
  assert.is(order.fields[FIELD.safeMode.cause], RECOVERY_CAUSE.hungTask);
});

test('WDG-2 holds: safe mode beacons, feeds the watchdog, survives a reset, and ends at power-on only', () => {
  const node = new LoneNode({}, startS);
  node.boot({ cause: BOOT_CAUSE.alternateImage, localS: 0, resets: 3, image: 0 });
  node.frames.length = 0;
  node.commands.length = 0;
  const beginS = node.missionS;
  runTo(node, beginS + 7200, 0);
  assert.ok(node.frames.length >= 11 && node.frames.length <= 13, `${node.frames.length} frames in two hours`);
  assert.ok(recordsOf(node.commands, TYPE.feedWatchdog).length >= 12);
  assert.ok(isInSafeMode(node));
  const image = node.checkpoint();
  resetProcessor(node, image, { resets: 1 });
  assert.ok(isInSafeMode(node), 'a reset does not end safe mode');
  assert.is(node.restore(image, { cause: BOOT_CAUSE.powerOn, localS: 0 }), 0);
  assert.not(isInSafeMode(node), 'a power-on ends it');
});

test('WDG-2 violated: a node in safe mode claims nothing and starts no work', () => {
  const node = new LoneNode({ features: FEATURE.plans }, startS);
  node.boot({ cause: BOOT_CAUSE.alternateImage, localS: 0, resets: 3, image: 0 });
  node.commands.length = 0;
  node.events.length = 0;
  runTo(node, node.missionS + 7200, allTasks);
  assert.is(recordsOf(node.commands, TYPE.startWork).length, 0);
  assert.is(recordsOf(node.events, TYPE.published).length, 0);
});

test('WDG-2 holds: a stable hour clears the ladder, and the next fault begins at its lowest level', () => {
  const node = new LoneNode({}, startS);
  node.boot({ cause: BOOT_CAUSE.commandedReset, localS: 0, resets: 2 });
  runTo(node, node.missionS + 4200, allTasks);
  runUntilCommand(node, TYPE.restartTask, node.missionS + 1500, withoutTask3);
  assert.equal(recoveriesOf(node), [`${TYPE.restartTask}:3`]);
});

test('WDG-2 violated: without a stable hour a new fault does not begin at the lowest level', () => {
  const node = new LoneNode({}, startS);
  node.boot({ cause: BOOT_CAUSE.commandedReset, localS: 0, resets: 2 });
  runTo(node, node.missionS + 1800, allTasks);
  runUntilCommand(node, TYPE.resetProcessor, node.missionS + 1500, withoutTask3);
  assert.equal(recoveriesOf(node), [`${TYPE.resetProcessor}:${RECOVERY_CAUSE.hungTask}:3`]);
});

test.run();
