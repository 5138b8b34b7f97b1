import { budgetExport, metered } from '../campaign/memory/instrument.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { createEngine } from '../../host/engine/load.ts';
import type { EngineName } from '../../host/engine/names.ts';

/**
 * Loop iterations that one call may take. A sound image takes a fiftieth of them at most
 * (hwsim/campaign/memory/setting.ts). On a board the watchdog would reset the processor then.
 */
const loopTurnsMax = 1_000_000;

/**
 * Makes engines for nodes whose memory is faultable: a call that would never end traps at site 0,
 * after the same number of loop iterations on every machine. V8 has no fuel, and a clock would not
 * be deterministic.
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
