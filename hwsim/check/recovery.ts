import type { DisruptionFact, SlaClass, WorldChange } from '../kernel/trace.ts';
import type { Observers } from './observers.ts';
import { EVENT, groupOf, INTENT_STATE, KIND_MAINTAIN, unitOf } from './record.ts';
import { GRID_S, OWN_SLOTS, SLA_S } from './rules.ts';
import { FACT } from './views.ts';

/** One disruption, or for a partition one of its two halves: the split, and the merge once the path is back. */
export interface Case {
  id: string;
  kind: string;
  class: SlaClass;
  part: 'whole' | 'split' | 'merge';
  fact: DisruptionFact;
  onsetS: number;
  slaS: number;
  /** Groups whose production counts for (d): struck directly, or worked by struck nodes at the onset. */
  touched: number[];
  /** True mission milliseconds at which the last of those who had to know learnt it. */
  detectedMs: number | null;
  /** One entry for each full minute from the onset on: 1 = nothing freed or destroyed is still held, planned on or waited for. */
  readonly clear: number[];
  firstMinute: number;
}

/** What makes the members know of a case. */
interface Knowledge {
  /** [observer]: time at which it learnt, −1 = not yet. For what views do not hold on to: resets, resources. */
  learntMs: Float64Array;
  /** Members that could hear of it: those who reached the struck nodes just before. */
  near: Uint8Array;
}

interface Active extends Case {
  knowledge: Knowledge;
  started: boolean;
}

const PARTITIONING = new Set(['occultation', 'partition', 'storm']);

/**
 * Follows each disruption from its onset and notes on a one-minute grid what convergence needs: (a) and (b), which are the same for
 * all disruptions, and (c), which is its own. Production, (d), is joined afterwards, when the hour that follows is known.
 */
export class Recovery {
  readonly cases: Active[] = [];
  /** Entry m: at minute m all components agreed and no conflict was open. */
  readonly agreed: number[] = [];
  private readonly seen: Observers;

  constructor(seen: Observers) {
    this.seen = seen;
  }

  world(timeMs: number, change: WorldChange): void {
    if (change.kind !== 'disruption') return;
    const fact = change.disruption;
    const splits = PARTITIONING.has(fact.kind) && fact.healedS !== null;
    this.cases.push(this.open(fact, splits ? 'split' : 'whole'));
    if (splits) this.cases.push(this.open(fact, 'merge'));
    this.start(timeMs);
  }

  /** Called after the observers took the event in. */
  event(timeMs: number, node: number, f: Uint32Array): void {
    if (f[0] === EVENT.MEMBER_STATE) this.learn(timeMs, node, (c) => c.fact.nodes.includes(f[1]));
    else if (f[0] === EVENT.ONSET) this.learn(timeMs, node, (c) => c.fact.nodes.includes(f[3]));
    else if (f[0] === EVENT.NOTICED_RESOURCE) this.learn(timeMs, node, (c) => c.fact.groups.includes(f[1]));
    else if (f[0] === EVENT.ESCALATION || f[0] === EVENT.BOOTED) {
      this.learn(timeMs, node, (c) => c.fact.kind === 'hung-task' && c.fact.nodes.includes(node));
    }
  }

  minute(timeMs: number): void {
    const minute = Math.floor(timeMs / (GRID_S * 1000));
    this.start(timeMs);
    const apart =
      this.seen.views.disagreements() + this.seen.holdings.disagreements(timeMs) + this.seen.conflicts.count(timeMs);
    while (this.agreed.length <= minute) this.agreed.push(0);
    this.agreed[minute] = apart === 0 ? 1 : 0;
    for (const c of this.cases) {
      if (!c.started || timeMs < c.onsetS * 1000) continue;
      if (c.detectedMs === null && this.stillTells(c, timeMs)) c.detectedMs = this.detected(c);
      while (c.firstMinute + c.clear.length < minute) c.clear.push(0);
      c.clear.push(this.isClear(c, timeMs) ? 1 : 0);
    }
  }

  /** A reset leaves no lasting mark in a view: what is heard of the node after the SLA is about something else. */
  private stillTells(c: Active, timeMs: number): boolean {
    if (c.part !== 'whole' || timeMs <= (c.onsetS + c.slaS) * 1000) return true;
    return c.fact.groups.length > 0 || c.fact.nodes.some((node) => this.seen.ground.permanentlyDown[node]);
  }

  private open(fact: DisruptionFact, part: Case['part']): Active {
    const onsetS = part === 'merge' ? (fact.healedS as number) : fact.onsetS;
    return {
      id: part === 'merge' ? `${fact.id}/merge` : fact.id,
      kind: fact.kind,
      class: fact.class,
      part,
      fact,
      onsetS,
      slaS: SLA_S[fact.class],
      touched: [],
      detectedMs: null,
      clear: [],
      firstMinute: Math.ceil(onsetS / GRID_S),
      started: false,
      knowledge: {
        learntMs: new Float64Array(this.seen.facts.nodes).fill(-1),
        near: new Uint8Array(this.seen.facts.nodes),
      },
    };
  }

  /** Fixes, at the onset, which groups were touched. */
  private start(timeMs: number): void {
    for (const c of this.cases) {
      if (c.started || timeMs < c.onsetS * 1000) continue;
      c.started = true;
      const touched = new Set(c.fact.groups);
      for (const node of c.fact.nodes) {
        for (let slot = 0; slot < OWN_SLOTS; slot++) {
          const plan = this.seen.plans.standing(node * OWN_SLOTS + slot, timeMs);
          if (plan !== undefined && plan.state >= INTENT_STATE.CLAIMED && plan.kind !== KIND_MAINTAIN)
            touched.add(groupOf(plan.resource));
        }
      }
      c.touched = [...touched].sort((a, b) => a - b);
    }
  }

