import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { imagePath } from '../../host/build/root.ts';
import { loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { RunJudges } from '../../hwsim/check/run_judges.ts';
import { meteredEngines } from '../../hwsim/report/metered.ts';
import { createV8Engine, loadV8Engine } from '../../host/engine/v8.ts';
import { FaultableMemoryBoard } from '../../hwsim/board/faultable_memory.ts';
import { upsetFactor } from '../../hwsim/fault/flux.ts';
import { drawUpsets, expectedUpsets } from '../../hwsim/fault/upsets.ts';
import { type RunFacts, runScenario } from '../../hwsim/fleet/run.ts';
import { type Scenario, scenarioSchema } from '../../hwsim/scenario/schema.ts';
import { layWorld } from '../../hwsim/world/plan.ts';

const hourMs = 3_600_000;
const flux = { beginMs: 12 * hourMs, riseMs: 6 * hourMs, decayMs: 24 * hourMs, upsetPeak: 75 };
const peakMs = flux.beginMs + flux.riseMs;

const meanFactor = (fromMs: number, toMs: number) => {
  let sum = 0;
  for (let at = fromMs; at < toMs; at += 60_000) sum += upsetFactor([flux], at);
  return (sum * 60_000) / (toMs - fromMs);
};

test('the default storm has both sourced figures: 75-fold in its worst hour, 40-fold in the day around it', () => {
  assert.is(upsetFactor([flux], 0), 1);
  assert.is(upsetFactor([], peakMs), 1);
  const hour = meanFactor(peakMs - hourMs / 2, peakMs + hourMs / 2);
  const day = meanFactor(peakMs - 12 * hourMs, peakMs + 12 * hourMs);
  assert.ok(Math.abs(hour - 75) < 1, `${hour}`);
  assert.ok(Math.abs(day - 40) < 2, `${day}`);
});

const rates = { perBitDay: 3e-7, doubleShare: 0.12, burstShare: 0.05, accessFaultsPerWord: 0, scale: 1 };

test('upsets are Poisson in number, follow the flux, and affect every node and part of memory', () => {
  const [nodes, memoryBits, untilMs] = [200, 700_000, 60 * hourMs];
  const draw = (seed: number) => drawUpsets(rates, [flux], { seed, nodes, memoryBits, untilMs });
  const upsets = draw(7);
  assert.equal(draw(7), upsets);
  const expected = nodes * expectedUpsets(rates, [flux], memoryBits, untilMs);
  for (const seed of [7, 8, 9]) {
    const count = draw(seed).length;
    assert.ok(Math.abs(count - expected) < 4 * Math.sqrt(expected), `seed ${seed}: ${count} of ${expected} expected`);
  }
  const within = (fromMs: number, toMs: number) => upsets.filter(({ atMs }) => atMs >= fromMs && atMs < toMs).length;
  const ratio = within(peakMs - 2 * hourMs, peakMs + 2 * hourMs) / Math.max(1, within(0, 4 * hourMs));
  assert.ok(ratio > 20, `${ratio} times as many in four hours at the peak as in the quiet`);
  assert.is(new Set(upsets.map(({ node }) => node)).size, nodes);
  const eighths = new Set(upsets.map(({ bits }) => Math.floor((8 * bits[0]) / memoryBits)));
  assert.is(eighths.size, 8);
  const sizes = upsets.map(({ bits }) => bits.length);
  const doubles = upsets.filter(({ bits }) => bits.length === 2 && bits[0] >>> 5 === bits[1] >>> 5).length;
  assert.ok(Math.abs(doubles / upsets.length - 0.12) < 0.04, `${doubles} doubles of ${upsets.length}`);
  assert.ok(Math.max(...sizes) > 3 && Math.max(...sizes) <= 8);
  for (const { bits } of upsets)
    for (const bit of bits) assert.ok(Number.isInteger(bit) && bit >= 0 && bit < memoryBits);
  assert.equal(
    upsets.map(({ atMs }) => atMs),
    upsets.map(({ atMs }) => atMs).sort((a, b) => a - b),
  );
});

const days = 0.5;
const nodes = 12;
const body = loadBody('(4660) Nereus 1982 DB', undefined, () => {});

/** A small cluster in the storm's first half day, in which some nodes are reset. */
function small(scale: number): Scenario {
  const storm = loadScenario('storm-s5');
  const disruptions = [{ ...storm.disruptions[0], when: { atDay: 0.1 }, silenceHours: 2 }];
  return scenarioSchema.parse({ ...storm, nodes, days, disruptions, upsets: { ...storm.upsets, scale } });
}

async function fly(
  name: 'flight' | 'bare',
  scenario: Scenario,
  seed: number,
): Promise<{ facts: RunFacts; judges: RunJudges }> {
  const judges = new RunJudges(layWorld(scenario, { seed, nodes, body }), { radiation: true });
  const image = readFileSync(imagePath(name));
  const options = {
    seed,
    days,
    nodes,
    body,
    engine: createV8Engine(image),
    ownEngine: await meteredEngines('v8', image),
  };
  return { facts: runScenario(scenario, { ...options, consumers: [judges] }), judges };
}

const checkOf = (judges: RunJudges, id: string) => judges.verdicts().find((verdict) => verdict.id === id)!;

test('RAD-1 holds: replicas do what their nodes do when nobody reads the bits that flip', async () => {
  // The first bytes of linear memory are unused: there the node differs from its replica
  // permanently.
  const inject = FaultableMemoryBoard.prototype.inject;
  FaultableMemoryBoard.prototype.inject = function (this: FaultableMemoryBoard, bits) {
    return inject.call(this, [bits[0] % 32]);
  };
  try {
    const { judges, facts } = await fly('bare', small(180), 5);
    const { upsets, framesDeparted, decisionsDeparted, eventsDeparted, omissions, latentBits } = judges.radiation!;
    assert.ok(upsets > 150 && latentBits > 0 && facts.calls.boots > nodes);
    assert.equal([framesDeparted, decisionsDeparted, eventsDeparted, omissions], [0, 0, 0, 0]);
    assert.is(checkOf(judges, 'RAD-1-no-corrupt-value-sent').ok, true);
  } finally {
    FaultableMemoryBoard.prototype.inject = inject;
  }
});

test('a node without upsets in an instance of its own gives the hash that it gives in a shared instance', async () => {
  const quiet = small(0);
  const { upsets, ...shared } = quiet;
  assert.ok(upsets !== undefined);
  const alone = (await fly('flight', quiet, 5)).facts.traceHash;
  const together = runScenario(shared, { seed: 5, days, nodes, body, engine: loadV8Engine('flight') }).traceHash;
  assert.is(alone, together);
});

test('RAD-1 violated: the unprotected image sends wrong values, named with node, second and upset', async () => {
  const { judges, facts } = await fly('bare', small(180), 5);
  const verdict = checkOf(judges, 'RAD-1-no-corrupt-value-sent');
  assert.is(verdict.ok, false);
  assert.match(verdict.examples[0], /^at \d+ s node \d+ produces a wrong (frame|command|event) after upset \d+/);
  const { framesDeparted, framesAccepted, decisionsDeparted } = judges.radiation!;
  assert.ok(framesDeparted > 0 && framesAccepted > 0 && decisionsDeparted > 0);
  assert.is((await fly('bare', small(180), 5)).facts.traceHash, facts.traceHash);
});

test('RAD-1 holds: the protected image under the same upsets sends nothing wrong', async () => {
  const { judges } = await fly('flight', small(180), 5);
  const { upsets, framesDeparted, framesAccepted, decisionsDeparted, eventsDeparted, corrected, breaks } =
    judges.radiation!;
  assert.equal([framesDeparted, framesAccepted, decisionsDeparted, eventsDeparted], [0, 0, 0, 0]);
  assert.is(checkOf(judges, 'RAD-1-no-corrupt-value-sent').ok, true);
  assert.ok(
    upsets > 150 && corrected > upsets / 3 && breaks > 0,
    `${upsets} upsets, ${corrected} corrected, ${breaks} traps`,
  );
  assert.is(judges.radiation!.breaksUncorrectable, breaks);
});

test.run();
