/** The few functions of jstat that are used here; the package ships no types. */
declare module 'jstat' {
  const jstat: {
    jStat: {
      beta: { inv(p: number, alpha: number, beta: number): number };
      binomial: { cdf(k: number, n: number, p: number): number };
    };
  };
  export default jstat;
}
