import type { Controller } from './controller.ts';
import { type CheckpointStore, KeptElsewhere } from './nonvolatile.ts';
import { FaultableMemoryBoard } from './faultable_memory.ts';
import { CheckpointSlots } from './checkpoint_slots.ts';

/** Who keeps a node's checkpoints; null: its context lies in the engine's memory. */
export function checkpointStoreOf(controller: Controller | null): CheckpointStore {
  if (controller === null) return new CheckpointSlots();
  if (controller instanceof FaultableMemoryBoard) return controller;
  return new KeptElsewhere((age) => controller.spoil(age));
}
