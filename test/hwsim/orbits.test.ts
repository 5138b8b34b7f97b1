import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CatalogueError, parseCatalogue, shippedBodies } from '../../hwsim/world/bodies.ts';
import {
  auKm,
  dayMs,
  type Elements,
  eccentricAnomalyOf,
  type Orbit,
  orbitOf,
  type Position,
  positionAt,
} from '../../hwsim/world/orbits/kepler.ts';
import { distanceKm, isNearSun, lightMsOver, linkBitsPerS } from '../../hwsim/world/orbits/link.ts';
import { earthElements, layPlaces, lightTimeMs, type Places } from '../../hwsim/world/orbits/places.ts';

const sun = { x: 0, y: 0, z: 0 };
const earth = orbitOf({ ...earthElements(1), meanAnomaly: 0 });
const flat: Elements = { aAu: 1, e: 0, inclination: 0, node: 0, perihelion: 0, meanAnomaly: 0 };
const closeTo = (value: number, expected: number, within: number, what = '') =>
  assert.ok(Math.abs(value - expected) <= within, `${what} ${value}, not ${expected} ± ${within}`);

const sunAu = (orbit: Orbit, timeMs: number) => distanceKm(sun, positionAt(orbit, timeMs)) / auKm;

test("Kepler's equation is solved to 10⁻⁹ at every place of orbits up to e = 0.9999", () => {
  const residual = (anomaly: number, e: number, mean: number) =>
    Math.abs(anomaly - e * Math.sin(anomaly) - 2 * Math.PI * mean);
  for (const e of [0, 0.0167, 0.2, 0.5, 0.9, 0.99, 0.9999]) {
    for (let step = -500; step < 500; step += 1) {
      const mean = step / 1000;
      assert.ok(residual(eccentricAnomalyOf(mean, e), e, mean) < 1e-9, `e ${e}, M ${mean}`);
    }
    // A mean anomaly of many turns gives the same place.
    closeTo(eccentricAnomalyOf(7.3, e), eccentricAnomalyOf(0.3, e), 1e-9);
  }
  assert.ok(residual(eccentricAnomalyOf(0.2, 0.5), 0.5001, 0.2) > 1e-9);
});

test('the Earth is 0.98329 AU from the Sun at perihelion, 1.01671 at aphelion, and back in 365.26 days', () => {
  closeTo(earth.periodMs / dayMs, 365.258, 0.002);
  closeTo(sunAu(earth, 0), 0.98329, 2e-5);
  closeTo(sunAu(earth, earth.periodMs / 2), 1.01671, 2e-5);
  assert.ok(distanceKm(positionAt(earth, 0), positionAt(earth, earth.periodMs)) < 1);
  assert.ok(distanceKm(positionAt(earth, 0), positionAt(earth, 365 * dayMs)) > 600_000);
});

/** Speed by the difference of two positions, km/s. */
const speedAt = (orbit: Orbit, timeMs: number) =>
  distanceKm(positionAt(orbit, timeMs - 30_000), positionAt(orbit, timeMs + 30_000)) / 60;

test('speed is that of the vis-viva equation, along the whole orbit; a wrong period is noticed', () => {
  const sunKm3S2 = 1.32712440018e11;
  const visViva = (orbit: Orbit, timeMs: number) =>
    Math.sqrt(sunKm3S2 * (2 / (sunAu(orbit, timeMs) * auKm) - 1 / (orbit.elements.aAu * auKm)));
  const eros = orbitOf({ aAu: 1.458, e: 0.223, inclination: 10.8 / 360, node: 0.8, perihelion: 0.4, meanAnomaly: 0.1 });
  for (const orbit of [earth, eros]) {
    for (let day = 0; day < 700; day += 7) closeTo(speedAt(orbit, day * dayMs), visViva(orbit, day * dayMs), 1e-4);
  }
  const slow = { ...eros, periodMs: eros.periodMs * 1.001 };
  assert.ok(Math.abs(speedAt(slow, 0) - visViva(slow, 0)) > 1e-3);
});

