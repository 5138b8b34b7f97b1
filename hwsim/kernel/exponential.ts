/**
 * Computes e^x for x ≤ 0 with multiplications and additions only: the last bit of Math.exp may
 * differ between engines. Throws RangeError for x > 0.
 */
export function exponentialOf(x: number): number {
  if (x > 0) throw new RangeError(`exponentialOf needs x ≤ 0, got ${x}`);
  if (x < -745) return 0;
  // e^x = (e^(x/2^k))^(2^k). With |x/2^k| ≤ 1/2, 16 terms of the series are exact to a double's
  // precision.
  let halvings = 0;
  let small = x;
  while (small < -0.5) {
    small /= 2;
    halvings += 1;
  }
  let term = 1;
  let sum = 1;
  for (let n = 1; n <= 18; n += 1) {
    term = (term * small) / n;
    sum += term;
  }
  for (; halvings > 0; halvings -= 1) sum *= sum;
  return sum;
}
