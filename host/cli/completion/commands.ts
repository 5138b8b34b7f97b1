import { Argument, type Command } from 'commander';
import { examples } from '../options.ts';
import { print } from '../output.ts';

/** Declares `completion`, which completes the commands of `program`: it must be declared last. */
export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .description('print a script that completes commands, options and their values in a shell')
    .addHelpText(
      'after',
      `${examples('completion bash > ~/.local/share/bash-completion/completions/heliograph')}

For this session only:
  bash   source <(npx heliograph completion bash)
  zsh    source <(npx heliograph completion zsh)
  fish   npx heliograph completion fish | source`,
    )
    .action(async (name) => {
      const { completedCommands } = await import('./tree.ts');
      const { completionScript } = await import('./scripts.ts');
      print(completionScript(name, completedCommands(program)).trimEnd());
    });
}
