// Splits of a cluster (docs/federation.md, Split): what each half has, and what cannot be split.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  DECISION_KIND,
  type Group,
  INTENT_STATE,
  LIVENESS,
  LEASE_GUARD_S,
  LEASE_S,
  type Message,
  OUTLOOK_KIND,
  type Split,
  STATUS,
  TYPE,
  VERDICT,
  WORK_KIND,
} from '../../host/cbor/generated.ts';
import { readHeader } from '../../host/security/envelope.ts';
import { openedFrame } from '../security/sealed.ts';
import { smallWorld } from './cluster.ts';
import { claimOf, DAY, HOUR, versionOf } from './driven.ts';
import {
  acceptedOf,
  assertHalves,
  assigned,
  ballotAt,
  bitmapOf,
  changeS,
  clusterOf,
  clusterWith,
  decidedBy,
  eventsOf,
  everybody,
  hasQuorum,
  home,
  isMoved,
  movedBy,
  nodes,
  opens,
  order,
  ordered,
  second,
  sister,
  splitWith,
  switchS,
  tryS,
  unitOf,
  windowS,
} from './split_world.ts';
import { watched } from './watch.ts';

test('FLT-4 holds: a cluster splits into two that work on, each with its members, units and quorum', () => {
  const cluster = ordered();
  const watch = watched(cluster);
  cluster.runTo(switchS - 5);
  assert.equal(decidedBy(cluster).sort(), everybody);
  assert.equal(movedBy(cluster), []);
  const before = everybody.map((node) => cluster.nodes[node].own(0).running);
  cluster.runTo(switchS + 100);
  assert.equal(movedBy(cluster).sort(), everybody);
  cluster.runTo(switchS + 2 * HOUR);
  assertHalves(cluster);
  assert.equal(cluster.nodes[0].division()?.second, second);
  assert.equal(
    everybody.map((node) => cluster.nodes[node].own(0).running),
    before,
    'no work was stopped',
  );
  // Lots stay whole; the depot is divided, and the halves never exceed what it takes.
  const capacities = [0, 1].map((node) => [1, 2, 3].map((group) => cluster.nodes[node].group(group).capacity));
  assert.equal(capacities, [
    [2000, 0, 20_000],
    [0, 2000, 20_000],
  ]);
  assert.equal(watch.doubles, []);
  // Who went is neither dead nor silent here: no disruption was seen.
  for (const member of second) assert.is(cluster.nodes[0].member(member).state, LIVENESS.unknown);
  assert.equal(eventsOf(cluster, TYPE.onset), []);
});

test('FLT-4 holds: the halves speak under two numbers and two keys', () => {
  const cluster = ordered();
  const numbers = new Map<number, Set<number>>();
  let [opened, sealed] = [0, 0];
  cluster.runTo(switchS + 100);
  cluster.jam = (sender) => {
    const bytes = cluster.onAir();
    const { cluster: number } = readHeader(bytes);
    numbers.set(sender, (numbers.get(sender) ?? new Set()).add(number));
    if (opens(bytes)) opened++;
    else sealed++;
    assert.is(opens(bytes), number === home);
    return false;
  };
  cluster.runTo(switchS + HOUR);
  assert.ok(opened > 100 && sealed > 100, `${opened} ${sealed}`);
  for (const node of everybody) assert.equal([...numbers.get(node)!], [second.includes(node) ? sister : home]);
});

test('INT-5 violated (claims settle meanwhile): from acceptance to the switch no claim on a unit settles', () => {
  const cluster = ordered();
  cluster.runTo(2 * changeS + windowS);
  assert.ok(everybody.every((node) => cluster.nodes[node].decision()!.accepted !== 0));
  assert.is(assigned(cluster, 0, unitOf(1, 9)), STATUS.ok);
  cluster.runTo(switchS - 5);
  assert.is(cluster.nodes[0].own(1).settledVersion, 0);
  cluster.runTo(switchS + HOUR);
  assert.ok(cluster.nodes[0].own(1).settledVersion !== 0);
});

test('INT-5 violated (leases extended meanwhile): a predicted silence extends no lease before the switch', () => {
  const cluster = ordered();
  const outlook: Message = { name: 'outlook', fromS: 5 * HOUR, untilS: 9 * HOUR, kind: OUTLOOK_KIND.storm };
  cluster.runTo(2 * changeS + windowS);
  cluster.observe(0, outlook);
  cluster.runTo(switchS - 5);
  assert.is(cluster.nodes[0].intent(0, 0)!.leaseS, 0);
  cluster.runTo(switchS + HOUR);
  assert.ok(cluster.nodes[0].intent(0, 0)!.leaseS > 9 * HOUR);
});

