import { startProgress } from '../../host/cli/progress.ts';
import { startStopwatch } from '../../host/clock/clock.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { type RunFacts, runScenario } from '../fleet/run.ts';
import type { Controller } from '../board/controller.ts';
import type { TraceConsumer } from '../kernel/trace.ts';
import type { Scenario } from '../scenario/schema.ts';
import type { Body } from '../world/bodies.ts';

export interface Flight {
  scenario: Scenario;
  body: Body;
  engine: Engine;
  controllers?: ReadonlyMap<number, Controller>;
  ownEngine?: () => Engine;
  consumers: TraceConsumer[];
  /** The name beside the progress; default: the scenario's. */
  label?: string;
  /** The flight is part of a command that shows progress or events itself. */
  silent?: boolean;
}

/**
 * Flies a scenario and shows progress on stderr. Returns the facts of the run and its wall seconds.
 */
export function fly({ scenario, silent, label = scenario.name, ...flight }: Flight): {
  facts: RunFacts;
  wallS: number;
} {
  const seconds = startStopwatch();
  const { seed, days, nodes } = scenario;
  const progress = startProgress(label, days * 86_400, { silent });
  const onProgress = (simulatedS: number) => {
    const factor = Math.round(simulatedS / seconds()).toLocaleString('en');
    progress.update(simulatedS, `day ${(simulatedS / 86_400).toFixed(1)} of ${days}, ${factor} × real time`);
  };
  try {
    const facts = runScenario(scenario, { seed, days, nodes, ...flight, onProgress });
    return { facts, wallS: seconds() };
  } finally {
    progress.stop();
  }
}
