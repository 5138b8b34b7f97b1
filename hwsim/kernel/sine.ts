const radiansPerTurn = 6.283185307179586;

/**
 * Factors of the series x − x³/3! + … − x¹⁵/15! and 1 − x²/2! + … + x¹⁶/16!, the last ones first;
 * at an eighth of a turn the next terms are below 10⁻¹⁶.
 */
const sineFactors = Float64Array.from([15, 13, 11, 9, 7, 5, 3], (n) => 1 / (n * (n - 1)));
const cosineFactors = Float64Array.from([16, 14, 12, 10, 8, 6, 4, 2], (n) => 1 / (n * (n - 1)));

/**
 * Computes sin(2π × turns) with operations that IEEE 754 specifies to the last bit: the last bit of
 * Math.sin may differ between engines. Whole turns are removed exactly, so that the error stays
 * below 10⁻¹⁵ for angles of up to one turn, and grows with the rounding of `turns` itself.
 */
export function sineOf(turns: number): number {
  const part = turns - Math.floor(turns + 0.5);
  const quarter = part > 0.25 ? 0.5 - part : part < -0.25 ? -0.5 - part : part;
  if (quarter > 0.125) return sumOf(cosineFactors, (0.25 - quarter) * radiansPerTurn);
  if (quarter < -0.125) return -sumOf(cosineFactors, (0.25 + quarter) * radiansPerTurn);
  const x = quarter * radiansPerTurn;
  return x * sumOf(sineFactors, x);
}

/** Computes cos(2π × turns); as `sineOf`. */
export function cosineOf(turns: number): number {
  return sineOf(turns + 0.25);
}

function sumOf(factors: Float64Array, x: number): number {
  const square = x * x;
  let sum = 1;
  for (let index = 0; index < factors.length; index += 1) sum = 1 - square * factors[index] * sum;
  return sum;
}
