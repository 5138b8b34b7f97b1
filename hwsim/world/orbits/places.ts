import { RandomStream } from '../../kernel/random.ts';
import { type Body, CatalogueError, shippedBodies } from '../bodies.ts';
import { modelledClustersMax, regionClustersMax } from './bounds.ts';
import { type Elements, type Orbit, orbitOf, positionAt } from './kepler.ts';
import { distanceKm, lightMsOver } from './link.ts';

type PlaceKind = 'L4' | 'L5' | 'asteroid';

/** Where one cluster is. Its index in `Places.clusters` is its number. */
export interface Place {
  kind: PlaceKind;
  region: number;
  /** The asteroid; null at L4 and L5. */
  body: Body | null;
  orbit: Orbit;
}

/** Clusters that are near each other at mission time 0; their numbers follow each other. */
export interface Region {
  kind: PlaceKind;
  clusters: readonly number[];
}

export interface Places {
  seed: number;
  clusters: readonly Place[];
  regions: readonly Region[];
}

/** What to lay: 1 to 10,000 clusters; the shipped table unless a catalogue of bodies is given. */
export interface PlacesChoice {
  seed: number;
  clusters: number;
  bodies?: readonly Body[];
}

/**
 * The Earth's orbit: E. M. Standish, Keplerian elements for approximate positions of the major
 * planets (JPL), J2000, in the plane of the ecliptic. Mission time has no date, so the seed draws
 * where the Earth is on it at mission time 0.
 */
const earth = { aAu: 1.00000261, e: 0.01671123, perihelion: 102.93768193 / 360 };

/** L4 is 60° ahead of the Earth, L5 behind: on the Earth's ellipse, turned about the Sun. */
const lagrangeTurns = { L4: 1 / 6, L5: -1 / 6 };

/**
 * How far clusters of L4 and L5 are from the point, *assumed*: the slow libration takes about 220
 * years, so that within a mission each cluster has a fixed angle ahead or behind, of up to 2°;
 * other eccentricities, perihelia and inclinations make it circle the point once a year.
 */
const libration = { aheadTurns: 2 / 360, e: 0.005, perihelionTurns: 20 / 360, inclinationTurns: 1 / 360 };

/** Draws the elements of the Earth's orbit. The plan needs no Earth; tests do. */
export function earthElements(seed: number): Elements {
  const meanAnomaly = new RandomStream(seed, 'orbits/earth').fraction();
  return { ...earth, inclination: 0, node: 0, meanAnomaly };
}

function lagrangeElements(seed: number, kind: 'L4' | 'L5', index: number): Elements {
  const random = new RandomStream(seed, `orbits/${kind}`, index);
  const { meanAnomaly } = earthElements(seed);
  const turn = random.between(-libration.perihelionTurns, libration.perihelionTurns);
  const node = random.fraction();
  return {
    aAu: earth.aAu,
    e: earth.e + random.between(-libration.e, libration.e),
    inclination: random.between(0, libration.inclinationTurns),
    node,
    perihelion: earth.perihelion + lagrangeTurns[kind] + turn - node,
    // The angle from the point to the cluster is that of their mean longitudes.
    meanAnomaly: meanAnomaly - turn + random.between(-libration.aheadTurns, libration.aheadTurns),
  };
}

/** The catalogue has no angles: node, perihelion and mean anomaly are drawn. */
function asteroidElements(seed: number, { aAu, e, iDeg }: Body, index: number): Elements {
  const random = new RandomStream(seed, 'orbits/angles', index);
  const [node, perihelion, meanAnomaly] = [random.fraction(), random.fraction(), random.fraction()];
  return { aAu, e, inclination: iDeg / 360, node, perihelion, meanAnomaly };
}

type Located = Omit<Place, 'region'>;

