import { Argument, type Command, InvalidArgumentError } from 'commander';
import { type TargetName, targetNames } from '../../board/targets.ts';
import { examples, jobsOption, jsonOption } from '../options.ts';
import { suggest } from '../suggestions.ts';

/**
 * Adds the named target to those named so far; `all` stands for every target. A word that names no
 * target is wrong usage.
 */
function collectTargets(word: string, before: readonly TargetName[] = []): TargetName[] {
  if (word === 'all') return [...targetNames];
  const name = targetNames.find((each) => each === word);
  if (name === undefined) throw new InvalidArgumentError(`targets are ${targetNames.join(', ')}, or all`);
  return before.includes(name) ? [...before] : [...before, name];
}

/** Parses the name of one target. */
function oneTarget(word: string): TargetName {
  const name = targetNames.find((each) => each === word);
  if (name === undefined) throw new InvalidArgumentError(`targets are ${targetNames.join(', ')}`);
  return name;
}

/** Declares `<targets...>`: boards by name, or all. */
export function targetsArgument(): Argument {
  const argument = new Argument('<targets...>', `${targetNames.join(', ')}, or all`).argParser(collectTargets);
  return suggest(argument, [...targetNames, 'all']);
}

/** Declares `<target>`: one board by name. */
export function targetArgument(): Argument {
  return suggest(new Argument('<target>', targetNames.join(', ')).argParser(oneTarget), targetNames);
}

/**
 * Declares the commands of `board` that need no simulator (BRD-1). Returns `board`, to which
 * hwsim/cli adds the others.
 */
export function addBoardCommands(program: Command): Command {
  const board = program
    .command('board')
    .description('build, run, compare and flash the image on five flight processors');
  board
    .command('build')
    .addArgument(targetsArgument())
    .option('--force', 'build even if nothing changed')
    .addOption(jobsOption('compilers at a time'))
    .addOption(jsonOption('print files, sizes and budgets as JSON'))
    .description('compile the image for boards: ELF, raw binary, Intel HEX, map, and sizes against the budget')
    .addHelpText('after', examples('board build all', 'board build m7 leon3', 'board build m4 --json'))
    .action(async (names, options) => (await import('./build.ts')).boardBuild(names, options));
  board
    .command('flash')
    .addArgument(suggest(new Argument('<target>', 'm7').argParser(oneTarget), ['m7']))
    .option('--probe <config>', "OpenOCD's interface configuration of the debug probe", 'interface/cmsis-dap.cfg')
    .option('--image <file>', 'flash this ELF instead of the built one')
    .option('--dry-run', 'print the OpenOCD command and do nothing')
    .description('write the image to a real board through OpenOCD; documented example: SAMV71 Xplained Ultra')
    .addHelpText('after', examples('board flash m7 --dry-run', 'board flash m7 --probe interface/jlink.cfg'))
    .action(async (name, options) => (await import('./flash.ts')).boardFlash(name, options));
  return board;
}
