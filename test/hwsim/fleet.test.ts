// Fleets of many clusters: what they exchange by the contact plan, and that one hash comes of it.
// needs: bundles

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TYPE } from '../../host/cbor/generated.ts';
import { readImage } from '../../host/engine/image.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { drawFaults } from '../../hwsim/fault/draw.ts';
import type { ClusterResult } from '../../hwsim/federation/cluster.ts';
import { Directory } from '../../hwsim/federation/directory.ts';
import { fleetResult } from '../../hwsim/federation/report.ts';
import { fleetScenario, type FleetImage, type FleetSetting, seedOf } from '../../hwsim/federation/setting.ts';
import { type Carried, Shard } from '../../hwsim/federation/shard.ts';
import { flyInThreads } from '../../hwsim/federation/threads.ts';
import { ScenarioRun } from '../../hwsim/fleet/run.ts';
import { shippedScenario } from '../../hwsim/scenario/load.ts';
import { scenarioSchema } from '../../hwsim/scenario/schema.ts';
import { shippedBody } from '../../hwsim/world/bodies.ts';
import type { Contact } from '../../hwsim/world/orbits/contact_plan.ts';

const nodes = 6;
/** Of four clusters, the first two have nobody to hear. */
const sizes = [2, 2, nodes, nodes];
const hourMs = 3_600_000;
/** The last two are at asteroids: one region. */
const [first, second] = [2, 3];

function settingOf(hours: number, image: FleetImage = 'fleet'): FleetSetting {
  const disruptions = [{ kind: 'reset', when: { atDay: 0.05 }, downS: 60 }];
  const neo = shippedScenario('cluster-neo');
  // Without loss: a member that misses a broadcast knows of it an hour later.
  const radio = { ...neo.radio, meanLoss: 0 };
  const base = { ...neo, radio, greedyBaseline: false, nodes, days: hours / 24, disruptions };
  return { seed: 5, sizes, scenario: scenarioSchema.parse(base), image, engine: 'v8', rung: 'firmware' };
}

const contactAt = (beginMs: number): Contact => ({
  ...{ a: first, b: second, beginMs, endMs: beginMs + 94_000 },
  ...{ lightTimeMs: 200_000, bitsPerS: 1024 },
});
const arrivalOf = ({ endMs, lightTimeMs }: Contact) => endMs + lightTimeMs;

/** A summary that a member took: of which cluster, and when. */
interface Taken {
  timeMs: number;
  node: number;
  cluster: number;
  sequence: number;
}

interface Flight {
  results: ClusterResult[];
  /** By cluster. */
  taken: Taken[][];
  directories: Directory[];
}

/**
 * Flies a fleet in one shard, or in two that take turns of the given lengths. `carry` may change
 * what one sends the other.
 */
function fly(
  setting: FleetSetting,
  {
    contacts,
    turns,
    carry = (carried) => carried,
  }: { contacts?: readonly Contact[]; turns?: readonly number[]; carry?: (carried: Carried) => Carried } = {},
): Flight {
  const taken: Taken[][] = setting.sizes.map(() => []);
  const consumersOf = (index: number) => [
    {
      event(timeMs: number, node: number, fields: Uint32Array) {
        const [type, cluster, , , sequence] = fields;
        if (type === TYPE.summaryTaken) taken[index].push({ timeMs, node, cluster, sequence });
      },
    },
  ];
  const contactsOf = contacts && ((day: number) => (day === 0 ? contacts : []));
  const image = readImage(setting.image);
  const owners = turns === undefined ? [() => true] : [0, 1].map((half) => (index: number) => index % 2 === half);
  const shards = owners.map((isOwn) => new Shard({ setting, image, isOwn, contactsOf, consumersOf }));
  const results: ClusterResult[] = [];
  for (let turn = 0; !shards.every(({ isDone }) => isDone); turn += 1) {
    const shard = shards[turn % shards.length];
    for (let left = turns?.[turn % turns.length] ?? 1; left > 0; left -= 1) {
      const flown = shard.fly();
      if (flown === null) break;
      for (const result of flown.results) results[result.index] = result;
      for (const other of shards) if (other !== shard) other.take(flown.carried.map(carry));
    }
    assert.ok(turn < 10_000, 'nobody can fly');
  }
  return { results, taken, directories: shards.map(({ directory }) => directory) };
}

const speed = { threads: 1, wallS: 1, processorS: 1, turns: 1, rssMiB: 1 };
const hashesOf = (setting: FleetSetting, results: readonly ClusterResult[]) => {
  const { traceHash, decisionHash } = fleetResult(setting, results, speed);
  return [traceHash, decisionHash];
};

const twoHours = settingOf(2.2);
const whole = fly(twoHours);

test('SIM-1 holds: a fleet has one hash, in whatever order and in how many threads its clusters fly', async () => {
  const hashes = hashesOf(twoHours, whole.results);
  assert.equal(hashesOf(twoHours, fly(twoHours, { turns: [50, 1, 2] }).results), hashes);
  for (const threads of [1, 2])
    assert.equal(hashesOf(twoHours, await flyInThreads(twoHours, { threads, onFlown: () => {} })), hashes);
});

test('SIM-1 violated: a frame that is lost between threads changes the hash', () => {
  const carry = (carried: Carried) => ({ ...carried, frames: carried.frames.slice(1) });
  const { results } = fly(twoHours, { turns: [1, 1], carry });
  assert.is.not(hashesOf(twoHours, results)[0], hashesOf(twoHours, whole.results)[0]);
});

