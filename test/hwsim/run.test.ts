import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TYPE } from '../../host/cbor/generated.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { drawFaults } from '../../hwsim/fault/draw.ts';
import { solarEvent } from '../../hwsim/scenario/solar_events.ts';
import { type RunFacts, runScenario } from '../../hwsim/fleet/run.ts';
import type { TraceConsumer, WorldChange } from '../../hwsim/kernel/trace.ts';
import { type Scenario, scenarioSchema } from '../../hwsim/scenario/schema.ts';

const body = { designation: 'test', deltaVKmS: 5, h: 20, aAu: 1.1, e: 0.1, iDeg: 5, source: 'made up' };

function scenarioWith(disruptions: unknown[]): Scenario {
  return scenarioSchema.parse({
    heliograph: 1,
    name: 'test',
    title: 'for tests',
    days: 1,
    epoch: '2026-01-01T00:00:00Z',
    body: 'test',
    nodes: 8,
    generations: [
      {
        generation: 1,
        share: 1,
        rateKgPerDay: 200,
        storageKg: 8000,
        batteryWh: 6000,
        solarW: 2000,
        baseW: 40,
        replicateW: 0,
        mineWhPerKg: 60,
      },
    ],
    world: { lots: 2, saturation: 0.9, sitesPerNode: 1.2, tugs: 2, depotKgPerDay: 9000 },
    radio: { meanLoss: 0.1, meanBurstS: 20 },
    disruptions,
  });
}

function fly(scenario: Scenario, seed: number, days: number, consumers: TraceConsumer[] = []): RunFacts {
  return runScenario(scenario, { seed, days, nodes: scenario.nodes, body, engine: loadV8Engine('tiny'), consumers });
}

test('one seed gives one trace hash, another seed another, and judges do not change it', () => {
  const scenario = scenarioWith([{ kind: 'reset', when: { fromDay: 0.02, toDay: 0.04 } }]);
  const first = fly(scenario, 7, 0.1);
  let frames = 0;
  const second = fly(scenario, 7, 0.1, [{ frame: () => (frames += 1) }]);
  assert.is(second.traceHash, first.traceHash);
  assert.is(second.decisionHash, first.decisionHash);
  assert.ok(frames > 500 && frames <= first.radio.framesSent);
  assert.is.not(fly(scenario, 8, 0.1).traceHash, first.traceHash);
});

test('calls to judges come in order of time, facts add up, and nothing traps', () => {
  let lastMs = 0;
  let unordered = 0;
  const clock = (timeMs: number) => {
    if (timeMs < lastMs) unordered += 1;
    lastMs = timeMs;
  };
  const facts = fly(scenarioWith([]), 3, 0.2, [
    { frame: clock, command: clock, event: clock, world: clock, end: clock },
  ]);
  assert.is(unordered, 0);
  assert.is(lastMs, 0.2 * 86_400_000);
  assert.equal(facts.traps, []);
  assert.ok(facts.production.minedKg > 0);
  assert.is(facts.radio.framesReceived, facts.calls.receives);
});

test('WDG-1: a hung runtime is reset by the hardware watchdog within its late bound and boots again', () => {
  const changes: { timeMs: number; change: WorldChange }[] = [];
  const facts = fly(scenarioWith([{ kind: 'hung-runtime', when: { atDay: 0.05 } }]), 4, 0.1, [
    { world: (timeMs, change) => changes.push({ timeMs, change }) },
  ]);
  const [fact] = facts.disruptions;
  const ups = changes.filter(({ change }) => change.kind === 'node-up' && change.node === fact.nodes[0]);
  assert.is(ups.length, 2);
  const downS = (fact.healedS ?? 0) - fact.onsetS;
  assert.ok(downS > 20 && downS <= 921, `down for ${downS} s`);
});

test("WDG-2: a hung task is restarted on the firmware's command; a persistent one leads to safe mode", () => {
  for (const persistent of [false, true]) {
    const commands = new Set<number>();
    const facts = fly(scenarioWith([{ kind: 'hung-task', when: { atDay: 0.03 }, persistent }]), 5, 0.6, [
      { command: (_time, _node, fields) => void commands.add(fields[0]) },
    ]);
    assert.ok(commands.has(TYPE.restartTask));
    assert.is(commands.has(TYPE.safeMode), persistent);
    assert.is(commands.has(TYPE.resetProcessor), persistent);
    assert.is(facts.disruptions[0].healedS === null, persistent);
  }
});

test('an occultation splits the cluster until its end, a storm silences all radios around its peak', () => {
  const scenario = scenarioWith([
    { kind: 'occultation', when: { atDay: 0.02 }, hours: 0.5, share: 0.25, predictedHours: 0.1 },
    {
      kind: 'storm',
      when: { atDay: 0.06 },
      event: '2026-01-18T22:55Z',
      silenceHours: 0.5,
      riseHours: 0.5,
      resetShare: 0.5,
    },
  ]);
  const partitions: number[] = [];
  let silent = 0;
  let silentMost = 0;
  const facts = fly(scenario, 6, 0.2, [
    {
      world: (_time, change) => {
        if (change.kind === 'partition') partitions.push(change.sets.length);
        if (change.kind === 'radio-down' || change.kind === 'radio-up') silent += change.kind === 'radio-down' ? 1 : -1;
        silentMost = Math.max(silentMost, silent);
      },
    },
  ]);
  assert.equal(partitions, [2, 0]);
  assert.is(silentMost, 8);
  assert.equal(
    facts.disruptions.map((fact) => fact.class),
    ['cluster', 'fleet'],
  );
  assert.is(facts.disruptions[0].nodes.length, 2);
  assert.is(facts.calls.boots, 8 + 4);
});

test('faults are a function of the seed and affect different nodes, unknown solar events are refused', () => {
  const scenario = scenarioWith([
    { kind: 'node-death', count: 3, when: { fromDay: 0, toDay: 1 } },
    { kind: 'reset', count: 5, when: { fromDay: 0, toDay: 1 } },
  ]);
  const faults = drawFaults(scenario, 9, 8);
  assert.equal(faults, drawFaults(scenario, 9, 8));
  assert.is.not(JSON.stringify(faults), JSON.stringify(drawFaults(scenario, 10, 8)));
  assert.is(new Set(faults.map((fault) => fault.nodes[0])).size, 8);
  assert.throws(() => solarEvent('1999-01-01T00:00Z'), /known: 2017-09-05T00:40Z/);
});

test.run();
