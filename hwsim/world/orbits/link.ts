import { cosineOf } from '../../kernel/sine.ts';
import { auKm, type Position } from './kepler.ts';

const lightKmPerMs = 299.792458;

/**
 * Angle between Sun and target below which an observer has no link: NASA sends no commands to Mars
 * within 2° of the Sun (solar conjunctions of 2015 and 2017); one degree of margin is *assumed*.
 */
export const sunExclusionDeg = 3;
const exclusionCosine = cosineOf(sunExclusionDeg / 360);

/**
 * Rate of a link at 1 AU, *assumed*: two equal dishes of some metres and 100 W in X band. The rate
 * falls with the square of the distance, in steps of powers of two.
 */
const referenceBitsPerS = 8192;
/** The fastest the radios modulate, and the slowest they lock on to; *assumed*. */
const fastestBitsPerS = 1 << 20;
const slowestBitsPerS = 256;

export function distanceKm(from: Position, to: Position): number {
  const [x, y, z] = [to.x - from.x, to.y - from.y, to.z - from.z];
  return Math.sqrt(x * x + y * y + z * z);
}

/** Returns the time that light takes over a distance, whole ms. */
export function lightMsOver(km: number): number {
  return Math.round(km / lightKmPerMs);
}

/** Returns the rate of a link over a distance, bit/s: a power of two, or 0 when it is too far. */
export function linkBitsPerS(km: number): number {
  const ratio = auKm / km;
  const attainable = referenceBitsPerS * ratio * ratio;
  let rate = fastestBitsPerS;
  while (rate > attainable) rate /= 2;
  return rate < slowestBitsPerS ? 0 : rate;
}

/** Says whether the Sun is so near the line of sight that one of the two cannot hear the other. */
export function isNearSun(one: Position, other: Position): boolean {
  const apart = distanceKm(one, other);
  const product = one.x * other.x + one.y * other.y + one.z * other.z;
  return isBeforeSun(one, product, apart) || isBeforeSun(other, product, apart);
}

function isBeforeSun({ x, y, z }: Position, product: number, apartKm: number): boolean {
  const square = x * x + y * y + z * z;
  return square - product > exclusionCosine * Math.sqrt(square) * apartKm;
}
