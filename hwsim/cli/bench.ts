import { type Command, InvalidArgumentError } from 'commander';
import { type TargetName, targetNames } from '../../host/board/targets.ts';
import { benchCycles } from './bench_cycles.ts';
import { wholeNumber } from '../../host/cli/input.ts';

/** `bench …`: what the image costs on flight processors (BRD-1). */
export function addBenchCommands(program: Command, examples: (...lines: string[]) => string): void {
  const bench = program.command('bench').description('what the image costs on flight processors');
  bench
    .command('cycles')
    .option('--target <name...>', `${targetNames.join(', ')}; all when none is named`, collectTarget)
    .option('--worst', 'search for the slowest inputs first')
    .option('--evaluations <n>', 'length of that search', wholeNumber('--evaluations', 0, 1_000_000), 400)
    .option('--seed <n>', 'what is drawn, is drawn from it', wholeNumber('--seed', 0, 0xffffffff), 1)
    .option('--out <file>', 'keep the table there as JSON, and as cycles.md beside it')
    .option('--json', 'print the table as one JSON object')
    .description('instructions per operation on every target, utilisation, stack, and the ratio to hand-written C')
    .addHelpText(
      'after',
      examples(
        'bench cycles',
        'bench cycles --target m7 --json',
        'bench cycles --worst --out docs/results/cycles.json',
      ),
    )
    .action(benchCycles);
}

function collectTarget(word: string, before: readonly TargetName[] = []): TargetName[] {
  const name = targetNames.find((each) => each === word);
  if (name === undefined) throw new InvalidArgumentError(`targets are ${targetNames.join(', ')}`);
  return before.includes(name) ? [...before] : [...before, name];
}
