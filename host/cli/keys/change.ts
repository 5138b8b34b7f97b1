import { wallMs } from '../../clock/clock.ts';
import { CoverError } from '../../security/key_epoch.ts';
import { fileAdvice } from '../../store/store.ts';
import { clusterFolder } from '../../store/keys/issued.ts';
import { leftovers, leftoversBeside, removeLeftovers } from '../../store/keys/leftovers.ts';
import { ExistsError, openFolderWarning } from '../../store/keys/folder.ts';
import {
  CHANGES_LEFT_FEW,
  initCluster,
  KeyOrderError,
  type MadeKeyEpoch,
  nextKeyEpoch,
  readCluster,
  writeNodeFile,
} from '../../store/keys/keystore.ts';
import { CommandError, exitCode } from '../exit.ts';
import { print, wrapped } from '../output.ts';

interface Shared {
  json?: boolean;
}
interface ClusterOptions extends Shared {
  cluster: number;
}

/**
 * Runs an order. An order that the keys refuse is wrong usage (2); a broken file (KeyFileError) and
 * the machine (StoreError) have exit codes of their own.
 */
function ordered<T>(order: () => T): T {
  try {
    return order();
  } catch (error) {
    if (error instanceof ExistsError || error instanceof KeyOrderError || error instanceof CoverError)
      throw new CommandError(error.message, exitCode.usage);
    throw error;
  }
}

/**
 * Removes what killed runs left, which may hold secrets, and names it on stderr. Throws
 * CommandError (4) when the machine refuses.
 */
function clean(folder: string, out?: string): void {
  const nowMs = wallMs();
  const left = [...leftovers(folder, nowMs), ...(out === undefined ? [] : leftoversBeside(out, nowMs))];
  try {
    removeLeftovers(left);
  } catch (error) {
    const advice = fileAdvice(error as NodeJS.ErrnoException);
    throw new CommandError(
      `${left.join(', ')}: left by a killed run, cannot be removed: ${advice}`,
      exitCode.environment,
    );
  }
  for (const path of left)
    console.error(`heliograph: ${path}: removed; a killed run had left it, perhaps with secrets`);
}

function warnOfFolders(...folders: string[]): void {
  for (const folder of folders) {
    const warning = openFolderWarning(folder);
    if (warning !== null) console.error(`heliograph: ${warning}`);
  }
}

function report(options: Shared, facts: object, lines: readonly string[]): void {
  print(options.json === true ? JSON.stringify(facts) : lines.map((line) => wrapped(line, 2)).join('\n'));
}

export function init(folder: string, options: ClusterOptions & { members: number; region: number }): void {
  const { cluster, members, region } = options;
  clean(folder);
  ordered(() => initCluster(folder, { cluster, members, region }));
  warnOfFolders(folder);
  const at = clusterFolder(folder, cluster);
  report(options, { folder: at, cluster, region, members, epoch: 1 }, [
    `${at}: cluster ${cluster} of region ${region}, ${members} members, key epoch 1`,
    `Keep ${folder} offline. Next: heliograph keys node ${folder} --cluster ${cluster} --id 0`,
  ]);
}

export function node(folder: string, options: ClusterOptions & { id: number; out?: string }): void {
  const { cluster, id, out } = options;
  clean(folder, out);
  const path = ordered(() => writeNodeFile(folder, cluster, id, out));
  warnOfFolders(folder, clusterFolder(folder, cluster));
  report(options, { file: path, cluster, id }, [
    `${path}: the key file of member ${id} of cluster ${cluster}`,
    'Bring it to the member by hand: everyone who has this file can act as the member.',
  ]);
}

function reportKeyEpoch(options: ClusterOptions, folder: string, made: MadeKeyEpoch): void {
  const { cluster } = options;
  const { epoch, startS, parts, excluded, bundle, supersedes, changesLeft, exclusionsLeft } = made;
  if (changesLeft < CHANGES_LEFT_FEW)
    console.error(
      `heliograph: ${changesLeft} key changes are left for cluster ${cluster}: before they are used up, ` +
        'make the cluster anew under another number (heliograph keys init)',
    );
  const { authority } = readCluster(folder, cluster);
  const remain = authority.members.length - excluded.length;
  const from = startS === 0 ? 'used by each member as soon as it knows it' : `from mission second ${startS} on`;
  const superseded =
    supersedes === null
      ? []
      : [
          `It replaces key epoch ${supersedes.epoch} (mission second ${supersedes.startS}), begun or not.`,
          `Members that key epoch ${supersedes.epoch} excludes are excluded by this one too.`,
        ];
  report(options, { ...made, cluster, members: remain }, [
    `key epoch ${epoch} of cluster ${cluster}: ${from}, for ${remain} members, ${parts} parts`,
    `excluded: ${excluded.length === 0 ? 'nobody' : excluded.join(', ')}`,
    `${exclusionsLeft} more can be excluded, wherever in the key tree they are (docs/security.md)`,
    ...superseded,
    `Send to the cluster: ${bundle}`,
  ]);
}

export function epoch(folder: string, options: ClusterOptions & { startS?: number; number?: number }): void {
  const { cluster, startS, number } = options;
  clean(folder);
  const made = ordered(() => nextKeyEpoch(folder, cluster, { exclude: [], startS, number }));
  warnOfFolders(folder, clusterFolder(folder, cluster));
  reportKeyEpoch(options, folder, made);
}

export function revoke(
  folder: string,
  options: ClusterOptions & { id: number[]; startS?: number; number?: number },
): void {
  const { cluster, id, startS, number } = options;
  clean(folder);
  const made = ordered(() => nextKeyEpoch(folder, cluster, { exclude: id, startS, number }));
  warnOfFolders(folder, clusterFolder(folder, cluster));
  reportKeyEpoch(options, folder, made);
}