test('node, inclination and perihelion are where the elements say', () => {
  const at = (elements: Partial<Elements>) => positionAt(orbitOf({ ...flat, ...elements }), 0);
  const au = ({ x, y, z }: Position) => [x, y, z].map((km) => Math.round((km / auKm) * 1e6) / 1e6 + 0);
  assert.equal(au(at({})), [1, 0, 0]);
  assert.equal(au(at({ perihelion: 0.25 })), [0, 1, 0]);
  assert.equal(au(at({ meanAnomaly: 0.25 })), [0, 1, 0]);
  assert.equal(au(at({ perihelion: 0.25, inclination: 0.25 })), [0, 0, 1]);
  assert.equal(au(at({ node: 0.25, perihelion: 0.25, inclination: 0.25 })), [0, 0, 1]);
  assert.equal(au(at({ node: 0.25, e: 0.5 })), [0, 0.5, 0]);
});

test('light takes 499.005 s over 1 AU, in whole ms', () => {
  assert.is(lightMsOver(auKm), 499_005);
  assert.is(lightMsOver(2 * auKm), 998_010);
  assert.is(lightMsOver(1), 0);
});

/** Clusters of a kind. */
const at = ({ clusters }: Places, kind: string) =>
  clusters.flatMap((place, index) => (place.kind === kind ? [index] : []));

test('light takes 499 s from the Earth to L4 and L5, and 864 s from one to the other', () => {
  const places = layPlaces({ seed: 5, clusters: 64 });
  const home = orbitOf(earthElements(5));
  for (const timeMs of [0, 100 * dayMs, 250 * dayMs]) {
    const fromEarth = (cluster: number) =>
      lightMsOver(distanceKm(positionAt(home, timeMs), positionAt(places.clusters[cluster].orbit, timeMs))) / 1000;
    const [l4, l5] = [at(places, 'L4'), at(places, 'L5')];
    // 1.7 % for the Earth's eccentricity, 4 % for libration.
    for (const cluster of [...l4, ...l5]) closeTo(fromEarth(cluster), 499, 499 * 0.057, `day ${timeMs / dayMs}`);
    for (const one of l4) closeTo(lightTimeMs(places, one, l5[0], timeMs) / 1000, 864, 864 * 0.05);
    assert.is(lightTimeMs(places, l4[0], l5[0], timeMs), lightTimeMs(places, l5[0], l4[0], timeMs));
  }
  // Ahead is ahead: L4 comes first to where the Earth will be.
  const [earthAt, l4At] = [positionAt(home, 0), positionAt(places.clusters[at(places, 'L4')[0]].orbit, 0)];
  assert.ok(earthAt.x * l4At.y - earthAt.y * l4At.x > 0);
});

test('opposite places of orbits of 1 AU are at most 998 s apart, and 1.7 % for the eccentricity', () => {
  const opposite = orbitOf({ ...earthElements(1), meanAnomaly: 0.5 });
  const apart = Array.from({ length: 365 }, (_, day) =>
    distanceKm(positionAt(earth, day * dayMs), positionAt(opposite, day * dayMs)),
  );
  const seconds = apart.map((km) => lightMsOver(km) / 1000);
  assert.ok(Math.max(...seconds) <= 998.01 * 1.0168 && Math.max(...seconds) > 990);
});

test('the rate falls by the square of the distance, in powers of two, from a ceiling to a floor', () => {
  const rates = [0.001, 0.0883, 0.0885, 0.25, 0.5, 1, 1.0001, 1.41, 1.42, 2, 4, 5.65, 5.66, 50].map((au) =>
    linkBitsPerS(au * auKm),
  );
  assert.equal(rates, [2 ** 20, 2 ** 20, 2 ** 19, 2 ** 17, 2 ** 15, 8192, 4096, 4096, 2048, 2048, 512, 256, 0, 0]);
});

test('within 3° of the Sun there is no link, on either side of it, whoever looks', () => {
  const one = { x: auKm, y: 0, z: 0 };
  /** A target so many degrees from the Sun, as seen from one AU, so far away. */
  const seen = (degrees: number, au: number) => {
    const angle = (degrees * Math.PI) / 180;
    return { x: auKm * (1 - au * Math.cos(angle)), y: auKm * au * Math.sin(angle), z: 0 };
  };
  for (const au of [0.1, 0.5, 1.5, 2.5]) {
    assert.is(isNearSun(one, seen(2.9, au)), true, `${au} AU`);
    assert.is(isNearSun(seen(-2.9, au), one), true, `${au} AU`);
    assert.is(isNearSun(one, seen(3.1, au)), au > 2, `${au} AU`);
  }
  // At 2.5 AU, the farther one sees the Sun nearer to its target: 3.1° become 2.1°.
  assert.is(isNearSun(one, seen(4.6, 2.5)), false);
  // Seen from inside, the other one is opposite to the Sun; it sees both in one line.
  assert.is(isNearSun({ x: 0.5 * auKm, y: 0, z: 0 }, one), true);
  assert.is(isNearSun({ x: 0, y: auKm, z: 0 }, one), false);
});

