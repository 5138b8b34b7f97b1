import type { Command } from 'commander';
import { examples, jsonOption, uint32Max, wholeNumber, wholeOption } from '../options.ts';
import { CLUSTER_MEMBERS_MAX } from '../../cbor/generated.ts';

const memberId = wholeNumber('--id', 0, CLUSTER_MEMBERS_MAX - 1);
const collectId = (word: string, before: readonly number[] = []): number[] => [...before, memberId(word)];

const clusterOption = () => wholeOption('--cluster <n>', 'number of the cluster', 0, 0xffff).makeOptionMandatory();
const startOption = (otherwise: string) =>
  wholeOption('--start-s <s>', `mission second from which it is used; default: ${otherwise}`, 0, uint32Max);
const numberOption = () =>
  wholeOption(
    '--number <e>',
    'lowest number of the new key epoch: after an old copy of the folder was restored, or the newest epoch was lost',
    2,
    65534,
  );

/** Declares `keys …`: the life of keys (docs/security.md). */
export function addKeysCommands(program: Command): void {
  const keys = program
    .command('keys')
    .description('make, hand out, change and revoke the keys of clusters; secrets are written to files, never shown');
  const command = (name: string, description: string) =>
    keys.command(name).description(description).addOption(jsonOption());

  command('init', 'make the root key of a fleet, if the folder has none, and the keys of a cluster with key epoch 1')
    .argument('<folder>', 'folder of the fleet: offline, and nobody else may read it')
    .addOption(clusterOption())
    .addOption(wholeOption('--members <n>', 'members of the cluster', 1, CLUSTER_MEMBERS_MAX).makeOptionMandatory())
    .addOption(wholeOption('--region <n>', 'number of its region', 0, 0xffff).default(0))
    .addHelpText('after', examples('keys init fleet --cluster 7 --members 100'))
    .action(async (folder, options) => (await import('./change.ts')).init(folder, options));
  command('node', 'write the key file of one member: its keys, and the public keys of the others')
    .argument('<folder>', 'folder of the fleet')
    .addOption(clusterOption())
    .requiredOption('--id <n>', 'index of the member, from 0', memberId)
    .option('--out <file>', 'write the key file here')
    .addHelpText(
      'after',
      examples('keys node fleet --cluster 7 --id 3', 'keys node fleet --cluster 7 --id 3 --out node-3.json'),
    )
    .action(async (folder, options) => (await import('./change.ts')).node(folder, options));
  command('epoch', 'make a new key epoch for all members that are not excluded')
    .argument('<folder>', 'folder of the fleet')
    .addOption(clusterOption())
    .addOption(startOption('as soon as a member knows it and the newest epoch before it has begun'))
    .addOption(numberOption())
    .addHelpText('after', examples('keys epoch fleet --cluster 7 --start-s 2592000'))
    .action(async (folder, options) => (await import('./change.ts')).epoch(folder, options));
  command('revoke', 'exclude members, and make a new key epoch that they cannot open')
    .argument('<folder>', 'folder of the fleet')
    .addOption(clusterOption())
    .requiredOption('--id <n>', 'index of the member; repeat it for more', collectId)
    .addOption(startOption('at once, by each member as soon as it knows it, and before epochs that were planned'))
    .addOption(numberOption())
    .addHelpText(
      'after',
      examples('keys revoke fleet --cluster 7 --id 3', 'keys revoke fleet --cluster 7 --id 3 --id 4'),
    )
    .action(async (folder, options) => (await import('./change.ts')).revoke(folder, options));
  command('inspect', 'show what key files and bundles hold: numbers, epochs, readers, public keys; never a secret')
    .argument('<path>', 'a file, or the folder of a fleet or of a cluster')
    .addHelpText('after', examples('keys inspect fleet', 'keys inspect fleet/cluster-7/epoch-2.bundle.cbor --json'))
    .action(async (path, options) => (await import('./inspect.ts')).inspectKeys(path, options));
}
