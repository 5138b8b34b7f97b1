import { clusterKeys } from '../../host/security/simulated_keys.ts';
import { nodeSignatures } from '../../host/security/signature.ts';
import { verifySummary } from '../../host/security/summary.ts';
import { readSummary } from '../fleet/custody.ts';
import { type FleetSetting, indexOf, seedOf } from './setting.ts';

/** Verdicts that are kept: those of some hours, of which every member asks for each. */
const verdictsMax = 16_384;
/** Members of a cluster have numbers below this. */
const memberSpan = 256;

/**
 * The public keys of a fleet's nodes. A verdict is a function of a message's bytes, and is computed
 * once for all members that ask about the same bytes.
 */
export class Directory {
  readonly #setting: FleetSetting;
  readonly #keys = new Map<number, Uint8Array>();
  readonly #verdicts = new Map<string, boolean>();
  /** Signatures that were computed. */
  verified = 0;

  constructor(setting: FleetSetting) {
    this.#setting = setting;
  }

  /** Whether a summary has the signature of the node that it names as its cluster's coordinator. */
  isSigned(message: Uint8Array): boolean {
    const bytes = Buffer.from(message.buffer, message.byteOffset, message.length).toString('latin1');
    let verdict = this.#verdicts.get(bytes);
    if (verdict === undefined) {
      verdict = this.#verify(message);
      if (this.#verdicts.size >= verdictsMax) this.#verdicts.clear();
      this.#verdicts.set(bytes, verdict);
    }
    return verdict;
  }

  #verify(message: Uint8Array): boolean {
    const summary = readSummary(message);
    if (summary === null) return false;
    const { cluster, coordinator } = summary;
    const index = indexOf(cluster);
    if (!(index >= 0 && coordinator < (this.#setting.sizes[index] ?? 0))) return false;
    this.verified += 1;
    return verifySummary(this.#publicKey(index, cluster, coordinator), message);
  }

  #publicKey(index: number, cluster: number, node: number): Uint8Array {
    const at = index * memberSpan + node;
    let key = this.#keys.get(at);
    if (key === undefined) {
      const keys = clusterKeys(seedOf(this.#setting, index), cluster, this.#setting.sizes[index]);
      key = nodeSignatures.publicKey(keys.nodeSeed(node));
      this.#keys.set(at, key);
    }
    return key;
  }
}
