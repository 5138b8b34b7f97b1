import { eventKind } from '../kernel/event_kinds.ts';
import type { EventQueue } from '../kernel/queue.ts';
import { FEED_EARLY_S, FEED_LATE_S } from '../../host/cbor/generated.ts';

/**
 * Bounds of the windowed hardware watchdog (WDG-1): fed too early or too late, it resets the
 * processor. Times in ms.
 */
export const watchdogEarlyMs = 1000 * FEED_EARLY_S;
export const watchdogLateMs = 1000 * FEED_LATE_S;

export class HardwareWatchdogs {
  readonly #timerSet: Uint8Array;
  readonly #startedMs: Float64Array;
  readonly #fedMs: Float64Array;

  constructor(nodes: number) {
    this.#startedMs = new Float64Array(nodes).fill(Number.POSITIVE_INFINITY);
    this.#fedMs = new Float64Array(nodes).fill(-1);
    this.#timerSet = new Uint8Array(nodes);
  }

  /** Starts the watchdog; the first feed may come at any time within the late bound. */
  start(node: number, nowMs: number): void {
    this.#startedMs[node] = nowMs;
    this.#fedMs[node] = -1;
  }

  stop(node: number): void {
    this.#startedMs[node] = Number.POSITIVE_INFINITY;
    this.#fedMs[node] = -1;
  }

  /** Feeds the watchdog. Returns false when the feed is too early: the processor resets. */
  feed(node: number, nowMs: number): boolean {
    const fedMs = this.#fedMs[node];
    this.#fedMs[node] = nowMs;
    return fedMs < 0 || nowMs - fedMs >= watchdogEarlyMs;
  }

  /** Returns when it resets the processor unless fed; Infinity while stopped. */
  dueMs(node: number): number {
    return (this.#fedMs[node] < 0 ? this.#startedMs[node] : this.#fedMs[node]) + watchdogLateMs;
  }

  /** Sets the node's timer unless it is set. */
  arm(node: number, queue: EventQueue): void {
    if (this.#timerSet[node] !== 0) return;
    this.#timerSet[node] = 1;
    queue.push(this.dueMs(node), node, eventKind.watchdog);
  }

  /**
   * Handles the expiry of the timer. Returns true when the processor must reset. The timer follows
   * the feeds: when it expires early it is set again.
   */
  expires(node: number, nowMs: number, queue: EventQueue): boolean {
    this.#timerSet[node] = 0;
    const dueMs = this.dueMs(node);
    if (dueMs > nowMs && dueMs !== Number.POSITIVE_INFINITY) this.arm(node, queue);
    return dueMs <= nowMs;
  }
}
