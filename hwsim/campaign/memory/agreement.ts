import { Observers } from '../../check/observe/observers.ts';
import { GRID_S, STABLE_S } from '../../check/bounds.ts';
import type { TraceConsumer, WorldChange } from '../../kernel/trace.ts';
import type { WorldPlan } from '../../world/plan.ts';

const minuteMs = GRID_S * 1000;
const stableMinutes = STABLE_S / GRID_S;

/** Thrown out of a run from which nothing more can be learnt. */
export class Decided extends Error {}

/**
 * When a run may end early: agreement has lasted since `fromMs`, or since the node's first boot
 * from then on.
 */
export interface StopCondition {
  fromMs: number;
  afterBoot: boolean;
}

/**
 * Watches conditions (a) and (b) of "converged" (definitions), minute by minute, in the trace: all
 * live members store the same facts and intents, and no conflict is open; and nobody counts the
 * injected node as silent while it lives. Condition (d), production, is left to the scenario
 * judges: the optimum of a linear program per injection would say nothing about corruption.
 */
export class AgreementWatch implements TraceConsumer {
  /** Entry m: 1 when all agreed at minute m. */
  readonly agreed: number[] = [];
  /** When the injected node's runtime began to take calls, and when it went down, ms. */
  readonly ups: number[] = [];
  readonly downs: number[] = [];
  /** The run is ended by `Decided` as soon as agreement has lasted; null: it is not. */
  stop: StopCondition | null = null;
  /** Entry m: 1 when the world silenced the injected node's radio at minute m. */
  readonly #silenced: number[] = [];
  readonly #seen: Observers;
  readonly #node: number;
  readonly #fromMs: number;
  readonly #golden: readonly number[];
  #nextMs = 0;

  /** `fromMs`: earlier minutes are not examined. `golden`: the golden run's `agreed`. */
  constructor(plan: WorldPlan, node: number, fromMs: number, golden: readonly number[] = []) {
    this.#golden = golden;
    this.#seen = new Observers({ nodes: plan.nodes.length, groups: plan.groups });
    this.#node = node;
    this.#fromMs = fromMs;
  }

  event(timeMs: number, node: number, fields: Uint32Array): void {
    this.#examineUntil(timeMs);
    this.#seen.event(timeMs, node, fields);
  }

  command(timeMs: number, node: number, fields: Uint32Array): void {
    this.#examineUntil(timeMs);
    this.#seen.command(timeMs, node, fields);
  }

  world(timeMs: number, change: WorldChange): void {
    this.#examineUntil(timeMs);
    this.#seen.world(timeMs, change);
    if (change.kind === 'node-down' && change.node === this.#node) this.downs.push(timeMs);
    if (change.kind === 'node-up' && change.node === this.#node) this.ups.push(timeMs);
  }

  end(timeMs: number): void {
    this.#examineUntil(timeMs + 1);
  }

  #examineUntil(timeMs: number): void {
    while (this.#nextMs <= timeMs) {
      const at = this.#nextMs;
      this.#nextMs += minuteMs;
      if (at < this.#fromMs - minuteMs) {
        this.agreed.push(0);
        this.#silenced.push(0);
        continue;
      }
      const { views, stored, conflicts, ground } = this.#seen;
      const differences = views.disagreements() + stored.disagreements(at) + conflicts.count(at);
      this.agreed.push(differences === 0 && !this.#isCountedSilent() ? 1 : 0);
      this.#silenced.push(ground.radio[this.#node] === 1 ? 0 : 1);
      this.#stopWhenAgreed(at);
    }
  }

  #stopWhenAgreed(timeMs: number): void {
    const { stop } = this;
    if (stop === null) return;
    const fromMs = stop.afterBoot ? this.ups.find((upMs) => upMs >= stop.fromMs) : stop.fromMs;
    if (fromMs === undefined) return;
    const sinceMs = this.agreedFrom(fromMs);
    if (sinceMs !== null && timeMs - sinceMs > STABLE_S * 1000 + 2 * minuteMs) throw new Decided();
  }

  /** True when a connected member counts the injected node as silent although it lives. */
  #isCountedSilent(): boolean {
    const { views, ground } = this.#seen;
    if (!ground.live(this.#node)) return false;
    for (let observer = 0; observer < ground.nodes; observer += 1)
      if (observer !== this.#node && ground.connected(observer, this.#node) && views.isAbsent(observer, this.#node))
        return true;
    return false;
  }

  /**
   * Returns the first minute from `fromMs` on from which all agreed for half an hour, or until the
   * end if that comes first; ms. Minutes in which the golden run did not agree either are ignored.
   */
  agreedFrom(fromMs: number): number | null {
    let since = -1;
    for (let minute = Math.ceil(fromMs / minuteMs); minute < this.agreed.length; minute += 1) {
      if (this.agreed[minute] === 0 && this.#golden[minute] !== 0) since = -1;
      else if (since < 0) since = minute;
      if (since >= 0 && minute - since >= stableMinutes) break;
    }
    return since < 0 ? null : Math.max(fromMs, since * minuteMs);
  }

  /** Returns how long the node's radio was silenced in the `spanMs` after `fromMs`, ms. */
  silencedMs(fromMs: number, spanMs: number): number {
    let silencedMs = 0;
    const last = Math.min(this.#silenced.length, Math.ceil((fromMs + spanMs) / minuteMs));
    for (let minute = Math.floor(fromMs / minuteMs); minute < last; minute += 1)
      silencedMs += this.#silenced[minute] * minuteMs;
    return silencedMs;
  }
}
