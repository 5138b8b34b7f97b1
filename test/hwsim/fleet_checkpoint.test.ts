// A flight of a fleet that goes on from saved states is the flight that was not interrupted.
// needs: bundles

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { filesBelow } from '../../host/build/paths.mjs';
import { withReachableFields } from '../../host/build/reachable_fields.mjs';
import { rootFolder } from '../../host/build/root.ts';
import { readImage } from '../../host/engine/image.ts';
import type { ClusterResult } from '../../hwsim/federation/cluster.ts';
import { GraphError, ObjectGraph, type SavedGraph } from '../../hwsim/federation/graph.ts';
import type { FleetSetting } from '../../hwsim/federation/setting.ts';
import { type ClusterState, Shard } from '../../hwsim/federation/shard.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { TraceHash } from '../../hwsim/kernel/trace_hash.ts';
import { shippedScenario } from '../../hwsim/scenario/load.ts';
import { scenarioSchema } from '../../hwsim/scenario/schema.ts';

const nodes = 8;
/** The last two are at asteroids: one region. */
const sizes = [2, 2, nodes, nodes];
const at = (hours: number) => ({ when: { atDay: hours / 24 } });

const neo = shippedScenario('cluster-neo');
const scenario = scenarioSchema.parse({
  ...neo,
  ...{ greedyBaseline: false, nodes, days: 9 / 24 },
  disruptions: [
    { kind: 'occultation', hours: 1, share: 0.4, predictedHours: 1, ...at(1.5) },
    { kind: 'reset', downS: 600, badSlots: 1, ...at(2.5) },
    { kind: 'hung-task', ...at(3) },
    { kind: 'hung-runtime', ...at(4.2) },
    { kind: 'tug-lost', ...at(4.5) },
    { kind: 'node-death', ...at(5.1) },
    { kind: 'lot-depleted', ...at(6.2) },
  ],
});
const setting: FleetSetting = { seed: 5, sizes, scenario, image: 'fleet', engine: 'v8', rung: 'firmware' };
const image = readImage(setting.image);

type States = ReadonlyMap<number, ClusterState>;

/** As through a file. */
const copyOf = (state: ClusterState) => deserialize(serialize(state)) as ClusterState;

/** Flies shards that pass on what they send each other, until `turns` were flown. */
function fly(shards: readonly Shard[], results: ClusterResult[], turns = Number.POSITIVE_INFINITY): number {
  let flownTurns = 0;
  for (let isStuck = false; !isStuck && flownTurns < turns; ) {
    isStuck = true;
    for (const shard of shards) {
      const flown = flownTurns < turns ? shard.fly() : null;
      if (flown === null) continue;
      isStuck = false;
      flownTurns += 1;
      for (const result of flown.results) results[result.index] = result;
      for (const other of shards) if (other !== shard) other.take(flown.carried);
    }
  }
  return flownTurns;
}

function shardsOf(count: number, states?: States): Shard[] {
  const stateOf = states && ((index: number) => states.get(index) ?? null);
  return Array.from({ length: count }, (_, shard) => {
    const isOwn = (index: number) => index % count === shard;
    return new Shard({ setting, image, isOwn, isSaved: true, stateOf });
  });
}

/** Flies `turns` in `before` shards, and what is left from the states in `after` shards. */
function interrupted(turns: number, before: number, after: number, change = (_: ClusterState) => {}): ClusterResult[] {
  const results: ClusterResult[] = [];
  const states = new Map<number, ClusterState>();
  const shards = shardsOf(before);
  fly(shards, results, turns);
  for (const shard of shards) {
    for (const { index, state } of shard.states()) {
      const copy = copyOf(state);
      change(copy);
      states.set(index, copy);
    }
  }
  fly(shardsOf(after, states), results);
  return results;
}

const whole: ClusterResult[] = [];
const turnsOfAll = fly(shardsOf(1), whole);
const hashesOf = (results: readonly ClusterResult[]) =>
  results.map(({ verdict, carriedHash }) => [verdict.traceHash, verdict.decisionHash, carriedHash]);

test('SIM-1 holds: a flight that goes on from saved states has the hashes and verdicts of one that was not cut', () => {
  assert.ok(turnsOfAll > 20, `${turnsOfAll}`);
  for (const { verdict } of whole) assert.ok(verdict.disruptions.length > 4, `${verdict.disruptions.length}`);
  for (const [share, before, after] of [
    [0.2, 1, 1],
    [0.45, 2, 1],
    [0.7, 1, 3],
    [0.97, 3, 2],
  ])
    assert.equal(interrupted(Math.floor(share * turnsOfAll), before, after), whole, `at ${share}`);
});

