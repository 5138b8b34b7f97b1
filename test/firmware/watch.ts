import type { TestCluster, Told } from './cluster.ts';

const WHAT_NODE = 0;
const START_WORK = 160;
const STOP_WORK = 161;

/** Follows start-work and stop-work; reports when two nodes run one exclusive unit at once. A run ends at its untilS by itself. */
export class ExecutionWatch {
  readonly doubles: string[] = [];
  private readonly running = new Map<string, { resource: number; untilS: number }>();

  /** `aheadS`: how far the node's clock is ahead of the true time, for its platform ends work by that clock. */
  take(told: Told, aheadS = 0): void {
    const [type, slot, kind, resource, , toldS] = told.fields;
    const untilS = toldS - aheadS;
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
      const [, seconds, milliseconds] = cluster.inspect(told.node, WHAT_NODE);
      watch.take(told, seconds + milliseconds / 1000 - told.atS);
      cluster.commands.push(told);
    } else cluster.events.push(told);
  };
  return watch;
}
