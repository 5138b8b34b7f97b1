import { EventQueue } from '../../kernel/queue.ts';
import type { Contact } from './contact_plan.ts';

/** How long news takes until all have it, over all instants at which it may begin; ms. */
export interface NewsTimes {
  p50Ms: number;
  maxMs: number;
}

/** What two clusters, by index, gave a contact to take along, until it arrives. */
interface Carried {
  a: number;
  b: number;
  fromA: Float64Array;
  fromB: Float64Array;
}

/**
 * Measures how fast news spreads over contacts among some clusters, by flooding: what a cluster
 * knows when a contact begins, the other one knows when the contact has arrived whole.
 *
 * For each two clusters it keeps the latest instant whose news has come from one to the other. The
 * least of these is the instant up to which all know everything; it moves on in steps, and each
 * step says how long the news of the instants between took. So all sources and all instants are
 * covered in one pass.
 */
export class News {
  readonly #size: number;
  readonly #index: ReadonlyMap<number, number>;
  readonly #fromMs: number;
  /** known[receiver][source] */
  readonly #known: Float64Array[];
  /** The least of each receiver's row. */
  readonly #least: Float64Array;
  readonly #arrivals = new EventQueue();
  /** What is on the way, by number; the numbers of `#free` can be used again. */
  readonly #carried: Carried[] = [];
  readonly #free: number[] = [];
  #allMs: number;
  /** Steps: instants in (from, to] were known to all at `at`. */
  readonly #steps: { fromMs: number; toMs: number; atMs: number }[] = [];

  /** `fromMs`: the first instant at which news may begin; contacts begin then or later. */
  constructor(clusters: readonly number[], fromMs: number) {
    this.#size = clusters.length;
    this.#index = new Map(clusters.map((cluster, index) => [cluster, index]));
    this.#fromMs = fromMs;
    this.#allMs = fromMs;
    this.#known = clusters.map(() => new Float64Array(clusters.length).fill(Number.NEGATIVE_INFINITY));
    this.#least = new Float64Array(clusters.length).fill(Number.NEGATIVE_INFINITY);
  }

  /** Takes the next contact, in the order of time. Those with other clusters change nothing. */
  take(contact: Contact): void {
    const [a, b] = [this.#index.get(contact.a), this.#index.get(contact.b)];
    if (a === undefined || b === undefined) return;
    this.#arriveUntil(contact.beginMs);
    const id = this.#free.pop() ?? this.#carried.length;
    this.#carried[id] ??= { a, b, fromA: new Float64Array(this.#size), fromB: new Float64Array(this.#size) };
    const carried = this.#carried[id];
    [carried.a, carried.b] = [a, b];
    this.#copy(a, contact.beginMs, carried.fromA);
    this.#copy(b, contact.beginMs, carried.fromB);
    this.#arrivals.push(contact.endMs + contact.lightTimeMs, 0, 0, id);
  }

  #copy(index: number, timeMs: number, to: Float64Array): void {
    to.set(this.#known[index]);
    to[index] = timeMs;
  }

  #arriveUntil(timeMs: number): void {
    while (this.#arrivals.nextMs <= timeMs && this.#arrivals.pop()) {
      const { a, b, fromA, fromB } = this.#carried[this.#arrivals.first];
      this.#free.push(this.#arrivals.first);
      const wasLeast = Math.min(this.#least[a], this.#least[b]) <= this.#allMs;
      this.#learn(b, fromA);
      this.#learn(a, fromB);
      if (wasLeast) this.#step(this.#arrivals.timeMs);
    }
  }

  #learn(receiver: number, from: Float64Array): void {
    const known = this.#known[receiver];
    // What a cluster knows of itself is never old.
    known[receiver] = Number.POSITIVE_INFINITY;
    let least = Number.POSITIVE_INFINITY;
    for (let source = 0; source < from.length; source += 1) {
      const latest = from[source] > known[source] ? from[source] : known[source];
      known[source] = latest;
      if (latest < least) least = latest;
    }
    this.#least[receiver] = least;
  }

  #step(atMs: number): void {
    let all = Number.POSITIVE_INFINITY;
    for (let index = 0; index < this.#size; index += 1) all = Math.min(all, this.#least[index]);
    if (all <= this.#allMs) return;
    this.#steps.push({ fromMs: this.#allMs, toMs: all, atMs });
    this.#allMs = all;
  }

  /**
   * Returns the times over all instants up to the last one whose news reached all by `untilMs`, the
   * end of the plan. News that waits longer then counts in the maximum. Null when none reached all.
   */
  times(untilMs: number): NewsTimes | null {
    if (this.#size === 1) return { p50Ms: 0, maxMs: 0 };
    this.#arriveUntil(untilMs);
    if (this.#steps.length === 0) return null;
    const waitingMs = untilMs - this.#allMs;
    const maxMs = this.#steps.reduce((most, { fromMs, atMs }) => Math.max(most, atMs - fromMs), waitingMs);
    const half = (this.#allMs - this.#fromMs) / 2;
    // The share of instants that took at most `ms` grows with `ms`: halving finds the median.
    const within = (ms: number) =>
      this.#steps.reduce(
        (sum, { fromMs, toMs, atMs }) => sum + Math.min(toMs - fromMs, Math.max(0, toMs - (atMs - ms))),
        0,
      );
    let [low, high] = [0, maxMs];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (within(middle) >= half) high = middle;
      else low = middle + 1;
    }
    return { p50Ms: low, maxMs };
  }
}
