import { CommandError, exitCode } from '../../host/cli/exit.ts';

/**
 * Makes an action whose module is loaded only when its command is chosen. Errors of the simulator
 * become CommandErrors: a wrong scenario or catalogue is wrong input (3), a failed emulator is a
 * fault of the machine (4).
 */
export function chosen<Given extends unknown[]>(
  load: () => Promise<(...given: Given) => void | Promise<void>>,
): (...given: Given) => Promise<void> {
  return async (...given) => {
    try {
      const action = await load();
      await action(...given);
    } catch (error) {
      throw await translated(error);
    }
  };
}

async function translated(error: unknown): Promise<unknown> {
  const { EmulatorError } = await import('../emulator/pool.ts');
  const { ScenarioError } = await import('../scenario/load.ts');
  const { CatalogueError } = await import('../world/bodies.ts');
  if (error instanceof EmulatorError) return new CommandError(error.message, exitCode.environment);
  if (error instanceof ScenarioError || error instanceof CatalogueError)
    return new CommandError(error.message, exitCode.input);
  return error;
}
