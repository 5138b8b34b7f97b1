import type { Command } from 'commander';
import { examples, jsonOption } from '../options.ts';

/** Declares `decode`. */
export function addDecodeCommand(program: Command): void {
  program
    .command('decode')
    .argument(
      '<hex-or-file>',
      'a frame or platform record: hexadecimal digits, or a file of such digits or of the bytes',
    )
    .description('show a frame in CBOR diagnostic notation, with the names of its fields')
    .option(
      '--keys <folder-or-file>',
      'open the frame with the link keys found here: the folder of a fleet or cluster, the file of a key epoch or node',
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        'decode 8218a103',
        'decode frame.bin',
        'decode --keys fleet frame.bin',
        'decode --keys fleet/cluster-7/node-3.json frame.bin',
      ),
    )
    .action(async (argument, options) => (await import('./decode.ts')).decode(argument, options));
}
