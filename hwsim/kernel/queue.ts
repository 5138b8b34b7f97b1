/**
 * The event queue: a binary heap in typed arrays, ordered by time, then node, then order of arrival. Nothing is allocated per
 * event; the popped event stands in the queue's own fields until the next pop. Node −1 (the world) comes before every node.
 */

/** Nodes must stay below this, so that (node, sequence) is one exact double. */
const sequenceSpan = 0x1_0000_0000;

export class EventQueue {
  /** The event last popped: time in ms of true mission time, the node it belongs to, its kind and two words of its own. */
  timeMs = 0;
  node = 0;
  kind = 0;
  first = 0;
  second = 0;

  length = 0;
  #sequence = 0;
  #times: Float64Array;
  /** (node + 1) · 2³² + sequence: breaks ties of time. */
  #orders: Float64Array;
  #slots: Int32Array;
  #kinds: Int32Array;
  #firsts: Float64Array;
  #seconds: Float64Array;
  /** Free payload slots, a stack growing from index `length` of the heap: slot ids beyond the heap's end are free. */

  constructor(capacity = 1024) {
    this.#times = new Float64Array(capacity);
    this.#orders = new Float64Array(capacity);
    this.#slots = Int32Array.from({ length: capacity }, (_, index) => index);
    this.#kinds = new Int32Array(capacity);
    this.#firsts = new Float64Array(capacity);
    this.#seconds = new Float64Array(capacity);
  }

  /** Time of the earliest event, or Infinity. */
  get nextMs(): number {
    return this.length === 0 ? Number.POSITIVE_INFINITY : this.#times[0];
  }

  /** Adds an event. `node` from −1 to 2²⁰; `first` and `second` are doubles for the handler. */
  push(timeMs: number, node: number, kind: number, first = 0, second = 0): void {
    let at = this.length;
    if (at === this.#times.length) this.#grow();
    const times = this.#times;
    const orders = this.#orders;
    const slots = this.#slots;
    const slot = slots[at];
    this.#kinds[slot] = kind;
    this.#firsts[slot] = first;
    this.#seconds[slot] = second;
    const order = (node + 1) * sequenceSpan + this.#sequence;
    this.#sequence = (this.#sequence + 1) >>> 0;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (times[parent] < timeMs || (times[parent] === timeMs && orders[parent] < order)) break;
      times[at] = times[parent];
      orders[at] = orders[parent];
      slots[at] = slots[parent];
      at = parent;
    }
    times[at] = timeMs;
    orders[at] = order;
    slots[at] = slot;
    this.length += 1;
  }

  /** Takes the earliest event into this queue's fields; false when there is none. */
  pop(): boolean {
    if (this.length === 0) return false;
    const times = this.#times;
    const orders = this.#orders;
    const slots = this.#slots;
    const slot = slots[0];
    this.timeMs = times[0];
    this.node = Math.floor(orders[0] / sequenceSpan) - 1;
    this.kind = this.#kinds[slot];
    this.first = this.#firsts[slot];
    this.second = this.#seconds[slot];
    const last = this.length - 1;
    this.length = last;
    const timeMs = times[last];
    const order = orders[last];
    const moved = slots[last];
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
      slots[at] = slots[child];
      at = child;
    }
    if (last > 0) {
      times[at] = timeMs;
      orders[at] = order;
      slots[at] = moved;
    }
    slots[last] = slot;
    return true;
  }

  #grow(): void {
    const capacity = this.#times.length * 2;
    const slots = Int32Array.from({ length: capacity }, (_, index) => index);
    slots.set(this.#slots);
    this.#slots = slots;
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
