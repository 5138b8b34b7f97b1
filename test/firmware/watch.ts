import { FIELD, TYPE, WORK_KIND } from '../../host/cbor/generated.ts';
import type { NodeRecord, TestCluster } from './cluster.ts';

/** Types of commands lie below those of events. */
const eventTypeFirst = 192;

/**
 * Follows start-work and stop-work commands and reports two nodes that run one exclusive unit at
 * once. Work ends by itself at its `untilS`.
 */
export class ExecutionWatch {
  readonly doubles: string[] = [];
  private readonly running = new Map<string, { resource: number; untilS: number }>();

  /**
   * `aheadS`: how far the node's clock is ahead of the true time; the node's platform ends work by
   * that clock.
   */
  take({ atS, node, fields }: NodeRecord, aheadS = 0): void {
    const key = `${node}/${fields[FIELD.startWork.slot]}`;
    if (fields[0] === TYPE.stopWork) this.running.delete(key);
    if (fields[0] !== TYPE.startWork || fields[FIELD.startWork.kind] > WORK_KIND.haul) return;
    const resource = fields[FIELD.startWork.resource];
    if ((resource & 0xffff) === 0) return;
    const untilS = fields[FIELD.startWork.untilS] - aheadS;
    for (const [other, work] of this.running)
      if (other !== key && work.resource === resource && work.untilS > atS)
        this.doubles.push(`${key} and ${other} on ${resource.toString(16)} at ${atS} s`);
    this.running.set(key, { resource, untilS });
  }

  /** Takes note that the platform itself ended the work. */
  ended(node: number, slot: number): void {
    this.running.delete(`${node}/${slot}`);
  }
}

export function watched(cluster: TestCluster): ExecutionWatch {
  const watch = new ExecutionWatch();
  cluster.onRecord = (record) => {
    if (record.fields[0] < eventTypeFirst) {
      const { missionS, missionMs } = cluster.nodes[record.node].node();
      watch.take(record, missionS + missionMs / 1000 - record.atS);
      cluster.commands.push(record);
    } else cluster.events.push(record);
  };
  return watch;
}
