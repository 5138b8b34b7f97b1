import { budgetExport, metered } from '../campaign/memory/instrument.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { createEngine } from '../../host/engine/load.ts';
import type { EngineName } from '../../host/engine/names.ts';

/**
 * Turns of loops that one call may take; a sound image takes a fiftieth of them at most
 * (hwsim/campaign/memory/setting.ts). On a board the watchdog would bite then.
 */
const loopTurnsMax = 1_000_000;

/**
 * Instances of an image whose memory errs: a call that would never end breaks off, after the same
 * number of turns everywhere, at site 0. V8 has no fuel, and a clock would not be deterministic.
 */
export async function meteredEngines(name: EngineName, image: Uint8Array): Promise<() => Engine> {
  const instrumented = await metered(image, loopTurnsMax);
  return () => {
    const engine = createEngine(name, instrumented);
    const calls = { ...engine.calls };
    const left = (calls as unknown as Record<string, { value: number } | undefined>)[budgetExport];
    calls.trap_site = () => (left?.value === 0 ? 0 : engine.calls.trap_site());
    return { ...engine, calls };
  };
}