test('INT-5 violated (an extended lease across): such a cluster is not split', () => {
  const cluster = clusterWith();
  cluster.runTo(600);
  // Node 0 mines lot 1, and holds a unit of lot 2 for a day.
  cluster.observe(0, { name: 'outlook', fromS: 5 * HOUR, untilS: 30 * HOUR, kind: OUTLOOK_KIND.storm });
  assigned(cluster, 0, unitOf(2, 9));
  cluster.runTo(1180);
  assert.ok(cluster.nodes[3].intent(0, 1)!.leaseS > switchS);
  assert.is(order(cluster, 0), STATUS.ok);
  cluster.runTo(2 * changeS + HOUR / 2);
  assert.equal(decidedBy(cluster).length, nodes);
  assert.is(cluster.nodes[1].decision()!.kind, DECISION_KIND.void);
  assert.is(cluster.nodes[1].division(), undefined);
});

test('INT-5 holds: a unit across the cut is worked by the other half when its owner has stopped for long', () => {
  for (const isCutOff of [false, true]) {
    const cluster = clusterWith({ features: 0 });
    cluster.runTo(300);
    // Node 0 will mine lot 1, and mines lot 2 until then.
    assigned(cluster, 0, unitOf(1, 1), { slot: 0, inS: 20 * HOUR });
    assigned(cluster, 0, unitOf(2, 9));
    cluster.runTo(900);
    order(cluster, 0);
    const watch = watched(cluster);
    cluster.runTo(switchS - 60);
    assert.is(cluster.nodes[0].own(1).running, 1);
    // A member that is cut off works until its lease ends, and moves late.
    if (isCutOff) cluster.part[0] = 1;
    cluster.runTo(switchS - 5);
    assert.equal(cluster.nodes[0].division()!.second, [1, 2, 3, 4]);
    // Node 1 wants the unit from the switch on, again and again.
    for (let s = switchS; s < switchS + HOUR; s += 30) {
      cluster.runTo(s);
      if ((cluster.nodes[1].intent(1, 1)?.state ?? INTENT_STATE.withdrawn) > INTENT_STATE.started)
        assigned(cluster, 1, unitOf(2, 9));
    }
    assert.is(cluster.nodes[1].own(1).running, 1);
    const begins = cluster.commands.filter(
      ({ node, fields }) => node === 1 && fields[0] === TYPE.startWork && fields.includes(unitOf(2, 9)),
    );
    // Who is still heard releases the unit; of the other one the lease must be over.
    assert.is(begins[0].atS > switchS + LEASE_S + LEASE_GUARD_S, isCutOff, `${begins[0].atS}`);
    assert.equal(watch.doubles, []);
  }
});

test('FLT-4 holds: a member of either half that missed the split hears it of three, and moves', () => {
  for (const missing of [6, 7]) {
    const cluster = ordered();
    cluster.runTo(2 * changeS - 5);
    cluster.part[missing] = 1;
    cluster.runTo(switchS + HOUR);
    assert.is(isMoved(cluster, missing), false);
    for (const node of everybody) assert.is(isMoved(cluster, node), node !== missing);
    cluster.part[missing] = 0;
    cluster.runTo(switchS + 2 * HOUR);
    assertHalves(cluster);
  }
});

test('FLT-4 holds: a member that restarts after the split keeps its number, with and without a checkpoint', () => {
  for (const node of [5, 6]) {
    const cluster = ordered();
    cluster.runTo(switchS + 300);
    cluster.restore(node, 2, cluster.stored[node][0]);
    assert.is(clusterOf(cluster, node), second.includes(node) ? sister : home);
    cluster.runTo(switchS + HOUR);
    assertHalves(cluster);
    cluster.boot(node, 3, true);
    assert.is(cluster.nodes[node].division(), undefined);
    cluster.runTo(switchS + 3 * HOUR);
    assertHalves(cluster);
  }
});

test('FLT-4 violated: what cannot be a split, and what divides wrongly, is not accepted', () => {
  const cluster = clusterWith();
  cluster.runTo(changeS + 10);
  const impossible: Partial<Split>[] = [
    { accepted: 0 },
    { accepted: ballotAt(0, 5) },
    { promised: ballotAt(tryS, 0) },
    { switchS: 3 * DAY },
    { members: bitmapOf([...second, nodes]) },
  ];
  for (const changes of impossible)
    assert.is(cluster.inject(3, 4, [splitWith(changes)]), STATUS.implausible, JSON.stringify(changes));
  const wrong: Partial<Split>[] = [
    { members: bitmapOf([1, 3]) },
    { members: bitmapOf([0, 1, 2, 3, 5, 7]) },
    { groups: 0 },
    { groups: (1 << 1) | (1 << 2) },
    { groups: (1 << 2) | (1 << 9) },
    { divided: 0 },
    { divided: (1 << 3) | (1 << 2) },
  ];
  for (const changes of wrong) assert.is(acceptedOf(cluster, splitWith(changes)), 0, JSON.stringify(changes));
  assert.is(cluster.nodes[3].decision()?.promised, ballotAt(0, 4), 'what it promises counts');
  assert.is(acceptedOf(cluster, splitWith()), ballotAt(0, 4));
});

