import type { Command } from 'commander';
import { CoverError } from '../security/epoch.ts';
import { clusterFolder } from '../security/issued.ts';
import { ExistsError, openFolderWarning } from '../security/key_folder.ts';
import {
  initCluster,
  KeyOrderError,
  type MadeKeyEpoch,
  nextKeyEpoch,
  readCluster,
  writeNodeFile,
} from '../security/keystore.ts';
import { CommandError, exitCode } from './exit.ts';
import { wholeNumber } from './input.ts';
import { inspectKeys } from './keys_inspect.ts';

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
  console.log(options.json === true ? JSON.stringify(facts) : lines.join('\n'));
}

function init(folder: string, options: ClusterOptions & { members: number; region: number }): void {
  const { cluster, members, region } = options;
  ordered(() => initCluster(folder, { cluster, members, region }));
  warnOfFolders(folder);
  const at = clusterFolder(folder, cluster);
  say(options, { folder: at, cluster, region, members, epoch: 1 }, [
    `${at}: cluster ${cluster} of region ${region}, ${members} members, epoch 1`,
    `Keep ${folder} offline. Next: heliograph keys node ${folder} --cluster ${cluster} --id 0`,
  ]);
}

function node(folder: string, options: ClusterOptions & { id: number; out?: string }): void {
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

function epoch(folder: string, options: ClusterOptions & { startS?: number; number?: number }): void {
  const { cluster, startS, number } = options;
  const made = ordered(() => nextKeyEpoch(folder, cluster, { exclude: [], startS, number }));
  warnOfFolders(folder, clusterFolder(folder, cluster));
  sayKeyEpoch(options, folder, made);
}

function revoke(folder: string, options: ClusterOptions & { id: number[]; startS?: number; number?: number }): void {
  const { cluster, id, startS, number } = options;
  const made = ordered(() => nextKeyEpoch(folder, cluster, { exclude: id, startS, number }));
  warnOfFolders(folder, clusterFolder(folder, cluster));
  sayKeyEpoch(options, folder, made);
}

const clusterNumber = wholeNumber('--cluster', 0, 0xffff);
const memberId = wholeNumber('--id', 0, 199);

function collectId(word: string, before: readonly number[] = []): number[] {
  return [...before, memberId(word)];
}

/** `keys …`: the life of keys (docs/security.md). */
export function addKeysCommand(program: Command, examples: (...lines: string[]) => string): void {
  const keys = program
    .command('keys')
    .description('make, hand out, change and withdraw the keys of clusters; secrets are written to files, never shown');
  const command = (name: string, description: string) =>
    keys.command(name).description(description).option('--json', 'print one JSON object');
  const startFlag = '--start-s <s>';
  const changeStart =
    'mission second from which it is used; without it, as soon as it is known and the newest before it has begun';
  const revokeStart =
    'mission second from which it is used; without it at once, by each as soon as it knows it, also before epochs that were planned';
  const numberOption = [
    '--number <e>',
    'number at least: after an old copy of the folder was restored, or the newest epoch was lost',
  ] as const;
  const startS = wholeNumber('--start-s', 0, 0xffffffff);
  const number = wholeNumber('--number', 2, 65534);

  command(
    'init',
    "make a fleet's root, if the folder has none, and a cluster with its authority, its members and epoch 1",
  )
    .argument('<folder>', 'of the fleet: offline, and nobody else may read it')
    .requiredOption('--cluster <n>', 'number of the cluster', clusterNumber)
    .requiredOption('--members <n>', 'members of the cluster', wholeNumber('--members', 1, 200))
    .option('--region <n>', 'number of its region', wholeNumber('--region', 0, 0xffff), 0)
    .addHelpText('after', examples('keys init fleet --cluster 7 --members 100'))
    .action(init);
  command('node', 'write the bundle that one member is given: its keys, and what it must know of others')
    .argument('<folder>', 'of the fleet')
    .requiredOption('--cluster <n>', 'number of the cluster', clusterNumber)
    .requiredOption('--id <n>', 'index of the member, from 0', memberId)
    .option('--out <file>', 'write it there')
    .addHelpText(
      'after',
      examples('keys node fleet --cluster 7 --id 3', 'keys node fleet --cluster 7 --id 3 --out node-3.json'),
    )
    .action(node);
  command('epoch', 'make a new epoch for all members that are not excluded')
    .argument('<folder>', 'of the fleet')
    .requiredOption('--cluster <n>', 'number of the cluster', clusterNumber)
    .option(startFlag, changeStart, startS)
    .option(...numberOption, number)
    .addHelpText('after', examples('keys epoch fleet --cluster 7 --start-s 2592000'))
    .action(epoch);
  command('revoke', 'exclude members, and make a new epoch that they cannot open')
    .argument('<folder>', 'of the fleet')
    .requiredOption('--cluster <n>', 'number of the cluster', clusterNumber)
    .requiredOption('--id <n>', 'index of the member; again for more', collectId)
    .option(startFlag, revokeStart, startS)
    .option(...numberOption, number)
    .addHelpText(
      'after',
      examples('keys revoke fleet --cluster 7 --id 3', 'keys revoke fleet --cluster 7 --id 3 --id 4'),
    )
    .action(revoke);
  command('inspect', 'say what key files and bundles are: numbers, epochs, who can open what, public keys; no secret')
    .argument('<path>', "a file, or a fleet's or cluster's folder")
    .addHelpText('after', examples('keys inspect fleet', 'keys inspect fleet/cluster-7/epoch-2.bundle.cbor --json'))
    .action(inspectKeys);
}
