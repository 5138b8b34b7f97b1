/**
 * Holds one timer for each node and knows which is due first: a tree of winners, in which every
 * inner place has the node whose timer is due first below it. Equal timers are due in order of
 * node.
 */
export class Timers {
  /** Node of the timer that is due first, and its time: Infinity when no timer is set. */
  first = 0;
  firstMs = Number.POSITIVE_INFINITY;
  readonly #times: Float64Array;
  /** The winner below inner place i, whose children are 2i and 2i + 1. Place 1 is the root. */
  readonly #winners: Int32Array;
  readonly #leaves: number;

  constructor(nodes: number) {
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(2, nodes)));
    this.#times = new Float64Array(this.#leaves).fill(Number.POSITIVE_INFINITY);
    this.#winners = Int32Array.from({ length: 2 * this.#leaves }, (_, place) => Math.max(0, place - this.#leaves));
    for (let place = this.#leaves - 1; place > 0; place -= 1) this.#winners[place] = this.#winners[2 * place];
  }

  /** Returns when the node's timer is due; Infinity: it is not set. */
  at(node: number): number {
    return this.#times[node];
  }

  /** Sets the node's timer anew; Infinity: never. */
  set(node: number, timeMs: number): void {
    const times = this.#times;
    const winners = this.#winners;
    times[node] = timeMs;
    for (let place = (this.#leaves + node) >> 1; place > 0; place >>= 1) {
      const left = winners[2 * place];
      const right = winners[2 * place + 1];
      const winner = times[right] < times[left] ? right : left;
      // A place that another node keeps shows nothing new to those above.
      if (winner !== node && winners[place] === winner) return;
      winners[place] = winner;
    }
    this.first = winners[1];
    this.firstMs = times[this.first];
  }
}
