// What the platform of a cluster keeps for others, and how a fleet is cut and summed up.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeMessage } from '../../host/cbor/message.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { clusterKeys } from '../../host/security/simulated_keys.ts';
import { Agenda, entriesOf } from '../../hwsim/federation/agenda.ts';
import { ageMinMax, countAges, knownAges } from '../../hwsim/federation/ages.ts';
import { Directory } from '../../hwsim/federation/directory.ts';
import { ClusterMemory } from '../../hwsim/federation/memory.ts';
import { isCleanFleet, knownCheck, slaSummary } from '../../hwsim/federation/report.ts';
import { fleetScenario, type FleetSetting, seedOf, sizesOf } from '../../hwsim/federation/setting.ts';
import { Custody, readSummary } from '../../hwsim/fleet/custody.ts';
import { framesPerContact } from '../../hwsim/world/orbits/bounds.ts';
import type { DisruptionOutcome } from '../../hwsim/report/verdict.ts';
import { fleetNodes } from '../../hwsim/world/orbits/bounds.ts';
import { signSummary } from '../../host/security/summary.ts';
import { summaryAt } from '../firmware/region.ts';

const sizes = Array.from({ length: 60 }, () => 50);
const setting: FleetSetting = {
  seed: 5,
  sizes,
  scenario: fleetScenario(1),
  image: 'fleet',
  engine: 'v8',
  rung: 'firmware',
};
const directory = new Directory(setting);
const region = 2;

/** A summary of a cluster, signed by its coordinator 0 or by another member. */
function summaryOf(cluster: number, sequence = 1, changes: { region?: number } = {}, signer = 0): Uint8Array {
  const summary = { ...summaryAt(3600, { cluster, sequence, region, ...changes }), signature: new Uint8Array(64) };
  const seed = clusterKeys(seedOf(setting, cluster - 1), cluster, 50).nodeSeed(signer);
  return encodeMessage({ ...summary, signature: signSummary(seed, encodeMessage(summary)) });
}

const custodyOf = (cluster: number) =>
  new Custody({
    cluster,
    place: { region, lineage: 0, version: 1 },
    isSigned: (message) => directory.isSigned(message),
  });

const clustersOf = (frames: readonly Uint8Array[]) => frames.map((frame) => readSummary(frame)!.cluster);

test('a platform sends its own summary first, the newest of others once, and none back', () => {
  const custody = custodyOf(1);
  custody.send(7, summaryOf(1));
  assert.is(custody.speaker, 7);
  assert.ok(custody.take(8, [summaryOf(2), summaryOf(3, 1), summaryOf(3, 2), summaryOf(3, 1)]));
  assert.equal(clustersOf(custody.framesFor(8)), [1], 'the others came from it');
  const toNinth = custody.framesFor(9);
  assert.equal(clustersOf(toNinth), [1, 2, 3]);
  assert.is(readSummary(toNinth[2])!.sequence, 2);
  assert.equal(custody.framesFor(9), [], 'it was sent already');
  custody.take(9, [summaryOf(2, 5)]);
  assert.equal(clustersOf(custody.framesFor(8)), [2]);
  assert.equal(custody.counts, { sent: 5, received: 5, refused: 0, known: 1, given: 0 });
});

test('a contact carries 32 frames, and those that waited longest go with the next one', () => {
  const custody = custodyOf(1);
  const all = Array.from({ length: 50 }, (_, index) => index + 2);
  custody.take(
    8,
    all.map((cluster) => summaryOf(cluster)),
  );
  const carried = [custody.framesFor(9), custody.framesFor(9), custody.framesFor(9)].map(clustersOf);
  assert.equal(
    carried.map(({ length }) => length),
    [framesPerContact, 50 - framesPerContact, 0],
  );
  assert.equal([...carried[0], ...carried[1]], all);
  custody.take(
    8,
    all.map((cluster) => summaryOf(cluster, 2)),
  );
  custody.send(0, summaryOf(1));
  assert.equal(clustersOf(custody.framesFor(9)), [1, ...all.slice(0, 31)], 'the own one, and what was sent first');
});

test('a member gets the newest summary of each cluster once', () => {
  const custody = custodyOf(1);
  custody.take(8, [summaryOf(2), summaryOf(3)]);
  custody.take(8, [summaryOf(2, 9), summaryOf(1)]);
  const given = [custody.next(), custody.next(), custody.next()];
  assert.equal(given[0], encodeMessage({ name: 'foreign', message: summaryOf(2, 9) }));
  assert.equal(given[1], encodeMessage({ name: 'foreign', message: summaryOf(3) }));
  assert.is(given[2], null);
  assert.not(custody.isWaiting);
});

test('a platform refuses what is not signed, of another region, or no summary', () => {
  const custody = custodyOf(1);
  const byAnother = summaryOf(2, 1, {}, 1);
  const frames = [byAnother, summaryOf(2, 1, { region: 1 }), new Uint8Array(3), summaryOf(61)];
  assert.not(custody.take(8, frames));
  assert.is(custody.counts.refused, frames.length);
});

