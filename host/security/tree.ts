// Decides who can open what by complete-subtree broadcast encryption (D. Naor, M. Naor, J.
// Lotspiech, "Revocation and Tracing Schemes for Stateless Receivers", CRYPTO 2001, §3.1). The
// members of a cluster are leaves of a binary tree. Every node of the tree has a key; a member has
// the keys on its path to the root. A secret for some of the members is wrapped under the keys of
// the subtrees that hold them and nobody else. A member needs no state, no earlier message and no
// answer to open it, and excluded members can do nothing together.

import { type Cipher, realCipher } from './cipher.ts';
import { derive, words16 } from './kdf.ts';

export const LEAVES = 256;
/** Nodes are numbered from the root, 1, on; children of t are 2t and 2t + 1. */
export const ROOT_NODE = 1;
export const NODE_MAX = 2 * LEAVES - 1;
/** Most parts that the head of a key epoch can count (proto/schema/membership.cddl). */
export const PARTS_MAX = 32;

/** Lists the nodes on a member's path, from its leaf to the root: those whose keys it has. */
export function pathNodes(member: number): number[] {
  const nodes: number[] = [];
  for (let node = LEAVES + member; node >= ROOT_NODE; node >>= 1) nodes.push(node);
  return nodes;
}

/** Derives the key of a node of a cluster's tree. */
export function pathKey(clusterKey: Uint8Array, cluster: number, node: number): Uint8Array {
  return derive(clusterKey, 'heliograph path', cluster, node);
}

/**
 * Finds the fewest subtrees that hold every one of `members` and none of `excluded`, by node
 * number, ascending. Leaves that are neither may be included: nobody has their keys.
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

/**
 * Finds how many more members can be excluded, whichever they are, within the parts that a head
 * counts.
 */
export function exclusionsLeft(members: Iterable<number>, excluded: ReadonlySet<number>): number {
  const remaining = new Set([...members].filter((member) => !excluded.has(member)));
  const parts = worstParts(ROOT_NODE, remaining, excluded);
  const tooMany = parts.findIndex((count) => count > PARTS_MAX);
  // The last member cannot be excluded.
  return Math.max(0, Math.min(tooMany === -1 ? parts.length : tooMany, remaining.size) - 1);
}

/**
 * Parts of the largest cover of the leaves below a node when k more of the remaining members are
 * excluded, by k.
 */
function worstParts(node: number, remaining: ReadonlySet<number>, excluded: ReadonlySet<number>): number[] {
  if (node >= LEAVES) return remaining.has(node - LEAVES) ? [1, 0] : [0];
  const [left, right] = [2 * node, 2 * node + 1].map((child) => worstParts(child, remaining, excluded));
  const parts = new Array<number>(left.length + right.length - 1).fill(0);
  left.forEach((inLeft, k) => {
    right.forEach((inRight, j) => {
      parts[k + j] = Math.max(parts[k + j], inLeft + inRight);
    });
  });
  if (parts[0] > 0 && !isAnyBelow(node, excluded)) parts[0] = 1;
  return parts;
}

function isAnyBelow(node: number, members: ReadonlySet<number>): boolean {
  const levels = Math.clz32(node) - Math.clz32(LEAVES);
  const first = (node << levels) - LEAVES;
  for (let member = first; member < first + (1 << levels); member += 1) if (members.has(member)) return true;
  return false;
}

/**
 * Makes the nonce node ‖ key epoch: a path key wraps one secret a key epoch, so no nonce is used
 * twice.
 */
function nonceOf(node: number, keyEpoch: number): Uint8Array {
  return Uint8Array.of(0, 0, ...words16(node), 0, 0, 0, 0, 0, 0, ...words16(keyEpoch));
}

/** Wraps the secret of a key epoch for all members below `node`: 48 bytes. */
export function wrap(
  key: Uint8Array,
  { cluster, node, keyEpoch }: { readonly cluster: number; readonly node: number; readonly keyEpoch: number },
  secret: Uint8Array,
  cipher: Cipher = realCipher,
): Uint8Array {
  return cipher.seal(key, nonceOf(node, keyEpoch), words16(cluster, keyEpoch), secret);
}

/** Unwraps the secret; null if it was altered, or is meant for others. */
export function unwrap(
  key: Uint8Array,
  cluster: number,
  node: number,
  keyEpoch: number,
  wrapped: Uint8Array,
): Uint8Array | null {
  return realCipher.open(key, nonceOf(node, keyEpoch), words16(cluster, keyEpoch), wrapped);
}
