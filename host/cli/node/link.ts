import type { NodeLink } from '../../node/link.ts';
import { nodeSignatures } from '../../security/signature.ts';
import { clusterKeys } from '../../security/simulated_keys.ts';
import { readKeyFileOf } from '../../store/keys/file.ts';
import { CommandError, exitCode } from '../exit.ts';
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
