import { type Command, Option } from 'commander';
import { targetArgument, targetsArgument } from '../../../host/cli/board/commands.ts';
import {
  daysOption,
  examples,
  jsonLinesOption,
  jsonOption,
  nodesOption,
  outReportOption,
  seedOption,
  uint32Max,
  wholeNumber,
  wholeOption,
} from '../../../host/cli/options.ts';
import { suggest } from '../../../host/cli/suggestions.ts';
import { shippedScenarios } from '../../scenario/shipped.ts';
import { chosen } from '../chosen.ts';
import { CLUSTER_MEMBERS_MAX } from '../../../host/cbor/generated.ts';

/** Adds the commands that fly to `board`: the image on emulated flight processors (BRD-1). */
export function addEmulatedBoardCommands(board: Command): void {
  addRun(board);
  addTrace(board);
  addInject(board);
}

const scenarioMeaning = 'a shipped scenario or a YAML file (default: a quiet cluster of 16 nodes for 0.1 days)';

function addRun(board: Command): void {
  board
    .command('run')
    .addArgument(targetArgument())
    .addOption(suggest(new Option('--scenario <name>', scenarioMeaning), Object.keys(shippedScenarios)))
    .addOption(wholeOption('--node <n>', 'the node that is the board', 0, CLUSTER_MEMBERS_MAX - 1).default(3))
    .addOption(nodesOption())
    .addOption(daysOption())
    .addOption(seedOption())
    .addOption(jsonLinesOption())
    .description('boot the board in QEMU as one node of a simulated cluster and show its events live')
    .addHelpText('after', examples('board run m7', 'board run leon3 --scenario mixed-hardware --node 17 --days 0.5'))
    .action(chosen(async () => (await import('./run.ts')).boardRun));
}

function addTrace(board: Command): void {
  board
    .command('trace')
    .addArgument(targetsArgument())
    .addOption(wholeOption('--inputs <n>', 'length of the trace', 1, 1_000_000).default(10_000))
    .addOption(seedOption().default(1))
    .option('--image <file>', 'compare this ELF instead of the built one; for one target')
    .addOption(outReportOption())
    .addOption(jsonOption())
    .description('feed one recorded trace to V8, Wasmtime and boards, and compare state and outputs after every input')
    .addHelpText(
      'after',
      examples('board trace all', 'board trace m4 leon3 --inputs 50000 --seed 7', 'board trace all --json'),
    )
    .action(chosen(async () => (await import('./trace.ts')).boardTrace));
}

function addInject(board: Command): void {
  board
    .command('inject')
    .addArgument(targetArgument())
    .requiredOption('--at <n>', 'before instruction n of the run, or of the call', wholeNumber('--at', 0, 2 ** 40))
    .addOption(wholeOption('--call <k>', 'count instructions from the beginning of call k', 0, 2 ** 31))
    .requiredOption('--bit <b>', 'which bit of the register or byte', wholeNumber('--bit', 0, 63))
    .option('--register <name>', 'flip the bit in this register')
    .addOption(wholeOption('--address <a>', 'flip the bit in the byte at this address', 0, uint32Max))
    .addOption(wholeOption('--linear <a>', 'flip the bit in the byte at this address of linear memory', 0, uint32Max))
    .option('--symbol <name>', 'flip the bit in the first byte of this variable')
    .addOption(wholeOption('--inputs <n>', 'length of the recorded run', 1, 2000).default(60))
    .addOption(jsonOption())
    .description('flip one bit at an exact instruction of a recorded run, and report the effect')
    .addHelpText(
      'after',
      examples(
        'board inject m7 --at 80000 --bit 5 --register r4',
        'board inject leon3 --call 12 --at 100 --bit 0 --linear 9000',
      ),
    )
    .action(chosen(async () => (await import('./inject.ts')).boardInject));
}
