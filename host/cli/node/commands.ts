import { type Command, Option } from 'commander';
import {
  engineOption,
  examples,
  jsonLinesOption,
  jsonOption,
  positiveOption,
  presetOption,
  seedOption,
  wholeOption,
} from '../options.ts';
import type { AskOptions } from './ask.ts';
import type { FindPlace, NodeOptions } from './options.ts';
import { CLUSTER_MEMBERS_MAX } from '../../cbor/generated.ts';

/** Declares `node`. `findPlace` looks up where a member stands in a scenario's world. */
export function addNodeCommand(program: Command, findPlace: FindPlace): void {
  const node = program
    .command('node')
    .description('run one real node: the firmware image, UDP, checkpoints on disk; or ask one that runs')
    .enablePositionalOptions()
    .usage('[options]')
    .addOption(wholeOption('--id <n>', 'index of this member, from 0; required', 0, CLUSTER_MEMBERS_MAX - 1))
    .addOption(wholeOption('--cluster <n>', 'number of the cluster; required', 0, 0xffff))
    .addOption(wholeOption('--members <n>', 'members of the cluster; required', 1, CLUSTER_MEMBERS_MAX))
    .option('--radio <address>', 'udp://HOST:PORT, member i has PORT + i; or udp://HOST:PORT,HOST:PORT,…; required')
    .option(
      '--keys <file>',
      "the member's key file, as written by `heliograph keys node`; 'simulated' for keys made from --seed",
    )
    .option('--uplink <file>', 'key epochs from the ground link: read now and whenever the file changes')
    .addOption(positiveOption('--time-scale <k>', 'mission seconds per second of wall time', 10_000).default(1))
    .option(
      '--epoch <time>',
      'wall time of mission second 0, the same for all members for ever (simulated keys: the beginning of this day)',
    )
    .addOption(
      new Option(
        '--clock <source>',
        'mission time from the wall clock or from peers; auto: at first the wall, after a restart peers',
      )
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
        'node --id 3 --cluster 7 --members 5 --radio udp://127.0.0.1:47000 \\\n' +
          '      --state state --keys fleet/cluster-7/node-3.json --epoch 2026-01-18T00:00:00Z',
        'node status --state state --json',
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
    .action(async (options: Partial<NodeOptions>) => (await import('./node.ts')).node(options, findPlace));
  addAskCommands(node);
}

/** Declares the questions to a node that runs. They change nothing. */
function addAskCommands(node: Command): void {
  const texts = {
    status: 'what a running node is doing, and why it is mute',
    members: 'the members as a running node sees them',
    intents: 'the intents that a running node stores',
    watch: 'what a running node reports, from now on',
  } as const;
  for (const query of ['status', 'members', 'intents', 'watch'] as const)
    node
      .command(query)
      .description(texts[query])
      .requiredOption('--state <folder>', 'the folder that the node was given as --state')
      .addOption(wholeOption('--id <n>', 'the member; default: all that run there', 0, CLUSTER_MEMBERS_MAX - 1))
      .addOption(query === 'watch' ? jsonLinesOption() : jsonOption('print one JSON object for each node'))
      .addHelpText('after', examples(`node ${query} --state state`))
      .action(async (options: AskOptions) => (await import('./ask.ts')).ask(query, options));
}
