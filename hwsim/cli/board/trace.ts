import Table from 'cli-table3';
import type { Command } from 'commander';
import { type TargetName, targets } from '../../../host/board/targets.ts';
import type { Preset } from '../../../host/build/root.ts';
import { EngineError } from '../../../host/engine/addon.ts';
import { createEngine } from '../../../host/engine/load.ts';
import { createV8Engine } from '../../../host/engine/v8.ts';
import type { FirmwareInput } from '../../board/controller.ts';
import { qemuBoard } from '../../emulator/qemu.ts';
import { EmulatorPool } from '../../emulator/pool.ts';
import { recordTrace } from '../../emulator/drawn_trace.ts';
import { compareBoard, compareMarks, type Divergence, kindsOf, type Mark, marksOf } from '../../emulator/trace.ts';
import { prepareBoards } from '../boards.ts';
import { againLine } from '../../../host/cli/again.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { startProgress } from '../../../host/cli/progress.ts';
import { writeReport } from '../../../host/cli/report_file.ts';
import { loadBody, loadScenario } from '../input.ts';
import { readImage } from '../../../host/engine/image.ts';

export interface BoardTraceOptions {
  inputs: number;
  seed: number;
  json?: boolean;
  out?: string;
  image?: string;
}

interface EngineResult {
  name: string;
  /** null: not compared, `skipped` says why. */
  ok: boolean | null;
  firstDivergence: Divergence | null;
  skipped?: string;
}

/** A trace and what V8 makes of it. */
interface Reference {
  preset: Preset;
  inputs: FirmwareInput[];
  marks: Mark[];
}

function referenceOf(preset: Preset, options: BoardTraceOptions): Reference {
  const scenario = loadScenario('quiet');
  const body = loadBody(scenario.body, undefined, () => {});
  const engineOf = () => createV8Engine(readImage(preset));
  const inputs = recordTrace({ scenario, preset, body, engineOf, inputs: options.inputs, seed: options.seed });
  return { preset, inputs, marks: marksOf(engineOf(), inputs) };
}

/** Another instance of the reference, its context elsewhere: a context holds nothing but offsets. */
function compareV8(references: readonly Reference[]): EngineResult {
  for (const { preset, inputs, marks } of references) {
    const engine = createV8Engine(readImage(preset));
    engine.reserve(12_304);
    const found = compareMarks(inputs, marks, marksOf(engine, inputs));
    if (found !== null) return { name: 'v8', ok: false, firstDivergence: found };
  }
  return { name: 'v8', ok: true, firstDivergence: null };
}

function compareWasmtime(references: readonly Reference[]): EngineResult {
  try {
    for (const { preset, inputs, marks } of references) {
      const found = compareMarks(inputs, marks, marksOf(createEngine('wasmtime', readImage(preset)), inputs));
      if (found !== null) return { name: 'wasmtime', ok: false, firstDivergence: found };
    }
    return { name: 'wasmtime', ok: true, firstDivergence: null };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { name: 'wasmtime', ok: null, firstDivergence: null, skipped: error.message };
  }
}

type Progress = (compared: number) => void;

function compareTarget(
  name: TargetName,
  reference: Reference,
  image: string | undefined,
  onProgress: Progress,
): EngineResult {
  const pool = new EmulatorPool();
  try {
    const facts = createV8Engine(readImage(reference.preset)).image;
    const board = qemuBoard(pool, name, name, facts, image);
    const firstDivergence = compareBoard(board, reference.inputs, reference.marks, onProgress);
    return { name, ok: firstDivergence === null, firstDivergence };
  } finally {
    pool.close();
  }
}

/** `board trace`: exit 1 when any engine or board parts from V8. */
export async function boardTrace(
  names: readonly TargetName[],
  options: BoardTraceOptions,
  command: Command,
): Promise<void> {
  if (options.image !== undefined && names.length !== 1)
    throw new CommandError('--image is for one target: name one', exitCode.usage);
  await prepareBoards(names);
  const presets = [...new Set<Preset>(['flight', ...names.map((name) => targets[name].preset)])];
  const references = new Map(presets.map((preset) => [preset, referenceOf(preset, options)]));
  const all = [...references.values()];
  const progress = startProgress('board trace', options.inputs * names.length);
  const engines = [compareV8(all), compareWasmtime(all)];
  try {
    names.forEach((name, index) => {
      const onProgress = (compared: number) =>
        progress.update(index * options.inputs + compared, `${name}: ${compared} of ${options.inputs} inputs`);
      engines.push(compareTarget(name, references.get(targets[name].preset)!, options.image, onProgress));
    });
  } finally {
    progress.stop();
  }
  report(all, engines, options, againLine(command, { inputs: options.inputs, seed: options.seed }));
}

function report(
  references: readonly Reference[],
  engines: readonly EngineResult[],
  options: BoardTraceOptions,
  again: string,
): void {
  const kinds = Object.fromEntries(references.map(({ preset, inputs }) => [preset, kindsOf(inputs)]));
  const result = { inputs: options.inputs, seed: options.seed, kinds, engines };
  if (options.out !== undefined) writeReport(options.out, result);
  if (options.json) console.log(JSON.stringify(result));
  else printResult(references, engines, again);
  for (const { name, skipped } of engines)
    if (skipped !== undefined) console.error(`${name} was not compared: ${skipped}`);
  if (engines.some(({ ok }) => ok === false)) process.exitCode = exitCode.failed;
}

function printResult(references: readonly Reference[], engines: readonly EngineResult[], again: string): void {
  for (const { preset, inputs } of references) {
    const counts = Object.entries(kindsOf(inputs)).map(([kind, count]) => `${count} ${kind}`);
    console.log(`${preset}: ${inputs.length} inputs (${counts.join(', ')})`);
  }
  const table = new Table({
    head: ['', 'compared with', 'state and outputs after every input'],
    style: { head: [], border: [] },
  });
  for (const { name, ok, firstDivergence: at } of engines) {
    const preset =
      name in targets ? targets[name as TargetName].preset : references.map((each) => each.preset).join(', ');
    const words =
      at !== null
        ? `DIFFER first at input ${at.input} (${at.kind}): expected ${at.expected}; got ${at.got}`
        : ok === null
          ? 'not compared'
          : 'the same';
    table.push([name, `v8 (${preset})`, words]);
  }
  console.log(table.toString());
  console.log(`again  ${again}`);
}
