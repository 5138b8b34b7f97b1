// What a run of libFuzzer and the harness says of itself.

export interface FuzzRun {
  runs: number;
  /**
   * Edges of the image's code reached, and of how many; features as libFuzzer counts them; inputs
   * kept.
   */
  edges: number;
  edgesAll: number;
  features: number;
  inputs: number;
  /** What the image was given, and took. */
  given: Record<string, number>;
  perSecond: number;
  /** SHA-256 of the image that was fuzzed; null: the log is of a harness that did not report it. */
  image: string | null;
  /** The first words of a crash, or null. */
  crash: string | null;
}

/** Reads the log of a run, which may have been interrupted. Throws when it is none. */
export function readLog(text: string): FuzzRun {
  const lines = [...text.matchAll(/^#(\d+)\s+\S+\s+cov: (\d+) ft: (\d+) corp: (\d+)\/.*?exec\/s: (\d+)/gm)];
  const last = lines.at(-1);
  const edgesAll = /\((\d+) inline 8-bit counters\)/.exec(text)?.[1];
  if (edgesAll === undefined) throw new Error('this is no log of libFuzzer: it reports no coverage');
  const [runs, edges, features, inputs, perSecond] = (last ?? ['', 0, 0, 0, 0, 0]).slice(1).map(Number);
  const summary = [...text.matchAll(/^heliograph: (runs .*)$/gm)].at(-1)?.[1] ?? '';
  const given: Record<string, number> = {};
  let subject = '';
  for (const [, word, count] of summary.matchAll(/(\w+) (\d+)/g)) {
    if (word !== 'taken') subject = word;
    given[word === 'taken' ? `${subject} taken` : word] = Number(count);
  }
  const done = Number(/^stat::number_of_executed_units: (\d+)/m.exec(text)?.[1] ?? runs);
  const fault =
    /^heliograph: (?!runs|image|trap site|deadline)(.*)$/m.exec(text)?.[1] ??
    /^SUMMARY: (.*)$/m.exec(text)?.[1] ??
    null;
  return {
    runs: done,
    edges,
    edgesAll: Number(edgesAll),
    features,
    inputs,
    given,
    perSecond,
    image: /^heliograph: image (\w+)$/m.exec(text)?.[1] ?? null,
    crash: fault,
  };
}
