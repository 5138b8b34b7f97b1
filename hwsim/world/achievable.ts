import { GROUP_KIND } from '../../host/cbor/generated.ts';
import type { BoundingChange } from './history.ts';
import type { GroupPlan, NodePlan, WorldPlan } from './plan.ts';
import { highs } from './solver.ts';

/**
 * Achievable production: the optimum of a linear program over nodes × lots × time between world
 * events. The program knows the ground truth at once and at no cost, so its optimum is an upper
 * bound. Omitted constraints only raise the bound: maintenance, contact windows, replication,
 * clocks and radio. Nodes of one generation that are up in the same segments form one class: their
 * constraints are equal and add up, and every solution for the sum divides evenly among them.
 */
export interface Achievable {
  totalKg: number;
  groups: number[];
  /**
   * Returns the achievable kg on the groups within [fromS, toS), spread evenly over each segment.
   */
  kg(groups: readonly number[], fromS: number, toS: number): number;
  /**
   * Returns the least kg that any optimal plan takes from the groups within [fromS, toS). The
   * optimum leaves open which lot is worked when not all of them are needed; what must come from
   * some lots is a second program: their least sum in a segment, given that the sum over all lots
   * and the whole run stays the optimum. Its result is spread evenly over the segment.
   */
  leastKg(groups: readonly number[], fromS: number, toS: number): number;
}

const secondsPerDay = 86_400;
/**
 * A shorter outage does not count, and changes within one such span count as one: both only raise
 * the bound.
 */
const spanS = 900;

export interface Segment {
  fromS: number;
  toS: number;
  /** Highest kg/day of each lot within the segment, and usable sites. */
  capacity: Map<number, number>;
  sites: Map<number, number>;
  depotKgPerDay: number;
}

export interface NodeClass {
  plan: NodePlan;
  count: number;
  /** By segment: whether the node is up at some time within it; of a plan: all the time. */
  up: boolean[];
}

/**
 * What a program is for. bound: limits within a segment are those of its best instant. plan: those
 * of its worst one, so that what is worked evenly over the segment is possible at every instant.
 */
export type Purpose = 'bound' | 'plan';

/** A program without its objective. */
export interface Program {
  segments: Segment[];
  classes: NodeClass[];
  lots: GroupPlan[];
  constraints: Constraints;
  /** Names of all variables whose sum is the production. */
  mined: string[];
}

export function programOf(plan: WorldPlan, changes: Changes, endS: number, purpose: Purpose): Program {
  const segments = cut(plan, changes, endS, purpose);
  const classes = classify(plan, changes, segments, purpose);
  const lots = plan.groups.filter((group) => group.kind === GROUP_KIND.lot);
  const mined = namesOf(
    segments.map((_, s) => s),
    classes,
    lots.map(({ group }) => group),
  );
  return { segments, classes, lots, constraints: constraints(segments, classes, lots), mined };
}

/**
 * Solves the program for a horizon of `endS` seconds and the changes within. Throws if HiGHS finds
 * no optimum.
 */
export function achievable(
  plan: WorldPlan,
  changes: readonly { timeMs: number; change: BoundingChange }[],
  endS: number,
): Achievable {
  const { segments, classes, lots, constraints: rules, mined: all } = programOf(plan, changes, endS, 'bound');
  const { totalKg, columns } = solve(`Maximize\n kg: ${all.join('\n + ')}`, rules);
  const mined = segments.map((_, s) => {
    const kgByGroup = new Map<number, number>();
    for (const { group } of lots) {
      let kg = 0;
      for (const name of namesOf([s], classes, [group])) kg += columns[name]?.Primal ?? 0;
      kgByGroup.set(group, kg);
    }
    return kgByGroup;
  });
  const isLot = new Set(lots.map(({ group }) => group));
  const known = new Map<string, number>();
  /** Solves the second program for one segment; the same question is answered from memory. */
  const leastIn = (groups: readonly number[], s: number): number => {
    const wanted = groups.filter((group) => isLot.has(group));
    if (wanted.length === 0) return 0;
    const key = `${s}/${wanted.join()}`;
    let kg = known.get(key);
    if (kg === undefined) {
      const optimal = `${all.join('\n + ')} >= ${totalKg - toleranceKg(totalKg)}`;
      const least = `Minimize\n kg: ${namesOf([s], classes, wanted).join('\n + ')}`;
      kg = Math.max(0, solve(least, { ...rules, rows: [...rules.rows, optimal] }).totalKg);
      known.set(key, kg);
    }
    return kg;
  };
  return {
    totalKg,
    groups: lots.map(({ group }) => group),
    kg: (groups, fromS, toS) =>
      integrate(segments, fromS, toS, (s) => groups.reduce((sum, group) => sum + (mined[s].get(group) ?? 0), 0)),
    leastKg: (groups, fromS, toS) => integrate(segments, fromS, toS, (s) => leastIn(groups, s)),
  };
}

