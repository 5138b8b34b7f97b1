// Finds link keys in files: a tool needs them to open received frames.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { realCipher } from '../../security/cipher.ts';
import type { LinkCipher } from '../../security/frame.ts';
import { BOOTSTRAP_KEY_EPOCH, bootstrapKey, linkKey } from '../../security/key_epoch.ts';
import { type KeyFile, KeyFileError, readKeyFile } from './file.ts';
import { pathKey, ROOT_NODE } from '../../security/tree.ts';

/** Link keys by cluster and key epoch. */
export class Keyring {
  readonly #keys = new Map<string, Uint8Array>();

  /**
   * Adds the link keys of a key file. A fleet's root alone opens nothing, because secrets are not
   * derived from it, and a record holds no key.
   */
  add(file: KeyFile): void {
    if (file.kind === 'heliograph fleet' || file.kind === 'heliograph issued') return;
    if (file.kind === 'heliograph authority') {
      const root = pathKey(file.clusterKey, file.cluster, ROOT_NODE);
      this.#set(file.cluster, BOOTSTRAP_KEY_EPOCH, bootstrapKey(root, file.cluster));
    } else if (file.kind === 'heliograph epoch') {
      this.#set(file.cluster, file.epoch, linkKey(file.secret, file.cluster, file.epoch));
    } else {
      const root = file.path.find(({ node }) => node === ROOT_NODE);
      if (root !== undefined) this.#set(file.cluster, BOOTSTRAP_KEY_EPOCH, bootstrapKey(root.key, file.cluster));
      for (const { epoch, secret } of file.secrets)
        this.#set(file.cluster, epoch, linkKey(secret, file.cluster, epoch));
    }
  }

  #set(cluster: number, keyEpoch: number, key: Uint8Array): void {
    this.#keys.set(`${cluster}/${keyEpoch}`, key);
  }

  get size(): number {
    return this.#keys.size;
  }

  /** Lists the keys for people: `cluster 7: key epochs 0, 1, 2`. */
  describe(): string {
    const epochs = new Map<number, number[]>();
    for (const name of this.#keys.keys()) {
      const [cluster, epoch] = name.split('/').map(Number);
      epochs.set(cluster, [...(epochs.get(cluster) ?? []), epoch]);
    }
    const numbers = (list: number[]) => list.sort((a, b) => a - b).join(', ');
    return [...epochs].map(([cluster, list]) => `cluster ${cluster}: key epochs ${numbers(list)}`).join('; ');
  }

  /** Opens frames with the keys of the ring. */
  link(): LinkCipher {
    return {
      keyOf: ({ cluster, keyEpoch }) => this.#keys.get(`${cluster}/${keyEpoch}`) ?? null,
      cipher: realCipher,
    };
  }
}

const keyFileName = /^(fleet|authority|epoch-\d+|node-\d+)\.json$/;
const clusterFolderName = /^cluster-\d+$/;

/** Lists all key files of a fleet's folder, of a cluster's, or of any folder with bundles. */
function keyFilesIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return clusterFolderName.test(entry.name) ? keyFilesIn(path) : [];
    return keyFileName.test(entry.name) ? [path] : [];
  });
}

/**
 * Reads the keys of a file, or of all key files of a folder. Throws KeyFileError: missing, open to
 * others, or without keys.
 */
export function readKeyring(path: string): Keyring {
  const ring = new Keyring();
  let files: string[];
  try {
    files = statSync(path).isDirectory() ? keyFilesIn(path) : [path];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new KeyFileError(`${path}: ${code === 'ENOENT' ? 'no such file or folder' : `cannot be read (${code})`}`);
  }
  for (const file of files) ring.add(readKeyFile(file));
  if (ring.size === 0)
    throw new KeyFileError(
      `${path}: holds no link key: give a fleet's or cluster's folder, an epoch-E.json or a node-I.json`,
    );
  return ring;
}
