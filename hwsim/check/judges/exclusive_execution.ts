import { FIELD, TYPE } from '../../../host/cbor/generated.ts';
import { unitName, unitOf } from '../record.ts';
import { atNode, Findings, type Judge, seconds, type Verdict } from '../verdict.ts';
import type { WorldChange } from '../../kernel/trace.ts';
import type { Observers } from '../observe/observers.ts';
import type { Execution } from '../observe/plans.ts';

/**
 * INT-5: judges that two nodes never work one exclusive unit at once, in any partition: by their
 * commands and by what the world reports. Bound: zero. Source: docs/judges.md.
 */
export class ExclusiveExecution implements Judge {
  readonly id = 'INT-5-exclusive';
  readonly types = [TYPE.startWork];
  private readonly findings = new Findings();
  private readonly seen: Observers;
  private readonly byResource = new Map<number, Execution[]>();

  constructor(seen: Observers) {
    this.seen = seen;
  }

  command(timeMs: number, node: number, fields: Uint32Array): void {
    const resource = fields[FIELD.startWork.resource];
    if (unitOf(resource) === 0) return;
    const before = this.byResource.get(resource) ?? [];
    const running = before.filter((work) => this.seen.plans.running[work.key] === work && work.untilS * 1000 > timeMs);
    for (const other of running) {
      if (other.node === node) continue;
      this.findings.add(
        () => `${atNode(timeMs, node)} starts on ${unitName(resource)}, where node ${other.node} works`,
      );
    }
    for (const work of this.seen.plans.runningOf(node))
      if (work.resource === resource && !running.includes(work)) running.push(work);
    this.byResource.set(resource, running);
  }

  world(timeMs: number, change: WorldChange): void {
    if (change.kind !== 'double-execution') return;
    const { nodes, group, unit } = change;
    this.findings.add(
      () => `at ${seconds(timeMs)} nodes ${nodes.join(' and ')} both worked group ${group} unit ${unit}`,
    );
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}