/** Keeps the second program feasible: the solver's optimum is exact to about 1e-9 of itself. */
function toleranceKg(totalKg: number): number {
  return totalKg * 1e-8 + 1e-6;
}

/** Sums the overlapped share of each segment that [fromS, toS) touches. */
function integrate(segments: readonly Segment[], fromS: number, toS: number, kgIn: (s: number) => number): number {
  let sum = 0;
  for (let s = 0; s < segments.length; s += 1) {
    const segment = segments[s];
    const overlapS = Math.min(toS, segment.toS) - Math.max(fromS, segment.fromS);
    if (overlapS > 0) sum += (kgIn(s) * overlapS) / (segment.toS - segment.fromS);
  }
  return sum;
}

/** Names the variables of what the classes mine on the lots in the segments. */
function namesOf(segments: readonly number[], classes: readonly NodeClass[], lots: readonly number[]): string[] {
  return segments.flatMap((s) => classes.flatMap((_, c) => lots.map((group) => `m_${s}_${c}_${group}`)));
}

export interface Constraints {
  rows: readonly string[];
  bounds: readonly string[];
}

/** Solves one program. Throws if HiGHS finds no optimum. */
export function solve(objective: string, { rows, bounds }: Constraints) {
  const text = `${objective}\nSubject To\n ${rows.join('\n ')}\nBounds\n ${bounds.join('\n ')}\nEnd\n`;
  const solution = highs.solve(text, { output_flag: false });
  if (solution.Status !== 'Optimal') throw new Error(`achievable production: HiGHS ended with ${solution.Status}`);
  const duals = solution.Rows.map((row) => ('Dual' in row ? row.Dual : 0));
  return { totalKg: solution.ObjectiveValue, columns: solution.Columns as Record<string, { Primal?: number }>, duals };
}

export type Changes = readonly { timeMs: number; change: BoundingChange }[];

/** Returns each node's outages of at least `leastS`, seconds. */
function outages(nodes: number, changes: Changes, endS: number, leastS = spanS): { fromS: number; toS: number }[][] {
  const down = new Float64Array(nodes).fill(-1);
  const spans: { fromS: number; toS: number }[][] = Array.from({ length: nodes }, () => []);
  const close = (node: number, toS: number) => {
    if (down[node] >= 0 && toS - down[node] >= leastS) spans[node].push({ fromS: down[node], toS });
    down[node] = -1;
  };
  for (const { timeMs, change } of changes) {
    if (change.kind === 'node-down' && down[change.node] < 0) down[change.node] = timeMs / 1000;
    if (change.kind === 'node-up') close(change.node, timeMs / 1000);
  }
  for (let node = 0; node < nodes; node += 1) close(node, endS);
  return spans;
}

function cut(plan: WorldPlan, changes: Changes, endS: number, purpose: Purpose): Segment[] {
  const times: number[] = [];
  for (const { timeMs, change } of changes) {
    if (change.kind === 'group-capacity' || change.kind === 'unit') times.push(timeMs / 1000);
  }
  for (const spans of outages(plan.nodes.length, changes, endS))
    for (const { fromS, toS } of spans) times.push(fromS, toS);
  times.sort((a, b) => a - b);
  const edges = [0];
  for (const time of times) if (time - edges[edges.length - 1] >= spanS && endS - time >= spanS) edges.push(time);
  edges.push(endS);
  return edges.slice(1).map((toS, index) => segmentOf(plan, changes, { fromS: edges[index], toS, purpose }));
}

/** Builds a segment with the highest capacities of any time in it; of a plan: the lowest. */
function segmentOf(
  plan: WorldPlan,
  changes: Changes,
  { fromS, toS, purpose }: { fromS: number; toS: number; purpose: Purpose },
): Segment {
  const isPlan = purpose === 'plan';
  const capacity = new Map(plan.groups.map(({ group, capacityKgPerDay }) => [group, capacityKgPerDay]));
  const sites = new Map(plan.groups.map(({ group, units }) => [group, units]));
  for (const { timeMs, change } of changes) {
    const inside = timeMs / 1000 > fromS;
    if (timeMs / 1000 >= toS) break;
    if (change.kind === 'group-capacity') {
      const before = capacity.get(change.group) ?? 0;
      const [least, most] = [before, change.capacityKgPerDay].sort((a, b) => a - b);
      capacity.set(change.group, inside ? (isPlan ? least : most) : change.capacityKgPerDay);
    } else if (change.kind === 'unit') {
      const before = sites.get(change.group) ?? 0;
      if (change.usable && !(inside && isPlan)) sites.set(change.group, before + 1);
      else if (!change.usable && (!inside || isPlan)) sites.set(change.group, before - 1);
    }
  }
  let depotKgPerDay = 0;
  for (const { group, kind } of plan.groups) {
    if (kind === GROUP_KIND.depot && (sites.get(group) ?? 0) > 0) depotKgPerDay += capacity.get(group) ?? 0;
  }
  return { fromS, toS, capacity, sites, depotKgPerDay };
}

