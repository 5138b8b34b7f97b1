import type { Controller } from './controller.ts';
import { type CheckpointStore, ExternalCheckpoints } from './nonvolatile.ts';
import { FaultableMemoryBoard } from './faultable_memory.ts';
import { CheckpointSlots } from './checkpoint_slots.ts';

/**
 * Returns the checkpoint store of a node; controller null: its context is in the engine's memory.
 */
export function checkpointStoreOf(controller: Controller | null): CheckpointStore {
  if (controller === null) return new CheckpointSlots();
  if (controller instanceof FaultableMemoryBoard) return controller;
  return new ExternalCheckpoints((age) => controller.corrupt(age));
}
