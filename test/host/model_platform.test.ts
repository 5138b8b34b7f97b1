// The hardware that a host node models: telemetry, and work at the commanded rate.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TYPE, WORK_KIND } from '../../host/cbor/generated.ts';
import { assayOf, ModelPlatform } from '../../host/node/model_platform.ts';

const hourMs = 3_600_000;
const telemetryMs = 300_000;
const figures = { batteryWh: 900, solarW: 800, storageKg: 100 };
const health = (storedKg: number) => [TYPE.health, 0xff, 900, storedKg, 800];
const working = 1;
const done = 2;

test('telemetry comes at once and every five minutes, with all tasks checked in', () => {
  const platform = new ModelPlatform(figures, 1000);
  assert.is(platform.nextMs(), 1000);
  assert.equal(platform.due(999), []);
  assert.equal(platform.due(1000), [health(0)]);
  assert.is(platform.nextMs(), 1000 + telemetryMs);
  assert.equal(platform.due(1000 + telemetryMs - 1), []);
  assert.equal(platform.due(1000 + telemetryMs), [health(0)]);
});

/** A platform whose telemetry is not due before `nowMs` has passed by. */
function mining(rateKgPerDay: number, untilMs: number): ModelPlatform {
  const platform = new ModelPlatform(figures, 0);
  platform.due(0);
  platform.startWork(3, WORK_KIND.mine, rateKgPerDay, untilMs, 0);
  return platform;
}

test('work goes on at its rate: progress is reported with telemetry, and once at the end', () => {
  const platform = mining(240, hourMs);
  assert.equal(platform.due(1000), []);
  assert.equal(platform.due(hourMs / 2), [[TYPE.progress, 3, working, 5], health(5)]);
  assert.is(platform.nextMs(), hourMs / 2 + telemetryMs);
  const late = hourMs + 7 * telemetryMs;
  assert.equal(platform.due(late), [[TYPE.progress, 3, done, 10], health(10)], 'not beyond its end');
  assert.equal(platform.due(late + telemetryMs), [health(10)]);
});

test('the end of a work is due before the next telemetry', () => {
  const platform = mining(240, telemetryMs / 2);
  assert.is(platform.nextMs(), telemetryMs / 2);
  assert.equal(platform.due(telemetryMs / 2), [[TYPE.progress, 3, done, 0]]);
  assert.is(platform.nextMs(), telemetryMs);
});

test('mining fills the storage up to its size, hauling empties it down to nothing', () => {
  const platform = mining(2400, 2 * hourMs);
  assert.equal(platform.due(2 * hourMs), [[TYPE.progress, 3, done, 200], health(100)]);
  platform.startWork(4, WORK_KIND.haul, 960, 3 * hourMs, 2 * hourMs);
  assert.equal(platform.due(3 * hourMs), [[TYPE.progress, 4, done, 40], health(60)]);
  platform.startWork(4, WORK_KIND.haul, 2400, 4 * hourMs, 3 * hourMs);
  assert.equal(platform.due(4 * hourMs), [[TYPE.progress, 4, done, 100], health(0)]);
});

test('stopped work reports nothing more; works are reported in order of their intent slots', () => {
  const platform = mining(240, hourMs);
  platform.startWork(1, WORK_KIND.mine, 240, hourMs, 0);
  platform.startWork(2, WORK_KIND.mine, 240, hourMs, 0);
  platform.stopWork(2);
  assert.equal(platform.due(hourMs), [[TYPE.progress, 1, done, 10], [TYPE.progress, 3, done, 10], health(20)]);
});

test('work that is ordered anew begins at nothing', () => {
  const platform = mining(240, 2 * hourMs);
  platform.due(hourMs);
  platform.startWork(3, WORK_KIND.mine, 240, 2 * hourMs, hourMs);
  assert.equal(platform.due(2 * hourMs), [[TYPE.progress, 3, done, 10], health(20)]);
});

test('what a request-assay asks for is found as it was surveyed, and nothing where nothing was', () => {
  const groups = [{ name: 'group', group: 3, kind: 1, units: 4, capacity: 700, stockKg: 0, loadKg: 0 }] as const;
  const found = (group: number, unit: number) =>
    assayOf(groups, Uint32Array.of(TYPE.requestAssay, group, unit)) as { name: string; capacity: number };
  assert.equal(found(3, 2), { name: 'assay', group: 3, unit: 2, capacity: 1 });
  assert.is(found(3, 0).capacity, 700);
  assert.is(found(5, 0).capacity, 0);
});

test.run();