function classify(plan: WorldPlan, changes: Changes, segments: readonly Segment[], purpose: Purpose): NodeClass[] {
  const endS = segments[segments.length - 1].toS;
  const isPlan = purpose === 'plan';
  const spans = outages(plan.nodes.length, changes, endS, isPlan ? 0 : spanS);
  const classes = new Map<string, NodeClass>();
  for (const node of plan.nodes) {
    const up = segments.map(({ fromS, toS }) =>
      spans[node.node].every((span) =>
        isPlan ? span.toS <= fromS || span.fromS >= toS : span.fromS > fromS || span.toS < toS,
      ),
    );
    const { node: _index, ...capability } = node;
    const key = `${JSON.stringify(capability)}/${up.map(Number).join('')}`;
    const known = classes.get(key);
    if (known === undefined) classes.set(key, { plan: node, count: 1, up });
    else known.count += 1;
  }
  return [...classes.values()];
}

/**
 * Writes the constraints as CPLEX LP text: m mined, h hauled, t stored and b battery at a segment's
 * end.
 */
function constraints(
  segments: readonly Segment[],
  classes: readonly NodeClass[],
  lots: readonly GroupPlan[],
): Constraints {
  const rows: string[] = [];
  const bounds: string[] = [];
  const sum = (names: readonly string[]) => names.join(' + ');
  segments.forEach((segment, s) => {
    const days = (segment.toS - segment.fromS) / secondsPerDay;
    classes.forEach((each, c) => {
      const mined = lots.map(({ group }) => `m_${s}_${c}_${group}`);
      rows.push(`${sum(mined)} <= ${each.up[s] ? each.count * each.plan.rateKgPerDay * days : 0}`);
      const kept = s === 0 ? '' : ` - t_${s - 1}_${c}`;
      rows.push(`t_${s}_${c}${kept} - ${mined.join(' - ')} + h_${s}_${c} = 0`);
      bounds.push(`0 <= t_${s}_${c} <= ${each.count * each.plan.storageKg}`);
      energyRow(rows, bounds, each, { s, c, days, mined });
    });
    rows.push(`${sum(classes.map((_, c) => `h_${s}_${c}`))} <= ${segment.depotKgPerDay * days}`);
    for (const { group } of lots) {
      rows.push(
        `${sum(classes.map((_, c) => `m_${s}_${c}_${group}`))} <= ${(segment.capacity.get(group) ?? 0) * days}`,
      );
      const shares = classes.map(({ plan }, c) => `${1 / plan.rateKgPerDay} m_${s}_${c}_${group}`);
      rows.push(`${sum(shares)} <= ${(segment.sites.get(group) ?? 0) * days}`);
    }
  });
  for (const { group, stockKg } of lots) {
    const drawn = segments.flatMap((_, s) => classes.map((_each, c) => `m_${s}_${c}_${group}`));
    rows.push(`${sum(drawn)} <= ${stockKg}`);
  }
  return { rows, bounds };
}

interface Place {
  s: number;
  c: number;
  days: number;
  mined: readonly string[];
}

/**
 * Adds the energy constraint: solar energy beyond base load is spent on mining, stored, or lost;
 * the battery carries over.
 */
function energyRow(rows: string[], bounds: string[], each: NodeClass, { s, c, days, mined }: Place): void {
  const { plan, count } = each;
  const gainW = each.up[s] ? Math.max(0, plan.solarW - plan.baseW) : plan.solarW;
  const gainWh = gainW * 24 * days * count;
  const spent = mined.map((name) => `${plan.mineWhPerKg} ${name}`).join(' + ');
  const carried = s === 0 ? '' : ` - b_${s - 1}_${c}`;
  const startWh = s === 0 ? count * plan.batteryWh : 0;
  rows.push(`b_${s}_${c}${carried} + ${spent} <= ${gainWh + startWh}`);
  bounds.push(`0 <= b_${s}_${c} <= ${count * plan.batteryWh}`);
}
