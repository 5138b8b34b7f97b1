/**
 * Queues the simulator's events: a binary heap in typed arrays, ordered by time, then node, then
 * order of arrival. No event allocates memory: the popped event stays in the queue's own fields
 * until the next pop. Node −1 (the world) comes before all nodes.
 *
 * Beside the heap each node has one timer, which is an event as well. To set it anew replaces it:
 * in the heap, what a node no longer waits for would stay until its time.
 */

import { Timers } from './timers.ts';

/** Kind of the event that a timer is. */
export const timerKind = 0;

/** Factor of the node in the order key: node × span + sequence is one exact double. */
const sequenceSpan = 0x1_0000_0000;

export class EventQueue {
  /**
   * The event last popped: ms of true mission time, the event's node, its kind and two values for
   * its handler.
   */
  timeMs = 0;
  node = 0;
  kind = 0;
  first = 0;
  second = 0;

  length = 0;
  #sequence = 0;
  #times: Float64Array;
  /** (node + 1) × 2³² + sequence: breaks ties of time. */
  #orders: Float64Array;
  /** Payload indices in heap order; those behind the heap's end are free. */
  #payloads: Int32Array;
  #kinds: Int32Array;
  #firsts: Float64Array;
  #seconds: Float64Array;
  readonly #timers: Timers;
  /** Orders of the timers, by node. */
  readonly #timerOrders: Float64Array;

  /** `nodes`: how many have a timer. */
  constructor(capacity = 1024, nodes = 0) {
    this.#times = new Float64Array(capacity);
    this.#orders = new Float64Array(capacity);
    this.#payloads = Int32Array.from({ length: capacity }, (_, index) => index);
    this.#kinds = new Int32Array(capacity);
    this.#firsts = new Float64Array(capacity);
    this.#seconds = new Float64Array(capacity);
    this.#timers = new Timers(nodes);
    this.#timerOrders = new Float64Array(nodes);
  }

  /** Returns the time of the earliest event, or Infinity. */
  get nextMs(): number {
    const { firstMs } = this.#timers;
    return this.length === 0 || firstMs < this.#times[0] ? firstMs : this.#times[0];
  }

  /** Returns when the node's timer is due; Infinity: it is not set. */
  timerMs(node: number): number {
    return this.#timers.at(node);
  }

  /** Sets the node's timer anew; Infinity: never. */
  setTimer(timeMs: number, node: number): void {
    this.#timerOrders[node] = this.#nextOrder(node);
    this.#timers.set(node, timeMs);
  }

  /** Returns the place of an event that arrives now among those of equal time. */
  #nextOrder(node: number): number {
    const order = (node + 1) * sequenceSpan + this.#sequence;
    this.#sequence = (this.#sequence + 1) >>> 0;
    return order;
  }

  /** Adds an event. `node` from −1 to 2²⁰; `first` and `second` are doubles for the handler. */
  push(timeMs: number, node: number, kind: number, first = 0, second = 0): void {
    const at = this.length;
    if (at === this.#times.length) this.#grow();
    const payload = this.#payloads[at];
    this.#kinds[payload] = kind;
    this.#firsts[payload] = first;
    this.#seconds[payload] = second;
    this.length = at + 1;
    this.#rise(at, timeMs, this.#nextOrder(node), payload);
  }

  /** Puts an event at a free place of the heap, or above it: so high that its parent is earlier. */
  #rise(place: number, timeMs: number, order: number, payload: number): void {
    const times = this.#times;
    const orders = this.#orders;
    const payloads = this.#payloads;
    let at = place;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (times[parent] < timeMs || (times[parent] === timeMs && orders[parent] < order)) break;
      times[at] = times[parent];
      orders[at] = orders[parent];
      payloads[at] = payloads[parent];
      at = parent;
    }
    times[at] = timeMs;
    orders[at] = order;
    payloads[at] = payload;
  }

  /** Moves the earliest event into the queue's fields. Returns false when there is none. */
  pop(): boolean {
    if (this.#isTimerNext()) {
      this.#popTimer();
      return true;
    }
    if (this.length === 0) return false;
    const times = this.#times;
    const orders = this.#orders;
    const payloads = this.#payloads;
    const payload = payloads[0];
    this.timeMs = times[0];
    this.node = Math.floor(orders[0] / sequenceSpan) - 1;
    this.kind = this.#kinds[payload];
    this.first = this.#firsts[payload];
    this.second = this.#seconds[payload];
    const last = this.length - 1;
    this.length = last;
    // The gap sinks to the bottom. The heap's last event fills it: it seldom rises again.
    let gap = 0;
    for (let child = 1; child < last; child = 2 * gap + 1) {
      const right = child + 1;
      if (
        right < last &&
        (times[right] < times[child] || (times[right] === times[child] && orders[right] < orders[child]))
      )
        child = right;
      times[gap] = times[child];
      orders[gap] = orders[child];
      payloads[gap] = payloads[child];
      gap = child;
    }
    if (gap < last) this.#rise(gap, times[last], orders[last], payloads[last]);
    payloads[last] = payload;
    return true;
  }

  #isTimerNext(): boolean {
    const { first, firstMs } = this.#timers;
    if (this.length === 0) return firstMs < Number.POSITIVE_INFINITY;
    if (firstMs !== this.#times[0]) return firstMs < this.#times[0];
    return this.#timerOrders[first] < this.#orders[0];
  }

  #popTimer(): void {
    const { first, firstMs } = this.#timers;
    this.timeMs = firstMs;
    this.node = first;
    this.kind = timerKind;
    this.first = 0;
    this.second = 0;
    this.#timers.set(first, Number.POSITIVE_INFINITY);
  }

  #grow(): void {
    const capacity = this.#times.length * 2;
    const payloads = Int32Array.from({ length: capacity }, (_, index) => index);
    payloads.set(this.#payloads);
    this.#payloads = payloads;
    this.#times = widen(this.#times, capacity);
    this.#orders = widen(this.#orders, capacity);
    this.#firsts = widen(this.#firsts, capacity);
    this.#seconds = widen(this.#seconds, capacity);
    const kinds = new Int32Array(capacity);
    kinds.set(this.#kinds);
    this.#kinds = kinds;
  }
}

function widen(from: Float64Array, capacity: number): Float64Array {
  const to = new Float64Array(capacity);
  to.set(from);
  return to;
}
