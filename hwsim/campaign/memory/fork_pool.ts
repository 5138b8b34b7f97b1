import type { ImageFacts } from '../../../host/engine/engine.ts';
import { runScenario } from '../../fleet/run.ts';
import { layWorld } from '../../world/plan.ts';
import { AgreementWatch, Decided } from './agreement.ts';
import type { Bookkeeping } from './bookkeeping.ts';
import { hostBytes } from './cluster_engine.ts';
import type { Evidence } from './evidence.ts';
import { ForkEngine, type Injection, type Spares } from './fork_engine.ts';
import { flightOptions, type Golden, machinesFor } from './golden.ts';
import { Machine, type Program } from './machine.ts';
import { recoveryHours, scrubCycleHours } from './scenario.ts';

/** Time before a divergence that is examined as well: calls are dated by the last trace entry. */
const marginMs = 60_000;
const hourMs = 3_600_000;

/** Flies forks of the golden run, with machines that are reused from fork to fork. */
export class ForkPool {
  readonly #image: ImageFacts;
  readonly #golden: Golden;
  readonly #machines: Machine[];
  readonly #spares: Spares;
  readonly #goldenAgreed: readonly number[];

  constructor(
    program: Program,
    image: ImageFacts,
    golden: Golden,
    goldenAgreed: readonly number[],
    bookkeeping: Bookkeeping,
  ) {
    this.#image = image;
    this.#golden = golden;
    this.#machines = machinesFor(program, golden.setup.scenario.nodes);
    this.#spares = {
      replica: new Machine(program),
      alternative: new Machine(program),
      bookkeeping,
      host: new Uint8Array(hostBytes),
    };
    this.#goldenAgreed = goldenAgreed;
  }

  /**
   * Flies the run again with one injection and returns what was seen. The fork lasts for a scrub
   * cycle and the time to recover after `divergedMs`, or to the run's end.
   */
  fly(injection: Injection, divergedMs: number): Evidence {
    const { setup } = this.#golden;
    const { scenario, seed, body, hours } = setup;
    const endHours = Math.min(hours, divergedMs / hourMs + scrubCycleHours + recoveryHours);
    const engine = new ForkEngine(this.#machines, this.#image, this.#spares, this.#golden, injection);
    const { replica } = engine;
    const plan = layWorld(scenario, { seed, nodes: scenario.nodes, body });
    const fromMs = divergedMs - marginMs;
    const watch = new AgreementWatch(plan, injection.node, fromMs, this.#goldenAgreed);
    // Neither a trap, whose restart reads everything anew, nor a discarded record leaves anything
    // injected behind. Once all agree again nothing more can be seen.
    if (injection.how === 'trap') watch.stop = { fromMs, afterBoot: true };
    replica.onDiscard = (timeMs) => {
      watch.stop = { fromMs: timeMs, afterBoot: false };
    };
    replica.onAlike = () => {
      watch.stop ??= { fromMs, afterBoot: true };
    };
    try {
      runScenario(scenario, flightOptions({ ...setup, hours: endHours }, engine, [watch]));
    } catch (error) {
      if (!(error instanceof Decided)) {
        if (!engine.isTrap(error)) throw error;
        engine.evidence.diesBooting = true;
      }
    }
    const evidence = replica.finish(engine.timeMs);
    addRecovery(evidence, watch);
    return evidence;
  }
}

/** Adds when the node was back after its detection, and when all agreed again. */
function addRecovery(evidence: Evidence, watch: AgreementWatch): void {
  const { detection } = evidence;
  if (detection === null || evidence.diesBooting) return;
  // The time of calls is up to a minute early; the trace has the exact time at which the node went
  // down.
  if (detection.by === 'trap' || detection.by === 'hang')
    detection.timeMs = watch.downs.find((downMs) => downMs >= detection.timeMs) ?? detection.timeMs;
  evidence.bootedMs = watch.ups.find((upMs) => upMs >= detection.timeMs) ?? null;
  evidence.agreedMs = watch.agreedFrom(evidence.bootedMs ?? detection.timeMs);
  evidence.excusedMs = watch.silencedMs(detection.timeMs, recoveryHours * hourMs);
}
