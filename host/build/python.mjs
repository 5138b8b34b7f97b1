/**
 * Makes a Python environment in dist/python with the packages of test/interop/requirements.txt, for
 * the codec that is written from the docs alone. Nothing but tests uses it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dist, root } from './paths.mjs';

const folder = join(dist, 'python');
const requirements = join(root, 'test/interop/requirements.txt');
const stampFile = join(folder, 'installed.txt');

export const pythonPath = join(folder, 'bin', 'python');
export const pythonCommand =
  'python3 -m venv dist/python && dist/python/bin/pip install -r test/interop/requirements.txt';

/** True when the environment holds what the requirements name now. */
export function isPythonReady() {
  if (!existsSync(pythonPath) || !existsSync(stampFile)) return false;
  return readFileSync(stampFile, 'utf8') === readFileSync(requirements, 'utf8');
}

function run(command, words) {
  const { status, stderr, error } = spawnSync(command, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error((stderr || error?.message || `${command} failed`).trim().split('\n').pop());
}

/** Makes the environment anew; throws with the reason when that is not possible here. */
export function installPython() {
  rmSync(folder, { recursive: true, force: true });
  run('python3', ['-m', 'venv', folder]);
  run(pythonPath, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
  writeFileSync(stampFile, readFileSync(requirements));
}
