import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { TraceHash } from '../../hwsim/kernel/trace_hash.ts';
import { type Contact, ContactPlanner, contactPlan } from '../../hwsim/world/orbits/contact_plan.ts';
import { componentsOf, type Graph, graphOf, survivesAnyLoss } from '../../hwsim/world/orbits/graph.ts';
import { dayMs, positionAt } from '../../hwsim/world/orbits/kepler.ts';
import { distanceKm, isNearSun, linkBitsPerS } from '../../hwsim/world/orbits/link.ts';
import { layPlaces, lightTimeMs, type Places } from '../../hwsim/world/orbits/places.ts';

const [minuteMs, hourMs] = [60_000, 3_600_000];
const summaryBits = 32 * 256 * 8;

const placesAt = ({ clusters }: Places, { a, b, beginMs }: Contact) =>
  [a, b].map((cluster) => positionAt(clusters[cluster].orbit, beginMs)) as [
    ReturnType<typeof positionAt>,
    ReturnType<typeof positionAt>,
  ];

/** When a cluster's dish is turned to whom: while it sends and while it receives. */
function turns(contacts: readonly Contact[]): Map<number, { begin: number; end: number; to: number }[]> {
  const found = new Map<number, { begin: number; end: number; to: number }[]>();
  for (const { a, b, beginMs, endMs, lightTimeMs: light } of contacts) {
    for (const [own, to] of [
      [a, b],
      [b, a],
    ]) {
      const list = found.get(own) ?? [];
      list.push({ begin: beginMs, end: endMs, to }, { begin: beginMs + light, end: endMs + light, to });
      found.set(own, list);
    }
  }
  return found;
}

/** What is wrong with a plan, by rule. */
function faultsOf(places: Places, contacts: readonly Contact[]): string[] {
  const faults = new Set<string>();
  const last = new Map<string, number>();
  let beginMs = 0;
  for (const contact of contacts) {
    const { a, b, endMs, bitsPerS } = contact;
    if (contact.beginMs < beginMs) faults.add('order');
    beginMs = contact.beginMs;
    if (![beginMs, endMs, contact.lightTimeMs, bitsPerS].every(Number.isSafeInteger) || a >= b) faults.add('integers');
    if (beginMs - (last.get(`${a} ${b}`) ?? Number.NEGATIVE_INFINITY) < 10 * minuteMs) faults.add('pair');
    last.set(`${a} ${b}`, beginMs);
    if (contact.lightTimeMs !== lightTimeMs(places, a, b, beginMs)) faults.add('light time');
    if (isNearSun(...placesAt(places, contact))) faults.add('sun');
    if (bitsPerS > linkBitsPerS(distanceKm(...placesAt(places, contact)))) faults.add('rate');
    if (((endMs - beginMs) * bitsPerS) / 1000 < summaryBits) faults.add('summary');
  }
  for (const list of turns(contacts).values()) {
    list.sort((one, other) => one.begin - other.begin);
    let latest = { end: 0, to: -1 };
    for (const { begin, end, to } of list) {
      if (begin < latest.end && to !== latest.to) faults.add('radio');
      if (end > latest.end) latest = { end, to };
    }
  }
  return [...faults].sort();
}

const planOf = (places: Places, days: number, periodMs?: number) => [
  ...contactPlan(places, { fromMs: 0, untilMs: days * dayMs, periodMs }),
];
const sixtyFour = layPlaces({ seed: 1, clusters: 64 });
const plan = planOf(sixtyFour, 3);

test('a plan has no fault: order, integers, 10 minutes a pair, one partner a radio, the Sun, rate and summary', () => {
  assert.ok(plan.length > 14_000);
  assert.equal(faultsOf(sixtyFour, plan), []);
});

