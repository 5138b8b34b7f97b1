import { type Command, InvalidArgumentError } from 'commander';
import { type TargetName, targetNames } from '../board/targets.ts';
import { boardBuild } from './board_build.ts';
import { boardFlash } from './board_flash.ts';

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
}

/** Target names as given; `all` stands for every one. A name that is none is wrong usage. */
function collectTargets(word: string, before: readonly TargetName[] = []): TargetName[] {
  if (word === 'all') return [...targetNames];
  const name = targetNames.find((each) => each === word);
  if (name === undefined) throw new InvalidArgumentError(`targets are ${targetNames.join(', ')}, or all`);
  return before.includes(name) ? [...before] : [...before, name];
}
