import { type Command, Option } from 'commander';
import { targetNames } from '../../../host/board/targets.ts';
import {
  examples,
  jobsOption,
  jsonOption,
  outLinesOption,
  resumeOption,
  seedOption,
  wholeOption,
} from '../../../host/cli/options.ts';
import { chosen } from '../chosen.ts';
import { memoryModels } from '../../campaign/fault_models.ts';

/** Declares `inject`. */
export function addInjectCommand(program: Command): void {
  program
    .command('inject')
    .description('flip bits in a cluster of real firmware, run after run, and count the outcomes')
    .addOption(
      new Option('--target <name>', 'what the faults are injected into')
        .choices(['wasm', ...targetNames])
        .default('wasm'),
    )
    .option(
      '--model <list>',
      `fault models with commas between: ${memoryModels.join(', ')}; on boards also register and skip; ` +
        'mixed: bit, double and burst',
      'mixed',
    )
    .addOption(wholeOption('--n <n>', 'number of injections (default: 20000; on boards 200)', 1, 100_000_000))
    .addOption(seedOption().default(1))
    .option('--unprotected', 'inject into the image without protection only; without this option it is the baseline')
    .addOption(
      wholeOption(
        '--baseline <n>',
        'injections into the image without protection (default: as many, at most 4000)',
        0,
        100_000_000,
      ),
    )
    .addOption(jobsOption())
    .addOption(outLinesOption('injection'))
    .addOption(resumeOption())
    .addOption(wholeOption('--only <index>', 'make this one injection and report it in full', 0, 100_000_000))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        'inject --n 2000',
        'inject --n 20000 --seed 1 --json',
        'inject --n 1500000 --out long.jsonl --resume',
        'inject --seed 1 --only 17',
      ),
    )
    .action(chosen(async () => (await import('./inject.ts')).inject));
}
