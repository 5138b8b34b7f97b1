import { FIELD, INTENT_STATE, OWN_SLOTS, TYPE, WORK_KIND } from '../../../host/cbor/generated.ts';
import { GRID_S, SLA_S } from '../bounds.ts';
import { groupOf, unitOf } from '../record.ts';
import type { DisruptionFact, SlaClass, WorldChange } from '../../kernel/trace.ts';
import type { Observers } from '../observe/observers.ts';
import { FACT } from '../observe/views.ts';

/**
 * One disruption, or one of the two halves of a partition: the split, and the merge once the path
 * is restored.
 */
export interface Case {
  id: string;
  kind: string;
  class: SlaClass;
  part: 'whole' | 'split' | 'merge';
  fact: DisruptionFact;
  onsetS: number;
  slaS: number;
  /**
   * Groups whose production counts for (d): affected directly, or worked by affected nodes at the
   * onset.
   */
  touched: number[];
  /** True mission milliseconds at which the last member that had to know knew. */
  detectedMs: number | null;
  /**
   * One entry for each full minute from the onset on: 1 = nothing freed or destroyed is still
   * stored, planned on or waited for.
   */
  readonly clear: number[];
  firstMinute: number;
}

interface Active extends Case {
  /**
   * By observer: when it learnt of the case, −1 = not yet. For what views do not show: resets,
   * resources.
   */
  learntMs: Float64Array;
  started: boolean;
}

const PARTITIONING = new Set(['occultation', 'partition', 'storm']);

/**
 * Follows each disruption from its onset and records on a one-minute grid what convergence needs:
 * (a) and (b), which are the same for all disruptions, and (c), which is the disruption's own.
 * Production, (d), is added afterwards, when the following hour is known.
 */
export class Recovery {
  readonly cases: Active[] = [];
  /** Entry m: whether at minute m all components agreed on members and intents: (a). */
  readonly viewsAgreed: number[] = [];
  /** Entry m: whether at minute m no conflict was open: (b). */
  readonly conflictFree: number[] = [];
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

  /** Whether the disruption affected nobody, so that there is nothing to recover from. */
  isVoid(entry: Case): boolean {
    return !this.seen.ground.effective.has(entry.fact.id);
  }

  /** Whether at a minute all members agreed and no conflict was open. */
  isAgreed(minute: number): boolean {
    return this.viewsAgreed[minute] === 1 && this.conflictFree[minute] === 1;
  }

  /** Called after the observers have processed the event. */
  event(timeMs: number, node: number, fields: Uint32Array): void {
    switch (fields[0]) {
      case TYPE.memberState: {
        const member = fields[FIELD.memberState.member];
        return this.learn(timeMs, node, ({ fact }) => fact.nodes.includes(member));
      }
      case TYPE.onset: {
        const subject = fields[FIELD.onset.subject];
        return this.learn(timeMs, node, ({ fact }) => fact.nodes.includes(subject));
      }
      case TYPE.noticedResource: {
        const group = fields[FIELD.noticedResource.group];
        return this.learn(timeMs, node, ({ fact }) => fact.groups.includes(group));
      }
      case TYPE.escalation:
      case TYPE.booted:
        return this.learn(timeMs, node, ({ fact }) => fact.kind === 'hung-task' && fact.nodes.includes(node));
      default:
        return;
    }
  }

  minute(timeMs: number): void {
    const minute = Math.floor(timeMs / (GRID_S * 1000));
    this.start(timeMs);
    const apart = this.seen.views.disagreements() + this.seen.stored.disagreements(timeMs);
    const conflicts = this.seen.conflicts.count(timeMs);
    while (this.viewsAgreed.length <= minute) {
      this.viewsAgreed.push(0);
      this.conflictFree.push(0);
    }
    this.viewsAgreed[minute] = apart === 0 ? 1 : 0;
    this.conflictFree[minute] = conflicts === 0 ? 1 : 0;
    for (const entry of this.cases) {
      // A path that is restored at this very minute is not in the trace yet.
      if (timeMs <= entry.onsetS * 1000) continue;
      if (entry.detectedMs === null && this.isStillObservable(entry, timeMs)) entry.detectedMs = this.detectedMs(entry);
      while (entry.firstMinute + entry.clear.length < minute) entry.clear.push(0);
      entry.clear.push(this.isClear(entry, timeMs) ? 1 : 0);
    }
  }

