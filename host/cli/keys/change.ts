import { CoverError } from '../../security/key_epoch.ts';
import { clusterFolder } from '../../store/keys/issued.ts';
import { ExistsError, openFolderWarning } from '../../store/keys/folder.ts';
import {
  initCluster,
  KeyOrderError,
  type MadeKeyEpoch,
  nextKeyEpoch,
  readCluster,
  writeNodeFile,
} from '../../store/keys/keystore.ts';
import { CommandError, exitCode } from '../exit.ts';
import { print } from '../output.ts';

interface Shared {
  json?: boolean;
}
interface ClusterOptions extends Shared {
  cluster: number;
}

/** Orders that the keys refuse are wrong usage; broken files (KeyFileError) and the machine (StoreError) have codes of their own. */
function ordered<T>(order: () => T): T {
  try {
    return order();
  } catch (error) {
    if (error instanceof ExistsError || error instanceof KeyOrderError || error instanceof CoverError)
      throw new CommandError(error.message, exitCode.usage);
    throw error;
  }
}

function warnOfFolders(...folders: string[]): void {
  for (const folder of folders) {
    const warning = openFolderWarning(folder);
    if (warning !== null) console.error(`heliograph: ${warning}`);
  }
}

function say(options: Shared, facts: object, lines: readonly string[]): void {
  print(options.json === true ? JSON.stringify(facts) : lines.join('\n'));
}

export function init(folder: string, options: ClusterOptions & { members: number; region: number }): void {
  const { cluster, members, region } = options;
  ordered(() => initCluster(folder, { cluster, members, region }));
  warnOfFolders(folder);
  const at = clusterFolder(folder, cluster);
  say(options, { folder: at, cluster, region, members, epoch: 1 }, [
    `${at}: cluster ${cluster} of region ${region}, ${members} members, epoch 1`,
    `Keep ${folder} offline. Next: heliograph keys node ${folder} --cluster ${cluster} --id 0`,
  ]);
}

export function node(folder: string, options: ClusterOptions & { id: number; out?: string }): void {
  const { cluster, id, out } = options;
  const path = ordered(() => writeNodeFile(folder, cluster, id, out));
  warnOfFolders(folder, clusterFolder(folder, cluster));
  say(options, { file: path, cluster, id }, [
    `${path}: all that member ${id} of cluster ${cluster} is given. Bring it there by hand; who has it speaks for the member.`,
  ]);
}

function sayKeyEpoch(options: ClusterOptions, folder: string, made: MadeKeyEpoch): void {
  const { cluster } = options;
  const { epoch, startS, parts, excluded, bundle, supersedes } = made;
  const { authority } = readCluster(folder, cluster);
  const remain = authority.members.length - excluded.length;
  const from = startS === 0 ? 'used by each member as soon as it knows it' : `from mission second ${startS} on`;
  const instead =
    supersedes === null
      ? []
      : [
          `In place of epoch ${supersedes.epoch} (mission second ${supersedes.startS}), begun or not: whom that leaves out goes with it`,
        ];
  say(options, { ...made, cluster, members: remain }, [
    `epoch ${epoch} of cluster ${cluster}: ${from}, for ${remain} members, ${parts} parts`,
    `excluded: ${excluded.length === 0 ? 'nobody' : excluded.join(', ')}`,
    ...instead,
    `Send up: ${bundle}`,
  ]);
}

export function epoch(folder: string, options: ClusterOptions & { startS?: number; number?: number }): void {
  const { cluster, startS, number } = options;
  const made = ordered(() => nextKeyEpoch(folder, cluster, { exclude: [], startS, number }));
  warnOfFolders(folder, clusterFolder(folder, cluster));
  sayKeyEpoch(options, folder, made);
}

export function revoke(
  folder: string,
  options: ClusterOptions & { id: number[]; startS?: number; number?: number },
): void {
  const { cluster, id, startS, number } = options;
  const made = ordered(() => nextKeyEpoch(folder, cluster, { exclude: id, startS, number }));
  warnOfFolders(folder, clusterFolder(folder, cluster));
  sayKeyEpoch(options, folder, made);
}
