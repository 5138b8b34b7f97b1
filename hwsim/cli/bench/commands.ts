import { type Command, InvalidArgumentError, Option } from 'commander';
import { type TargetName, targetNames } from '../../../host/board/targets.ts';
import { examples, jsonOption, outReportOption, seedOption, wholeOption } from '../../../host/cli/options.ts';
import { suggest } from '../../../host/cli/suggestions.ts';
import { chosen } from '../chosen.ts';

/** Declares `bench …`: what the image costs on flight processors (BRD-1). */
export function addBenchCommands(program: Command): void {
  const bench = program.command('bench').description('measure what the image costs on flight processors');
  bench
    .command('cycles')
    .addOption(
      suggest(
        new Option('--target <name...>', `${targetNames.join(', ')}; all when none is named`).argParser(collectTarget),
        targetNames,
      ),
    )
    .option('--worst', 'search for the slowest inputs first')
    .addOption(wholeOption('--evaluations <n>', 'length of that search', 0, 1_000_000).default(400))
    .addOption(seedOption().default(1))
    .addOption(outReportOption('write the JSON table to this file as well, and cycles.md beside it'))
    .addOption(jsonOption('print the table as one JSON object'))
    .description('instructions per operation on every target, utilisation, stack, and the ratio to hand-written C')
    .addHelpText(
      'after',
      examples(
        'bench cycles',
        'bench cycles --target m7 --json',
        'bench cycles --worst --out docs/results/cycles.json',
      ),
    )
    .action(chosen(async () => (await import('./cycles.ts')).benchCycles));
}

function collectTarget(word: string, before: readonly TargetName[] = []): TargetName[] {
  const name = targetNames.find((each) => each === word);
  if (name === undefined) throw new InvalidArgumentError(`targets are ${targetNames.join(', ')}`);
  return before.includes(name) ? [...before] : [...before, name];
}
