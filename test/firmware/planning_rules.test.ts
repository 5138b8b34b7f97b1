// What a node plans for itself (INT-1): a site to mine, its extension, and hauls to a depot.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  FEATURE,
  type Group,
  type Intent,
  INTENT_STATE,
  LEASE_GUARD_S,
  LEASE_S,
  ROUND_S,
  WORK_KIND,
} from '../../host/cbor/generated.ts';
import type { NodeConfig } from '../../host/platform/config.ts';
import { Company } from './company.ts';
import { claimOf, DAY, HOUR, lot, versionOf } from './driven.ts';

const rules = suite('plans of a node');

const depot: Group = { name: 'group', group: 9, kind: 2, units: 3, capacity: 2400, stockKg: 0, loadKg: 100 };
const lots = (...capacities: number[]): Group[] =>
  capacities.map((capacity, index) => ({ ...lot, group: 1 + index, capacity, units: 4 }));

interface World {
  groups?: Group[];
  config?: Partial<NodeConfig>;
  storedKg?: number;
  self?: number;
}

/** A node that plans; nothing of others is claimed. */
function planner({ groups = lots(2000), config = {}, storedKg = 0 }: World = {}): Company {
  const company = new Company({ groups, config: { members: 6, features: FEATURE.plans, rateMax: 200, ...config } });
  company.storedKg = storedKg;
  return company;
}

/** Claims of others that take so much of a lot, for long, on no unit. */
function take(company: Company, group: number, rate: number, changes: Partial<Intent> = {}): Intent {
  const claim = claimOf(1 + (group % 5), company.nowS, {
    ...{ resource: group << 16, rate, slot: group % 4, priority: 9, state: INTENT_STATE.started },
    ...{ startS: company.nowS, endS: company.nowS + 9 * DAY },
    ...changes,
  });
  company.deliver(claim.owner, [claim]);
  return claim;
}

/** The claims that a node has now: intent slot, group, unit and rate. */
function claims(company: Company) {
  return [0, 1, 2, 3, 4].flatMap((slot) => {
    const intent = company.node.intent(0, slot);
    if (intent === undefined || intent.state > INTENT_STATE.started) return [];
    return [{ slot, group: intent.resource >>> 16, unit: intent.resource & 0xffff, ...pick(intent) }];
  });
}
const pick = ({ rate, startS, endS, kind }: { rate: number; startS: number; endS: number; kind: number }) => ({
  rate,
  startS,
  endS,
  kind,
});

/** Runs a node until it plans, after its first agreement. */
function planned(company: Company): ReturnType<typeof claims> {
  company.runTo(company.nowS + 4 * ROUND_S);
  return claims(company);
}

// ---- a site ----

rules(
  'INT-1 holds: a node that knows a majority claims a site of its home lot, at its full rate, for two to three days',
  () => {
    const [site, ...more] = planned(planner());
    assert.equal(more, []);
    assert.equal([site.slot, site.group, site.unit, site.rate, site.kind], [0, 1, 1, 200, WORK_KIND.mine]);
    assert.ok(site.endS - site.startS >= 2 * DAY && site.endS - site.startS < 3 * DAY);
    const silent = planner();
    silent.agreeing.clear();
    assert.equal(planned(silent), [], 'before it agreed it does not know what is free');
    assert.equal(planned(planner({ config: { features: 0 } })), []);
  },
);

rules('INT-1 holds: the first lot that is free at the full rate is taken, else that with the most', () => {
  const rateOf = (...free: number[]) => {
    const company = planner({ groups: lots(...free.map(() => 1000)) });
    for (const [index, rate] of free.entries()) if (rate < 1000) take(company, 1 + index, 1000 - rate);
    return planned(company).map(({ group, rate }) => [group, rate]);
  };
  assert.equal(rateOf(1000, 1000), [[1, 200]]);
  assert.equal(rateOf(199, 200), [[2, 200]]);
  assert.equal(rateOf(200, 1000), [[1, 200]]);
  assert.equal(rateOf(100, 150, 120), [[2, 150]]);
  assert.equal(rateOf(150, 150, 120), [[1, 150]], 'the first of two');
  // A sixteenth of the full rate, and more, is worth a claim.
  assert.equal(rateOf(13, 12), [[1, 13]]);
  assert.equal(rateOf(12, 0), []);
  assert.equal(rateOf(0, 13), [[2, 13]]);
});

