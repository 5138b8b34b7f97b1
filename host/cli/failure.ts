import { CommanderError } from 'commander';
import { CommandError, type ExitCode, exitCode } from './exit.ts';

/**
 * Maps an error to its exit code. The classes of errors are loaded here, after the error, so that
 * commands start fast.
 */
export async function exitCodeOf(error: unknown): Promise<ExitCode> {
  // Refusals of the parser are wrong usage; asking for help is none.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  if (error instanceof CommandError) return error.code;
  const { EngineError } = await import('../engine/addon.ts');
  const { NoNodeError } = await import('../node/query_server.ts');
  const { RadioError } = await import('../radio/radio.ts');
  const { KeyFileError } = await import('../store/keys/file.ts');
  const { StoreError } = await import('../store/store.ts');
  const { ToolError } = await import('../board/toolchain.ts');
  if (error instanceof KeyFileError) return exitCode.input;
  if (error instanceof RadioError) return /cannot bind/.test(error.message) ? exitCode.environment : exitCode.usage;
  if (error instanceof NoNodeError) return exitCode.environment;
  if (error instanceof StoreError || error instanceof EngineError || error instanceof ToolError)
    return exitCode.environment;
  return exitCode.internal;
}
