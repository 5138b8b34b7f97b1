// All judges on one hand-made trace: who is seated, and that each gets the whole run.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INTENT_STATE, LIVENESS, TYPE, UPSET_OUTCOME } from '../../host/cbor/generated.ts';
import { HonestOnly } from '../../hwsim/check/honest_only.ts';
import { RunJudges } from '../../hwsim/check/run_judges.ts';
import type { TraceConsumer, WorldChange } from '../../hwsim/kernel/trace.ts';
import type { WorldPlan } from '../../hwsim/world/plan.ts';
import { deathOf, nodeDown, nodeUp, siteOf } from './judge_harness.ts';

const hour = 3600;
const day = 24 * hour;
const lot = { group: 1, kind: 1, units: 4, capacityKgPerDay: 300, stockKg: 1e9, loadKg: 0 } as const;
const depot = { group: 2, kind: 2, units: 1, capacityKgPerDay: 5000, stockKg: 0, loadKg: 600 } as const;
const node = {
  ...{ generation: 1, rateKgPerDay: 100, storageKg: 1e6, batteryWh: 0, solarW: 1000 },
  ...{ baseW: 0, replicateW: 0, mineWhPerKg: 10 },
};
/** Four nodes of 100 kg a day on a lot that gives 300: 300 kg a day are achievable. */
const plan: WorldPlan = {
  nodes: [0, 1, 2, 3].map((id) => ({ ...node, node: id })),
  groups: [lot, depot],
  ...{ maintenanceEveryMs: 1e12, maintenanceMs: 0, contactEveryMs: 1e12, contactMs: 0, contactWh: 0 },
};
const common = [
  ...['INT-5-exclusive', 'INT-2-shared-capacity', 'INT-1-nothing-lost', 'INT-4-versions', 'INT-3-arbitration'],
  ...['MBR-1-false-deaths', 'WDG-1-window', 'WDG-2-ladder'],
];

const event = (judges: TraceConsumer, timeS: number, at: number, ...record: number[]) =>
  judges.event?.(timeS * 1000, at, Uint32Array.from(record), record.length);
const command = (judges: TraceConsumer, timeS: number, at: number, ...record: number[]) =>
  judges.command?.(timeS * 1000, at, Uint32Array.from(record), record.length);
const world = (judges: TraceConsumer, timeS: number, change: WorldChange) => judges.world?.(timeS * 1000, change);

/** Kilograms that node 0 is credited every hour, of the 12.5 that are achievable. */
function mined(judges: RunJudges, kgPerHour: number, hours: number): RunJudges {
  for (let at = 1; at <= hours; at++)
    world(judges, at * hour, { kind: 'credit', node: 0, group: 1, unit: 1, kg: kgPerHour });
  judges.end(hours * hour * 1000);
  return judges;
}

const idsOf = (judges: RunJudges) => judges.verdicts().map(({ id }) => id);
const verdictOf = (judges: RunJudges, wanted: string) => judges.verdicts().find(({ id }) => id === wanted)!;

test('a run of a day is judged by its production, a shorter one is not, and one without work by none', () => {
  const production = ['SIM-1-actual-within-achievable', 'SIM-1-production'];
  assert.equal(idsOf(mined(new RunJudges(plan), 12, 24)), [...common, 'liveness', ...production]);
  assert.equal(idsOf(mined(new RunJudges(plan), 12, 23)), [...common, 'liveness', production[0]]);
  assert.equal(idsOf(mined(new RunJudges(plan, { planWork: false }), 0, 24)), [...common, 'liveness']);
});

test('a baseline, upsets and a Byzantine node have judges of their own', () => {
  const judges = new RunJudges(plan, { baselineSeed: 3, radiation: true, byzantine: 3 });
  assert.equal(idsOf(mined(judges, 12, 24)), [
    ...[...common, 'SEC-5-insider-contained', 'RAD-1-no-corrupt-value-sent', 'RAD-5-crash-recovery', 'liveness'],
    ...['SIM-1-actual-within-achievable', 'SIM-1-greedy-clearly-worse', 'SIM-1-production'],
  ]);
  assert.ok(judges.greedyKg !== null && judges.radiation !== null && judges.insider !== null);
  const plain = mined(new RunJudges(plan), 12, 24);
  assert.equal([plain.greedyKg, plain.radiation, plain.insider], [null, null, null]);
});

test('production is what was credited on lots, by the share that the scenario states', () => {
  const judged = (kgPerHour: number, shareMin?: number) =>
    verdictOf(mined(new RunJudges(plan, { shareMin }), kgPerHour, 24), 'SIM-1-production').ok;
  assert.equal([judged(11.3), judged(11.2), judged(11.2, 0.5), judged(6.2, 0.5)], [true, false, true, false]);
  const hauled = new RunJudges(plan);
  world(hauled, hour, { kind: 'credit', node: 0, group: 2, unit: 1, kg: 1e6 });
  const verdict = verdictOf(mined(hauled, 12, 24), 'SIM-1-actual-within-achievable');
  assert.ok(verdict.ok, 'what is hauled was mined before');
});

test('production counts from the first minute on', () => {
  const judges = new RunJudges(plan);
  world(judges, 60, { kind: 'credit', node: 0, group: 1, unit: 1, kg: 290 });
  judges.end(day * 1000);
  assert.ok(verdictOf(judges, 'SIM-1-production').ok);
});