test('each fault is found in a plan that has it', () => {
  const twisted = (change: (contact: Contact, index: number) => Partial<Contact>) =>
    faultsOf(
      sixtyFour,
      plan.slice(0, 300).map((contact, index) => ({ ...contact, ...change(contact, index) })),
    );
  const long = (contact: Contact) => ({ endMs: contact.endMs + 20 * minuteMs });
  assert.equal(twisted(long), ['radio']);
  assert.equal(
    twisted(({ lightTimeMs: light }) => ({ lightTimeMs: light + 1 })),
    ['light time'],
  );
  assert.equal(
    twisted(({ bitsPerS }) => ({ bitsPerS: bitsPerS * 2 })),
    ['rate'],
  );
  assert.equal(
    twisted(({ beginMs }) => ({ endMs: beginMs + 50 })),
    ['summary'],
  );
  assert.ok(twisted(({ endMs }) => ({ endMs: endMs + 0.5 })).includes('integers'));
  assert.ok(faultsOf(sixtyFour, [plan[1], plan[0]]).includes('order'));
  assert.ok(faultsOf(sixtyFour, [plan[0], { ...plan[0], beginMs: plan[0].beginMs + 1 }]).includes('pair'));
});

test('a pair meets once in each period, at the same offset all day', () => {
  const [{ a, b }] = plan;
  const begins = plan.filter((each) => each.a === a && each.b === b).map(({ beginMs }) => beginMs);
  assert.ok(begins.length >= 71 && begins.length <= 72);
  for (let index = 1; index < 24; index += 1) assert.is(begins[index] - begins[index - 1], hourMs);
});

test('with a period of 10 minutes the radios are full, and still nothing overlaps, at midnight neither', () => {
  const planner = new ContactPlanner(sixtyFour, 10 * minuteMs);
  const days = [0, 1, 2].map((day) => planner.dayPlan(day));
  assert.ok(days[0].timetable.unscheduled.length > 0);
  assert.ok(days[1].displaced + days[2].displaced > 0);
  assert.equal(
    faultsOf(
      sixtyFour,
      days.flatMap(({ contacts }) => contacts),
    ),
    [],
  );
});

test('a period is 10 minutes or more, and divides a day', () => {
  for (const periodMs of [9 * minuteMs, 7 * hourMs, 0, Number.NaN])
    assert.throws(() => new ContactPlanner(sixtyFour, periodMs), /a period is 10 minutes or more/);
});

test('any cut into windows gives the same contacts', () => {
  const random = new RandomStream(8, 'cuts');
  const cuts = [0, ...Array.from({ length: 12 }, () => random.below(3 * dayMs)), dayMs, 3 * dayMs];
  cuts.sort((one, other) => one - other);
  const pieces = cuts
    .slice(1)
    .flatMap((untilMs, index) => [...contactPlan(sixtyFour, { fromMs: cuts[index], untilMs })]);
  assert.equal(pieces, plan);
  assert.equal([...contactPlan(sixtyFour, { fromMs: 5, untilMs: 5 })], []);
  // A planner that was asked for other days before.
  const planner = new ContactPlanner(sixtyFour);
  planner.dayPlan(7);
  const day = plan.filter(({ beginMs }) => beginMs >= dayMs && beginMs < 2 * dayMs);
  assert.equal(planner.dayPlan(1).contacts, day);
});

test('a long window is planned as it is read', () => {
  const years = contactPlan(sixtyFour, { fromMs: 0, untilMs: 3660 * dayMs });
  assert.equal(years.next().value, plan[0]);
});

/** Removes each vertex in turn and counts the parts. */
const survivesEach = (graph: Graph) =>
  componentsOf(graph) <= 1 && graph.every((_, vertex) => componentsOf(graph, vertex) <= 1);

