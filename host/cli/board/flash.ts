import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { buildTarget } from '../../board/build.ts';
import { flashInvocation, probeTrouble, requireRecipe } from '../../board/flash.ts';
import { realBoards, type TargetName } from '../../board/targets.ts';
import { requireTool, ToolError } from '../../board/toolchain.ts';
import { CommandError, exitCode } from '../exit.ts';

export interface BoardFlashOptions {
  probe: string;
  image?: string;
  dryRun?: boolean;
}

/** `board flash`: exit 4 when no probe answers, OpenOCD is missing, or the target has no recipe. */
export async function boardFlash(name: TargetName, options: BoardFlashOptions): Promise<void> {
  try {
    requireRecipe(name);
    const image = options.image ?? (await buildTarget(realBoards[name]!)).elf;
    if (!existsSync(image)) throw new CommandError(`${image}: there is no such file`, exitCode.input);
    const invocation = flashInvocation(name, options.probe, image);
    if (options.dryRun) {
      console.log(invocation.map(quoted).join(' '));
      return;
    }
    requireTool('openocd', 'writes to a board');
    const run = spawnSync(invocation[0], invocation.slice(1), { encoding: 'utf8' });
    process.stderr.write(run.stderr);
    if (run.status === 0) return;
    const words = probeTrouble(run.stderr, options.probe) ?? 'OpenOCD failed; its words stand above';
    throw new CommandError(words, exitCode.environment);
  } catch (error) {
    if (error instanceof ToolError) throw new CommandError(error.message, exitCode.environment);
    throw error;
  }
}

function quoted(word: string): string {
  return /^[\w./:=-]+$/.test(word) ? word : `'${word}'`;
}
