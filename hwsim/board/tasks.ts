import { RECOVERY_LEVEL } from '../../host/cbor/generated.ts';
import { eventKind } from '../kernel/event_kinds.ts';
import type { EventQueue } from '../kernel/queue.ts';
import type { Platform } from './parts.ts';

const allTasks = 0xff;

/** Simulates the eight platform tasks of each board: how they hang, and which recoveries fail. */
export class Tasks {
  /** Bit i set: task i checks in. */
  readonly alive: Uint8Array;
  /** Whether no restart ends the node's hang. */
  readonly hangPersists: Uint8Array;
  /** Bit (level − 1) set: a recovery of that level fails. */
  readonly failingLevels: Uint8Array;
  readonly #queue: EventQueue;
  readonly #platform: Platform;

  constructor(nodes: number, queue: EventQueue, platform: Platform) {
    this.alive = new Uint8Array(nodes).fill(allTasks);
    this.hangPersists = new Uint8Array(nodes);
    this.failingLevels = new Uint8Array(nodes);
    this.#queue = queue;
    this.#platform = platform;
  }

  /** Restarts all tasks, at a start of the controller. */
  booted(timeMs: number, node: number): void {
    if (this.hangPersists[node] !== 0 || this.alive[node] === allTasks) return;
    this.alive[node] = allTasks;
    this.#platform.taskRecovered(timeMs, node);
  }

  /**
   * Returns whether an injected failure makes this level fail; then only a recovery record follows.
   */
  fails(timeMs: number, node: number, level: number): boolean {
    if ((this.failingLevels[node] & (1 << (level - 1))) === 0) return false;
    this.#queue.push(timeMs + 1, node, eventKind.recovery, level * 256, 0);
    return true;
  }

  restart(timeMs: number, node: number, task: number): void {
    if (this.fails(timeMs, node, RECOVERY_LEVEL.taskRestart)) return;
    const recovers = this.hangPersists[node] === 0;
    if (recovers && (this.alive[node] & (1 << task)) === 0) {
      this.alive[node] |= 1 << task;
      this.#platform.taskRecovered(timeMs, node);
    }
    this.#queue.push(timeMs + 1, node, eventKind.recovery, RECOVERY_LEVEL.taskRestart * 256 + task, recovers ? 1 : 0);
  }
}
