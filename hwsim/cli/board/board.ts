import { type Command, InvalidArgumentError } from 'commander';
import { type TargetName, targetNames } from '../../../host/board/targets.ts';
import { boardBuild } from '../../../host/cli/board/build.ts';
import { boardFlash } from '../../../host/cli/board/flash.ts';
import { boardInject } from './inject.ts';
import { boardRun } from './run.ts';
import { boardTrace } from './trace.ts';
import { positiveNumber, wholeNumber } from '../../../host/cli/input.ts';

/** `board …`: the image on flight processors (BRD-1). */
export function addBoardCommands(program: Command, examples: (...lines: string[]) => string): void {
  const board = program
    .command('board')
    .description('build, run, compare and flash the image on five flight processors');
  board
    .command('build')
    .argument('<targets...>', `${targetNames.join(', ')}, or all`, collectTargets)
    .option('--force', 'build although nothing changed')
    .option('--json', 'print files, sizes and budgets as one JSON object')
    .description('compile the image for boards: ELF, raw binary, Intel HEX, map, and sizes against the budget')
    .addHelpText('after', examples('board build all', 'board build m7 leon3', 'board build m4 --json'))
    .action(boardBuild);
  board
    .command('flash')
    .argument('<target>', 'm7', (word: string) => collectTargets(word)[0])
    .option('--probe <config>', "OpenOCD's interface configuration of the debug probe", 'interface/cmsis-dap.cfg')
    .option('--image <file>', 'flash this ELF instead of the built one')
    .option('--dry-run', 'print the invocation and do nothing')
    .description('write the image to a real board through OpenOCD; documented example: SAMV71 Xplained Ultra')
    .addHelpText('after', examples('board flash m7 --dry-run', 'board flash m7 --probe interface/jlink.cfg'))
    .action(boardFlash);
  addRun(board, examples);
  addTrace(board, examples);
  addInject(board, examples);
}

function addRun(board: Command, examples: (...lines: string[]) => string): void {
  board
    .command('run')
    .argument('<target>', targetNames.join(', '), (word: string) => collectTargets(word)[0])
    .option(
      '--scenario <name>',
      'whose node it is: a shipped scenario or a YAML file (default: a quiet cluster of 16, for 0.1 days)',
    )
    .option('--node <n>', 'which node', wholeNumber('--node', 0, 199), 3)
    .option('--nodes <n>', 'size of the cluster', wholeNumber('--nodes', 1, 200))
    .option('--days <d>', 'length of the run', positiveNumber('--days', 3660))
    .option('--seed <n>', 'what is drawn, is drawn from it', wholeNumber('--seed', 0, 0xffffffff))
    .description('boot the board in QEMU as one node of a simulated cluster and show its events live')
    .addHelpText('after', examples('board run m7', 'board run leon3 --scenario mixed-hardware --node 17 --days 0.5'))
    .action(boardRun);
}

function addTrace(board: Command, examples: (...lines: string[]) => string): void {
  board
    .command('trace')
    .argument('<targets...>', `${targetNames.join(', ')}, or all`, collectTargets)
    .option('--inputs <n>', 'length of the trace', wholeNumber('--inputs', 1, 1_000_000), 10_000)
    .option('--seed <n>', 'the run that is recorded is drawn from it', wholeNumber('--seed', 0, 0xffffffff), 1)
    .option('--image <file>', 'compare this ELF instead of the built one; for one target')
    .option('--out <file>', 'write the result there, as JSON')
    .option('--json', 'print the result as one JSON object')
    .description('feed one recorded trace to V8, Wasmtime and boards, and compare state and outputs after every input')
    .addHelpText(
      'after',
      examples('board trace all', 'board trace m4 leon3 --inputs 50000 --seed 7', 'board trace all --json'),
    )
    .action(boardTrace);
}

function addInject(board: Command, examples: (...lines: string[]) => string): void {
  board
    .command('inject')
    .argument('<target>', targetNames.join(', '), (word: string) => collectTargets(word)[0])
    .requiredOption('--at <n>', 'before instruction n of the run, or of the call', wholeNumber('--at', 0, 2 ** 40))
    .option('--call <k>', 'count instructions from the beginning of call k', wholeNumber('--call', 0, 2 ** 31))
    .requiredOption('--bit <b>', 'which bit of the register or byte', wholeNumber('--bit', 0, 63))
    .option('--register <name>', 'flip it in this register')
    .option('--address <a>', 'flip it in the byte at this address', wholeNumber('--address', 0, 0xffffffff))
    .option(
      '--linear <a>',
      'flip it in the byte at this address of linear memory',
      wholeNumber('--linear', 0, 0xffffffff),
    )
    .option('--symbol <name>', 'flip it in the first byte of this variable')
    .option('--inputs <n>', 'length of the recorded run', wholeNumber('--inputs', 1, 2000), 60)
    .option('--json', 'print the outcome as one JSON object')
    .description('flip one bit at an exact instruction of a recorded run, and say what came of it')
    .addHelpText(
      'after',
      examples(
        'board inject m7 --at 80000 --bit 5 --register r4',
        'board inject leon3 --call 12 --at 100 --bit 0 --linear 9000',
      ),
    )
    .action(boardInject);
}

/** Target names as given; `all` stands for every one. A name that is none is wrong usage. */
function collectTargets(word: string, before: readonly TargetName[] = []): TargetName[] {
  if (word === 'all') return [...targetNames];
  const name = targetNames.find((each) => each === word);
  if (name === undefined) throw new InvalidArgumentError(`targets are ${targetNames.join(', ')}, or all`);
  return before.includes(name) ? [...before] : [...before, name];
}