test('SIM-1 violated: a state that lacks memory, an arrival or a drawn number makes another flight', () => {
  const turns = Math.floor(turnsOfAll / 2);
  const arrivals: number[] = [];
  const changes: ((state: ClusterState) => void)[] = [
    ({ memory }) => memory.fill(0, memory.length / 4, memory.length / 2),
    ({ graph }) => {
      const streams = [...graph.numbered.values()].filter((object) => Object.values(object)[0] === streamName);
      assert.ok(streams.length > 0);
      for (const stream of streams) (stream as { '\0fields': number[][] })['\0fields'][0][0] ^= 1;
    },
    (state) => arrivals.push(state.carried.length),
  ];
  const hashes = changes.map((change) => hashesOf(interrupted(turns, 1, 1, change)));
  assert.not.equal(hashes[0], hashesOf(whole));
  assert.not.equal(hashes[1], hashesOf(whole));
  assert.equal(hashes[2], hashesOf(whole));
});

const streamName = 'hwsim/kernel/random.ts/RandomStream';

/** A graph with what is hard to save, and its state after `act`. */
class Plant {
  readonly list: unknown[] = [1, 2, { a: Number.NaN }];
  readonly byName = new Map<unknown, unknown>();
  readonly members = new Set<unknown>([this]);
  readonly bytes = Buffer.from([1, 2, 3]);
  readonly random = new RandomStream(1, 'a');
  hash: TraceHash | null = null;
  readonly act = () => this.list.length;
  later: unknown = null;
  outside: object;

  constructor(outside: object) {
    this.outside = outside;
  }
}

const graphOf = (plant: Plant) => new ObjectGraph(plant, [plant.outside], new ArrayBuffer(0));
const passed = (saved: SavedGraph) => deserialize(serialize(saved)) as SavedGraph;

test('a graph keeps what is shared, cycles, holes, private fields and functions', () => {
  const plant = new Plant({});
  const graph = graphOf(plant);
  const { random } = plant;
  random.uint32();
  plant.hash = new TraceHash();
  plant.hash.word(7);
  delete plant.list[1];
  plant.bytes[1] = 77;
  plant.list[5] = plant.list[2];
  plant.byName.set(plant.hash, plant);
  plant.byName.set('again', plant.hash);
  plant.members.add(plant.act);
  plant.later = [plant.bytes, new Float64Array([-0])];
  const saved = passed(graph.save());
  const other = new Plant({});
  const { bytes, act, outside } = other;
  graphOf(other).restore(saved);
  assert.ok(other.bytes === bytes && other.act === act && other.outside === outside);
  assert.equal([...other.bytes], [1, 77, 3]);
  assert.equal(Object.keys(other.list), ['0', '2', '5']);
  assert.ok(other.list[2] === other.list[5] && other.list.length === 6);
  assert.ok(other.byName.get(other.hash) === other && other.byName.get('again') === other.hash);
  assert.ok(other.members.has(other) && other.members.has(act));
  const [sameBytes, minusZero] = other.later as [Buffer, Float64Array];
  assert.ok(sameBytes === bytes && Object.is(minusZero[0], -0));
  assert.is(other.random.uint32(), random.uint32());
  assert.is(other.hash!.digest(), plant.hash.digest());
});

test('a graph refuses what it cannot save, and the state of a graph that was made otherwise', () => {
  const plant = new Plant({});
  const graph = graphOf(plant);
  for (const later of [() => {}, new Date(0), new WeakMap(), new RandomStream(1, 'b')]) {
    plant.later = { deep: [later] };
    assert.throws(
      () => graph.save(),
      (error: Error) => error instanceof GraphError && /\.later\.deep\.0 cannot be saved/.test(error.message),
    );
  }
  plant.later = null;
  const other = new Plant({});
  other.later = {};
  assert.throws(() => graphOf(other).restore(graph.save()), /made otherwise/);
});

test('the bundler reaches every private field of every class of the simulator', () => {
  let count = 0;
  for (const path of ['host', 'hwsim'].flatMap((tree) => filesBelow(tree, ['.ts']))) {
    const source = readFileSync(join(rootFolder, path), 'utf8');
    const reached = new Set([...withReachableFields(source, path).matchAll(/\bo\.#(\w+)/g)].map(([, name]) => name));
    // A field is what is assigned to or declared, whatever its place.
    const declared = [...source.matchAll(/^\s*(?:readonly |static )*#(\w+)(?:[!?]?:|;| =)/gm)];
    const assigned = [...source.matchAll(/this\.#(\w+) (?:[-+*/|&^]|\*\*|<<|>>|>>>|\?\?|\|\||&&)?= /g)];
    for (const [, name] of [...declared, ...assigned]) assert.ok(reached.has(name), `${path}: #${name}`);
    count += reached.size;
  }
  assert.ok(count > 300, `${count}`);
});

test.run();
