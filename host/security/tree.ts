// Who can open what: complete-subtree broadcast encryption (D. Naor, M. Naor, J. Lotspiech, "Revocation and Tracing Schemes for Stateless
// Receivers", CRYPTO 2001, §3.1). The members of a cluster are leaves of a binary tree; every node of the tree has a key; a member holds the
// keys on its path to the root. What is meant for some of them is wrapped under the keys of the subtrees that hold them and nobody else: a
// member needs no state, no earlier message and no answer to open it, and those left out can do nothing together.

import { realCipher } from './cipher.ts';
import { derive, words16 } from './kdf.ts';

export const LEAVES = 256;
/** Nodes are numbered from the root, 1, on; children of t are 2t and 2t + 1. */
export const ROOT_NODE = 1;
export const NODE_MAX = 2 * LEAVES - 1;
/** What `parts` of an epoch's head can say (proto/schema/membership.cddl). */
export const PARTS_MAX = 32;

/** Nodes on a member's path, from its leaf to the root: the keys that it holds. */
export function pathNodes(member: number): number[] {
  const nodes: number[] = [];
  for (let node = LEAVES + member; node >= ROOT_NODE; node >>= 1) nodes.push(node);
  return nodes;
}

/** The key of a node of a cluster's tree. */
export function pathKey(clusterKey: Uint8Array, cluster: number, node: number): Uint8Array {
  return derive(clusterKey, 'heliograph path', cluster, node);
}

/**
 * The fewest subtrees that hold every one of `members` and none of `excluded`, by node number, ascending. Leaves that are neither are let in:
 * nobody holds their keys.
 */
export function cover(members: Iterable<number>, excluded: ReadonlySet<number>): number[] {
  const wanted = new Uint8Array(NODE_MAX + 1);
  const barred = new Uint8Array(NODE_MAX + 1);
  for (const member of members) if (!excluded.has(member)) for (const node of pathNodes(member)) wanted[node] = 1;
  for (const member of excluded) for (const node of pathNodes(member)) barred[node] = 1;
  const chosen: number[] = [];
  for (let node = ROOT_NODE; node <= NODE_MAX; node += 1) {
    const isBelowChosen = node > ROOT_NODE && barred[node >> 1] === 0;
    if (wanted[node] === 1 && barred[node] === 0 && !isBelowChosen) chosen.push(node);
  }
  return chosen;
}

/** node ‖ epoch: a path key wraps one secret an epoch, so no nonce returns. */
function nonceOf(node: number, epoch: number): Uint8Array {
  return Uint8Array.of(0, 0, ...words16(node), 0, 0, 0, 0, 0, 0, ...words16(epoch));
}

/** An epoch's secret for all below `node`: 48 bytes. */
export function wrap(key: Uint8Array, cluster: number, node: number, epoch: number, secret: Uint8Array): Uint8Array {
  return realCipher.seal(key, nonceOf(node, epoch), words16(cluster, epoch), secret);
}

/** The secret, or null: it was altered, or is meant for others. */
export function unwrap(
  key: Uint8Array,
  cluster: number,
  node: number,
  epoch: number,
  wrapped: Uint8Array,
): Uint8Array | null {
  return realCipher.open(key, nonceOf(node, epoch), words16(cluster, epoch), wrapped);
}
