/** The watchdog room through the ABI: windowed feeding, and every edge of the ladder by an injected fault. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { codeOf, Lines } from '../radiation/watch.ts';
import { LoneNode, type Boot, type Told } from '../schedule/node.ts';

const feed = 162;
const restartTask = 163;
const restartRuntime = 164;
const resetProcessor = 165;
const alternateImage = 166;
const safeMode = 167;
const escalation = 202;
const startS = 36_000;

const causeTask = 1;
const causeState = 3;
const causeCheckpoint = 4;
const causeRecovery = 5;
const causeBitten = 6;

function of(told: readonly Told[], type: number): Told[] {
  return told.filter((each) => each.fields[0] === type);
}

/** Fields of the orders given, without feeding and checkpoints, as `type:fields`. */
function orders(node: LoneNode): string[] {
  return node.commands
    .filter(({ fields }) => fields[0] >= restartTask && fields[0] <= safeMode)
    .map(({ fields }) => fields.join(':'));
}

/** Telemetry every five minutes with these tasks checking in, until a mission second or until `done`. */
function live(node: LoneNode, untilS: number, tasks: (atS: number) => number, done: () => boolean = () => false): void {
  while (node.missionS < untilS && !done()) {
    node.runTo(Math.min(untilS, (Math.floor((node.missionS - startS) / 300) + 1) * 300 + startS));
    node.observe({ name: 'health', tasks: tasks(node.missionS), batteryWh: 9000, storedKg: 0, solarW: 4000 });
  }
}

/** As `live`, but stops as soon as an order of this type was given (looked at every 10 s). */
function liveUntil(node: LoneNode, type: number, untilS: number, tasks: number): Told {
  const before = of(node.commands, type).length;
  while (node.missionS < untilS && of(node.commands, type).length === before) {
    const nextS = node.missionS + 10;
    node.runTo(nextS);
    if ((nextS - startS) % 300 < 10)
      node.observe({ name: 'health', tasks, batteryWh: 9000, storedKg: 0, solarW: 4000 });
  }
  const given = of(node.commands, type);
  assert.ok(given.length > before, `order ${type} by ${untilS}; given: ${orders(node).join(' ')}`);
  return given[given.length - 1];
}

/** The platform obeys: the runtime begins anew from its checkpoint, the clock runs on. */
function runtimeRestarts(node: LoneNode, image: Uint8Array): void {
  const localS = Math.floor(node.localMs / 1000) + 5;
  assert.is(node.restore(image, { cause: 4, localS }), 0);
}

function processorResets(node: LoneNode, image: Uint8Array, boot: Boot): void {
  assert.is(node.restore(image, { cause: 3, localS: 0, ...boot }), 0);
}

const all = 0xff;
const withoutTask3 = all & ~(1 << 3);

test('WDG-1 holds: fed only inside the window, over a day of healthy telemetry', () => {
  const node = new LoneNode({}, startS);
  live(node, startS + 86_400, () => all);
  const feeds = of(node.commands, feed);
  assert.ok(feeds.length > 86_400 / 600);
  let last = startS;
  for (const { atS } of feeds) {
    assert.ok(atS - last >= 60 && atS - last <= 600, `${atS - last} s after the last feed`);
    last = atS;
  }
  assert.is(orders(node).length, 0);
});

test('WDG-1 holds: fed without mission time too', () => {
  const node = new LoneNode({}, startS);
  node.boot({ timeKnown: false, localS: 0 });
  node.commands.length = 0;
  live(node, node.missionS + 7200, () => all);
  assert.ok(of(node.commands, feed).length >= 12);
});

/** Nothing answers the ladder, so that it ends in safe mode, which feeds again; feeds from `fromS` until then. */
function feedsBeforeSafeMode(node: LoneNode, fromS: number): Told[] {
  const [safe] = of(node.commands, safeMode);
  assert.ok(safe !== undefined && safe.atS - fromS > 600);
  return of(node.commands, feed).filter(({ atS }) => atS > fromS && atS < safe.atS);
}

test('WDG-1 violated: one task silent beyond 900 s, and the feeding stops', () => {
  const node = new LoneNode({}, startS);
  live(node, startS + 1800, () => all);
  live(node, startS + 1800 + 7200, () => withoutTask3);
  assert.is(feedsBeforeSafeMode(node, startS + 1800 + 900).length, 0);
});

test('WDG-1 violated: no telemetry at all, and the feeding stops', () => {
  const node = new LoneNode({}, startS);
  node.runTo(startS + 7200);
  assert.is(feedsBeforeSafeMode(node, startS + 900).length, 0);
});

test('WDG-1 violated: protected state out of range stops the feeding at once and restarts the runtime', () => {
  const node = new LoneNode({}, startS);
  live(node, startS + 1200, () => all);
  const fed = of(node.commands, feed).length;
  strikeSafeMode(node);
  live(node, startS + 1500, () => all);
  assert.is(of(node.commands, feed).length, fed);
  assert.is(of(node.events, escalation)[0].fields.join(':'), `${escalation}:2:${causeState}:0`);
});