test('FLT-4 violated: a half is not split again, and until the switch nothing else is decided', () => {
  const cluster = ordered();
  assert.is(order(cluster, 1), STATUS.implausible);
  cluster.runTo(3 * changeS);
  assert.is(order(cluster, 0), STATUS.implausible, 'a split is decided');
  const grow: Message = { name: 'propose-decision', kind: DECISION_KIND.grow, contentHigh: 0, contentLow: 20 };
  assert.is(cluster.observe(0, grow), STATUS.ok);
  cluster.runTo(switchS - 5);
  assert.is(cluster.nodes[0].decision()!.number, 1, 'the next decision waits for the switch');
  // Each number has a try of its own.
  cluster.runTo(2 * tryS + HOUR);
  assert.is(cluster.nodes[2].decision()!.number, 2);
  assert.is(cluster.nodes[1].decision()!.number, 1);
  for (const node of [0, 1]) assert.is(order(cluster, node), STATUS.implausible);
});

test('FLT-4 violated: a member of the other half that has not moved is not believed', () => {
  const cluster = ordered();
  cluster.runTo(switchS + HOUR);
  const claim = claimOf(2, switchS + HOUR, { resource: unitOf(1, 11), slot: 3, version: versionOf(900) });
  assert.is(cluster.inject(0, 1, [claim]), STATUS.ok);
  assert.is(cluster.nodes[0].intent(2, 3), undefined);
  assert.is(cluster.inject(0, 2, [claim]), STATUS.ok);
  assert.ok(cluster.nodes[0].intent(2, 3) !== undefined);
});

test('FLT-4 holds: a silent member that went to the other half did not come back', () => {
  const cluster = ordered();
  cluster.runTo(3 * changeS);
  cluster.kill(7);
  cluster.runTo(switchS + HOUR);
  const onsets = eventsOf(cluster, TYPE.onset).filter(({ node }) => node === 0);
  assert.ok(onsets.length > 0 && onsets.every(({ atS }) => atS < switchS), JSON.stringify(onsets));
});

test('FLT-4 holds: notices on what went to the other half are forgotten, and sent to nobody', () => {
  const cluster = ordered();
  cluster.runTo(3 * changeS);
  const notice: Message = { name: 'notice', group: 2, unit: 0, capacity: 1500, observedS: 3 * changeS, observer: 1 };
  cluster.jam = (_, receiver) =>
    receiver === 4 &&
    opens(cluster.onAir()) &&
    openedFrame(cluster.onAir()).messages.some(({ name }) => name === 'notice');
  cluster.inject(0, 1, [notice]);
  cluster.runTo(switchS + 120);
  assert.is(cluster.nodes[4].group(2).capacity, 0);
  cluster.jam = null;
  // It asks others for what it may have missed.
  cluster.restore(4, 2, cluster.stored[4][0]);
  // A frame with that notice would be refused, and the test would fail.
  cluster.runTo(switchS + 2 * HOUR);
  assertHalves(cluster);
});

test('FLT-4 holds: each half may use the capacity of a divided depot without a lane', () => {
  const cluster = ordered({ features: 0 });
  cluster.runTo(switchS + HOUR);
  for (const node of [0, 1]) {
    const startS = switchS + HOUR + 600;
    const work = { slot: 4, kind: WORK_KIND.haul, resource: unitOf(3, 0), startS, endS: startS + HOUR };
    cluster.observe(node, { name: 'assign', ...work, durationS: 0, rate: 10, priority: 1 });
  }
  cluster.runTo(switchS + 2 * HOUR);
  for (const node of [0, 1]) assert.is(cluster.nodes[node].intent(node, 4)?.verdict, VERDICT.accepted, `node ${node}`);
});

test('FLT-4 holds: a divided lot goes by the parity of units, and a depot with one lane goes whole', () => {
  const groups: Group[] = [
    { ...smallWorld[0], units: 12 },
    { ...smallWorld[2], group: 3, units: 1 },
    { ...smallWorld[2], group: 4, units: 1 },
  ];
  const cluster = ordered({ groups });
  const watch = watched(cluster);
  cluster.runTo(switchS + HOUR);
  const { groups: whole, divided, second: went } = cluster.nodes[0].division()!;
  assert.equal([whole, divided], [1 << 4, 1 << 1]);
  assert.equal(movedBy(cluster).sort(), everybody);
  for (const node of everybody) {
    const { resource } = cluster.nodes[node].intent(node, 0)!;
    assert.is((resource & 1) === 1, went.includes(node), `node ${node} mines ${resource}`);
    assert.ok(hasQuorum(cluster, node));
  }
  assert.equal(watch.doubles, []);
});

test('FLT-4 holds: compact members accept, and move', () => {
  const cluster = clusterWith({ preset: 'compact' });
  cluster.runTo(changeS + 10);
  const ballot = ballotAt(0, 0);
  cluster.inject(3, 0, [splitWith({ promised: ballot, accepted: ballot })]);
  cluster.runTo(switchS + HOUR);
  assertHalves(cluster);
});

test.run();
