import { Observers } from '../../check/observe/observers.ts';
import { GRID_S, STABLE_S } from '../../check/bounds.ts';
import type { TraceConsumer, WorldChange } from '../../kernel/trace.ts';
import type { WorldPlan } from '../../world/plan.ts';

const minuteMs = GRID_S * 1000;
const holdMinutes = STABLE_S / GRID_S;

/** Thrown out of a run of which nothing more can be learnt. */
export class Decided extends Error {}

/**
 * Conditions (a) and (b) of "converged" (definitions), minute by minute, as the trace tells them: all live members hold the same facts and intents, and no
 * conflict is open; and nobody holds the struck node for gone while it lives. Production, (d), is left to the scenario judges: the optimum of a linear
 * program per injection would say nothing of corruption.
 */
export class Rejoin implements TraceConsumer {
  /** Entry m: at minute m all agreed. */
  readonly agreed: number[] = [];
  /** Entry m: at minute m the struck node's radio was silenced by the world. */
  readonly silent: number[] = [];
  /** Minutes before this one are not looked at. */
  fromMs: number;
  /** When the struck node's runtime began to take calls, ms. */
  readonly ups: number[] = [];
  readonly downs: number[] = [];
  readonly #seen: Observers;
  readonly #node: number;
  #nextMs = 0;

  /** The run is ended by `Decided` as soon as agreement has held since the node booted, at or after that time, or since that time itself; null: it is not. */
  stop: { fromMs: number; boots: boolean } | null = null;
  readonly #golden: readonly number[];

  /** `golden`: the golden run's `agreed`. */
  constructor(plan: WorldPlan, node: number, fromMs: number, golden: readonly number[] = []) {
    this.#golden = golden;
    this.#seen = new Observers({ nodes: plan.nodes.length, groups: plan.groups });
    this.#node = node;
    this.fromMs = fromMs;
  }

  event(timeMs: number, node: number, fields: Uint32Array): void {
    this.#until(timeMs);
    this.#seen.event(timeMs, node, fields);
  }

  command(timeMs: number, node: number, fields: Uint32Array): void {
    this.#until(timeMs);
    this.#seen.command(timeMs, node, fields);
  }

  world(timeMs: number, change: WorldChange): void {
    this.#until(timeMs);
    this.#seen.world(timeMs, change);
    if (change.kind === 'node-down' && change.node === this.#node) this.downs.push(timeMs);
    if (change.kind === 'node-up' && change.node === this.#node) this.ups.push(timeMs);
  }

  end(timeMs: number): void {
    this.#until(timeMs + 1);
  }

  #until(timeMs: number): void {
    while (this.#nextMs <= timeMs) {
      const at = this.#nextMs;
      this.#nextMs += minuteMs;
      if (at < this.fromMs - minuteMs) {
        this.agreed.push(0);
        this.silent.push(0);
        continue;
      }
      const { views, stored, conflicts, ground } = this.#seen;
      const apart = views.disagreements() + stored.disagreements(at) + conflicts.count(at);
      this.agreed.push(apart === 0 && !this.#heldForGone() ? 1 : 0);
      this.silent.push(ground.radio[this.#node] === 1 ? 0 : 1);
      this.#stopWhenAgreed(at);
    }
  }

  #stopWhenAgreed(timeMs: number): void {
    const { stop } = this;
    if (stop === null) return;
    const fromMs = stop.boots ? this.ups.find((upMs) => upMs >= stop.fromMs) : stop.fromMs;
    if (fromMs === undefined) return;
    const sinceMs = this.agreedFrom(fromMs);
    if (sinceMs !== null && timeMs - sinceMs > STABLE_S * 1000 + 2 * minuteMs) throw new Decided();
  }

  #heldForGone(): boolean {
    const { views, ground } = this.#seen;
    if (!ground.live(this.#node)) return false;
    for (let observer = 0; observer < ground.nodes; observer += 1)
      if (observer !== this.#node && ground.connected(observer, this.#node) && views.isAbsent(observer, this.#node))
        return true;
    return false;
  }

  /** The first minute from `fromMs` on from which all agreed for half an hour, or until the end if that comes first; ms. Minutes in which the golden run did not agree either say nothing. */
  agreedFrom(fromMs: number): number | null {
    let since = -1;
    for (let minute = Math.ceil(fromMs / minuteMs); minute < this.agreed.length; minute += 1) {
      if (this.agreed[minute] === 0 && this.#golden[minute] !== 0) since = -1;
      else if (since < 0) since = minute;
      if (since >= 0 && minute - since >= holdMinutes) break;
    }
    return since < 0 ? null : Math.max(fromMs, since * minuteMs);
  }

  /** How long the node's radio was silenced within an hour of `fromMs`, ms. */
  silencedMs(fromMs: number, spanMs: number): number {
    let silenced = 0;
    const last = Math.min(this.silent.length, Math.ceil((fromMs + spanMs) / minuteMs));
    for (let minute = Math.floor(fromMs / minuteMs); minute < last; minute += 1)
      silenced += this.silent[minute] * minuteMs;
    return silenced;
  }
}