test('a minute is judged before what happens at it, and the last minute is judged, too', () => {
  const judged = (endS: number, storedS?: number) => {
    const judges = new RunJudges(plan, { planWork: false });
    const published = [TYPE.published, 0, 1, 1, siteOf(1), 0, day, 100, 1, INTENT_STATE.started, 0, 0, 0];
    event(judges, 60, 0, ...published);
    if (storedS !== undefined) event(judges, storedS, 1, TYPE.stored, 0, 0, 1, INTENT_STATE.started, storedS);
    judges.end(endS * 1000);
    return verdictOf(judges, 'INT-1-nothing-lost').violations;
  };
  // Nobody else ever stores it: noticed at 1,200 s, and half an hour later a violation.
  assert.equal([judged(2999), judged(3000)], [0, 1]);
  assert.equal([judged(4000, 2999), judged(4000, 3000)], [0, 1], 'what comes at that very minute is too late');
});

test('work beyond a lot’s capacity is judged after half an hour of agreement', () => {
  const judged = (isDivided: boolean) => {
    const judges = new RunJudges(plan, { planWork: false });
    if (isDivided) event(judges, 50, 0, TYPE.memberState, 3, LIVENESS.dead, 1);
    command(judges, 60, 0, TYPE.startWork, 0, 1, siteOf(1), 301, day);
    judges.end(2 * hour * 1000);
    return verdictOf(judges, 'INT-2-shared-capacity').violations;
  };
  assert.equal([judged(false), judged(true)], [1, 0]);
});

test('agreement must be unbroken: half an hour counts from the last break', () => {
  const judged = (endS: number) => {
    const judges = new RunJudges(plan, { planWork: false });
    command(judges, 60, 0, TYPE.startWork, 0, 1, siteOf(1), 301, day);
    event(judges, 1000, 0, TYPE.memberState, 3, LIVENESS.dead, 1);
    event(judges, 1100, 0, TYPE.memberState, 3, LIVENESS.alive, 1);
    judges.end(endS * 1000);
    return verdictOf(judges, 'INT-2-shared-capacity').violations;
  };
  assert.equal([judged(1140 + 1740), judged(1140 + 1800)], [0, 1]);
});

test('a disruption that is reported again replaces its facts and stays one case', () => {
  const judges = new RunJudges(plan, { planWork: false });
  world(judges, hour, nodeDown(3, true, 'node-death-3'));
  const death = deathOf(3, hour) as Extract<WorldChange, { kind: 'disruption' }>;
  world(judges, hour, death);
  world(judges, hour + 1, { ...death, disruption: { ...death.disruption, detail: 'again' } });
  judges.end(4 * hour * 1000);
  assert.equal(
    judges.outcomes().map(({ id, detail }) => [id, detail]),
    [['node-death-3', 'again']],
  );
});

test('false deaths are counted, and every judge gets the records of its types', () => {
  const judges = new RunJudges(plan, { radiation: true, planWork: false });
  event(judges, 2000, 0, TYPE.memberState, 3, LIVENESS.dead, 1);
  assert.is(judges.falseDeaths, 1);
  event(judges, 2100, 0, TYPE.upset, 300, UPSET_OUTCOME.corrected, 5, 1);
  assert.is(judges.radiation?.corrected, 1);
  for (const timeS of [3000, 3001]) command(judges, timeS, 0, TYPE.feedWatchdog, 1);
  assert.is(verdictOf(judges, 'WDG-1-window').violations, 1);
});

test('what still lasts at the end of a run is counted up to it', () => {
  const judges = new RunJudges(plan, { byzantine: 3, planWork: false });
  event(judges, 100, 1, TYPE.stored, 0, 0, 9, INTENT_STATE.claimed, 100);
  judges.end(500_000);
  assert.is(judges.insider?.forgeryLongestS, 400);
});

/** Records what a consumer gets. */
function recorder() {
  const got: string[] = [];
  const consumer: TraceConsumer = {
    event: (_timeMs, at) => void got.push(`event ${at}`),
    command: (_timeMs, at) => void got.push(`command ${at}`),
    world: (_timeMs, change) => void got.push('node' in change ? `${change.kind} ${change.node}` : change.kind),
    end: () => void got.push('end'),
  };
  return { got, honest: new HonestOnly(consumer, 3) };
}

test('judges get nothing of the Byzantine node, which is down for them from the start', () => {
  const { got, honest } = recorder();
  world(honest, 0, nodeUp(3));
  event(honest, 1, 3, TYPE.booted, 1, 0, 1);
  command(honest, 1, 3, TYPE.feedWatchdog, 1);
  event(honest, 1, 2, TYPE.booted, 1, 0, 1);
  command(honest, 1, 2, TYPE.feedWatchdog, 1);
  world(honest, 2, nodeUp(2));
  honest.end(3000);
  assert.equal(got, ['node-down 3', 'event 2', 'command 2', 'node-up 2', 'end']);
});

test('two honest nodes on one unit count, an honest and the Byzantine one do not', () => {
  const { got, honest } = recorder();
  world(honest, 1, { kind: 'double-execution', group: 1, unit: 1, nodes: [0, 3] });
  world(honest, 2, { kind: 'double-execution', group: 1, unit: 1, nodes: [0, 3, 1] });
  world(honest, 3, { kind: 'partition', sets: [], disruption: null });
  assert.equal(got, ['node-down 3', 'double-execution', 'partition']);
});

test.run();
