import { FIELD, TYPE, WORK_KIND } from '../../host/cbor/generated.ts';
import type { NodeRecord, TestCluster } from './cluster.ts';

/** Types of commands lie below those of events. */
const eventTypeFirst = 192;

/** Work on a unit that began after work of another node on it. */
export interface Succession {
  from: number;
  to: number;
  /**
   * From the end of the former by its node's clock to the second from which the latter might run by
   * its own, seconds.
   */
  gapS: number;
  /** Mission second at which the former ended by its node's clock. */
  endS: number;
}

interface Work {
  node: number;
  resource: number;
  /** End in true time, and by the node's clock. */
  untilS: number;
  missionUntilS: number;
}

/**
 * Follows start-work and stop-work commands and reports two nodes that run one exclusive unit at
 * once. Work ends by itself at its `untilS`.
 */
export class ExecutionWatch {
  readonly doubles: string[] = [];
  readonly successions: Succession[] = [];
  private readonly running = new Map<string, Work>();
  /** The last work on each unit that is over. */
  private readonly lastOn = new Map<number, Work>();
  /** When the claim of an intent slot settled, and from when on it may run, mission seconds. */
  private readonly settled = new Map<string, { startS: number; mayRunS: number }>();

  /**
   * `aheadS`: how far the node's clock is ahead of the true time; the node's platform ends work by
   * that clock.
   */
  take({ atS, node, fields }: NodeRecord, aheadS = 0): void {
    const key = `${node}/${fields[FIELD.startWork.slot]}`;
    if (fields[0] === TYPE.settled) this.settle(key, fields[FIELD.settled.startS], atS + aheadS);
    if (fields[0] === TYPE.stopWork) this.stop(key, atS, aheadS);
    if (fields[0] !== TYPE.startWork || fields[FIELD.startWork.kind] > WORK_KIND.haul) return;
    const resource = fields[FIELD.startWork.resource];
    if ((resource & 0xffff) === 0) return;
    const before = this.running.get(key);
    if (before !== undefined && before.resource !== resource) this.stop(key, atS, aheadS);
    const missionUntilS = fields[FIELD.startWork.untilS];
    for (const [other, work] of this.running)
      if (other !== key && work.resource === resource) {
        if (work.untilS > atS) this.doubles.push(`${key} and ${other} on ${resource.toString(16)} at ${atS} s`);
        else this.finish(other, work);
      }
    const last = this.lastOn.get(resource);
    if (last !== undefined && last.node !== node) {
      const endS = last.missionUntilS;
      const mayRunS = this.settled.get(key)?.mayRunS ?? atS + aheadS;
      this.successions.push({ from: last.node, to: node, gapS: mayRunS - endS, endS });
    }
    this.lastOn.delete(resource);
    this.running.set(key, { node, resource, untilS: missionUntilS - aheadS, missionUntilS });
  }

  /** Takes note that the platform itself ended the work. */
  ended(node: number, slot: number): void {
    this.running.delete(`${node}/${slot}`);
  }

  private settle(key: string, startS: number, missionS: number): void {
    if (this.settled.get(key)?.startS !== startS)
      this.settled.set(key, { startS, mayRunS: Math.max(startS, missionS) });
  }

  private stop(key: string, atS: number, aheadS: number): void {
    const work = this.running.get(key);
    if (work !== undefined) this.finish(key, { ...work, missionUntilS: Math.min(work.missionUntilS, atS + aheadS) });
  }

  private finish(key: string, work: Work): void {
    this.running.delete(key);
    this.lastOn.set(work.resource, work);
  }
}

export function watched(cluster: TestCluster): ExecutionWatch {
  const watch = new ExecutionWatch();
  cluster.onRecord = (record) => {
    const isCommand = record.fields[0] < eventTypeFirst;
    if (isCommand || record.fields[0] === TYPE.settled) {
      const { missionS, missionMs } = cluster.nodes[record.node].node();
      watch.take(record, missionS + missionMs / 1000 - record.atS);
    }
    (isCommand ? cluster.commands : cluster.events).push(record);
  };
  return watch;
}
