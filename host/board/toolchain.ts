/**
 * Finds and runs cross compilers and emulators, which are Debian packages and not npm's. A missing
 * tool is named with the command that installs it.
 */
import { spawn } from 'node:child_process';
import { installCommand, isInstalled, missingPackages } from '../build/boards.mjs';
import type { Target } from './targets.ts';

/** A tool is missing, or failed on its input; the message says which and what to do. */
export class ToolError extends Error {}

/**
 * Throws ToolError when commands are missing: it names all of them, and one command that installs
 * them.
 */
export function requireTools(commands: readonly string[]): void {
  const missing = [...new Set(commands)].filter((command) => !isInstalled(command));
  if (missing.length === 0) return;
  const verb = missing.length === 1 ? 'is' : 'are';
  throw new ToolError(`${missing.join(', ')} ${verb} not installed: ${installCommand(missingPackages(missing))}`);
}

/** The compiler's command for a target. */
export function compilerOf(target: Target): string {
  return `${target.compiler}gcc`;
}

/**
 * Runs a tool to its end and returns its standard output. Throws with the tool's own message when
 * it fails or warns: the boards' C is free of warnings.
 */
export function runTool(command: string, args: readonly string[], folder: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let words = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      words += chunk;
    });
    child.on('error', (error) => reject(new ToolError(`${command} does not start: ${error.message}`)));
    child.on('close', (code) => {
      if (code === 0 && words === '') resolve(out);
      else reject(new ToolError(`${command} ${args.join(' ')}\n${words}`));
    });
  });
}
