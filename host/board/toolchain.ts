/** Cross compilers and emulators: Debian packages, not npm's. What is missing is named with the command that brings it. */
import { spawn, spawnSync } from 'node:child_process';
import { type Target, targetNames, targets } from './targets.ts';

/** A tool is missing, or refused its input; the message says which and what to do. */
export class ToolError extends Error {}

export function isInstalled(command: string): boolean {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** The command that installs `packages`. */
export function installCommand(packages: readonly string[]): string {
  return `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
}

/** Debian packages that these targets need and this machine lacks. */
export function missingPackages(names: readonly Target['name'][] = targetNames): string[] {
  const missing = new Set<string>();
  for (const target of names.map((name) => targets[name])) {
    if (!isInstalled(`${target.compiler}gcc`)) missing.add(target.compilerPackage);
    if (!isInstalled(target.emulator)) missing.add(target.emulatorPackage);
  }
  return [...missing];
}

/** Throws unless the target's compiler is there. */
export function requireCompiler(target: Target): void {
  if (isInstalled(`${target.compiler}gcc`)) return;
  throw new ToolError(
    `${target.compiler}gcc is missing, which compiles for ${target.name}: ${installCommand([target.compilerPackage])}`,
  );
}

/** Runs a tool to its end; what it prints on stdout. Throws with its own words when it fails or warns: boards' C is free of warnings. */
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
