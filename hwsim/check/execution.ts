import type { WorldChange } from '../kernel/trace.ts';
import type { Observers } from './observers.ts';
import type { Execution } from './plans.ts';
import { COMMAND, groupOf, START, unitOf } from './record.ts';
import { HOLD_S } from './rules.ts';
import { Findings, type Judge, seconds, type Verdict } from './verdict.ts';

/** INT-5: no exclusive unit is ever worked by two nodes at once, in any partition, by commands as well as by the world's word. */
export class ExclusiveExecution implements Judge {
  readonly id = 'INT-5-exclusive';
  readonly types = [COMMAND.START_WORK];
  private readonly findings = new Findings();
  private readonly seen: Observers;
  private readonly byResource = new Map<number, Execution[]>();

  constructor(seen: Observers) {
    this.seen = seen;
  }

  command(timeMs: number, node: number, f: Uint32Array): void {
    const resource = f[START.RESOURCE];
    if (unitOf(resource) === 0) return;
    const before = this.byResource.get(resource) ?? [];
    const running = before.filter((work) => this.seen.plans.running[work.key] === work && work.untilS * 1000 > timeMs);
    for (const other of running) {
      if (other.node === node) continue;
      this.findings.add(
        () =>
          `at ${seconds(timeMs)} node ${node} starts on group ${groupOf(resource)} unit ${unitOf(resource)}, where node ${other.node} works`,
      );
    }
    for (const work of this.seen.plans.runningOf(node))
      if (work.resource === resource && !running.includes(work)) running.push(work);
    this.byResource.set(resource, running);
  }

  world(timeMs: number, change: WorldChange): void {
    if (change.kind !== 'double-execution') return;
    this.findings.add(
      () =>
        `at ${seconds(timeMs)} nodes ${change.nodes.join(' and ')} both worked group ${change.group} unit ${change.unit}`,
    );
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}

/** INT-2: once the members agree, started work asks no group for more than it gives. */
export class SharedCapacity implements Judge {
  readonly id = 'INT-2-shared-capacity';
  readonly types = [];
  private readonly findings = new Findings();
  private readonly seen: Observers;
  /** Since when, on the minute grid, all components agree without a break; −1 = they do not. */
  private readonly agreedSinceMs: () => number;
  private readonly over = new Set<number>();

  constructor(seen: Observers, agreedSinceMs: () => number) {
    this.seen = seen;
    this.agreedSinceMs = agreedSinceMs;
  }

  minute(timeMs: number): void {
    const since = this.agreedSinceMs();
    if (since < 0 || timeMs - since < HOLD_S * 1000) return;
    const rate = new Map<number, number>();
    for (const work of this.seen.plans.running) {
      if (work === undefined || work.untilS * 1000 <= timeMs) continue;
      const group = groupOf(work.resource);
      rate.set(group, (rate.get(group) ?? 0) + work.rate);
    }
    for (const { group } of this.seen.facts.groups) {
      const asked = rate.get(group) ?? 0;
      const capacity = this.seen.ground.capacityKgPerDay.get(group) ?? 0;
      // What the world just took away is not yet converged upon.
      const changedMs = this.seen.ground.capacityChangedMs.get(group) ?? 0;
      if (asked <= capacity || timeMs - changedMs < HOLD_S * 1000) this.over.delete(group);
      else if (!this.over.has(group)) {
        this.over.add(group);
        this.findings.add(
          () => `at ${seconds(timeMs)} running work asks group ${group} for ${asked} kg/day of ${capacity}`,
        );
      }
    }
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}