/** A fault of our own in the edge room's flag of safe mode, which is 0 or 1 in a sane one: the line gets its code as after a write of the firmware. */
function strikeSafeMode(node: LoneNode): void {
  const lines = new Lines('flight');
  const words = new Uint32Array(node.engine.view().buffer);
  const line = (firmwareConstants('flight').get('EDGE_AT')! - lines.at) / 64;
  const first = (node.context + lines.at + line * 64) >> 2;
  assert.is(words[first + 8], 0);
  words[first + 8] = 77;
  words.set(codeOf(words, first), (node.context + lines.codesAt + line * 8) >> 2);
}

test('WDG-2 holds: a hung task is restarted, and its check-in ends the matter', () => {
  const node = new LoneNode({}, startS);
  const order = liveUntil(node, restartTask, startS + 3000, withoutTask3);
  assert.ok(order.atS - startS >= 900 && order.atS - startS <= 960, `${order.atS - startS} s after it was last heard`);
  node.runTo(order.atS + 30);
  node.observe({ name: 'health', tasks: all, batteryWh: 9000, storedKg: 0, solarW: 4000 });
  live(node, order.atS + 3000, () => all);
  assert.equal(orders(node), [`${restartTask}:3`]);
  assert.equal(
    of(node.events, escalation).map(({ fields }) => fields.join(':')),
    [`${escalation}:1:${causeTask}:3`],
  );
  assert.ok(
    of(node.commands, feed).some(({ atS }) => atS > startS + 1200),
    'fed again',
  );
});

test('WDG-2 holds: the recovery record of a task restart counts as its check-in', () => {
  const node = new LoneNode({}, startS);
  const order = liveUntil(node, restartTask, startS + 3000, withoutTask3);
  node.observe({ name: 'recovery', level: 1, task: 3, ok: 1 });
  node.runTo(order.atS + 200);
  assert.is(orders(node).length, 1);
});

test('WDG-2 holds: a task restart that fails is tried twice, then the runtime restarts', () => {
  const node = new LoneNode({}, startS);
  liveUntil(node, restartTask, startS + 3000, withoutTask3);
  node.observe({ name: 'recovery', level: 1, task: 3, ok: 0 });
  node.observe({ name: 'recovery', level: 1, task: 3, ok: 0 });
  assert.equal(orders(node), [`${restartTask}:3`, `${restartTask}:3`, `${restartRuntime}:${causeTask}`]);
});

test('WDG-2 holds: task restarts without any answer run into their time limit, then the runtime restarts', () => {
  const node = new LoneNode({}, startS);
  const first = liveUntil(node, restartTask, startS + 3000, withoutTask3);
  const order = liveUntil(node, restartRuntime, startS + 3000, withoutTask3);
  assert.is(of(node.commands, restartTask).length, 2);
  assert.ok(order.atS - first.atS <= 2 * (150 + 60));
});

test('WDG-2 holds: a runtime restart from checkpoint that does not help leads to a processor reset', () => {
  const node = new LoneNode({}, startS);
  const image = node.checkpoint();
  liveUntil(node, restartRuntime, startS + 3000, withoutTask3);
  runtimeRestarts(node, image);
  const order = liveUntil(node, resetProcessor, node.missionS + 1500, withoutTask3);
  assert.is(order.fields.join(':'), `${resetProcessor}:${causeTask}:1`);
});

test('WDG-2 holds: a runtime restart that does not come about leads to a processor reset', () => {
  const node = new LoneNode({}, startS);
  const before = liveUntil(node, restartRuntime, startS + 3000, withoutTask3);
  const order = liveUntil(node, resetProcessor, startS + 3000, withoutTask3);
  assert.ok(order.atS - before.atS <= 120 + 60);
  assert.is(order.fields[1], causeRecovery);
});

test('WDG-2 holds: a checkpoint that does not verify is refused, and the plain boot leads to a processor reset', () => {
  const node = new LoneNode({}, startS);
  const image = node.checkpoint();
  liveUntil(node, restartRuntime, startS + 3000, withoutTask3);
  // Two bits of a line: one would be corrected.
  image[image.length >> 1] ^= 5;
  const localS = Math.floor(node.localMs / 1000);
  assert.is(node.restore(image, { cause: 4, localS }), 8);
  node.boot({ cause: 4, localS });
  assert.is(orders(node).at(-1), `${resetProcessor}:${causeCheckpoint}:1`);
});

test('WDG-2 holds: resets that help nothing are counted over boots and bounded at three, then the alternate image', () => {
  const node = new LoneNode({}, startS);
  const image = node.checkpoint();
  node.boot({ cause: 3, localS: 0, resets: 1 });
  for (const count of [2, 3]) {
    const order = liveUntil(node, resetProcessor, node.missionS + 1500, withoutTask3);
    assert.is(order.fields[2], count);
    processorResets(node, image, { resets: count });
  }
  const order = liveUntil(node, alternateImage, node.missionS + 1500, withoutTask3);
  assert.is(order.fields[1], causeTask);
  assert.is(of(node.commands, resetProcessor).length, 2);
});

