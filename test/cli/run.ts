import { type SpawnSyncOptionsWithStringEncoding, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { rootFolder } from '../../host/build/root.ts';

export const command = join(rootFolder, 'dist', 'heliograph.mjs');

/** What a command printed, and how it ended. */
export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

const options: SpawnSyncOptionsWithStringEncoding = { encoding: 'utf8', cwd: rootFolder, maxBuffer: 1 << 28 };

/** Runs the bundled command line. */
export function run(...args: string[]): Ended {
  return spawnSync(process.execPath, [command, ...args], options);
}

/** Runs the bundled command line with other options, as an environment or an input. */
export function runWith(
  more: { cwd?: string; env?: NodeJS.ProcessEnv; input?: string | Buffer },
  ...args: string[]
): Ended {
  return spawnSync(process.execPath, [command, ...args], { ...options, ...more });
}

/** Runs a line of bash in which `heliograph` stands for the bundled command line. */
export function shell(line: string, cwd = rootFolder): Ended {
  const alias = `heliograph() { '${process.execPath}' '${command}' "$@"; }; npx() { "$@"; };`;
  return spawnSync('bash', ['-c', `${alias} ${line}`], { ...options, cwd });
}

/** A short flight, as arguments of `sim`. */
export const shortFlight = ['sim', 'quiet', '--days', '0.05', '--nodes', '5', '--seed', '7'];
