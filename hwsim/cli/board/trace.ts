import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import { writeFileSync } from 'node:fs';
import { type TargetName, targets } from '../../../host/board/targets.ts';
import type { Preset } from '../../../host/build/root.ts';
import { EngineError } from '../../../host/engine/addon.ts';
import { createEngine } from '../../../host/engine/load.ts';
import { createV8Engine } from '../../../host/engine/v8.ts';
import { fileAdvice } from '../../../host/store/store.ts';
import type { FirmwareInput } from '../../board/controller.ts';
import { qemuBoard } from '../../emulator/qemu.ts';
import { EmulatorPool } from '../../emulator/pool.ts';
import { recordTrace } from '../../emulator/drawn_trace.ts';
import { compareBoard, compareMarks, type Divergence, kindsOf, type Mark, marksOf } from '../../emulator/trace.ts';
import { prepareBoards } from '../boards.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { loadBody, loadScenario } from '../../../host/cli/input.ts';
import { readImage } from '../sim.ts';

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
export async function boardTrace(names: readonly TargetName[], options: BoardTraceOptions): Promise<void> {
  if (options.image !== undefined && names.length !== 1)
    throw new CommandError('--image is for one target: name one', exitCode.usage);
  await prepareBoards(names);
  const presets = [...new Set<Preset>(['flight', ...names.map((name) => targets[name].preset)])];
  const references = new Map(presets.map((preset) => [preset, referenceOf(preset, options)]));
  const all = [...references.values()];
  const bar = process.stderr.isTTY ? new SingleBar({ format: '{bar} {engine}: {value} of {total} inputs' }) : null;
  bar?.start(options.inputs, 0, { engine: 'v8' });
  const engines = [compareV8(all)];
  engines.push(compareWasmtime(all));
  for (const name of names) {
    const onProgress = (compared: number) => {
      if (bar === null || compared % 64 !== 0) return;
      bar.update(compared, { engine: name });
      (bar as unknown as { render?: () => void }).render?.();
    };
    engines.push(compareTarget(name, references.get(targets[name].preset)!, options.image, onProgress));
  }
  bar?.stop();
  report(all, engines, options);
}

function report(references: readonly Reference[], engines: readonly EngineResult[], options: BoardTraceOptions): void {
  const kinds = Object.fromEntries(references.map(({ preset, inputs }) => [preset, kindsOf(inputs)]));
  const result = { inputs: options.inputs, seed: options.seed, kinds, engines };
  if (options.out !== undefined) writeResult(options.out, `${JSON.stringify(result, null, 1)}\n`);
  if (options.json) console.log(JSON.stringify(result));
  else printResult(references, engines, options);
  for (const { name, skipped } of engines)
    if (skipped !== undefined) console.error(`${name} was not compared: ${skipped}`);
  if (engines.some(({ ok }) => ok === false)) process.exitCode = exitCode.failed;
}

function writeResult(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new CommandError(
      `--out ${path}: cannot be written: ${fileAdvice(error as NodeJS.ErrnoException)}`,
      exitCode.environment,
    );
  }
}

function printResult(
  references: readonly Reference[],
  engines: readonly EngineResult[],
  options: BoardTraceOptions,
): void {
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
  const names = engines.filter(({ name }) => name in targets).map(({ name }) => name);
  console.log(`again  npx heliograph board trace ${names.join(' ')} --inputs ${options.inputs} --seed ${options.seed}`);
}
