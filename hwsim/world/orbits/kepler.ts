import { cosineOf, sineOf } from '../../kernel/sine.ts';

/** Astronomical unit: IAU 2012, resolution B2. */
export const auKm = 149_597_870.7;
/** Days in which a body of no mass orbits at 1 AU: 2π ÷ Gauss's constant 0.01720209895. */
const gaussianYearDays = 365.2568983263281;
export const dayMs = 86_400_000;
const radiansPerTurn = 6.283185307179586;

/** Elements of an orbit about the Sun. Angles are turns; the plane of reference is the ecliptic. */
export interface Elements {
  aAu: number;
  e: number;
  inclination: number;
  node: number;
  /** Argument of the perihelion, from the node. */
  perihelion: number;
  /** Mean anomaly at mission time 0. */
  meanAnomaly: number;
}

/** A place in km: the Sun is the origin, z points to the north of the ecliptic. */
export interface Position {
  x: number;
  y: number;
  z: number;
}

/** An orbit, ready for `positionAt`. */
export interface Orbit {
  elements: Elements;
  periodMs: number;
  /** Semi-major axis as a vector to the perihelion, and semi-minor axis, ahead of it; km. */
  major: Position;
  minor: Position;
}

export function orbitOf(elements: Elements): Orbit {
  const { aAu, e, inclination, node, perihelion } = elements;
  const [sinI, cosI] = [sineOf(inclination), cosineOf(inclination)];
  const [sinN, cosN] = [sineOf(node), cosineOf(node)];
  const [sinP, cosP] = [sineOf(perihelion), cosineOf(perihelion)];
  const aKm = aAu * auKm;
  const bKm = aKm * Math.sqrt(1 - e * e);
  const major = {
    x: aKm * (cosN * cosP - sinN * sinP * cosI),
    y: aKm * (sinN * cosP + cosN * sinP * cosI),
    z: aKm * (sinP * sinI),
  };
  const minor = {
    x: bKm * (-cosN * sinP - sinN * cosP * cosI),
    y: bKm * (-sinN * sinP + cosN * cosP * cosI),
    z: bKm * (cosP * sinI),
  };
  return { elements, periodMs: gaussianYearDays * dayMs * aAu * Math.sqrt(aAu), major, minor };
}

/** Far more than any place of an orbit below e = 0.9999 needs (test/hwsim/orbits). */
const iterationsMax = 30;
/** Step, in radians, after which no other is made: what is left is about its square. */
const lastStep = 1e-6;

/**
 * Solves Kepler's equation, E − e sin E = M, by Newton's method from Danby's first guess. Takes
 * turns, returns radians from −π to π.
 */
export function eccentricAnomalyOf(meanAnomaly: number, e: number): number {
  const mean = (meanAnomaly - Math.floor(meanAnomaly + 0.5)) * radiansPerTurn;
  let anomaly = mean + (mean < 0 ? -0.85 : 0.85) * e;
  for (let n = 0; n < iterationsMax; n += 1) {
    const turns = anomaly / radiansPerTurn;
    const step = (anomaly - e * sineOf(turns) - mean) / (1 - e * cosineOf(turns));
    anomaly -= step;
    if (step < lastStep && step > -lastStep) break;
  }
  return anomaly;
}

/** Returns where a body is at a mission time, without perturbations by planets. */
export function positionAt(orbit: Orbit, timeMs: number): Position {
  const { elements, periodMs, major, minor } = orbit;
  const turns = eccentricAnomalyOf(elements.meanAnomaly + timeMs / periodMs, elements.e) / radiansPerTurn;
  const along = cosineOf(turns) - elements.e;
  const ahead = sineOf(turns);
  return {
    x: along * major.x + ahead * minor.x,
    y: along * major.y + ahead * minor.y,
    z: along * major.z + ahead * minor.z,
  };
}
