import { type Command, Option } from 'commander';
import {
  engineOption,
  examples,
  jsonLinesOption,
  positiveOption,
  presetOption,
  seedOption,
  wholeOption,
} from '../options.ts';
import type { FindPlace, NodeOptions } from './options.ts';
import { CLUSTER_MEMBERS_MAX } from '../../cbor/generated.ts';

/** Declares `node`. `findPlace` looks up where a member stands in a scenario's world. */
export function addNodeCommand(program: Command, findPlace: FindPlace): void {
  program
    .command('node')
    .description('run one real node: the firmware image, UDP on this machine, checkpoints on disk')
    .addOption(
      wholeOption('--id <n>', 'index of this member, from 0', 0, CLUSTER_MEMBERS_MAX - 1).makeOptionMandatory(),
    )
    .addOption(wholeOption('--cluster <n>', 'number of the cluster', 0, 0xffff).makeOptionMandatory())
    .addOption(wholeOption('--members <n>', 'members of the cluster', 1, CLUSTER_MEMBERS_MAX).makeOptionMandatory())
    .requiredOption('--radio <address>', 'udp://HOST:PORT, member i has PORT + i; or udp://HOST:PORT,HOST:PORT,…')
    .option(
      '--keys <file>',
      "the member's key file, as written by `heliograph keys node`; 'simulated' for keys made from --seed",
    )
    .option('--uplink <file>', 'key epochs from the ground link: read now and whenever the file changes')
    .addOption(positiveOption('--time-scale <k>', 'mission seconds per second of wall time', 10_000).default(1))
    .option('--epoch <time>', 'wall time of mission second 0 (default: the beginning of this day, UTC)')
    .addOption(
      new Option('--clock <source>', 'mission time from the wall clock or from peers; auto: from peers after a restart')
        .choices(['auto', 'wall', 'peers'])
        .default('auto'),
    )
    .option('--state <folder>', 'keep checkpoints and counters in its subfolder node-<id>')
    .option('--scenario <name>', 'scenario that gives the world and the capabilities', 'quiet')
    .addOption(seedOption().default(1))
    .addOption(presetOption().default('flight'))
    .addOption(engineOption())
    .addOption(jsonLinesOption())
    .addHelpText(
      'after',
      examples(
        'node --id 0 --cluster 1 --members 5 --radio udp://127.0.0.1:47000 --keys simulated',
        'node --id 3 --cluster 7 --members 5 --radio udp://127.0.0.1:47000 \\',
        '    --state state --keys fleet/cluster-7/node-3.json',
      ),
    )
    .addHelpText(
      'after',
      [
        '',
        'With simulated keys a node binds to the loopback interface only.',
        'SIGTERM writes a checkpoint and ends the node.',
      ].join('\n'),
    )
    .action(async (options: NodeOptions) => (await import('./node.ts')).node(options, findPlace));
}
