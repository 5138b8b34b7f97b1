/** Two clusters of a region, whose platforms sign, verify and carry summaries. */
import { type ClusterSummary, COUNTER, type Message, TYPE } from '../../host/cbor/generated.ts';
import { decodeMessage, encodeMessage } from '../../host/cbor/message.ts';
import { nodeSignatures } from '../../host/security/signature.ts';
import { clusterKeys } from '../../host/security/simulated_keys.ts';
import { signSummary, verifySummary } from '../../host/security/summary.ts';
import { type ClusterOptions, TestCluster } from './cluster.ts';

export const place = { region: 3, lineage: 1, version: 500 } as const;
const numbers = [7, 8];

const keysOf = (cluster: number) => clusterKeys(1, cluster, 200);

export function decoded(message: Uint8Array): ClusterSummary {
  const { value } = decodeMessage(message);
  if (value.name !== 'cluster-summary') throw new Error('no summary');
  return value as ClusterSummary;
}

/** A summary with the signature of its coordinator, or of another signer. */
export function signed(summary: Omit<ClusterSummary, 'signature'>, signer = summary.coordinator): ClusterSummary {
  const seed = keysOf(summary.cluster).nodeSeed(signer);
  const signature = signSummary(seed, encodeMessage({ ...summary, signature: new Uint8Array(64) }));
  return { ...summary, signature };
}

/** A summary of cluster 8 as of a mission second. */
export function summaryAt(asOfS: number, changes: Partial<ClusterSummary> = {}): ClusterSummary {
  return signed({
    ...{ name: 'cluster-summary', cluster: 8, region: place.region, coordinator: 0, asOfS, sequence: 1 },
    ...{ round: roundOf(asOfS), counts: [5, 6, 1, 0], generations: 2, lineages: [0, 5, 0, 0] },
    ...{ versions: [{ version: 500, members: 5 }], economy: [1, 2, 3, 4, 5, 6, 7, 8], tugs: 3 },
    ...{ worstMinutes: [9, 0, 0, 0], breaches: 0, digest: 77, directive: 0, rollout: 0 },
    ...changes,
  });
}

/** The agreement round of a mission second. */
export const roundOf = (missionS: number): number => Math.floor((Math.floor(missionS / 60) + 4) / 2);

interface Sent {
  atS: number;
  from: number;
  node: number;
  message: Uint8Array;
}

export class Region {
  readonly clusters: readonly TestCluster[];
  /** Messages that went abroad. */
  readonly sent: Sent[] = [];
  /** What platforms were asked to sign and to verify. */
  readonly toSign: { node: number; message: Uint8Array }[] = [];
  verifications = 0;
  /** Whether platforms answer. */
  answers = true;
  /** Seconds that a message is under way; null: it does not arrive. */
  delayS: number | null = 600;
  readonly #stepS = 30;
  #carried = 0;

  constructor(options: Omit<ClusterOptions, 'cluster'>) {
    this.clusters = numbers.map((cluster) => new TestCluster({ place, ...options, cluster }));
    for (const [index, cluster] of this.clusters.entries())
      cluster.onOrder = (node, order) => this.#obey(index, node, order);
  }

  #obey(index: number, node: number, order: Uint32Array): Message | null {
    const telemetry = this.clusters[index].nodes[node];
    if (order[0] === TYPE.signSummary) {
      const message = telemetry.summary();
      if (message === null) throw new Error('there is no summary to sign');
      this.toSign.push({ node, message });
      if (!this.answers) return null;
      const signature = signSummary(keysOf(numbers[index]).nodeSeed(node), message);
      return { name: 'summary-signed', sequence: order[1], signature };
    }
    if (order[0] === TYPE.sendAbroad) {
      const message = telemetry.summary();
      if (message === null) throw new Error('there is no summary to send');
      this.sent.push({ atS: this.clusters[index].nowMs / 1000, from: index, node, message });
    }
    if (order[0] === TYPE.verifyForeign) {
      const message = telemetry.summary(order[1] + 1);
      if (message === null) throw new Error('there is no summary to verify');
      this.verifications++;
      return this.answers ? { name: 'foreign-verified', place: order[1], ok: isSigned(message) ? 1 : 0 } : null;
    }
    return null;
  }

  /** Runs both clusters in turns, and carries messages from each to the other. */
  runTo(untilS: number): void {
    for (let s = this.clusters[0].nowMs / 1000; s < untilS; ) {
      s = Math.min(untilS, s + this.#stepS);
      for (const cluster of this.clusters) cluster.runTo(s);
      this.#carry(s);
    }
  }

  #carry(nowS: number): void {
    for (; this.#carried < this.sent.length; this.#carried++) {
      const { atS, from, message } = this.sent[this.#carried];
      if (this.delayS !== null && atS + this.delayS > nowS) return;
      if (this.delayS === null) continue;
      const to = this.clusters[1 - from];
      const node = to.nodes.findIndex((_, index) => to.up[index]);
      if (isSigned(message)) to.observe(node, { name: 'foreign', message });
    }
  }
}

/** Whether a summary has its coordinator's signature. */
export function isSigned(message: Uint8Array): boolean {
  const { cluster, coordinator } = decoded(message);
  return verifySummary(nodeSignatures.publicKey(keysOf(cluster).nodeSeed(coordinator)), message);
}

/** How often a node counted a loss. */
export function lossesOf(cluster: TestCluster, node: number, counter: keyof typeof COUNTER): number {
  return cluster.nodes[node].lossCount(COUNTER[counter]);
}
