import { Command, CommanderError } from 'commander';
import { loadAddon } from '../engine/addon.ts';
import { addBoardCommands } from './board/commands.ts';
import { addCompletionCommand } from './completion/commands.ts';
import { addDecodeCommand } from './decode/commands.ts';
import { exitCode, exitCodesHelp } from './exit.ts';
import { exitCodeOf } from './failure.ts';
import { addKeysCommands } from './keys/commands.ts';
import { addNodeCommand } from './node/commands.ts';
import { ClosedPipe, columnsMax, watchPipes } from './output.ts';

/**
 * Wires the commands and maps errors to exit codes: the composition root. The commands that fly are
 * declared in hwsim/cli; the module of a command is loaded when the command is chosen.
 */
const program = new Command('heliograph')
  .description('Flight runtime for self-coordinating spacecraft fleets, and the simulator that proves it.')
  .version('0.1.0')
  .showHelpAfterError('(--help says more)')
  // An option behind a command's name is that command's, even if its parent has one alike.
  .enablePositionalOptions()
  .addHelpText('after', exitCodesHelp)
  .configureOutput({ getOutHelpWidth: () => columnsMax, getErrHelpWidth: () => columnsMax })
  .exitOverride();

watchPipes();
const { addSimulatorCommands, placeInWorld } = await import('../../hwsim/cli/commands.ts');
const board = addBoardCommands(program);
addSimulatorCommands(program, board);
addNodeCommand(program, placeInWorld);
addDecodeCommand(program);
addKeysCommands(program);
addCompletionCommand(program);

function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) throwInsteadOfExit(child);
}

throwInsteadOfExit(program);
// Checks the engine before anything is written or bound, for every command alike.
program.hook('preAction', (_, command) => {
  if (command.opts().engine === 'wasmtime') loadAddon();
});

/** Reports an error on stderr and sets the exit code. */
async function fail(error: unknown): Promise<void> {
  const code = await exitCodeOf(error);
  if (code === exitCode.internal) console.error(`heliograph: a fault of its own: ${(error as Error).stack ?? error}`);
  else if (!(error instanceof CommanderError)) console.error(`heliograph: ${(error as Error).message}`);
  process.exitCode = code;
}

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof ClosedPipe) process.exit(exitCode.ok);
  await fail(error);
}
