import type { Engine } from '../../host/engine/engine.ts';
import { createEngine } from '../../host/engine/load.ts';
import type { EngineName } from '../../host/engine/names.ts';

/** Room for the contexts of 300 nodes. Untouched pages take no memory of the machine. */
const fleetPages = 512;

/** Makes an engine for all nodes of a flight: its memory seldom grows. */
export function createFleetEngine(name: EngineName, image: Uint8Array): Engine {
  return createEngine(name, image, { pages: fleetPages });
}
