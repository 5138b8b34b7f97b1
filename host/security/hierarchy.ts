// Derives the keys of regions, clusters and members from a fleet's root.

import { type Authority, authoritySeed } from './key_epoch.ts';
import { derive } from './kdf.ts';
import { pathKey } from './tree.ts';

/** Derives the key of a region from a fleet's root. */
export function regionKeyOf(root: Uint8Array, region: number): Uint8Array {
  return derive(root, 'heliograph region', region);
}

/**
 * Derives the key of a cluster from its region's key. Everything else of a cluster is derived from
 * the cluster's key, but for the secrets of key epochs.
 */
export function clusterKeyOf(regionKey: Uint8Array, cluster: number): Uint8Array {
  return derive(regionKey, 'heliograph cluster', cluster);
}

/** Derives the seed of a member's own Ed25519 key pair. */
export function nodeSeedOf(clusterKey: Uint8Array, cluster: number, member: number): Uint8Array {
  return derive(clusterKey, 'heliograph node', cluster, member);
}

/** Makes the cluster's authority; keys of the tree are derived once each. */
export function authorityOf(clusterKey: Uint8Array, cluster: number): Authority {
  const keys = new Map<number, Uint8Array>();
  return {
    cluster,
    seed: authoritySeed(clusterKey, cluster),
    pathKey(node) {
      let key = keys.get(node);
      if (key === undefined) {
        key = pathKey(clusterKey, cluster, node);
        keys.set(node, key);
      }
      return key;
    },
  };
}
