import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type ConvergenceFlight,
  convergenceScenario,
  convergenceSummary,
  kindOf,
  type MeasuredDisruption,
} from '../../hwsim/campaign/cluster/convergence.ts';
import { quantileBounds95, samplesWithUpperBound95 } from '../../hwsim/campaign/statistics.ts';
import { seedsOf } from '../../hwsim/cli/campaign/convergence/command.ts';
import { convergencePageOf } from '../../hwsim/cli/campaign/convergence/page.ts';
import { flyConvergence } from '../../hwsim/cli/campaign/convergence/flight.ts';
import { impossibleDisruptions } from '../../hwsim/scenario/impossible.ts';

const setting = { image: 'flight', nodes: 100, loss: 0.1 } as const;
const phaseTimes = { detect: 60, agree: 40, lease: 500, claim: 0, resume: 0 };

const disruption = (changes: Partial<MeasuredDisruption>): MeasuredDisruption => ({
  kind: 'death',
  sla: 'kept',
  convergedS: 600,
  phases: phaseTimes,
  onboardS: 700,
  onboardPhases: { ...phaseTimes, lease: 600 },
  lostKg: 0,
  ...changes,
});

const flight = (seed: number, disruptions: MeasuredDisruption[]): ConvergenceFlight => ({
  seed,
  traceHash: '0',
  firmware: 'f',
  nodeDays: 365.25,
  falseDeaths: 0,
  lapsedLeases: 0,
  alarms: { breaches: 0, announced: 0, falseAlarms: 0 },
  events: 36_525,
  channelUse: 0.1,
  production: 0.98,
  disruptions,
  failed: [],
});

test('disruptions of a flight are three hours apart at least, and can happen in clusters of any size', () => {
  for (const nodes of [8, 24, 100, 200]) {
    const scenario = convergenceScenario({ nodes, loss: 0.3 }, 5);
    assert.equal(impossibleDisruptions(scenario), []);
    assert.is(scenario.radio.meanLoss, 0.3);
    const times = scenario.disruptions.map(({ when }) => ('fromDay' in when ? [when.fromDay, when.toDay] : []));
    for (const [index, [from]] of times.entries())
      assert.ok(index === 0 || from - times[index - 1][1] >= 0.125 - 1e-9, `${nodes} nodes`);
    assert.ok(times[times.length - 1][1] + 0.5 + 0.125 <= scenario.days);
  }
});

test('each judged disruption is counted under one kind; the split itself and storms are not', () => {
  assert.is(kindOf('occultation-1'), null);
  assert.is(kindOf('storm-1/merge'), 'merge');
  assert.equal(['node-death-2', 'reset-8', 'lot-depleted-1', 'tug-lost-1'].map(kindOf), [
    'death',
    'reset',
    'depleted',
    'tug',
  ]);
});

test('quantiles are those of the sample, and one that never converged is slower than all others', () => {
  const times = Array.from({ length: 100 }, (_, index) => disruption({ convergedS: (index + 1) * 10 }));
  const { death } = convergenceSummary(setting, [flight(1, times)]).kinds;
  assert.equal([death.p50S, death.p90S, death.p99S, death.maxS], [500, 900, 990, 1000]);
  times[0] = disruption({ convergedS: null, sla: 'breached' });
  const worse = convergenceSummary(setting, [flight(1, times)]).kinds.death;
  assert.equal([worse.n, worse.never, worse.breaches, worse.p50S, worse.maxS], [100, 1, 1, 510, null]);
});

test('what affected nobody or was cut off by the end does not count', () => {
  const seen = [disruption({ sla: 'void' }), disruption({ sla: 'not measured', convergedS: null }), disruption({})];
  assert.is(convergenceSummary(setting, [flight(1, seen)]).kinds.death.n, 1);
});

test('a figure of the cluster counts within five minutes of the judge, and not if there is none', () => {
  const reported = [300, 299, 301, null].map((apartS) =>
    disruption({ convergedS: 600, onboardS: apartS === null ? null : 600 + apartS }),
  );
  assert.equal(convergenceSummary(setting, [flight(1, reported)]).onboard, { n: 4, within5Min: 2 });
});