test('a verdict on a signature is computed once for the same bytes', () => {
  const own = new Directory(setting);
  for (let time = 0; time < 100; time += 1) assert.ok(own.isSigned(summaryOf(4)));
  assert.is(own.verified, 1);
  assert.not(own.isSigned(summaryOf(4, 1, {}, 2)));
  assert.is(own.verified, 2);
});

test('FLT-1 holds: every fleet is cut into clusters of 50 to 149 members, alike in size', () => {
  for (let nodes = fleetNodes.min; nodes <= fleetNodes.max; nodes += nodes < 2000 ? 1 : 997) {
    const cut = sizesOf(nodes);
    assert.is(
      cut.reduce((sum, size) => sum + size, 0),
      nodes,
    );
    const [least, most] = [Math.min(...cut), Math.max(...cut)];
    assert.ok(least >= 50 && most <= 149 && most - least <= 1, `${nodes}: ${least} to ${most}`);
  }
});

test('an agenda is in the order of the plan, whenever its entries come', () => {
  const contact = (beginMs: number, a = 0, b = 1) => ({
    ...{ a, b, beginMs, endMs: beginMs + 10, lightTimeMs: 5, bitsPerS: 1 },
  });
  const entries = [contact(100), contact(115), contact(100, 0, 2)].flatMap((each) =>
    entriesOf(each).flatMap(([cluster, entry]) => (cluster === 0 ? [entry] : [])),
  );
  const agenda = new Agenda();
  agenda.add(entries.slice(2));
  agenda.add(entries.slice(0, 2));
  const order: string[] = [];
  for (let { next } = agenda; next !== undefined; { next } = agenda) {
    order.push(`${next.timeMs} ${next.kind} ${next.partner}`);
    agenda.take();
  }
  assert.equal(order, [
    ...['100 begin 1', '100 begin 2', '115 arrival 1', '115 arrival 2', '115 begin 1', '130 arrival 1'],
  ]);
});

test('clusters share an engine as long as its addresses stay below 2 GiB, and lie alike for any owner', () => {
  const clusters = 500;
  const contextBytes = 91_456;
  const clusterBytes = 100 * contextBytes;
  const sizesAlike = Array.from({ length: clusters }, () => 100);
  /** Lays every `step`-th cluster; returns where, and the bytes of the engines that were made. */
  const lay = (step: number) => {
    const made: number[] = [];
    const memory = new ClusterMemory(sizesAlike, contextBytes, (pages) => {
      let next = 65_536;
      const reserve = (bytes: number) => {
        next += bytes;
        return next - bytes;
      };
      return { name: `engine ${made.push(pages * 65_536)}`, reserve } as Engine;
    });
    const places = new Map<number, string>();
    for (let index = 0; index < clusters; index += step) {
      const engine = memory.engineOf(index);
      places.set(index, `${engine.name} at ${engine.reserve(clusterBytes)}`);
    }
    return { made, places };
  };
  const { made, places } = lay(1);
  assert.is(made.length, 3);
  for (const bytes of made) assert.ok(bytes < 2 ** 31, `${bytes}`);
  for (const [index, place] of places) {
    const [, engine, at] = place.match(/engine (\d) at (\d+)/)!;
    assert.ok(Number(at) + clusterBytes <= made[Number(engine) - 1], `${index}: ${place}`);
  }
  for (const [index, place] of lay(7).places) assert.is(place, places.get(index));
});

test('FLT-1 violated: a member that knows nothing of a cluster, or only old news, is reported', () => {
  const counts = new Map<number, number>();
  countAges(counts, [59, 61, 600]);
  assert.equal(knownAges([counts]), { samples: 3, p50Min: 1, maxMin: 10, unknown: 0 });
  assert.ok(knownCheck(knownAges([counts])).ok);
  assert.equal(knownAges([]), { samples: 0, p50Min: null, maxMin: null, unknown: 0 });
  const unknown = new Map(counts);
  countAges(unknown, [-1]);
  assert.not(knownCheck(knownAges([unknown])).ok);
  const old = new Map(counts);
  countAges(old, [(ageMinMax + 1) * 60]);
  assert.not(knownCheck(knownAges([old])).ok);
});

test('a class without a judged disruption has no quantiles; one that never converged has no longest time', () => {
  const outcome = (convergedS: number | null, withinSla: boolean | null) =>
    ({ class: 'node', onsetS: 100, convergedS, withinSla }) as DisruptionOutcome;
  const nothing = { n: 0, p50S: null, p99S: null, maxS: null, breaches: 0 };
  assert.equal(slaSummary([outcome(200, true)], 'cross-cluster'), nothing);
  assert.equal(slaSummary([outcome(200, null)], 'node'), nothing);
  const outcomes = [outcome(200, true), outcome(160, true), outcome(null, false)];
  assert.equal(slaSummary(outcomes, 'node'), { n: 3, p50S: 100, p99S: null, maxS: null, breaches: 1 });
  const sla = { node: nothing, cluster: nothing, crossCluster: nothing, fleet: nothing };
  const resultOf = (breaches: number, ok: boolean) =>
    ({ checks: [{ ok }], sla: { ...sla, node: { ...nothing, breaches } } }) as Parameters<typeof isCleanFleet>[0];
  assert.equal([resultOf(0, true), resultOf(1, true), resultOf(0, false)].map(isCleanFleet), [true, false, false]);
});

test.run();
