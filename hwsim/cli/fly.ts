import { SingleBar } from 'cli-progress';
import { startStopwatch } from '../../host/clock/clock.ts';
import type { Engine } from '../../host/engine/engine.ts';
import type { CipherName } from '../../host/security/cipher.ts';
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
  cipher?: CipherName;
  consumers: TraceConsumer[];
}

/** Flies a scenario with a progress bar on stderr when a person watches. Returns the run's facts and its wall seconds. */
export function fly({ scenario, body, engine, controllers, ownEngine, cipher, consumers }: Flight): {
  facts: RunFacts;
  wallS: number;
} {
  const seconds = startStopwatch();
  const bar = process.stderr.isTTY
    ? new SingleBar({ format: '{bar} day {day} of {days}  {factor} × real time' })
    : null;
  const { seed, days, nodes } = scenario;
  bar?.start(days * 24, 0, { day: '0.0', days, factor: '–' });
  const onProgress = (simulatedS: number) => {
    const factor = Math.round(simulatedS / seconds()).toLocaleString('en');
    bar?.update(simulatedS / 3600, { day: (simulatedS / 86_400).toFixed(1), factor });
    // The loop never yields to timers, so the bar draws itself.
    (bar as unknown as { render?: () => void } | null)?.render?.();
  };
  try {
    const facts = runScenario(scenario, {
      seed,
      days,
      nodes,
      body,
      engine,
      controllers,
      ownEngine,
      cipher,
      consumers,
      onProgress,
    });
    return { facts, wallS: seconds() };
  } finally {
    bar?.stop();
  }
}