  /**
   * A reset leaves no permanent mark in a view: what is reported of the node after the SLA has
   * another cause.
   */
  private isStillObservable(entry: Active, timeMs: number): boolean {
    if (entry.part !== 'whole' || timeMs <= (entry.onsetS + entry.slaS) * 1000) return true;
    return entry.fact.groups.length > 0 || entry.fact.nodes.some((node) => this.seen.ground.permanentlyDown[node]);
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
      learntMs: new Float64Array(this.seen.facts.nodes).fill(-1),
    };
  }

  /** Fixes at the onset which groups are affected. */
  private start(timeMs: number): void {
    for (const entry of this.cases) {
      if (entry.started || timeMs < entry.onsetS * 1000) continue;
      entry.started = true;
      const touched = new Set(entry.fact.groups);
      for (const node of entry.fact.nodes) {
        for (let slot = 0; slot < OWN_SLOTS; slot++) {
          const plan = this.seen.plans.standing(node * OWN_SLOTS + slot, timeMs);
          if (plan !== undefined && plan.state >= INTENT_STATE.claimed && plan.kind !== WORK_KIND.maintain)
            touched.add(groupOf(plan.resource));
        }
      }
      entry.touched = [...touched].sort((a, b) => a - b);
    }
  }

  private learn(timeMs: number, node: number, concerns: (entry: Active) => boolean): void {
    for (const entry of this.cases) {
      if (!entry.started || entry.detectedMs !== null || entry.learntMs[node] >= 0) continue;
      if (concerns(entry)) entry.learntMs[node] = timeMs;
    }
  }

  /** Returns when the last member that had to know knew, or null while one does not. */
  private detectedMs(entry: Active): number | null {
    const { ground } = this.seen;
    let last = entry.onsetS * 1000;
    const majority = ground.majority();
    const affected = new Set(entry.fact.nodes);
    for (let observer = 0; observer < ground.nodes; observer++) {
      if (ground.component[observer] < 0) continue;
      let knewMs: number;
      if (entry.part === 'split') knewMs = this.splitDetectedMs(entry, observer, affected);
      else if (entry.part === 'merge') knewMs = this.mergeDetectedMs(observer, affected);
      else if (entry.fact.kind === 'hung-task') knewMs = affected.has(observer) ? entry.learntMs[observer] : last;
      else if (ground.component[observer] !== majority || affected.has(observer)) continue;
      else knewMs = this.changeDetectedMs(entry, observer);
      if (knewMs < 0) return null;
      if (knewMs > last) last = knewMs;
    }
    return last;
  }

  /** Returns when the observer learnt of affected nodes or resources; −1: not yet. */
  private changeDetectedMs(entry: Active, observer: number): number {
    const { ground, views } = this.seen;
    let last =
      entry.fact.groups.length > 0 || !entry.fact.nodes.some((node) => ground.permanentlyDown[node])
        ? entry.learntMs[observer]
        : 0;
    for (const node of entry.fact.nodes) {
      if (last < 0) return -1;
      if (!ground.permanentlyDown[node]) continue;
      const fact = views.fact(observer, node);
      if (fact === FACT.PRESENT || fact === FACT.UNREPORTED) return -1;
      last = Math.max(last, views.changedMs[observer * ground.nodes + node]);
    }
    return last;
  }

  /**
   * In a split: returns when the observer took all members of the other side for absent, without
   * those in a contact window; −1: not yet.
   */
  private splitDetectedMs(entry: Active, observer: number, affected: Set<number>): number {
    const { ground, views } = this.seen;
    let last = entry.onsetS * 1000;
    for (let node = 0; node < ground.nodes; node++) {
      if (!ground.live(node) || ground.connected(observer, node) || ground.away[node] || ground.away[observer])
        continue;
      if (!affected.has(node) && !affected.has(observer)) continue;
      if (views.fact(observer, node) === FACT.PRESENT) return -1;
      last = Math.max(last, views.changedMs[observer * ground.nodes + node]);
    }
    return last;
  }

  /**
   * After a merge: returns when the observer took all members in reach for present; −1: not yet.
   */
  private mergeDetectedMs(observer: number, affected: Set<number>): number {
    const { ground, views } = this.seen;
    let last = 0;
    for (let node = 0; node < ground.nodes; node++) {
      if (node === observer || !ground.connected(observer, node) || (!affected.has(node) && !affected.has(observer)))
        continue;
      const fact = views.fact(observer, node);
      if (fact !== FACT.PRESENT && fact !== FACT.UNREPORTED) return -1;
      last = Math.max(last, views.changedMs[observer * ground.nodes + node]);
    }
    return last;
  }

  /**
   * (c): whether nothing that the disruption freed or destroyed is still stored, planned on or
   * waited for.
   */
  private isClear(entry: Active, timeMs: number): boolean {
    for (const node of entry.fact.nodes) {
      if (!this.viewsTrue(node)) return false;
      if (this.seen.ground.permanentlyDown[node] && this.isWorkOfDeadStored(node, timeMs)) return false;
    }
    if (entry.part === 'split' && entry.detectedMs === null) return false;
    const { destroyed } = this.seen.ground;
    return !destroyed.some(
      (lost) => lost.disruption === entry.fact.id && this.isPlannedOn(lost.group, lost.unit, timeMs),
    );
  }

  /**
   * Whether all that reach the node take it for present, or, if it is dead, nobody of the majority
   * does.
   */
  private viewsTrue(node: number): boolean {
    const { ground, views } = this.seen;
    const dead = ground.permanentlyDown[node] === 1;
    const majority = ground.majority();
    for (let observer = 0; observer < ground.nodes; observer++) {
      if (observer === node || ground.component[observer] < 0 || (dead && ground.component[observer] !== majority))
        continue;
      if (dead && views.fact(observer, node) === FACT.PRESENT) return false;
      if (!dead && ground.connected(observer, node) && views.isEitherAbsent(observer, node)) return false;
    }
    return true;
  }

  /** Returns whether a live member of the majority still stores work of a dead member as valid. */
  private isWorkOfDeadStored(node: number, timeMs: number): boolean {
    const majority = this.seen.ground.majority();
    for (let slot = 0; slot < OWN_SLOTS; slot++) {
      const key = node * OWN_SLOTS + slot;
      const plan = this.seen.plans.standing(key, timeMs);
      if (plan !== undefined && plan.kind !== WORK_KIND.maintain && this.seen.stored.isStoredByOthers(key, majority))
        return true;
    }
    return false;
  }

  /** Returns whether a live owner still plans on the unit; unit 0 = the whole group. */
  private isPlannedOn(group: number, unit: number, timeMs: number): boolean {
    for (const key of this.seen.plans.onGroup(group)) {
      const plan = this.seen.plans.standing(key, timeMs);
      if (plan === undefined || plan.kind === WORK_KIND.maintain || !this.seen.ground.live(plan.owner)) continue;
      if (unit === 0 || unitOf(plan.resource) === unit) return true;
    }
    return false;
  }
}
