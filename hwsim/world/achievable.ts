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
  segments: { fromS: number; toS: number; kgByGroup: Map<number, number> }[];
  /**
   * Returns the achievable kg on the groups within [fromS, toS), spread evenly over each segment.
   */
  kg(groups: readonly number[], fromS: number, toS: number): number;
}

const secondsPerDay = 86_400;
/**
 * A shorter outage does not count, and changes within one such span count as one: both only raise
 * the bound.
 */
const spanS = 900;

interface Segment {
  fromS: number;
  toS: number;
  /** Highest kg/day of each lot within the segment, and usable sites. */
  capacity: Map<number, number>;
  sites: Map<number, number>;
  depotKgPerDay: number;
}

interface NodeClass {
  plan: NodePlan;
  count: number;
  /** By segment: whether the node is up at some time within it. */
  up: boolean[];
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
  const segments = cut(plan, changes, endS);
  const classes = classify(plan, changes, segments);
  const lots = plan.groups.filter((group) => group.kind === GROUP_KIND.lot);
  const solution = highs.solve(program(segments, classes, lots), { output_flag: false });
  if (solution.Status !== 'Optimal') throw new Error(`achievable production: HiGHS ended with ${solution.Status}`);
  const columns = solution.Columns as Record<string, { Primal?: number }>;
  const mined = segments.map(({ fromS, toS }, s) => {
    const kgByGroup = new Map<number, number>();
    for (const { group } of lots) {
      let kg = 0;
      for (let c = 0; c < classes.length; c += 1) kg += columns[`m_${s}_${c}_${group}`]?.Primal ?? 0;
      kgByGroup.set(group, kg);
    }
    return { fromS, toS, kgByGroup };
  });
  return {
    totalKg: solution.ObjectiveValue,
    groups: lots.map(({ group }) => group),
    segments: mined,
    kg: (groups, fromS, toS) => integrate(mined, groups, fromS, toS),
  };
}

function integrate(segments: Achievable['segments'], groups: readonly number[], fromS: number, toS: number): number {
  let sum = 0;
  for (const segment of segments) {
    const overlapS = Math.min(toS, segment.toS) - Math.max(fromS, segment.fromS);
    if (overlapS <= 0) continue;
    let kg = 0;
    for (const group of groups) kg += segment.kgByGroup.get(group) ?? 0;
    sum += (kg * overlapS) / (segment.toS - segment.fromS);
  }
  return sum;
}

type Changes = readonly { timeMs: number; change: BoundingChange }[];

/** Returns each node's outages of at least `spanS`, seconds. */
function outages(nodes: number, changes: Changes, endS: number): { fromS: number; toS: number }[][] {
  const down = new Float64Array(nodes).fill(-1);
  const spans: { fromS: number; toS: number }[][] = Array.from({ length: nodes }, () => []);
  const close = (node: number, toS: number) => {
    if (down[node] >= 0 && toS - down[node] >= spanS) spans[node].push({ fromS: down[node], toS });
    down[node] = -1;
  };
  for (const { timeMs, change } of changes) {
    if (change.kind === 'node-down' && down[change.node] < 0) down[change.node] = timeMs / 1000;
    if (change.kind === 'node-up') close(change.node, timeMs / 1000);
  }
  for (let node = 0; node < nodes; node += 1) close(node, endS);
  return spans;
}

function cut(plan: WorldPlan, changes: Changes, endS: number): Segment[] {
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
  return edges.slice(1).map((toS, index) => segmentOf(plan, changes, edges[index], toS));
}

/** Builds a segment with the highest capacities that apply at any time in it. */
function segmentOf(plan: WorldPlan, changes: Changes, fromS: number, toS: number): Segment {
  const capacity = new Map(plan.groups.map(({ group, capacityKgPerDay }) => [group, capacityKgPerDay]));
  const sites = new Map(plan.groups.map(({ group, units }) => [group, units]));
  for (const { timeMs, change } of changes) {
    const inside = timeMs / 1000 > fromS;
    if (timeMs / 1000 >= toS) break;
    if (change.kind === 'group-capacity') {
      const before = inside ? (capacity.get(change.group) ?? 0) : 0;
      capacity.set(change.group, Math.max(before, change.capacityKgPerDay));
    } else if (change.kind === 'unit') {
      const before = sites.get(change.group) ?? 0;
      if (change.usable) sites.set(change.group, before + 1);
      else if (!inside) sites.set(change.group, before - 1);
    }
  }
  let depotKgPerDay = 0;
  for (const { group, kind } of plan.groups) {
    if (kind === GROUP_KIND.depot && (sites.get(group) ?? 0) > 0) depotKgPerDay += capacity.get(group) ?? 0;
  }
  return { fromS, toS, capacity, sites, depotKgPerDay };
}

function classify(plan: WorldPlan, changes: Changes, segments: readonly Segment[]): NodeClass[] {
  const endS = segments[segments.length - 1].toS;
  const spans = outages(plan.nodes.length, changes, endS);
  const classes = new Map<string, NodeClass>();
  for (const node of plan.nodes) {
    const up = segments.map(
      ({ fromS, toS }) => !spans[node.node].some((span) => span.fromS <= fromS && span.toS >= toS),
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
 * Writes the program as CPLEX LP text: m mined, h hauled, t stored and b battery at a segment's
 * end.
 */
function program(segments: readonly Segment[], classes: readonly NodeClass[], lots: readonly GroupPlan[]): string {
  const rows: string[] = [];
  const bounds: string[] = [];
  const all: string[] = [];
  const sum = (names: readonly string[]) => names.join(' + ');
  segments.forEach((segment, s) => {
    const days = (segment.toS - segment.fromS) / secondsPerDay;
    classes.forEach((each, c) => {
      const mined = lots.map(({ group }) => `m_${s}_${c}_${group}`);
      all.push(...mined);
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
  return `Maximize\n kg: ${all.join('\n + ')}\nSubject To\n ${rows.join('\n ')}\nBounds\n ${bounds.join('\n ')}\nEnd\n`;
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
