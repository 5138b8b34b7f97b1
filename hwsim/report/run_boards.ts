import { type TargetName, targets } from '../../host/board/targets.ts';
import type { Preset } from '../../host/build/root.ts';
import type { Engine, ImageFacts } from '../../host/engine/engine.ts';
import type { Controller } from '../board/controller.ts';
import type { EmulatedBoard } from '../emulator/emulated_board.ts';
import { EngineBoard } from '../board/engine_board.ts';
import { qemuBoard } from '../emulator/qemu.ts';
import { EmulatorPool } from '../emulator/pool.ts';
import type { Scenario } from '../scenario/schema.ts';
import { PORT_ASK } from '../../host/cbor/generated.ts';

/** Reports a node of a run whose controller is a board. */
export interface BoardOutcome {
  node: number;
  target: TargetName;
  emulated: boolean;
  /** Of an emulated board: inputs and frames over its serial line, and how often it started. */
  inputs?: number;
  framesIn?: number;
  framesOut?: number;
  boots?: number;
  resets?: number;
  powerCycles?: number;
  /** Greatest depth of its stack since its last start, bytes; null when it has no power. */
  stackBytes?: number | null;
}

/** Holds the controllers of a run's boards. */
export interface RunBoards {
  controllers: ReadonlyMap<number, Controller>;
  /**
   * `withStack`: reads the depth of the boards' stacks as well, which is not possible while an
   * input is processed.
   */
  outcomes(withStack?: boolean): BoardOutcome[];
  close(): void;
}

/** Makes a new engine on a preset's image. */
export type EngineOf = (preset: Preset) => Engine;

/** Lists the presets that only the boards of a scenario carry. */
export function otherPresets({ boards, preset }: Scenario): Preset[] {
  return [...new Set(boards.map(({ target }) => targets[target].preset))].filter((other) => other !== preset);
}

/**
 * Makes the same run without emulators: boards of the scenario's own preset are nodes like all
 * others, boards of another preset fly its image in an engine.
 */
export function simulatedBoards(scenario: Scenario, engineOf: EngineOf): RunBoards {
  const engines = new Map(otherPresets(scenario).map((preset) => [preset, engineOf(preset)]));
  const controllers = new Map<number, Controller>();
  for (const { node, target } of scenario.boards) {
    const engine = engines.get(targets[target].preset);
    if (engine !== undefined) controllers.set(node, new EngineBoard(engine));
  }
  const outcomes = () => scenario.boards.map(({ node, target }) => ({ node, target, emulated: false }));
  return { controllers, outcomes, close: () => {} };
}

/** Starts boards in emulators. Their images must be built: `prepareBoards`. */
export function emulatedBoards(scenario: Scenario, imageOf: (preset: Preset) => ImageFacts): RunBoards {
  const pool = new EmulatorPool();
  const boards = new Map<number, EmulatedBoard>();
  try {
    for (const { node, target } of scenario.boards) {
      const board = qemuBoard(pool, `node-${node}`, target, imageOf(targets[target].preset));
      board.start();
      boards.set(node, board);
    }
  } catch (error) {
    pool.close();
    throw error;
  }
  const outcomes = (withStack = false) =>
    scenario.boards.map(({ node, target }) => {
      const board = boards.get(node)!;
      const { inputs, framesIn, framesOut, boots, resets, powerCycles } = board.counts;
      const stackBytes = withStack && board.isOn ? board.ask(PORT_ASK.stackDepth)[0] : null;
      return { node, target, emulated: true, inputs, framesIn, framesOut, boots, resets, powerCycles, stackBytes };
    });
  return { controllers: boards, outcomes, close: () => pool.close() };
}
