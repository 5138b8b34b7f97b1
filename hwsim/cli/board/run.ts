import { type TargetName, targets } from '../../../host/board/targets.ts';
import type { Preset } from '../../../host/build/root.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { print, wrapped } from '../../../host/cli/output.ts';
import { startStopwatch } from '../../../host/clock/clock.ts';
import { readImage } from '../../../host/engine/image.ts';
import { createV8Engine } from '../../../host/engine/v8.ts';
import { runScenario } from '../../fleet/run.ts';
import type { TraceConsumer } from '../../kernel/trace.ts';
import type { Scenario } from '../../scenario/schema.ts';
import { prepareBoards } from './prepare.ts';
import { type BoardOutcome, emulatedBoards, simulatedBoards } from '../../report/run_boards.ts';
import { fly } from '../../report/fly.ts';
import { EventLog } from '../event_log.ts';
import { applyOverrides, loadBody, loadScenario } from '../input.ts';

export interface BoardRunOptions {
  scenario?: string;
  node: number;
  nodes?: number;
  days?: number;
  seed?: number;
  json?: boolean;
}

/** Without a scenario: a quiet one, small and short. */
const quietNodes = 16;
const quietDays = 0.1;
const hourMs = 3_600_000;

/** Prints the events and commands of the board, a line each, and its frames, a line per hour. */
class BoardLog implements TraceConsumer {
  readonly #node: number;
  readonly #framesIn: () => number;
  readonly #log: EventLog;
  readonly #json: boolean;
  #hour = 0;
  #sent = 0;
  #sentBytes = 0;
  #receivedBefore = 0;
  records = 0;

  /** `framesIn`: number of frames that the board was given so far. */
  constructor(node: number, framesIn: () => number, json: boolean) {
    this.#node = node;
    this.#framesIn = framesIn;
    this.#json = json;
    this.#log = new EventLog(json);
  }

  frame(timeMs: number, sender: number, bytes: Uint8Array): void {
    this.#hoursUntil(timeMs);
    if (sender !== this.#node) return;
    this.#sent += 1;
    this.#sentBytes += bytes.length;
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

  #record(timeMs: number, node: number, source: string, fields: Uint32Array, length: number): void {
    if (node !== this.#node) return;
    this.#hoursUntil(timeMs);
    this.records += 1;
    this.#log.record(timeMs, node, source, fields, length);
  }

  #hoursUntil(timeMs: number): void {
    for (; timeMs >= (this.#hour + 1) * hourMs; this.#hour += 1) {
      const framesIn = this.#framesIn();
      const received = framesIn - this.#receivedBefore;
      if (this.#sent + received > 0) this.#frames((this.#hour + 1) * hourMs, received);
      this.#sent = 0;
      this.#sentBytes = 0;
      this.#receivedBefore = framesIn;
    }
  }

  #frames(timeMs: number, received: number): void {
    const [sent, sentBytes] = [this.#sent, this.#sentBytes];
    if (this.#json) this.#log.object({ timeS: timeMs / 1000, node: this.#node, frames: { sent, sentBytes, received } });
    else this.#log.text(timeMs, 'frames', `${sent} sent (${sentBytes} bytes), ${received} received in this hour`);
  }
}

/**
 * Makes the scenario in which the node is a board. Throws CommandError (2) when it has no such
 * node.
 */
function scenarioWith(target: TargetName, options: BoardRunOptions): Scenario {
  const { node, seed } = options;
  const isQuiet = options.scenario === undefined;
  const nodes = options.nodes ?? (isQuiet ? quietNodes : undefined);
  const days = options.days ?? (isQuiet ? quietDays : undefined);
  const given = applyOverrides(loadScenario(options.scenario ?? 'quiet'), { seed, days, nodes });
  if (node >= given.nodes)
    throw new CommandError(`--node ${node} selects nothing: nodes are 0 to ${given.nodes - 1}`, exitCode.usage);
  return applyOverrides({ ...given, boards: [{ node, target }] }, {});
}

/**
 * Runs `board run`: one node of a scenario is a board in an emulator. Exit 1 when it decides
 * otherwise than a simulated node.
 */
export async function boardRun(target: TargetName, options: BoardRunOptions): Promise<void> {
  const scenario = scenarioWith(target, options);
  await prepareBoards([target]);
  const body = loadBody(scenario.body, undefined, console.error);
  const engineOf = (preset: Preset) => createV8Engine(readImage(preset));
  const { seed, days, nodes, preset, name } = scenario;
  const json = options.json === true;
  if (!json) print(wrapped(`${machineText(target)}, node ${options.node} of ${nodes}, ${days} days of ${name}`, 4));
  const seconds = startStopwatch();
  const run = emulatedBoards(scenario, (each) => engineOf(each).image);
  try {
    const log = new BoardLog(options.node, () => run.outcomes()[0].framesIn ?? 0, json);
    const flight = { seed, days, nodes, body };
    const emulated = { ...flight, engine: engineOf(preset), controllers: run.controllers, consumers: [log] };
    const { traceHash } = runScenario(scenario, emulated);
    const wallS = seconds();
    const { controllers } = simulatedBoards(scenario, engineOf);
    const label = 'the same, simulated';
    const comparison = { scenario, body, engine: engineOf(preset), controllers, consumers: [], label };
    const simulated = fly(comparison).facts.traceHash;
    const same = simulated === traceHash;
    const outcome = run.outcomes(true)[0];
    if (json) print(JSON.stringify({ ...outcome, wallS, traceHash, simulatedTraceHash: simulated, same }));
    else {
      print(summaryText(outcome, log.records, wallS, days));
      const text = same ? 'the same as when this node is simulated' : `ANOTHER THAN SIMULATED, ${simulated}`;
      print(`trace hash  ${traceHash}: ${text}`);
    }
    if (!same) process.exitCode = exitCode.failed;
  } finally {
    run.close();
  }
}

function machineText(target: TargetName): string {
  const { part, machine, emulator } = targets[target];
  return `${target}: ${part} as ${machine} in ${emulator}`;
}

function summaryText(outcome: BoardOutcome, records: number, wallS: number, days: number): string {
  const { inputs, framesIn, framesOut, boots, resets, powerCycles, stackBytes } = outcome;
  const factor = Math.round((days * 86_400) / wallS).toLocaleString('en');
  return [
    '',
    `inputs      ${inputs}, of them ${framesIn} frames; outputs ${framesOut} frames and ${records} records`,
    `starts      ${boots} boots, ${resets} resets, ${powerCycles} power losses`,
    `stack       ${stackBytes === null ? 'unknown: no power at the end' : `${stackBytes} bytes at most`}`,
    `speed       ${factor} × real time: ${wallS.toFixed(1)} s`,
  ].join('\n');
}
