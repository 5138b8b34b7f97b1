// Derives the keys of a whole cluster from a seed, for the simulator and the tests. Whoever knows
// the seed has every key: such keys never fly.

import { createHash } from 'node:crypto';
import { type CipherName, cipherNamed } from './cipher.ts';
import type { Header } from './envelope.ts';
import { authorityOf, clusterKeyOf, nodeSeedOf, regionKeyOf } from './hierarchy.ts';
import { derive } from './kdf.ts';
import { type Authority, bootstrapKey, BOOTSTRAP_KEY_EPOCH, linkKey, type LinkKeys } from './key_epoch.ts';
import { nodeSignatures } from './signature.ts';
import { pathNodes, ROOT_NODE } from './tree.ts';
import type { LinkCipher } from './frame.ts';

/** Simulated keys of one cluster. */
export class ClusterKeys {
  readonly cluster: number;
  readonly members: number;
  readonly authority: Authority;
  readonly #clusterKey: Uint8Array;
  readonly #seed: number;
  readonly #secrets = new Map<number, Uint8Array>();
  readonly #linkKeys = new Map<number, Uint8Array>();
  readonly #ofMember = new Map<number, LinkKeys>();
  readonly #nodeSeeds = new Map<number, Uint8Array>();
  #authorityPublicKey: Uint8Array | null = null;

  constructor(seed: number, cluster: number, members: number) {
    this.cluster = cluster;
    this.members = members;
    this.#seed = seed;
    const root = createHash('sha256').update(`heliograph simulated fleet ${seed}`).digest();
    this.#clusterKey = clusterKeyOf(regionKeyOf(root, 0), cluster);
    this.authority = authorityOf(this.#clusterKey, cluster);
  }

  /**
   * Derives the secret of a key epoch. Real secrets are never derived; these are, so that a run is
   * a function of its seed.
   */
  secret(keyEpoch: number): Uint8Array {
    return cached(this.#secrets, keyEpoch, () => {
      const root = createHash('sha256').update(`heliograph simulated secrets ${this.#seed}`).digest();
      return derive(root, 'heliograph simulated secret', this.cluster, keyEpoch);
    });
  }

  /** Derives the key that seals frames of a key epoch. */
  linkKey(keyEpoch: number): Uint8Array {
    return cached(this.#linkKeys, keyEpoch, () =>
      keyEpoch === BOOTSTRAP_KEY_EPOCH
        ? bootstrapKey(this.authority.pathKey(ROOT_NODE), this.cluster)
        : linkKey(this.secret(keyEpoch), this.cluster, keyEpoch),
    );
  }

  /**
   * The keys that a member is provisioned with: key epoch 1, in use from the beginning on, and the
   * keys of its path.
   */
  member(index: number): LinkKeys {
    if (!Number.isInteger(index) || index < 0 || index >= this.members)
      throw new Error(`member ${index} is none of 0..${this.members - 1}`);
    return cached(this.#ofMember, index, () => ({
      secrets: [{ keyEpoch: 1, startS: 0, secret: this.secret(1) }],
      path: pathNodes(index).map((node) => ({ node, key: this.authority.pathKey(node) })),
    }));
  }

  /**
   * The seed of a member's own key pair: the same bytes each time, so that its private key is read
   * once (signature.ts).
   */
  nodeSeed(index: number): Uint8Array {
    return cached(this.#nodeSeeds, index, () => nodeSeedOf(this.#clusterKey, this.cluster, index));
  }

  get authorityPublicKey(): Uint8Array {
    this.#authorityPublicKey ??= nodeSignatures.publicKey(this.authority.seed);
    return this.#authorityPublicKey;
  }

  /** Seals and opens frames of this cluster, in every key epoch. */
  link(cipher: CipherName = 'real'): LinkCipher {
    return {
      keyOf: (header: Header) => (header.cluster === this.cluster ? this.linkKey(header.keyEpoch) : null),
      cipher: cipherNamed(cipher),
    };
  }
}

function cached<T>(held: Map<number, T>, at: number, make: () => T): T {
  let value = held.get(at);
  if (value === undefined) {
    value = make();
    held.set(at, value);
  }
  return value;
}

/** Number of the cluster that scenarios fly. */
export const SIMULATED_CLUSTER = 1;

/**
 * Opens and seals frames of the cluster of a simulated run: its keys are those of the run's seed.
 */
export function simulatedLink(seed: number, members: number, cipher: CipherName = 'real'): LinkCipher {
  return clusterKeys(seed, SIMULATED_CLUSTER, members).link(cipher);
}

const keptMax = 64;
const kept = new Map<string, ClusterKeys>();

/**
 * Finds the keys of a cluster by seed: the same object each time, so that they are derived once.
 * For simulation and tests only.
 */
export function clusterKeys(seed: number, cluster: number, members: number): ClusterKeys {
  const name = `${seed}/${cluster}/${members}`;
  let keys = kept.get(name);
  if (keys === undefined) {
    if (kept.size >= keptMax) kept.delete(kept.keys().next().value as string);
    keys = new ClusterKeys(seed, cluster, members);
    kept.set(name, keys);
  }
  return keys;
}