test('WDG-2 holds: a reset that fails is ordered again within the count, then the alternate image', () => {
  const node = new LoneNode({}, startS);
  node.boot({ cause: 4, localS: 0 });
  assert.is(of(node.commands, resetProcessor).length, 1);
  node.observe({ name: 'recovery', level: 3, task: 0, ok: 0 });
  node.observe({ name: 'recovery', level: 3, task: 0, ok: 0 });
  assert.equal(
    of(node.commands, resetProcessor).map(({ fields }) => fields[2]),
    [1, 2, 3],
  );
  node.observe({ name: 'recovery', level: 3, task: 0, ok: 0 });
  assert.is(orders(node).at(-1), `${alternateImage}:${causeRecovery}`);
});

test('WDG-2 holds: a reset that nothing comes of runs into its time limit three times, then the alternate image', () => {
  const node = new LoneNode({}, startS);
  node.boot({ cause: 4, localS: 0 });
  const begin = node.missionS;
  const order = liveUntil(node, alternateImage, begin + 1000, all);
  assert.is(of(node.commands, resetProcessor).length, 3);
  assert.ok(order.atS - begin <= 3 * (120 + 60) + 60);
});

test('WDG-2 holds: the hardware watchdog biting three times in a row leads to the alternate image', () => {
  const node = new LoneNode({}, startS);
  node.boot({ cause: 2, localS: 0, resets: 2 });
  assert.is(orders(node).length, 0);
  node.boot({ cause: 2, localS: 0, resets: 3 });
  assert.equal(orders(node), [`${alternateImage}:${causeBitten}`]);
});

test('WDG-2 holds: an alternate image that fails, or does not come about, leads to safe mode', () => {
  const refused = new LoneNode({}, startS);
  refused.boot({ cause: 2, localS: 0, resets: 3 });
  refused.observe({ name: 'recovery', level: 4, task: 0, ok: 0 });
  assert.is(orders(refused).at(-1), `${safeMode}:${causeRecovery}`);
  const mute = new LoneNode({}, startS);
  mute.boot({ cause: 2, localS: 0, resets: 3 });
  const begin = mute.missionS;
  assert.ok(liveUntil(mute, safeMode, begin + 600, all).atS - begin <= 180 + 60);
  const sameImage = new LoneNode({}, startS);
  sameImage.boot({ cause: 5, localS: 0, resets: 3, image: 0 });
  assert.is(orders(sameImage).at(-1), `${safeMode}:${causeRecovery}`);
});

test('WDG-2 holds: an alternate image on which the task still hangs leads to safe mode', () => {
  const node = new LoneNode({}, startS);
  node.boot({ cause: 5, localS: 0, resets: 0, image: 1 });
  const order = liveUntil(node, safeMode, node.missionS + 1500, withoutTask3);
  assert.is(order.fields[1], causeTask);
});

test('WDG-2 holds: safe mode beacons every ten minutes, keeps feeding, survives a reset, and ends by power-on only', () => {
  const node = new LoneNode({}, startS);
  node.boot({ cause: 5, localS: 0, resets: 3, image: 0 });
  node.frames.length = 0;
  node.commands.length = 0;
  const begin = node.missionS;
  live(node, begin + 7200, () => 0);
  assert.ok(node.frames.length >= 11 && node.frames.length <= 13, `${node.frames.length} frames in two hours`);
  assert.ok(of(node.commands, feed).length >= 12);
  assert.is(node.inspect(0)[4], 1);
  const image = node.checkpoint();
  processorResets(node, image, { resets: 1 });
  assert.is(node.inspect(0)[4], 1, 'a reset does not leave safe mode');
  assert.is(node.restore(image, { cause: 1, localS: 0 }), 0);
  assert.is(node.inspect(0)[4], 0, 'a power-on does');
});

test('WDG-2 violated: in safe mode nothing is claimed and no work starts', () => {
  const node = new LoneNode({ features: 1 }, startS);
  node.boot({ cause: 5, localS: 0, resets: 3, image: 0 });
  node.commands.length = 0;
  node.events.length = 0;
  live(node, node.missionS + 7200, () => all);
  assert.is(of(node.commands, 160).length, 0);
  assert.is(of(node.events, 195).length, 0);
});

test('WDG-2 holds: a stable hour clears the ladder, so that the next fault begins at its foot', () => {
  const node = new LoneNode({}, startS);
  node.boot({ cause: 3, localS: 0, resets: 2 });
  live(node, node.missionS + 4200, () => all);
  liveUntil(node, restartTask, node.missionS + 1500, withoutTask3);
  assert.equal(orders(node), [`${restartTask}:3`]);
});

test('WDG-2 violated: without a stable hour a new fault does not begin at the foot again', () => {
  const node = new LoneNode({}, startS);
  node.boot({ cause: 3, localS: 0, resets: 2 });
  live(node, node.missionS + 1800, () => all);
  liveUntil(node, resetProcessor, node.missionS + 1500, withoutTask3);
  assert.equal(orders(node), [`${resetProcessor}:${causeTask}:3`]);
});

test.run();