rules('INT-1 holds: what is free is free throughout the claim, beside claims that are accepted', () => {
  const free = (...others: ((at: number) => Partial<Intent>)[]) => {
    const company = planner({ groups: lots(1000) });
    for (const [index, change] of others.entries())
      take(company, 1, 900, { owner: 1 + index, slot: 0, ...change(company.nowS) });
    return planned(company).map(({ rate }) => rate)[0];
  };
  assert.is(
    free(() => ({})),
    100,
  );
  assert.is(
    free((at) => ({ startS: at + 40 * HOUR })),
    100,
    'it begins before the claim ends',
  );
  assert.is(
    free((at) => ({ startS: at + 5 * DAY })),
    200,
  );
  assert.is(
    free((at) => ({ startS: at - 5, endS: at + 60 })),
    200,
  );
  assert.is(
    free(() => ({ state: INTENT_STATE.done })),
    200,
  );
  assert.is(
    free(
      (at) => ({ endS: at + HOUR }),
      (at) => ({ startS: at + HOUR }),
    ),
    100,
    'they never add up',
  );
  assert.is(
    free(
      () => ({ rate: 500 }),
      () => ({ rate: 380 }),
    ),
    120,
  );
  assert.is(
    free(
      () => ({ rate: 900 }),
      () => ({ rate: 101 }),
    ),
    100,
    'a refused one takes nothing',
  );
});

rules('INT-1 holds: a unit that nobody claims and no notice declares lost is chosen', () => {
  const unitOf = (change: (company: Company) => void, self = 0) => {
    const company = planner({ config: { self: 0, seed: 1 + self } });
    change(company);
    return planned(company).map(({ unit }) => unit)[0];
  };
  const claim =
    (unit: number, changes: (at: number) => Partial<Intent> = () => ({})) =>
    (company: Company) =>
      take(company, 1, 10, { resource: (1 << 16) | unit, owner: unit, slot: 0, ...changes(company.nowS) });
  const lost = (unit: number) => (company: Company) =>
    company.deliver(1, [{ name: 'notice', group: 1, unit, capacity: 0, observedS: company.nowS, observer: 1 }]);
  const all =
    (...each: ((company: Company) => void)[]) =>
    (company: Company) =>
      each.map((one) => one(company));
  assert.is(
    unitOf(() => {}),
    1,
  );
  assert.is(unitOf(claim(1)), 2);
  assert.is(unitOf(lost(1)), 2);
  assert.is(unitOf(all(claim(1), lost(2), claim(3))), 4);
  assert.is(unitOf(all(claim(1), claim(2), claim(3), claim(4))), undefined);
  assert.is(unitOf(claim(1, () => ({ state: INTENT_STATE.withdrawn }))), 1);
  assert.is(unitOf(claim(1, (at) => ({ startS: at + 40 * HOUR }))), 2);
  assert.is(unitOf(claim(1, (at) => ({ endS: at + 60 }))), 1);
});

rules('INT-1 holds: an attempt follows another after two minutes', () => {
  const company = planner({ groups: lots(1000) });
  const claim = take(company, 1, 1000);
  company.runTo(company.nowS + 4 * ROUND_S);
  assert.equal(claims(company), []);
  const at = company.nowS;
  company.deliver(claim.owner, [{ ...claim, version: versionOf(2), state: INTENT_STATE.done, publishedS: at }]);
  company.runTo(at + 130);
  assert.is(claims(company).length, 1);
});

rules('INT-1 holds: a settled claim is extended six hours before its end, if its unit and its rate stay free', () => {
  const extended = (change: (company: Company, endS: number) => void) => {
    const company = planner({ groups: lots(1000) });
    const endS = company.nowS + 6 * HOUR + 30 * 60;
    company.runTo(company.nowS + 3 * ROUND_S);
    company.node.tick();
    const [site] = claims(company);
    // It is assigned anew with an end that is near.
    company.observe({ name: 'progress', slot: site.slot, status: 3, movedKg: 0 });
    const work = { kind: WORK_KIND.mine, resource: (1 << 16) | 1, startS: company.nowS, endS, durationS: 0 };
    company.observe({ name: 'assign', slot: 1, ...work, rate: 200, priority: 1 });
    company.runTo(endS - 6 * HOUR - 660);
    const own = () => claims(company).find(({ slot }) => slot === 1)?.endS;
    assert.is(own(), endS);
    change(company, endS);
    company.runTo(endS - 6 * HOUR - 60);
    assert.is(own(), endS, 'not before');
    company.runTo(endS - 6 * HOUR + 1300);
    return (own() ?? 0) - endS;
  };
  const free = extended(() => {});
  assert.ok(free > 40 * HOUR && free < 66 * HOUR, `by ${free} s`);
  const taken = extended((company, endS) =>
    take(company, 1, 10, { resource: (1 << 16) | 1, startS: endS, endS: endS + HOUR, state: INTENT_STATE.claimed }),
  );
  assert.is(taken, 0, 'its unit is claimed');
  const used = extended((company, endS) => take(company, 1, 801, { startS: endS, endS: endS + HOUR, owner: 2 }));
  assert.is(used, 0, 'its rate is not free');
  const enough = extended((company, endS) => take(company, 1, 800, { startS: endS, endS: endS + HOUR, owner: 2 }));
  assert.ok(enough > 0);
});

