import { join } from 'node:path';
import { boardTools, installCommand } from '../../host/build/boards.mjs';
import { boardFolder, emulatorArguments, type TargetName, targets } from '../../host/board/targets.ts';
import type { ImageFacts } from '../../host/engine/engine.ts';
import { EmulatedBoard } from './emulated_board.ts';
import type { EmulatorPool } from './pool.ts';

const presetNumbers = { flight: 1, compact: 2, tiny: 3 } as const;

/** Where `board build` puts the image that an emulator loads. */
export function elfOf(name: TargetName): string {
  return join(boardFolder(targets[name]), 'heliograph.elf');
}

/**
 * A board of this target in QEMU, not started yet. `image` is what the simulator flies under the target's preset: the board must carry the same. `id` is unique
 * in the pool; `elf` another program than the one that was built.
 */
export function qemuBoard(
  pool: EmulatorPool,
  id: string,
  name: TargetName,
  image: ImageFacts | null,
  elf = elfOf(name),
): EmulatedBoard {
  const target = targets[name];
  const identity =
    image === null
      ? null
      : {
          target: target.id,
          preset: presetNumbers[target.preset],
          contextBytes: image.contextBytes,
          imageSha256: image.sha256,
        };
  return new EmulatedBoard({
    pool,
    id,
    title: `board ${id} (${target.name}, ${elf})`,
    command: target.emulator,
    remedy: installCommand([boardTools[target.emulator]]),
    rebuild: `npx heliograph board build ${name}`,
    identity,
    arguments: (line, ramFile) => [
      ...emulatorArguments(target, elf, ramFile),
      ...['-chardev', `pipe,id=port,path=${line}`, '-serial', 'chardev:port'],
    ],
  });
}
