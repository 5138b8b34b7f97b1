import { readFileSync } from 'node:fs';
import { portInputs, recordNode } from '../../emulator/recording.ts';
import { buildBoard } from '../../../host/board/build.ts';
import { readElf } from '../../../host/board/elf.ts';
import { type TargetName, targets } from '../../../host/board/targets.ts';
import { registersOf } from '../../emulator/debugger.ts';
import {
  FlipInjector,
  type FlipOutcome,
  type FlipPlace,
  type FlipResult,
} from '../../campaign/board/instruction_flip.ts';
import { EmulatorError, EmulatorPool } from '../../emulator/pool.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { print, wrapped } from '../../../host/cli/output.ts';
import { startProgress } from '../../../host/cli/progress.ts';
import { prepareBoards } from './prepare.ts';

export interface BoardInjectOptions {
  at: number;
  call?: number;
  bit: number;
  register?: string;
  address?: number;
  linear?: number;
  symbol?: string;
  inputs: number;
  json?: true;
}

function placeOf({ register, address, linear, symbol }: BoardInjectOptions, target: TargetName): FlipPlace {
  const given = [register, address, linear, symbol].filter((each) => each !== undefined).length;
  if (given !== 1)
    throw new CommandError(
      'name the place of the bit: one of --register, --address, --linear and --symbol',
      exitCode.usage,
    );
  if (register !== undefined) {
    const names = [...registersOf(targets[target]).numbers.keys()];
    if (!names.includes(register))
      throw new CommandError(`${target} has no register '${register}': ${names.join(' ')}`, exitCode.usage);
    return { register };
  }
  if (address !== undefined) return { address };
  return linear !== undefined ? { linear } : { symbol: symbol as string };
}

function outcomeText(outcome: FlipOutcome): string {
  switch (outcome.kind) {
    case 'masked':
      return 'masked: outputs and final state are those of the golden run';
    case 'wrong-state':
      return 'wrong state: all outputs are right, the final context differs';
    case 'wrong-output':
      return `wrong output: first in the answer to input ${outcome.input}`;
    case 'trap':
      return `trap during input ${outcome.input}: site ${outcome.site}, reason ${outcome.reason}`;
    case 'restart':
      return `the board restarted itself during input ${outcome.input}: cause ${outcome.cause}`;
    case 'hang':
      return `hang during input ${outcome.input}, caught by the ${outcome.caughtBy}`;
  }
}

function resultText(target: TargetName, { outcome, call, op, at, address, before, after }: FlipResult): string {
  const place = `${target}: before instruction ${at} of call ${call} (${op}), at 0x${address.toString(16)}`;
  return `${wrapped(`${place}: ${before} became ${after}`, 4)}\n${outcomeText(outcome)}`;
}

/**
 * Runs `board inject`: flips one bit in a short recorded run. Exit 0 whatever the effect: the
 * outcome is the answer.
 */
export async function boardInject(name: TargetName, options: BoardInjectOptions): Promise<void> {
  const place = placeOf(options, name);
  const preset = targets[name].preset === 'compact' ? 'compact' : 'flight';
  // The plugin that counts instructions is compiled for this machine.
  await prepareBoards([name], ['gcc']);
  const pool = new EmulatorPool();
  const progress = startProgress('board inject', 2);
  try {
    const { target, elf: path } = await buildBoard(name);
    progress.update(0, 'recording the run');
    const recording = recordNode({ scenario: 'quiet', preset, nodes: 20, node: 7, days: 0.05, seed: 1 });
    const inputs = portInputs(recording).slice(0, options.inputs);
    progress.update(1, 'running the board');
    const injector = new FlipInjector({ pool, target, path, elf: readElf(readFileSync(path)), inputs });
    const result = injector.inject({ time: { call: options.call, at: options.at }, place, bit: options.bit });
    progress.stop();
    print(options.json ? JSON.stringify({ target: name, ...result }) : resultText(name, result));
  } catch (error) {
    if (error instanceof EmulatorError) throw new CommandError(error.message, exitCode.input);
    throw error;
  } finally {
    progress.stop();
    pool.close();
  }
}
