// The statistical rung of fleets: what it draws, what it says of itself, and when it is accepted.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { distanceOfChance, distributionDistance } from '../../hwsim/campaign/statistics.ts';
import { rungPageOf } from '../../hwsim/cli/fleet/accept.ts';
import type { ClusterResult } from '../../hwsim/federation/cluster.ts';
import { Kernels, parseOutcomes, shippedOutcomes } from '../../hwsim/federation/kernels.ts';
import type { ClusterOutcome } from '../../hwsim/federation/outcomes.ts';
import { fleetResult, type FleetResult } from '../../hwsim/federation/report.ts';
import { fleetScenario, type FleetSetting, sizesOf } from '../../hwsim/federation/setting.ts';
import { Shard } from '../../hwsim/federation/shard.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';

const noImage = new Uint8Array(0);
const speed = { threads: 1, wallS: 1, processorS: 1, turns: 1, rssMiB: 1 };

function settingOf(nodes: number, days: number, seed = 5): FleetSetting {
  const scenario = fleetScenario(days);
  return { seed, sizes: sizesOf(nodes), scenario, image: 'fleet', engine: 'v8', rung: 'statistical' };
}

/** Flies in so many shards, which take turns. */
function flown(setting: FleetSetting, shards = 1): FleetResult {
  const parts = Array.from(
    { length: shards },
    (_, part) => new Shard({ setting, image: noImage, isOwn: (index) => index % shards === part }),
  );
  const results: ClusterResult[] = [];
  while (parts.some(({ isDone }) => !isDone))
    for (const part of parts) {
      const turn = part.fly();
      if (turn === null) continue;
      for (const result of turn.results) results[result.index] = result;
      for (const other of parts) if (other !== part) other.take(turn.carried);
    }
  return fleetResult(setting, results, speed);
}

test('SIM-4 holds: the statistical rung has the fields of the other one, and says what it is', () => {
  const result = flown(settingOf(500, 2));
  assert.is(result.rung, 'statistical');
  assert.equal([result.nodes, result.clusters, result.days], [500, 5, 2]);
  assert.ok(result.kernels!.clusters > 0 && result.kernels!.images.length === 1);
  assert.equal(result.extrapolation, []);
  const { achievableKg, actualKg, boundGap } = result.production;
  assert.ok(actualKg > 0.9 * achievableKg && actualKg < achievableKg && boundGap! > 0);
  assert.ok(result.radio.abroad.framesReceived > 0 && result.known.samples > 0);
  // No rule of firmware is called kept where no firmware flew.
  assert.equal(
    result.checks.map(({ id }) => id),
    ['FLT-1-known-clusters'],
  );
});

test('SIM-4 holds: a flight of the statistical rung has one hash, whatever flies its clusters', () => {
  const setting = settingOf(800, 3);
  const hashes = [flown(setting, 1), flown(setting, 3)].map(({ traceHash, decisionHash }) => [traceHash, decisionHash]);
  assert.equal(hashes[0], hashes[1]);
  assert.is.not(hashes[0][0], flown(settingOf(800, 3, 6)).traceHash);
});

test('SIM-4 holds: a cluster has the disruptions that its scenario has', () => {
  const { sla } = flown(settingOf(2000, 10));
  assert.equal([sla.node.n, sla.cluster.n, sla.fleet.n], [160, 80, 0]);
});

test('SIM-4 violated: what no kernel covers is called extrapolation', () => {
  const kernels = new Kernels(shippedOutcomes());
  assert.equal(kernels.extrapolation([100], 14), []);
  assert.is(kernels.extrapolation([100], 15).length, 1);
  assert.is(kernels.extrapolation([100, 200], 14).length, 1);
  assert.match(kernels.extrapolation([20], 30).join(), /20 to 20 nodes.*30 days/);
});

/** Outcomes of clusters whose deaths converge after the seconds given. */
const outcomesWith = (seconds: readonly number[], changes: Partial<ClusterOutcome> = {}): ClusterOutcome[] =>
  seconds.map((convergedS, index) => ({
    ...{ ...shippedOutcomes()[0], seed: 1000 + index, nodes: 100, ...changes },
    disruptions: [1, 2, 3].map(() => ({
      ...{ kind: 'node-death', class: 'node', detectedS: 60, convergedS, withinSla: true },
    })),
  }));

const seconds = Array.from({ length: 60 }, (_, index) => 600 + 10 * index);

test('SIM-4 holds: what is drawn has the distribution of the kernels', () => {
  const kernels = new Kernels(outcomesWith(seconds));
  const random = new RandomStream(1, 'test');
  const drawn = Array.from({ length: 2000 }, () => kernels.drawDisruptions(random, 100, 14)).flat();
  const times = drawn.filter(({ kind }) => kind === 'node-death').map(({ convergedS }) => convergedS!);
  assert.is(times.length, 6000);
  assert.ok(distributionDistance(times, seconds) < 0.03);
});

test('SIM-4 violated: a rung that is later than what was held out is not accepted', () => {
  const kernels = outcomesWith(seconds);
  const verdictOf = (page: string) => /\| 100 \| node \|.*\| ([^|]+) \|$/m.exec(page)![1];
  const held = outcomesWith(seconds).map((outcome) => ({ ...outcome, seed: outcome.seed + 5000 }));
  assert.is(verdictOf(rungPageOf(held, kernels)), 'accepted');
  const late = held.map((outcome) => ({
    ...outcome,
    disruptions: outcome.disruptions.map((each) => ({ ...each, convergedS: each.convergedS! / 1.2 })),
  }));
  assert.match(verdictOf(rungPageOf(late, kernels)), /^not accepted: distance, p50, p99/);
  assert.throws(() => rungPageOf(kernels, kernels), /is one of the kernels/);
});

test('SIM-4 violated: production that differs by more than half a percent is not accepted', () => {
  const kernels = outcomesWith(seconds, { achievableKg: 1000, actualKg: 990 });
  const verdictOf = (actualKg: number) => {
    const held = outcomesWith([600], { achievableKg: 1000, actualKg, seed: 9000 });
    return rungPageOf(
      held.map((each) => ({ ...each, seed: 9000 })),
      kernels,
    )
      .split('## Production')[1]
      .split('|')
      .at(-2)!
      .trim();
  };
  assert.equal([verdictOf(986), verdictOf(984)], ['accepted', 'not accepted']);
});

test('the distance of two distributions is that of Kolmogorov and Smirnov', () => {
  assert.is(distributionDistance([1, 2, 3, 4], [1, 2, 3, 4]), 0);
  assert.is(distributionDistance([1, 2], [3, 4]), 1);
  assert.is(distributionDistance([1, 1, 2, 3], [2, 2, 3, 4]), 0.5);
  assert.throws(() => distributionDistance([], [1]), RangeError);
  assert.ok(Math.abs(distanceOfChance(100, 100) - 0.192) < 0.001);
});

test('a damaged kernel is refused, with its file and line', () => {
  const text = `${JSON.stringify(shippedOutcomes()[0])}\n{"nodes": 3}\n`;
  assert.throws(() => parseOutcomes(text, 'held/clusters.jsonl'), /held\/clusters\.jsonl:2: is no outcome/);
  assert.throws(() => new Kernels([]), RangeError);
});

test.run();
