import type { Command } from 'commander';
import { examples, jsonOption } from '../options.ts';

/** Declares `decode`. */
export function addDecodeCommand(program: Command): void {
  program
    .command('decode')
    .argument(
      '<hex-or-file>',
      'hexadecimal digits of a frame or record; a file of digits or bytes; a file that heliograph wrote; ' +
        "a run's folder; '-' for the standard input",
    )
    .description('show frames, records, recordings, stored records and key files, with the names of their fields')
    .option(
      '--keys <folder-or-file>',
      'open frames with the link keys found here: the folder of a fleet or cluster, the file of a key epoch or node',
    )
    .addOption(jsonOption('print one JSON object, or one per line for a recording'))
    .addHelpText(
      'after',
      examples(
        'decode 8318a10344b4ac3af6',
        'decode frame.bin',
        'decode --keys fleet frame.bin',
        'decode runs/quiet',
        'decode runs/quiet/events.jsonl.gz',
        'decode state/node-3/checkpoint.a',
        'decode -',
      ),
    )
    .action(async (argument, options) => (await import('./decode.ts')).decode(argument, options));
}