test('what the Sun prevents is left out, and nothing else; gateways make up for what a small region lacks', () => {
  const places = layPlaces({ seed: 3, clusters: 6 });
  const planner = new ContactPlanner(places);
  let [prevented, days] = [0, 0];
  for (let day = 0; day < 12; day += 1) {
    const { timetable, contacts, nearSun, displaced } = planner.dayPlan(day);
    prevented += nearSun;
    days += nearSun > 0 ? 1 : 0;
    assert.is(contacts.length + nearSun + displaced, timetable.entries.length * 24);
    assert.not(faultsOf(places, contacts).includes('sun'));
    assert.ok(survivesEach(graphOf(6, timetable.entries)), `day ${day}`);
  }
  assert.ok(prevented > 0 && prevented < 24 * days, `${prevented}`);
});

test('the graph of each day is connected without any one cluster, in fleets of all sizes', () => {
  for (const [clusters, seed] of [
    ...[3, 4, 5, 6, 7, 8, 11, 16, 33].flatMap((size) => [1, 2, 3].map((seed) => [size, seed])),
    [64, 1],
    [200, 2],
    [600, 1],
  ]) {
    const planner = new ContactPlanner(layPlaces({ seed, clusters }));
    for (const day of clusters > 100 ? [40] : [0, 40]) {
      const { timetable } = planner.dayPlan(day);
      assert.equal(timetable.unscheduled, []);
      assert.ok(survivesEach(graphOf(clusters, timetable.entries)), `${clusters} clusters, seed ${seed}, day ${day}`);
    }
  }
});

test('each region with links enough is connected by itself without any one cluster', () => {
  const places = layPlaces({ seed: 2, clusters: 200 });
  const { timetable } = new ContactPlanner(places).dayPlan(0);
  for (const [region, { clusters }] of places.regions.entries()) {
    const own = timetable.entries.filter(({ a, b }) => [a, b].every((each) => places.clusters[each].region === region));
    const [first] = clusters;
    const graph = graphOf(
      clusters.length,
      own.map(({ a, b }) => ({ a: a - first, b: b - first })),
    );
    assert.ok(survivesEach(graph), `region ${region}`);
    assert.ok(graph.every((neighbours) => neighbours.length >= 4));
  }
});

test('a loss that divides a graph is found: as by removing each vertex, for 3,000 random graphs', () => {
  const random = new RandomStream(6, 'graphs');
  const counts = [0, 0];
  for (let n = 0; n < 3000; n += 1) {
    const size = 1 + random.below(9);
    const all = Array.from({ length: size * size }, (_, index) => ({ a: Math.floor(index / size), b: index % size }));
    const graph = graphOf(
      size,
      all.filter(({ a, b }) => a < b && random.fraction() < 0.45),
    );
    assert.is(survivesAnyLoss(graph), survivesEach(graph));
    counts[survivesAnyLoss(graph) ? 1 : 0] += 1;
  }
  assert.ok(Math.min(...counts) > 500, `${counts}`);
});

test('most pairs are the same on the next day', () => {
  const pairsOf = (places: Places, day: number) =>
    new Set(new ContactPlanner(places).dayPlan(day).timetable.entries.map(({ a, b }) => `${a} ${b}`));
  const places = layPlaces({ seed: 1, clusters: 200 });
  const [today, tomorrow] = [pairsOf(places, 10), pairsOf(places, 11)];
  const kept = [...today].filter((pair) => tomorrow.has(pair)).length;
  assert.ok(kept > 0.95 * today.size, `${kept} of ${today.size}`);
});

test('a seed has one plan, whatever the machine', () => {
  const hashOf = (contacts: readonly Contact[]) => {
    const hash = new TraceHash();
    for (const { a, b, beginMs, endMs, lightTimeMs: light, bitsPerS } of contacts) {
      hash.time(beginMs);
      for (const value of [a, b, endMs - beginMs, light, bitsPerS]) hash.word(value);
    }
    return hash.digest();
  };
  assert.is(hashOf(plan), '47632c65fd226e79');
  assert.is.not(hashOf(planOf(layPlaces({ seed: 2, clusters: 64 }), 3)), hashOf(plan));
});

test.run();
