import { type TargetName, targets } from '../../../host/board/targets.ts';
import { startStopwatch } from '../../../host/clock/clock.ts';
import { createV8Engine } from '../../../host/engine/v8.ts';
import { runScenario } from '../../fleet/run.ts';
import type { TraceConsumer } from '../../kernel/trace.ts';
import type { Scenario } from '../../scenario/schema.ts';
import type { Preset } from '../../../host/build/root.ts';
import { type BoardOutcome, emulatedBoards, prepareBoards, simulatedBoards } from '../boards.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { applyOverrides, loadBody, loadScenario } from '../input.ts';
import { missionClock } from '../../../host/cli/mission_clock.ts';
import { nameRecord } from '../../../host/cli/record_text.ts';
import { readImage } from '../../../host/engine/image.ts';

export interface BoardRunOptions {
  scenario?: string;
  node: number;
  nodes?: number;
  days?: number;
  seed?: number;
}

/** Without a scenario: a quiet one, small and short. */
const quietNodes = 16;
const quietDays = 0.1;
const hourMs = 3_600_000;

/** What the board says, a line each; its frames an hour in one line. */
class EventLog implements TraceConsumer {
  readonly #node: number;
  readonly #heard: () => number;
  #hour = 0;
  #sent = 0;
  #bytes = 0;
  #heardBefore = 0;
  records = 0;

  /** `heard`: frames that the board was given so far. */
  constructor(node: number, heard: () => number) {
    this.#node = node;
    this.#heard = heard;
  }

  frame(timeMs: number, sender: number, bytes: Uint8Array): void {
    this.#hoursUntil(timeMs);
    if (sender !== this.#node) return;
    this.#sent += 1;
    this.#bytes += bytes.length;
  }

  command(timeMs: number, node: number, fields: Uint32Array, length: number): void {
    this.#record(timeMs, node, 'command', fields, length);
  }

  event(timeMs: number, node: number, fields: Uint32Array, length: number): void {
    this.#record(timeMs, node, 'event', fields, length);
  }

  end(timeMs: number): void {
    this.#hoursUntil(timeMs + hourMs);
  }

  #record(timeMs: number, node: number, what: string, fields: Uint32Array, length: number): void {
    if (node !== this.#node) return;
    this.#hoursUntil(timeMs);
    this.records += 1;
    const { name, fields: named } = nameRecord(fields, length);
    const figures = Object.entries(named).map(([field, value]) => `${field} ${value}`);
    this.#line(timeMs, what, `${name} ${figures.join(' ')}`);
  }

  #hoursUntil(timeMs: number): void {
    for (; timeMs >= (this.#hour + 1) * hourMs; this.#hour += 1) {
      const heard = this.#heard();
      if (this.#sent + heard > this.#heardBefore)
        this.#line(
          (this.#hour + 1) * hourMs,
          'frames',
          `${this.#sent} sent (${this.#bytes} bytes), ${heard - this.#heardBefore} heard in this hour`,
        );
      this.#sent = 0;
      this.#bytes = 0;
      this.#heardBefore = heard;
    }
  }

  #line(timeMs: number, what: string, words: string): void {
    console.log(`${missionClock(timeMs)}  ${what.padEnd(7)}  ${words}`);
  }
}

function settle(target: TargetName, options: BoardRunOptions): Scenario {
  const { node, seed } = options;
  const quiet = options.scenario === undefined;
  const nodes = options.nodes ?? (quiet ? quietNodes : undefined);
  const days = options.days ?? (quiet ? quietDays : undefined);
  const given = applyOverrides(loadScenario(options.scenario ?? 'quiet'), { seed, days, nodes });
  if (node >= given.nodes) {
    const message = `--node ${node} is no member of ${given.nodes}: ids run from 0 to ${given.nodes - 1}`;
    throw new CommandError(message, exitCode.usage);
  }
  return applyOverrides({ ...given, boards: [{ node, target }] }, {});
}

/** `board run`: one node of a scenario is the board in an emulator; exit 1 when it decides otherwise than a simulated node. */
export async function boardRun(target: TargetName, options: BoardRunOptions): Promise<void> {
  const scenario = settle(target, options);
  await prepareBoards([target]);
  const body = loadBody(scenario.body, undefined, console.error);
  const engineOf = (preset: Preset) => createV8Engine(readImage(preset));
  const { seed, days, nodes, preset } = scenario;
  const { part, machine, emulator } = targets[target];
  console.log(
    `${target}: ${part} as ${machine} in ${emulator}, node ${options.node} of ${nodes}, ${days} days of ${scenario.name}`,
  );
  const seconds = startStopwatch();
  const run = emulatedBoards(scenario, (each) => engineOf(each).image);
  try {
    const log = new EventLog(options.node, () => run.outcomes()[0].framesIn ?? 0);
    const flight = { seed, days, nodes, body };
    const facts = runScenario(scenario, {
      ...flight,
      engine: engineOf(preset),
      controllers: run.controllers,
      consumers: [log],
    });
    const wallS = seconds();
    const { controllers } = simulatedBoards(scenario, engineOf);
    const simulated = runScenario(scenario, { ...flight, engine: engineOf(preset), controllers });
    const alike = simulated.traceHash === facts.traceHash;
    summary(run.outcomes(true)[0], log.records, wallS, days);
    const words = alike ? 'the same' : `ANOTHER THAN SIMULATED, ${simulated.traceHash}`;
    console.log(`trace hash  ${facts.traceHash}: ${words}${alike ? ' as when this node is simulated' : ''}`);
    if (!alike) process.exitCode = exitCode.failed;
  } finally {
    run.close();
  }
}

function summary(outcome: BoardOutcome, records: number, wallS: number, days: number): void {
  const { inputs, framesIn, framesOut, boots, resets, powerCycles, stackBytes } = outcome;
  const factor = Math.round((days * 86_400) / wallS).toLocaleString('en');
  console.log('');
  console.log(
    `inputs      ${inputs}, of them ${framesIn} frames; ${framesOut} frames and ${records} records came back`,
  );
  console.log(`starts      ${boots} boots, ${resets} resets, ${powerCycles} losses of power`);
  console.log(`stack       ${stackBytes === null ? 'unknown: no power at the end' : `${stackBytes} bytes at most`}`);
  console.log(`speed       ${factor} × real time: ${wallS.toFixed(1)} s`);
}
