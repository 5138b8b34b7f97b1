/** Reads what the nodes of a test cluster report of disruptions. */
import { FIELD } from '../../host/cbor/generated.ts';
import type { NodeRecord, TestCluster } from '../firmware/cluster.ts';
import { driven, HOUR } from '../firmware/driven.ts';

/** Local time of a disturbance, well after the cluster first agreed. */
export const beginS = 4 * HOUR + 200;

export interface Seen {
  atS: number;
  class: number;
  onsetS: number;
  /** Subject of an onset, second of convergence, or seconds until an alarm. */
  third: number;
}

/** Events of one type that a node emitted from `beginS` on. */
export function eventsOf(cluster: TestCluster, node: number, type: number): Seen[] {
  const ofNode = (record: NodeRecord) => record.node === node && record.fields[0] === type && record.atS >= beginS;
  return cluster.events.filter(ofNode).map(({ atS, fields }) => ({
    atS,
    class: fields[FIELD.onset.class],
    onsetS: fields[FIELD.onset.onsetS],
    third: fields[3],
  }));
}

/** A cluster at `beginS`. */
export function flown(nodes: number): TestCluster {
  const cluster = driven(nodes);
  cluster.runTo(beginS);
  return cluster;
}
