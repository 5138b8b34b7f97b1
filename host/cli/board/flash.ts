import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildTarget, isBuilt } from '../../board/build.ts';
import { flashInvocation, probeTrouble, requireRecipe } from '../../board/flash.ts';
import { boardFolder, realBoards, type TargetName } from '../../board/targets.ts';
import { compilerOf, requireTools } from '../../board/toolchain.ts';
import { quoted } from '../again.ts';
import { CommandError, exitCode } from '../exit.ts';
import { print } from '../output.ts';

export interface BoardFlashOptions {
  probe: string;
  image?: string;
  dryRun?: boolean;
}

/**
 * Runs `board flash`. Exit 4 when no probe answers, a tool is missing, or the target has no recipe.
 * With --dry-run nothing is built and no tool is needed.
 */
export async function boardFlash(name: TargetName, { probe, image, dryRun }: BoardFlashOptions): Promise<void> {
  requireRecipe(name);
  const target = realBoards[name]!;
  if (image !== undefined && !existsSync(image))
    throw new CommandError(`${image}: there is no such file`, exitCode.input);
  if (dryRun) {
    const elf = image ?? join(boardFolder(target), 'heliograph.elf');
    print(flashInvocation(name, probe, elf).map(quoted).join(' '));
    return;
  }
  requireTools(['openocd', ...(image !== undefined || isBuilt(target) ? [] : [compilerOf(target)])]);
  const elf = image ?? (await buildTarget(target)).elf;
  const [command, ...words] = flashInvocation(name, probe, elf);
  process.stderr.write(`board flash: ${command} writes ${elf}\n`);
  const run = spawnSync(command, words, { encoding: 'utf8' });
  process.stderr.write(run.stderr);
  if (run.status === 0) return;
  const trouble = probeTrouble(run.stderr, probe) ?? 'OpenOCD failed; its messages stand above';
  throw new CommandError(trouble, exitCode.environment);
}
