/** What member 0 of a cluster of two is configured with, and the keys of its links. */
import type { NodeLink } from '../../host/node/link.ts';
import { testCluster, testKeys } from '../security/sealed.ts';
import { capability } from '../firmware/capability.ts';

export const config = {
  ...{ cluster: testCluster, self: 0, members: 2, generation: 1, seed: 1, features: 0 },
  ...capability,
};
export const link: NodeLink = {
  ...{ cluster: testCluster, self: 0, keys: testKeys.member(0), authorityPublicKey: testKeys.authorityPublicKey },
  seed: testKeys.nodeSeed(0),
  publicKeyOf: () => undefined,
};
