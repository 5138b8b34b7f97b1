import type { Position } from './kepler.ts';
import { distanceKm, isNearSun, linkBitsPerS } from './link.ts';
import { graphOf, survivesAnyLoss } from './graph.ts';
import type { Places, Region } from './places.ts';

/** Two clusters that have contacts; a < b. */
export interface Pair {
  a: number;
  b: number;
}

/** With whom the clusters have contacts on one day. */
export interface Neighbours {
  pairs: readonly Pair[];
  /** By region: how many of the nearest clusters each cluster has contacts with. */
  nearest: readonly number[];
  /** Pairs of one region that have no link, for the Sun or the distance, of all such pairs. */
  withoutLink: number;
  possible: number;
}

/** The fewest nearest clusters, *assumed*: more bring news faster, and take more airtime. */
const nearestMin = 4;

interface Candidate extends Pair {
  km: number;
}

function candidate(a: number, b: number, positions: readonly Position[]): Candidate | null {
  const km = distanceKm(positions[a], positions[b]);
  if (linkBitsPerS(km) === 0 || isNearSun(positions[a], positions[b])) return null;
  return { a, b, km };
}

/** The pairs of a region in which one is among the `nearest` of the other. */
function nearestPairs(clusters: readonly number[], sorted: readonly Candidate[], nearest: number): Candidate[] {
  const first = clusters[0];
  const counts = new Int32Array(clusters.length);
  return sorted.filter(({ a, b }) => {
    const isNear = counts[a - first] < nearest || counts[b - first] < nearest;
    counts[a - first] += 1;
    counts[b - first] += 1;
    return isNear;
  });
}

function neighboursWithin({ clusters }: Region, sorted: readonly Candidate[]) {
  const first = clusters[0];
  for (let nearest = nearestMin; ; nearest += 1) {
    const pairs = nearestPairs(clusters, sorted, nearest);
    const edges = pairs.map(({ a, b }) => ({ a: a - first, b: b - first }));
    // With all pairs, no more can be done.
    if (pairs.length === sorted.length || survivesAnyLoss(graphOf(clusters.length, edges))) return { pairs, nearest };
  }
}

/** A region's clusters and those of another, between which a pair is chosen. */
interface Border {
  from: Region;
  to: Region;
}

/** Takes the clusters with the fewest pairs so far, then the nearest. Null when none has a link. */
function gatewayPair({ from, to }: Border, positions: readonly Position[], loads: Int32Array, taken: readonly Pair[]) {
  let best: Candidate | null = null;
  let bestLoad = Number.POSITIVE_INFINITY;
  for (const a of from.clusters) {
    for (const b of to.clusters) {
      const load = loads[a] + loads[b];
      if (load > bestLoad) continue;
      if (load === bestLoad && best !== null && distanceKm(positions[a], positions[b]) >= best.km) continue;
      const found = candidate(a, b, positions);
      if (found === null || taken.some((pair) => pair.a === a && pair.b === b)) continue;
      best = found;
      bestLoad = load;
    }
  }
  return best;
}

/** Pairs between two regions at most: more could not help where three do not. */
const waysMax = 3;

/**
 * Chooses the pairs between regions: one for each two regions, and one more for each until the
 * fleet stays connected without any one cluster. Two regions need two; so may small ones.
 */
function gatewayPairs({ clusters, regions }: Places, within: readonly Pair[], positions: readonly Position[]): Pair[] {
  const loads = new Int32Array(clusters.length);
  const pairs: Pair[] = [];
  const borders = regions.flatMap((from, index) =>
    regions.slice(index + 1).map((to) => ({ from, to, taken: [] as Pair[] })),
  );
  for (let way = 0; way < waysMax; way += 1) {
    for (const border of borders) {
      const pair = gatewayPair(border, positions, loads, border.taken);
      if (pair === null) continue;
      const { a, b } = pair;
      loads[a] += 1;
      loads[b] += 1;
      border.taken.push({ a, b });
      pairs.push({ a, b });
    }
    if (survivesAnyLoss(graphOf(clusters.length, [...within, ...pairs]))) break;
  }
  return pairs;
}

/** All pairs of a region that have a link, the nearest first. */
function candidatesWithin({ clusters }: Region, positions: readonly Position[]): Candidate[] {
  const candidates: Candidate[] = [];
  for (const a of clusters) {
    for (const b of clusters) {
      const found = a < b ? candidate(a, b, positions) : null;
      if (found !== null) candidates.push(found);
    }
  }
  return candidates.sort((one, other) => one.km - other.km || one.a - other.a || one.b - other.b);
}

/**
 * Chooses with whom each cluster has contacts: the k nearest of its region that it can see past the
 * Sun, and pairs of gateways between regions. k is the least, from 4 on, with which the region
 * stays connected without any one cluster.
 */
export function neighboursAt(places: Places, positions: readonly Position[]): Neighbours {
  const pairs: Pair[] = [];
  const nearest: number[] = [];
  let possible = 0;
  let withoutLink = 0;
  for (const region of places.regions) {
    const { clusters } = region;
    const candidates = candidatesWithin(region, positions);
    const all = (clusters.length * (clusters.length - 1)) / 2;
    possible += all;
    withoutLink += all - candidates.length;
    const chosen = neighboursWithin(region, candidates);
    nearest.push(chosen.nearest);
    pairs.push(...chosen.pairs.map(({ a, b }) => ({ a, b })));
  }
  return { pairs: [...pairs, ...gatewayPairs(places, pairs, positions)], nearest, withoutLink, possible };
}
