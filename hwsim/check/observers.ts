import type { WorldChange } from '../kernel/trace.ts';
import { OpenConflicts } from './conflicts.ts';
import { Ground, type GroupFact } from './ground.ts';
import { Holdings } from './holdings.ts';
import { Plans } from './plans.ts';
import { Production } from './production.ts';
import { EVENT } from './record.ts';
import { Views } from './views.ts';

/** What all judges need to know of a run before it starts. */
export interface RunFacts {
  nodes: number;
  groups: readonly GroupFact[];
}

/** Everything the judges share: the state of the run as the trace tells it, brought up to date before any judge hears of a change. */
export class Observers {
  readonly facts: RunFacts;
  readonly ground: Ground;
  readonly plans: Plans;
  readonly holdings: Holdings;
  readonly views: Views;
  readonly conflicts: OpenConflicts;
  readonly production = new Production();

  constructor(facts: RunFacts) {
    this.facts = facts;
    this.ground = new Ground(facts.nodes, facts.groups);
    this.plans = new Plans(facts.nodes);
    this.holdings = new Holdings(this.ground, this.plans);
    this.views = new Views(this.ground);
    this.conflicts = new OpenConflicts(
      this.ground,
      this.plans,
      facts.groups.map((group) => group.group),
    );
  }

  event(timeMs: number, node: number, fields: Uint32Array): void {
    switch (fields[0]) {
      case EVENT.HELD:
        return this.holdings.held(node, fields);
      case EVENT.PUBLISHED:
        this.holdings.published(timeMs, node, fields);
        return this.plans.published(timeMs, node, fields);
      case EVENT.SETTLED:
        return this.plans.settled(timeMs, node, fields);
      case EVENT.LOST:
        return this.plans.lost(node, fields);
      case EVENT.MEMBER_STATE:
        return this.views.memberState(timeMs, node, fields);
      case EVENT.BOOTED:
        this.plans.halt(timeMs, node);
        this.plans.restarted(timeMs, node);
        // restored = 0: the tables are empty again.
        if (fields[2] === 0) {
          this.holdings.forget(node);
          this.views.forget(node);
        } else this.views.restored(node);
        return;
      default:
        return;
    }
  }

  command(timeMs: number, node: number, fields: Uint32Array): void {
    this.plans.command(timeMs, node, fields);
  }

  world(timeMs: number, change: WorldChange): void {
    if (change.kind === 'credit')
      return this.production.credit(timeMs, change.node, change.group, change.unit, change.kg);
    if (change.kind === 'work-ended') return this.plans.ended(change.node, change.slot);
    if (change.kind === 'node-down') this.plans.halt(timeMs, change.node);
    this.ground.world(timeMs, change);
  }
}
