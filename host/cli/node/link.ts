import type { NodeLink } from '../../node/link.ts';
import { nodeSignatures } from '../../security/signature.ts';
import { clusterKeys } from '../../security/simulated_keys.ts';
import { KeyFileError, type NodeFile, readKeyFileOf } from '../../store/keys/file.ts';
import { CommandError, exitCode } from '../exit.ts';
import { LEAVES, ROOT_NODE } from '../../security/tree.ts';
import type { NodeOptions } from './options.ts';

/** The value of --keys that asks for keys made from the seed. */
export const simulatedKeys = 'simulated';

/**
 * Makes the link of this member: with the keys of its file, or with simulated ones. Throws
 * CommandError (2), KeyFileError.
 */
export function linkOf(options: NodeOptions): NodeLink {
  const { keys } = options;
  if (keys === undefined) {
    const next =
      "give --keys FILE, the member's file of `heliograph keys node`, or --keys simulated for tests on one machine";
    throw new CommandError(`a node without keys neither sends nor receives: ${next}`, exitCode.usage);
  }
  return keys === simulatedKeys ? simulatedLinkOf(options) : providedLinkOf(keys, options);
}

function simulatedLinkOf({ id, cluster, members, seed }: NodeOptions): NodeLink {
  const simulated = clusterKeys(seed, cluster, members);
  return {
    cluster,
    self: id,
    keys: simulated.member(id),
    authorityPublicKey: simulated.authorityPublicKey,
    seed: simulated.nodeSeed(id),
    publicKeyOf: (member) => (member < members ? nodeSignatures.publicKey(simulated.nodeSeed(member)) : undefined),
  };
}

function providedLinkOf(path: string, { id, cluster, members, state }: NodeOptions): NodeLink {
  const file = readKeyFileOf(path, 'heliograph node');
  for (const [name, given, held] of [
    ['cluster', cluster, file.cluster],
    ['id', id, file.id],
    ['members', members, file.members],
  ] as const)
    if (given !== held)
      throw new CommandError(`--${name} ${given}, but ${path} is for ${name} ${held}`, exitCode.usage);
  if (state === undefined) {
    const why = 'the counters it has used must outlive the process, so that none is used twice';
    throw new CommandError(`a node with keys of its own needs --state DIR: ${why}`, exitCode.usage);
  }
  requireConsistent(path, file);
  const publicKeys = new Map(file.roster.map((member) => [member.id, member.publicKey]));
  return {
    cluster,
    self: id,
    keys: {
      secrets: file.secrets.map(({ epoch, startS, secret }) => ({ keyEpoch: epoch, startS, secret })),
      path: file.path,
    },
    authorityPublicKey: file.authorityPublicKey,
    seed: file.seed,
    publicKeyOf: (member) => publicKeys.get(member),
  };
}

/** Throws KeyFileError when parts of a member's file contradict each other: it was mixed of two. */
function requireConsistent(
  path: string,
  { id, members, seed, publicKey, path: keys, secrets, roster }: NodeFile,
): void {
  const flaw = (what: string) => new KeyFileError(`${path}: ${what}: write it anew with heliograph keys node`);
  const isEqual = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0;
  if (!isEqual(nodeSignatures.publicKey(seed), publicKey)) throw flaw('its seed is not that of its public key');
  const ids = new Set(roster.map((member) => member.id));
  if (ids.size !== roster.length || roster.length !== members || Math.max(...ids) >= members)
    throw flaw(`its roster is not that of ${members} members`);
  const own = roster.find((member) => member.id === id);
  if (own === undefined || !isEqual(own.publicKey, publicKey))
    throw flaw(`its roster has another key for member ${id}`);
  const leafToRoot: number[] = [];
  for (let node = LEAVES + id; node >= ROOT_NODE; node >>>= 1) leafToRoot.push(node);
  const nodes = new Set(keys.map(({ node }) => node));
  if (nodes.size !== keys.length || !leafToRoot.every((node) => nodes.has(node)))
    throw flaw(`its path keys are not those of member ${id}`);
  if (new Set(secrets.map(({ epoch }) => epoch)).size !== secrets.length) throw flaw('it has one key epoch twice');
}