test('phases are averaged over what converged, and rates are per node·year and cluster·month', () => {
  const measured = [disruption({}), disruption({ phases: null, convergedS: null, sla: 'breached' })];
  const alarms = { breaches: 1, announced: 1, falseAlarms: 3 };
  const flights = [{ ...flight(1, measured), lapsedLeases: 2, alarms }, flight(2, [])];
  const summary = convergenceSummary(setting, flights);
  assert.equal(summary.kinds.death.phases, phaseTimes);
  assert.equal(summary.kinds.death.onboardPhases, { ...phaseTimes, lease: 600 });
  assert.is(summary.lapsedLeasesPerNodeYear, 1);
  assert.equal(summary.alarms, { ...alarms, falseAlarmsPerClusterMonth: 3 / ((2 / 100) * 12) });
});

test('the page has a section for each setting and image, with the seeds of all its files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'convergence-'));
  const write = (name: string, image: string, flights: readonly ConvergenceFlight[]) => {
    const head = { campaign: 1, kind: 'convergence', image, nodes: 100, loss: 0.1, firmware: 'f' };
    const path = join(folder, name);
    writeFileSync(path, `${[head, ...flights].map((line) => JSON.stringify(line)).join('\n')}\n`);
    return path;
  };
  try {
    const a = write('a', 'flight', [flight(1, [disruption({})]), flight(2, [disruption({})])]);
    const b = write('b', 'flight', [{ ...flight(4, []), failed: ['INT-5: x'] }]);
    const c = write('c', 'fleet', [flight(1, [])]);
    const page = convergencePageOf([a, b, c]);
    assert.is(page.match(/^## /gm)?.length, 2);
    assert.match(page, /3 flights, seeds 1\.\.2 4:/);
    assert.match(page, /--image flight --nodes 100 --loss 0\.1 --seeds 1\.\.2 --out FILE/);
    assert.match(page, /\| death \| 2 \| 0 \| 0 \| 10\.0 \|/);
    assert.match(page, /Checks failed: seed 4: INT-5: x\./);
    assert.throws(() => convergencePageOf([a, a]), /seed 1 stands in .*a too/);
    writeFileSync(c, '{"kind":"swarm"}\n');
    assert.throws(() => convergencePageOf([c]), /c:1: is no first line/);
    writeFileSync(b, `${readFileSync(a, 'utf8').split('\n')[0]}\n{"seed":1}\n`);
    assert.throws(() => convergencePageOf([b]), /b:2: is no record of this campaign/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('flights are summed by node·days, and those with a failed check are named', () => {
  const flights = [flight(1, []), { ...flight(2, []), failed: ['INT-5: x'], falseDeaths: 1 }];
  const { nodeYears, eventsPerNodeDay, failed, falseDeaths } = convergenceSummary(setting, flights);
  assert.equal([nodeYears, eventsPerNodeDay, failed, falseDeaths], [2, 100, [2], 1]);
});

test('the interval of a p99 ends within the sample from 368 on; with fewer its end is unknown', () => {
  assert.equal(quantileBounds95(100, 0.99), [96, null]);
  const [low, high] = quantileBounds95(1000, 0.99);
  assert.ok(low !== null && high !== null && low < 989 && high > 989);
  assert.is(samplesWithUpperBound95(0.99), 368);
  assert.equal([quantileBounds95(367, 0.99)[1], quantileBounds95(368, 0.99)[1]], [null, 367]);
});

test('seeds are one or a range; anything else is refused', () => {
  assert.equal(seedsOf('3..5'), [3, 4, 5]);
  assert.equal(seedsOf('7'), [7]);
  for (const text of ['', '5..3', 'a..b', '1..2..3', '1..999999']) assert.throws(() => seedsOf(text), /--seeds is/);
});

test('a flight of a small cluster measures its disruptions', () => {
  const flown = flyConvergence({ kind: 'convergence', image: 'fleet', seed: 1, nodes: 8, loss: 0.1, engine: 'v8' });
  assert.is(flown.disruptions.filter(({ kind }) => kind === 'reset').length, 8);
  assert.is(flown.disruptions.filter(({ kind }) => kind === 'merge').length, 2);
  assert.ok(flown.disruptions.some(({ convergedS }) => convergedS !== null));
});

test.run();
