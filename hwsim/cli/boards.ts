import { buildBoard } from '../../host/board/build.ts';
import { type TargetName, targets } from '../../host/board/targets.ts';
import { installCommand, missingPackages } from '../../host/build/boards.mjs';
import { ToolError } from '../../host/board/toolchain.ts';
import type { Preset } from '../../host/build/root.ts';
import type { Engine, ImageFacts } from '../../host/engine/engine.ts';
import type { Controller } from '../board/controller.ts';
import type { EmulatedBoard } from '../emulator/emulated_board.ts';
import { LoopBoard } from '../emulator/loop_board.ts';
import { askFor } from '../emulator/port.ts';
import { qemuBoard } from '../emulator/qemu.ts';
import { EmulatorPool } from '../emulator/pool.ts';
import type { Scenario } from '../scenario/schema.ts';
import { CommandError, exitCode } from '../../host/cli/exit.ts';

/** A node of a run whose controller is a board, as the verdict tells of it. */
export interface BoardOutcome {
  node: number;
  target: TargetName;
  emulated: boolean;
  /** Of an emulated board: what went over its serial line, and how often it began to run. */
  inputs?: number;
  framesIn?: number;
  framesOut?: number;
  boots?: number;
  resets?: number;
  powerCycles?: number;
  /** Greatest depth of its stack since its last start; null when it has no power. */
  stackBytes?: number | null;
}

/** Controllers of a run, and how to let go of them. */
export interface RunBoards {
  controllers: ReadonlyMap<number, Controller>;
  /** `ask`: the boards are asked for the depth of their stacks; not while an input is under way. */
  outcomes(ask?: boolean): BoardOutcome[];
  close(): void;
}

/** An engine of its own on a preset's image. */
export type EngineOf = (preset: Preset) => Engine;

/** Presets that the boards of a scenario carry and its other nodes do not. */
export function otherPresets({ boards, preset }: Scenario): Preset[] {
  return [...new Set(boards.map(({ target }) => targets[target].preset))].filter((other) => other !== preset);
}

/** The same run without emulators: boards of the scenario's own preset are nodes like all others, those of another fly its image. */
export function simulatedBoards(scenario: Scenario, engineOf: EngineOf): RunBoards {
  const engines = new Map(otherPresets(scenario).map((preset) => [preset, engineOf(preset)]));
  const controllers = new Map<number, Controller>();
  for (const { node, target } of scenario.boards) {
    const engine = engines.get(targets[target].preset);
    if (engine !== undefined) controllers.set(node, new LoopBoard(engine));
  }
  const outcomes = () => scenario.boards.map(({ node, target }) => ({ node, target, emulated: false }));
  return { controllers, outcomes, close: () => {} };
}

/** Boards in emulators, switched on. Their images must be built: `prepareBoards`. */
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
  const outcomes = (ask = false) =>
    scenario.boards.map(({ node, target }) => {
      const board = boards.get(node)!;
      const { inputs, framesIn, framesOut, boots, resets, powerCycles } = board.counts;
      const stackBytes = ask && board.isOn ? board.ask(askFor.stackDepth)[0] : null;
      return { node, target, emulated: true, inputs, framesIn, framesOut, boots, resets, powerCycles, stackBytes };
    });
  return { controllers: boards, outcomes, close: () => pool.close() };
}

/** Builds what is missing or out of date. Throws CommandError (4) with the command that helps when an emulator or a compiler is missing. */
export async function prepareBoards(names: readonly TargetName[]): Promise<void> {
  const absent = missingPackages([...new Set(names.map((name) => targets[name].emulator))]);
  if (absent.length > 0)
    throw new CommandError(
      `boards need emulators that are not installed: ${installCommand(absent)}`,
      exitCode.environment,
    );
  for (const name of new Set(names)) {
    try {
      await buildBoard(name);
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      throw new CommandError(`${error.message}\n(then: npx heliograph board build ${name})`, exitCode.environment);
    }
  }
}