/** Draws asteroids: half of twice as many bodies of the least Δv, at most one cluster on each. */
function asteroids(seed: number, wanted: number, bodies: readonly Body[]): Located[] {
  const reachable = bodies.filter(({ deltaVKmS }) => deltaVKmS !== null);
  if (reachable.length === 0)
    throw new CatalogueError('no body of the catalogue has a Δv (give a table with the column delta_v_km_s)');
  reachable.sort((one, other) => one.deltaVKmS! - other.deltaVKmS! || (one.designation < other.designation ? -1 : 1));
  const candidates = Math.min(reachable.length, 2 * wanted);
  const drawn = new RandomStream(seed, 'orbits/bodies').permutation(candidates).slice(0, wanted);
  return drawn.map((index) => {
    const body = reachable[index];
    return { kind: 'asteroid', body, orbit: orbitOf(asteroidElements(seed, body, index)) };
  });
}

function around(seed: number, kind: 'L4' | 'L5', count: number): Located[] {
  return Array.from({ length: count }, (_, index) => {
    return { kind, body: null, orbit: orbitOf(lagrangeElements(seed, kind, index)) };
  });
}

/**
 * Returns a number that grows with the angle from one direction to another, −180° to 180°, in the
 * plane of the ecliptic, as Math.atan2 would.
 */
function angleOrder(reference: Orbit, orbit: Orbit): number {
  const [from, to] = [positionAt(reference, 0), positionAt(orbit, 0)];
  const along = from.x * to.x + from.y * to.y;
  const ahead = from.x * to.y - from.y * to.x;
  const part = ahead / (Math.abs(along) + Math.abs(ahead));
  return along >= 0 ? part : ahead >= 0 ? 2 - part : -2 - part;
}

/** Cuts clusters in order of their longitude into equal parts of at most 64. */
function regionsOf(located: readonly Located[], reference: Orbit): Located[][] {
  const order = new Map(located.map((place) => [place, angleOrder(reference, place.orbit)]));
  const sorted = [...located].sort((one, other) => order.get(one)! - order.get(other)!);
  const parts = Math.ceil(sorted.length / regionClustersMax);
  const border = (part: number) => Math.floor((sorted.length * part) / parts);
  return Array.from({ length: parts }, (_, part) => sorted.slice(border(part), border(part + 1)));
}

/**
 * Lays the places of a fleet, a function of seed, number of clusters and catalogue. Half of the
 * clusters are at asteroids, as far as there are bodies, the rest at L4 and L5 in equal parts
 * (*assumed*). Throws RangeError, or CatalogueError when no body has a Δv.
 */
export function layPlaces({ seed, clusters, bodies = shippedBodies() }: PlacesChoice): Places {
  if (!(Number.isInteger(clusters) && clusters >= 1 && clusters <= modelledClustersMax))
    throw new RangeError(`a fleet has 1 to ${modelledClustersMax} clusters, not ${clusters}`);
  const far = asteroids(seed, Math.floor(clusters / 2), bodies);
  const near = clusters - far.length;
  const [ahead, behind] = [Math.ceil(near / 2), Math.floor(near / 2)];
  const earthOrbit = orbitOf(earthElements(seed));
  const parts = [
    ...(['L4', 'L5'] as const).flatMap((kind) => {
      const point = orbitOf({ ...earthElements(seed), perihelion: earth.perihelion + lagrangeTurns[kind] });
      return regionsOf(around(seed, kind, kind === 'L4' ? ahead : behind), point);
    }),
    ...regionsOf(far, earthOrbit),
  ];
  const placed: Place[] = [];
  const regions: Region[] = [];
  for (const part of parts) {
    regions.push({ kind: part[0].kind, clusters: part.map((_, index) => placed.length + index) });
    placed.push(...part.map((place) => ({ ...place, region: regions.length - 1 })));
  }
  return { seed, clusters: placed, regions };
}

/**
 * Returns the time that light takes from one cluster to another where both are at a mission time,
 * whole ms. That the receiver moves meanwhile is left out: 3·10⁻⁴ of the time at 90 km/s.
 */
export function lightTimeMs({ clusters }: Places, from: number, to: number, timeMs: number): number {
  return lightMsOver(distanceKm(positionAt(clusters[from].orbit, timeMs), positionAt(clusters[to].orbit, timeMs)));
}
