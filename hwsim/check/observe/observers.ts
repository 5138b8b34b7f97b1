import { FIELD, TYPE } from '../../../host/cbor/generated.ts';
import type { WorldChange } from '../../kernel/trace.ts';
import { groupOf, unitOf } from '../record.ts';
import { OpenConflicts } from './conflicts.ts';
import { Ground, type GroupFact } from './ground.ts';
import { PlannedPauses } from './planned_pauses.ts';
import { Plans } from './plans.ts';
import { Production } from './production.ts';
import { StoredIntents } from './stored_intents.ts';
import { Views } from './views.ts';

/** What all judges need to know of a run before it starts. */
export interface RunFacts {
  nodes: number;
  groups: readonly GroupFact[];
}

/** Keeps the state of the run that judges share. It is updated before any judge gets the change. */
export class Observers {
  readonly facts: RunFacts;
  readonly ground: Ground;
  readonly plans: Plans;
  readonly stored: StoredIntents;
  readonly views: Views;
  readonly conflicts: OpenConflicts;
  readonly production = new Production();
  readonly pauses: PlannedPauses;

  constructor(facts: RunFacts) {
    this.facts = facts;
    this.ground = new Ground(facts.nodes, facts.groups);
    this.plans = new Plans(facts.nodes);
    this.pauses = new PlannedPauses(this.ground, this.plans);
    this.stored = new StoredIntents(this.ground, this.plans);
    this.views = new Views(this.ground);
    this.conflicts = new OpenConflicts(
      this.ground,
      this.plans,
      facts.groups.map((group) => group.group),
    );
  }

  event(timeMs: number, node: number, fields: Uint32Array): void {
    switch (fields[0]) {
      case TYPE.stored:
        return this.stored.storedBy(node, fields);
      case TYPE.published:
        this.stored.published(timeMs, node, fields);
        return this.plans.published(timeMs, node, fields);
      case TYPE.settled:
        return this.plans.settled(timeMs, node, fields);
      case TYPE.lost:
        return this.plans.lost(node, fields);
      case TYPE.memberState:
        return this.views.memberState(timeMs, node, fields);
      case TYPE.booted:
        this.plans.halt(timeMs, node);
        this.plans.restarted(timeMs, node);
        // Without a restored checkpoint the tables are empty again.
        if (fields[FIELD.booted.restored] === 0) {
          this.stored.forget(node);
          this.views.forget(node);
        } else {
          this.stored.restored(node);
          this.views.restored(node);
        }
        return;
      default:
        return;
    }
  }

  command(timeMs: number, node: number, fields: Uint32Array): void {
    const begun = this.plans.command(node, fields);
    if (begun !== null) this.production.begin(timeMs, node, groupOf(begun), unitOf(begun));
  }

  /** Called at every full minute of mission time, before anything that happens at or after it. */
  minute(timeMs: number): void {
    this.pauses.minute(timeMs);
  }

  world(timeMs: number, change: WorldChange): void {
    if (change.kind === 'credit')
      return this.production.credit(timeMs, change.node, change.group, change.unit, change.kg);
    if (change.kind === 'work-ended') return this.plans.ended(change.node, change.slot);
    if (change.kind === 'node-down') this.plans.halt(timeMs, change.node);
    this.ground.world(timeMs, change);
  }
}