  private learn(timeMs: number, node: number, concerns: (c: Active) => boolean): void {
    for (const c of this.cases) {
      if (!c.started || c.detectedMs !== null || c.knowledge.learntMs[node] >= 0) continue;
      if (concerns(c)) c.knowledge.learntMs[node] = timeMs;
    }
  }

  /** The instant at which the last member that had to know knew, or null while one does not. */
  private detected(c: Active): number | null {
    const { ground } = this.seen;
    let last = c.onsetS * 1000;
    const majority = ground.majority();
    const struck = new Set(c.fact.nodes);
    for (let observer = 0; observer < ground.nodes; observer++) {
      if (ground.component[observer] < 0) continue;
      let knewMs: number;
      if (c.part === 'split') knewMs = this.knowsApart(c, observer, struck);
      else if (c.part === 'merge') knewMs = this.knowsTogether(observer, struck);
      else if (c.fact.kind === 'hung-task') knewMs = struck.has(observer) ? c.knowledge.learntMs[observer] : last;
      else if (ground.component[observer] !== majority || struck.has(observer)) continue;
      else knewMs = this.knows(c, observer);
      if (knewMs < 0) return null;
      if (knewMs > last) last = knewMs;
    }
    return last;
  }

  /** −1, or when the observer came to know of struck nodes or resources. */
  private knows(c: Active, observer: number): number {
    const { ground, views } = this.seen;
    let last =
      c.fact.groups.length > 0 || !c.fact.nodes.some((node) => ground.permanentlyDown[node])
        ? c.knowledge.learntMs[observer]
        : 0;
    for (const node of c.fact.nodes) {
      if (last < 0) return -1;
      if (!ground.permanentlyDown[node]) continue;
      const fact = views.fact(observer, node);
      if (fact === FACT.PRESENT || fact === FACT.UNTOLD) return -1;
      last = Math.max(last, views.changedMs[observer * ground.nodes + node]);
    }
    return last;
  }

  /** In a split: everybody on the other side is known to be out of reach. Who points its radio elsewhere for minutes is no part of it. */
  private knowsApart(c: Active, observer: number, struck: Set<number>): number {
    const { ground, views } = this.seen;
    let last = c.onsetS * 1000;
    for (let node = 0; node < ground.nodes; node++) {
      if (!ground.live(node) || ground.connected(observer, node) || ground.away[node] || ground.away[observer])
        continue;
      if (!struck.has(node) && !struck.has(observer)) continue;
      if (views.fact(observer, node) === FACT.PRESENT) return -1;
      last = Math.max(last, views.changedMs[observer * ground.nodes + node]);
    }
    return last;
  }

  /** After a merge: everybody in reach is known to be there. */
  private knowsTogether(observer: number, struck: Set<number>): number {
    const { ground, views } = this.seen;
    let last = 0;
    for (let node = 0; node < ground.nodes; node++) {
      if (node === observer || !ground.connected(observer, node) || (!struck.has(node) && !struck.has(observer)))
        continue;
      const fact = views.fact(observer, node);
      if (fact !== FACT.PRESENT && fact !== FACT.UNTOLD) return -1;
      last = Math.max(last, views.changedMs[observer * ground.nodes + node]);
    }
    return last;
  }

  /** (c): nothing that the disruption freed or destroyed is still held, planned on or waited for. */
  private isClear(c: Active, timeMs: number): boolean {
    for (const node of c.fact.nodes) {
      if (!this.viewsTrue(node)) return false;
      if (this.seen.ground.permanentlyDown[node] && this.heldFromGrave(node, timeMs)) return false;
    }
    if (c.part === 'split' && c.detectedMs === null) return false;
    return !this.seen.ground.destroyed.some(
      (gone) => gone.disruption === c.fact.id && this.plannedOn(gone.group, gone.unit, timeMs),
    );
  }

  /** Whoever reaches a struck node takes it for present; of the majority nobody takes a dead node for present. */
  private viewsTrue(node: number): boolean {
    const { ground, views } = this.seen;
    const dead = ground.permanentlyDown[node] === 1;
    if (!dead && !ground.live(node)) return true;
    const majority = ground.majority();
    for (let observer = 0; observer < ground.nodes; observer++) {
      if (observer === node || ground.component[observer] < 0 || (dead && ground.component[observer] !== majority))
        continue;
      if (dead && views.fact(observer, node) === FACT.PRESENT) return false;
      if (!dead && ground.connected(observer, node) && (views.gone(observer, node) || views.gone(node, observer)))
        return false;
    }
    return true;
  }

  /** Does a live member of the majority still hold work of a dead one as valid? */
  private heldFromGrave(node: number, timeMs: number): boolean {
    const majority = this.seen.ground.majority();
    for (let slot = 0; slot < OWN_SLOTS; slot++) {
      const key = node * OWN_SLOTS + slot;
      const plan = this.seen.plans.standing(key, timeMs);
      if (plan !== undefined && plan.kind !== KIND_MAINTAIN && this.seen.holdings.heldByOthers(key, majority))
        return true;
    }
    return false;
  }

  /** Does a live owner still plan on a resource that is gone? unit 0 = the whole group. */
  private plannedOn(group: number, unit: number, timeMs: number): boolean {
    for (const key of this.seen.plans.onGroup(group)) {
      const plan = this.seen.plans.standing(key, timeMs);
      if (plan === undefined || plan.kind === KIND_MAINTAIN || !this.seen.ground.live(plan.owner)) continue;
      if (unit === 0 || unitOf(plan.resource) === unit) return true;
    }
    return false;
  }
}
