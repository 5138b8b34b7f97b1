import { join } from 'node:path';
import { boardTools, installCommand } from '../../host/build/boards.mjs';
import { boardFolder, emulatorArguments, type TargetName, targets } from '../../host/board/targets.ts';
import type { ImageFacts } from '../../host/engine/engine.ts';
import { EmulatedBoard } from './emulated_board.ts';
import type { EmulatorPool } from './pool.ts';
import { PRESET } from '../../host/cbor/generated.ts';

/** Returns the path of the image that `board build` makes and an emulator loads. */
export function elfOf(name: TargetName): string {
  return join(boardFolder(targets[name]), 'heliograph.elf');
}

/**
 * Makes a board of this target in QEMU, not started yet. `image`: the image that the simulator
 * flies under the target's preset; the board must have the same one. `id`: unique in the pool.
 * `elf`: another program than the built one.
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
          preset: PRESET[target.preset],
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
