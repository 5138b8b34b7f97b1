import { type Command, InvalidArgumentError } from 'commander';
import { type TargetName, targetNames } from '../board/targets.ts';
import { boardBuild } from './board_build.ts';
import { boardFlash } from './board_flash.ts';
import { boardInject } from './board_inject.ts';
import { wholeNumber } from './input.ts';

/** `board …`: the image on flight processors (BRD-1). */
export function addBoardCommands(program: Command, examples: (...lines: string[]) => string): void {
  const board = program.command('board').description('build, run, compare and flash the image on five flight processors');
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
  addInject(board, examples);
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
    .option('--linear <a>', 'flip it in the byte at this address of linear memory', wholeNumber('--linear', 0, 0xffffffff))
    .option('--symbol <name>', 'flip it in the first byte of this variable')
    .option('--inputs <n>', 'length of the recorded run', wholeNumber('--inputs', 1, 2000), 60)
    .option('--json', 'print the outcome as one JSON object')
    .description('flip one bit at an exact instruction of a recorded run, and say what came of it')
    .addHelpText(
      'after',
      examples('board inject m7 --at 80000 --bit 5 --register r4', 'board inject leon3 --call 12 --at 100 --bit 0 --linear 9000'),
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
