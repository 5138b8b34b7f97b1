/**
 * Queues the simulator's events: a binary heap in typed arrays, ordered by time, then node, then
 * order of arrival. No event allocates memory: the popped event stays in the queue's own fields
 * until the next pop. Node −1 (the world) comes before all nodes.
 */

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

  constructor(capacity = 1024) {
    this.#times = new Float64Array(capacity);
    this.#orders = new Float64Array(capacity);
    this.#payloads = Int32Array.from({ length: capacity }, (_, index) => index);
    this.#kinds = new Int32Array(capacity);
    this.#firsts = new Float64Array(capacity);
    this.#seconds = new Float64Array(capacity);
  }

  /** Returns the time of the earliest event, or Infinity. */
  get nextMs(): number {
    return this.length === 0 ? Number.POSITIVE_INFINITY : this.#times[0];
  }

  /** Adds an event. `node` from −1 to 2²⁰; `first` and `second` are doubles for the handler. */
  push(timeMs: number, node: number, kind: number, first = 0, second = 0): void {
    let at = this.length;
    if (at === this.#times.length) this.#grow();
    const times = this.#times;
    const orders = this.#orders;
    const payloads = this.#payloads;
    const payload = payloads[at];
    this.#kinds[payload] = kind;
    this.#firsts[payload] = first;
    this.#seconds[payload] = second;
    const order = (node + 1) * sequenceSpan + this.#sequence;
    this.#sequence = (this.#sequence + 1) >>> 0;
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
    this.length += 1;
  }

  /** Moves the earliest event into the queue's fields. Returns false when there is none. */
  pop(): boolean {
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
    const timeMs = times[last];
    const order = orders[last];
    const moved = payloads[last];
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      const right = child + 1;
      if (
        right < last &&
        (times[right] < times[child] || (times[right] === times[child] && orders[right] < orders[child]))
      )
        child = right;
      if (timeMs < times[child] || (timeMs === times[child] && order < orders[child])) break;
      times[at] = times[child];
      orders[at] = orders[child];
      payloads[at] = payloads[child];
      at = child;
    }
    if (last > 0) {
      times[at] = timeMs;
      orders[at] = order;
      payloads[at] = moved;
    }
    payloads[last] = payload;
    return true;
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