test('FLT-1 holds: over the plan, every member knows the other cluster of its region, and no other one', () => {
  const knownBy = (cluster: number) =>
    [...new Set(whole.taken[cluster].map((each) => `${each.node} knows ${each.cluster}`))].sort();
  const all = (clusters: number[], members = nodes) =>
    Array.from({ length: members }, (_, node) => clusters.map((cluster) => `${node} knows ${cluster}`)).flat();
  // Numbers begin at 1.
  assert.equal(knownBy(0), all([1], 2));
  assert.equal(knownBy(1), all([2], 2));
  for (const cluster of [first, second]) assert.equal(knownBy(cluster), all([first + 1, second + 1]));
  const { abroad } = whole.results[first];
  assert.ok(abroad.sent > 0 && abroad.given > 0 && abroad.refused === 0);
});

test('FLT-1 holds: no summary is known before light has brought it, and members verify it once', () => {
  const contact = contactAt(hourMs);
  const { taken, results, directories } = fly(settingOf(2.2), { contacts: [contact] });
  const times = taken[second].filter(({ cluster }) => cluster === first + 1).map(({ timeMs }) => timeMs);
  assert.is(times.length, nodes);
  assert.ok(Math.min(...times) >= arrivalOf(contact), `${times}`);
  assert.ok(Math.max(...times) <= arrivalOf(contact) + hourMs);
  assert.is(results[second].contacts, 1);
  // Its own members ask about each summary as well.
  const summaries = new Set(taken.flat().map(({ cluster, sequence }) => `${cluster} ${sequence}`));
  assert.is(directories[0].verified, summaries.size);
});

test('FLT-1 violated: a forged summary is refused by the platform, and no member takes it', () => {
  const forge = (carried: Carried) => ({
    ...carried,
    frames: carried.frames.map((frame) => frame.map((byte, at) => (at === frame.length - 1 ? byte ^ 1 : byte))),
  });
  const { taken, results } = fly(twoHours, { turns: [1, 1], carry: forge });
  assert.equal(
    taken[first].filter(({ cluster }) => cluster !== first + 1),
    [],
  );
  const { received, refused, given } = results[first].abroad;
  assert.ok(received > 0 && refused === received && given === 0);
});

test('a contact that the Sun prevents delays news and loses none', () => {
  const setting = settingOf(3.2);
  const contacts = [1, 2].map((hour) => contactAt(hour * hourMs));
  const firstOf = (flight: Flight) => flight.taken[second].find(({ cluster }) => cluster === first + 1)!;
  const newestOf = ({ taken }: Flight) =>
    Math.max(...taken[second].filter(({ cluster }) => cluster === first + 1).map(({ sequence }) => sequence));
  const [all, late] = [fly(setting, { contacts }), fly(setting, { contacts: contacts.slice(1) })];
  assert.ok(firstOf(all).timeMs < contacts[1].beginMs && firstOf(late).timeMs >= arrivalOf(contacts[1]));
  assert.is(newestOf(late), newestOf(all));
});

test('FLT-1 holds: the death of the coordinator loses nothing that has arrived, nor what waits to be sent', () => {
  const setting = settingOf(2.2);
  const contact = contactAt(hourMs);
  // It dies when its cluster has sent, and before frames have arrived.
  const when = { atDay: (contact.beginMs + 100_000) / 86_400_000 };
  const scenario = { ...setting.scenario, disruptions: [{ kind: 'node-death', node: 0, when }] };
  const { taken } = fly({ ...setting, scenario: scenarioSchema.parse(scenario) }, { contacts: [contact] });
  for (const [cluster, other] of [
    [first, second],
    [second, first],
  ]) {
    const takers = taken[cluster].filter((each) => each.cluster === other + 1).map(({ node }) => node);
    assert.equal([...new Set(takers)].sort(), [1, 2, 3, 4, 5]);
  }
});

test('FLT-1 holds: a cluster that hears nobody decides as the same cluster flown alone', () => {
  const setting = settingOf(2.2);
  const { results } = fly(setting, { contacts: [] });
  const { scenario } = setting;
  const seed = seedOf(setting, first);
  const directory = new Directory(setting);
  const alone = new ScenarioRun(scenario, {
    ...{ seed, days: scenario.days, nodes, body: shippedBody(scenario.body), engine: loadV8Engine('fleet') },
    federation: {
      cluster: first + 1,
      place: { region: 2, lineage: 0, version: 1 },
      isSigned: (message) => directory.isSigned(message),
    },
  }).finish();
  assert.is(results[first].verdict.decisionHash, alone.decisionHash);
  assert.is(results[first].verdict.traceHash, alone.traceHash);
  assert.is.not(results[second].verdict.decisionHash, alone.decisionHash, 'its seed is its own');
});

test('SIM-4 holds: a fleet decides the same on the flashed image and on the fleet image', () => {
  const flight = settingOf(1.6, 'flight');
  const fleet = settingOf(1.6);
  const [flown, light] = [hashesOf(flight, fly(flight).results), hashesOf(fleet, fly(fleet).results)];
  assert.is(light[1], flown[1]);
  assert.is.not(light[0], flown[0], 'the bytes on the air differ');
});

test('storms meet all clusters of a fleet at once, and again in each further 14 days', () => {
  const scenario = fleetScenario(28);
  const stormsOf = (seed: number) => drawFaults(scenario, seed, 100).filter(({ kind }) => kind === 'storm');
  const [one, other] = [stormsOf(1), stormsOf(2)];
  assert.equal(
    one.map(({ atMs }) => atMs),
    other.map(({ atMs }) => atMs),
  );
  assert.equal(
    one.map(({ atMs }) => Math.floor(atMs / 86_400_000)),
    [11, 25],
  );
  assert.is(one[0].class, 'fleet');
  assert.is(fleetScenario(2).disruptions.length, 1);
});

test.run();
