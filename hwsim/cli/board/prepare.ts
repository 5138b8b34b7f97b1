import { buildBoard, isBuilt } from '../../../host/board/build.ts';
import { type TargetName, targets } from '../../../host/board/targets.ts';
import { compilerOf, requireTools } from '../../../host/board/toolchain.ts';
import { startProgress } from '../../../host/cli/progress.ts';

/**
 * Builds the images of boards that are missing or out of date. Throws ToolError (exit code 4) that
 * names all emulators and compilers that are missing, and `others`, with the command that installs
 * them.
 */
export async function prepareBoards(names: readonly TargetName[], others: readonly string[] = []): Promise<void> {
  const wanted = [...new Set(names)];
  const stale = wanted.filter((name) => !isBuilt(targets[name]));
  const emulators = wanted.map((name) => targets[name].emulator);
  requireTools([...emulators, ...stale.map((name) => compilerOf(targets[name])), ...others]);
  const progress = startProgress('build', stale.length);
  try {
    for (const [index, name] of stale.entries()) {
      progress.update(index, name);
      await buildBoard(name);
    }
  } finally {
    progress.stop();
  }
}
