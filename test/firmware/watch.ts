import type { TestCluster, Told } from './cluster.ts';

const START_WORK = 160;
const STOP_WORK = 161;

/** Follows start-work and stop-work; reports when two nodes run one exclusive unit at once. A run ends at its untilS by itself. */
export class ExecutionWatch {
  readonly doubles: string[] = [];
  private readonly running = new Map<string, { resource: number; untilS: number }>();

  take(told: Told): void {
    const [type, slot, kind, resource, , untilS] = told.fields;
    const key = `${told.node}/${slot}`;
    if (type === STOP_WORK) this.running.delete(key);
    if (type !== START_WORK || kind > 2 || (resource & 0xffff) === 0) return;
    for (const [other, work] of this.running)
      if (other !== key && work.resource === resource && work.untilS > told.atS)
        this.doubles.push(`${key} and ${other} on ${resource.toString(16)} at ${told.atS} s`);
    this.running.set(key, { resource, untilS });
  }

  /** The platform itself ended it. */
  ended(node: number, slot: number): void {
    this.running.delete(`${node}/${slot}`);
  }
}

export function watched(cluster: TestCluster): ExecutionWatch {
  const watch = new ExecutionWatch();
  cluster.onTold = (told) => {
    if (told.fields[0] < 192) {
      watch.take(told);
      cluster.commands.push(told);
    } else cluster.events.push(told);
  };
  return watch;
}