test('places: half at asteroids of low Δv, one each, the rest at L4 and L5; regions of at most 64', () => {
  for (const clusters of [1, 2, 3, 64, 130, 200, 257, 600]) {
    const places = layPlaces({ seed: 9, clusters });
    const [l4, l5, far] = ['L4', 'L5', 'asteroid'].map((kind) => at(places, kind).length);
    assert.equal([l4 + l5 + far, far], [clusters, Math.min(128, Math.floor(clusters / 2))]);
    assert.ok(l4 - l5 === 0 || l4 - l5 === 1);
    assert.equal(
      places.regions.flatMap(({ clusters: own }) => own),
      places.clusters.map((_, index) => index),
    );
    assert.ok(places.regions.length <= 16);
    for (const [index, { kind, clusters: own }] of places.regions.entries()) {
      assert.ok(own.length >= 1 && own.length <= 64);
      for (const cluster of own)
        assert.equal([places.clusters[cluster].region, places.clusters[cluster].kind], [index, kind]);
    }
    const names = places.clusters.flatMap(({ body }) => body?.designation ?? []);
    assert.is(new Set(names).size, far);
  }
  const reachable = shippedBodies()
    .map(({ deltaVKmS }) => deltaVKmS!)
    .sort((a, b) => a - b);
  const drawn = layPlaces({ seed: 9, clusters: 20 }).clusters.flatMap(({ body }) => body?.deltaVKmS ?? []);
  assert.ok(Math.max(...drawn) <= reachable[19]);
});

test('clusters of one region of L4 are light seconds apart; regions follow each other in longitude', () => {
  const places = layPlaces({ seed: 2, clusters: 600 });
  for (const { kind, clusters } of places.regions) {
    if (kind === 'asteroid') continue;
    for (const cluster of clusters) assert.ok(lightTimeMs(places, clusters[0], cluster, 0) < 40_000);
  }
  const longitudes = (region: number) =>
    places.regions[region].clusters.map((cluster) => {
      const { x, y } = positionAt(places.clusters[cluster].orbit, 0);
      const { x: fromX, y: fromY } = positionAt(places.clusters[0].orbit, 0);
      return Math.atan2(fromX * y - fromY * x, fromX * x + fromY * y);
    });
  for (const region of [0, 1, 2]) assert.ok(Math.max(...longitudes(region)) <= Math.min(...longitudes(region + 1)));
});

test('a seed has one fleet, another seed another one, and a larger fleet keeps the angles of its bodies', () => {
  const elements = (seed: number, clusters: number) =>
    layPlaces({ seed, clusters }).clusters.map(({ orbit }) => orbit.elements);
  assert.equal(elements(4, 20), elements(4, 20));
  assert.not.equal(elements(4, 20), elements(5, 20));
  const byBody = (clusters: number) =>
    new Map(
      layPlaces({ seed: 4, clusters }).clusters.flatMap(({ body, orbit }) =>
        body === null ? [] : [[body.designation, orbit.elements]],
      ),
    );
  const [few, many] = [byBody(40), byBody(300)];
  assert.is(many.size, 128);
  for (const [name, angles] of few) assert.equal(many.get(name), angles);
});

test("a user's catalogue is drawn from; one without Δv and a fleet out of bounds are refused", () => {
  const table = (dv: string) =>
    parseCatalogue(`designation,delta_v_km_s,H,a,e,i\nMine,${dv},20,1.2,0.1,3\n`, 'x.csv').bodies;
  const { clusters } = layPlaces({ seed: 1, clusters: 6, bodies: table('4.5') });
  assert.equal(
    clusters.map(({ kind, body }) => body?.designation ?? kind),
    ['L4', 'L4', 'L4', 'L5', 'L5', 'Mine'],
  );
  assert.throws(
    () => layPlaces({ seed: 1, clusters: 6, bodies: table('') }),
    (error: Error) =>
      error instanceof CatalogueError && /give a table with the column delta_v_km_s/.test(error.message),
  );
  for (const wrong of [0, 10_001, 1.5, Number.NaN])
    assert.throws(() => layPlaces({ seed: 1, clusters: wrong }), /a fleet has 1 to 10000 clusters/);
});

test.run();