// ---- a better place ----

/** A node with 100 kg a day on lot 1; a claim of another on lot 2 then takes only so much. */
function beside(rest: number, config: Partial<NodeConfig> = {}, own = 100) {
  const company = planner({ groups: lots(1000, 1000), config });
  take(company, 1, 1000 - own);
  const other = take(company, 2, 1000);
  company.runTo(company.nowS + 5 * ROUND_S);
  assert.equal(
    claims(company).map(({ group, rate }) => [group, rate]),
    [[1, own]],
  );
  const freedS = company.nowS;
  company.deliver(other.owner, [{ ...other, version: versionOf(2), rate: rest, publishedS: freedS }]);
  return { company, freedS };
}

rules('INT-1 holds: a node that is used in part moves to where a sixteenth more is free, after others objected', () => {
  for (const [rest, moves] of [
    [800, true],
    // 113 kg a day are a sixteenth of 200 more, and one.
    [887, true],
    [888, false],
  ] as const) {
    const { company, freedS } = beside(rest);
    company.runTo(freedS + 600);
    assert.equal(
      claims(company).map(({ group }) => group),
      [1],
    );
    company.runTo(freedS + 2 * HOUR);
    const now = claims(company).map(({ group, rate }) => [group, rate]);
    assert.equal(now, moves ? [[2, 1000 - rest]] : [[1, 100]], `${rest}`);
  }
});

rules('INT-1 holds: a settled claim takes more of its lot when that is a thirty-second more', () => {
  for (const [free, rate] of [
    [103, 100],
    [104, 104],
    [500, 200],
  ]) {
    const company = planner({ groups: lots(1000) });
    const other = take(company, 1, 900);
    company.runTo(company.nowS + 5 * ROUND_S);
    const freedS = company.nowS;
    company.deliver(other.owner, [{ ...other, version: versionOf(2), rate: 1000 - free, publishedS: freedS }]);
    company.runTo(freedS + 599);
    assert.is(claims(company)[0].rate, 100, 'its owner may object');
    company.runTo(freedS + HOUR);
    assert.is(claims(company)[0].rate, rate);
  }
});

rules('INT-1 holds: the place of a silent owner is claimed from the end of its lease hold on', () => {
  const company = planner({ groups: lots(1000) });
  const at = company.nowS;
  take(company, 1, 1000, { owner: 5, slot: 0 });
  company.heard.delete(5);
  company.runTo(at + 12 * 60);
  const [ahead, ...more] = claims(company);
  assert.equal(more, []);
  const holdS = (company.node.member(5).lastLivenessTick + 1 - 4) * 60 + LEASE_S + LEASE_GUARD_S;
  assert.is(ahead.startS, holdS);
  assert.is(ahead.rate, 200);
  const long = planner({ groups: lots(1000) });
  take(long, 1, 1000, { owner: 5, slot: 0, leaseS: at + DAY });
  long.heard.delete(5);
  long.runTo(at + HOUR);
  assert.equal(claims(long), [], 'it ends too late');
});

// ---- hauls ----

/** The haul that a node plans with a depot, of lots that give 1000 kg a day if not given. */
function haulOf(changes: Partial<Group>, world: World & { lotCapacity?: number } = {}) {
  const groups = [...lots(world.lotCapacity ?? 1000), { ...depot, ...changes }];
  const company = planner({ ...world, groups, config: { storageKg: 1000, rateMax: 30, ...world.config } });
  company.storedKg = world.storedKg ?? 1000;
  company.runTo(company.nowS + 6 * ROUND_S);
  const haul = claims(company).find(({ slot }) => slot === 4);
  const { publishedS = 0 } = company.node.intent(0, 4) ?? {};
  return haul && { ...haul, publishedS, lengthS: haul.endS - haul.startS, company };
}

