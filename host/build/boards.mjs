/**
 * Debian packages that boards need: cross compilers, emulators, a host compiler for the counting
 * plugin, and the flash tool.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { dist } from './paths.mjs';

/** Command → package. */
export const boardTools = {
  'arm-none-eabi-gcc': 'gcc-arm-none-eabi',
  'riscv64-unknown-elf-gcc': 'gcc-riscv64-unknown-elf',
  'sparc64-linux-gnu-gcc': 'gcc-sparc64-linux-gnu',
  'qemu-system-arm': 'qemu-system-arm',
  'qemu-system-riscv64': 'qemu-system-misc',
  'qemu-system-riscv32': 'qemu-system-misc',
  'qemu-system-sparc': 'qemu-system-sparc',
  openocd: 'openocd',
  gcc: 'gcc',
};

/** Says whether a command answers; `question`: the word that asks for its version. */
export function isInstalled(command, question = '--version') {
  return spawnSync(command, [question], { stdio: 'ignore' }).status === 0;
}

/** Packages of the commands that do not answer. */
export function missingPackages(commands = Object.keys(boardTools)) {
  return [...new Set(commands.filter((command) => !isInstalled(command)).map((command) => boardTools[command]))];
}

/** The command that installs packages. */
export function installCommand(packages = [...new Set(Object.values(boardTools))]) {
  return `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`;
}

/** Installs what is missing; throws with the reason when that cannot be done here. */
export function installBoardTools() {
  installPackages(missingPackages());
}

/** Installs Debian packages; throws with the reason when that cannot be done here. */
export function installPackages(packages) {
  if (packages.length === 0) return;
  if (process.getuid?.() !== 0) throw new Error('only root may install packages');
  const run = spawnSync('sh', ['-c', installCommand(packages)], {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (run.status !== 0)
    throw new Error((run.stderr || run.error?.message || 'apt-get failed').trim().split('\n').pop());
}

/**
 * Builds all five before tests run beside each other; afterwards nothing has to be built. Throws
 * with the compilers' words.
 */
export function buildBoards() {
  const run = spawnSync(process.execPath, [join(dist, 'heliograph.mjs'), 'board', 'build', 'all'], {
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(run.stderr.trim() || 'board build failed');
}