rules('INT-1 holds: a haul moves a tug load through a lane of the depot, in whole quarters of an hour', () => {
  // 100 kg in two hours are 1200 kg a day: the intake of 2400 is two lanes of that rate.
  const cases: [Partial<Group>, rate: number, lengthS: number][] = [
    [{}, 1200, 7200],
    [{ units: 1 }, 1200, 7200],
    [{ capacity: 2000, units: 2 }, 960, 9000],
    [{ capacity: 2000, units: 1 }, 1200, 7200],
    [{ capacity: 2401 }, 800, 10_800],
    [{ loadKg: 200, capacity: 2400 }, 2400, 7200],
    [{ capacity: 1100, loadKg: 100 }, 1067, 8100],
  ];
  for (const [changes, rate, lengthS] of cases) {
    const haul = haulOf(changes);
    assert.ok(haul !== undefined, JSON.stringify(changes));
    assert.equal([haul.rate, haul.lengthS, haul.kind], [rate, lengthS, WORK_KIND.haul], JSON.stringify(changes));
    assert.is(haul.startS % lengthS, 0);
    assert.ok(haul.startS >= haul.publishedS + 2700, 'its claim settles first');
    assert.ok(haul.startS < haul.publishedS + 2700 + 14_400 + 2 * lengthS);
    // The load fits the window, and would not fit a quarter less.
    const kg = changes.loadKg ?? 100;
    assert.ok((haul.rate * lengthS) / 86_400 >= kg && (haul.rate * (lengthS - 900)) / 86_400 < kg);
  }
});

rules('INT-1 holds: a haul waits for its load, which leaves room for what is mined meanwhile', () => {
  const kgOf = (config: Partial<NodeConfig>, changes: Partial<Group> = {}, lotCapacity = 1000) => {
    // The least that a node hauls is what it waits for.
    let least = 0;
    for (let step = 1024; step >= 1; step /= 2)
      if (haulOf(changes, { config, lotCapacity, storedKg: least + step }) === undefined) least += step;
    return least + 1;
  };
  assert.is(kgOf({}), 100, 'a load');
  assert.is(kgOf({ storageKg: 100, rateMax: 30 }), 90, 'what is mined in a third of a day stays free');
  assert.is(kgOf({ storageKg: 100, rateMax: 240 }), 50, 'half of storage at least');
  assert.is(kgOf({ storageKg: 200, rateMax: 240 }, { capacity: 900 }), 50, 'a quarter where the depot is scarce');
});

rules('INT-1 holds: the window and the tug of a haul are free', () => {
  const blocked = haulOf({ units: 1 }, {});
  assert.ok(blocked !== undefined);
  const company = planner({
    groups: [...lots(1000), { ...depot, units: 1 }],
    config: { storageKg: 1000, rateMax: 30 },
  });
  company.storedKg = 1000;
  const at = company.nowS;
  take(company, 9, 1, { resource: (9 << 16) | 1, startS: at, endS: at + 20 * HOUR, slot: 4, kind: WORK_KIND.haul });
  company.runTo(at + 6 * ROUND_S);
  assert.is(
    claims(company).find(({ slot }) => slot === 4),
    undefined,
    'the only tug is taken',
  );
  const full = planner({ groups: [...lots(1000), depot], config: { storageKg: 1000, rateMax: 30 } });
  full.storedKg = 1000;
  take(full, 9, 1201, { startS: at, endS: at + 20 * HOUR, slot: 4, kind: WORK_KIND.haul });
  full.runTo(at + 6 * ROUND_S);
  assert.is(
    claims(full).find(({ slot }) => slot === 4),
    undefined,
    'its rate is not free',
  );
  const room = planner({ groups: [...lots(1000), depot], config: { storageKg: 1000, rateMax: 30 } });
  room.storedKg = 1000;
  take(room, 9, 1200, { startS: at, endS: at + 20 * HOUR, slot: 4, kind: WORK_KIND.haul });
  room.runTo(at + 6 * ROUND_S);
  assert.is(claims(room).find(({ slot }) => slot === 4)?.rate, 1200);
});

rules('INT-1 holds: who has less room left tries sooner to haul', () => {
  const haulS = (storedKg: number) => {
    const company = planner({ groups: [...lots(1000), depot], config: { storageKg: 1000, rateMax: 30 } });
    company.storedKg = storedKg;
    const full = take(company, 9, 2400, { endS: company.nowS + 20 * HOUR, slot: 4, kind: WORK_KIND.haul });
    company.runTo(company.nowS + 5 * ROUND_S);
    const at = company.nowS;
    company.deliver(full.owner, [{ ...full, version: versionOf(2), state: INTENT_STATE.done, publishedS: at }]);
    for (let minute = 1; minute <= 30; minute += 1) {
      company.runTo(at + minute * 60);
      const haul = company.node.intent(0, 4);
      if (haul !== undefined) return haul.publishedS;
    }
    return 0;
  };
  const [full, half, low] = [1000, 500, 150].map(haulS);
  assert.ok(full < half && half < low, `${half - full} s, ${low - half} s later`);
  assert.ok(low - full <= 1200);
});

rules.run();
