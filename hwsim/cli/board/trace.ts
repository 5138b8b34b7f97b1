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
import { prepareBoards } from './prepare.ts';
import { againLine } from '../../../host/cli/again.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { print, wrapped } from '../../../host/cli/output.ts';
import { tableOf } from '../../../host/cli/table.ts';
import { startProgress } from '../../../host/cli/progress.ts';
import { checkReportPath, writeReport } from '../../../host/cli/report_file.ts';
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

/** A trace, and the marks that V8 gives for it. */
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

/**
 * Compares with another instance whose context lies elsewhere: a context holds nothing but offsets.
 */
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

/** Runs `board trace`. Exit 1 when an engine or a board diverges from V8. */
export async function boardTrace(
  names: readonly TargetName[],
  options: BoardTraceOptions,
  command: Command,
): Promise<void> {
  if (options.image !== undefined && names.length !== 1)
    throw new CommandError('--image is for one target: name one', exitCode.usage);
  checkReportPath(options.out);
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
  report({
    references: all,
    engines,
    options,
    again: againLine(command, { inputs: options.inputs, seed: options.seed }),
  });
}

interface Report {
  references: readonly Reference[];
  engines: readonly EngineResult[];
  options: BoardTraceOptions;
  again: string;
}

function report({ references, engines, options, again }: Report): void {
  const kinds = Object.fromEntries(references.map(({ preset, inputs }) => [preset, kindsOf(inputs)]));
  const result = { inputs: options.inputs, seed: options.seed, kinds, engines };
  if (options.out !== undefined) writeReport(options.out, result);
  print(options.json ? JSON.stringify(result) : `${resultText(references, engines)}\nagain  ${again}`);
  for (const { name, skipped } of engines)
    if (skipped !== undefined) console.error(wrapped(`${name} was not compared: ${skipped}`, 2));
  if (engines.some(({ ok }) => ok === false)) process.exitCode = exitCode.failed;
}

function comparisonText({ ok, firstDivergence: at }: EngineResult): string {
  if (at !== null) return `DIFFER first at input ${at.input} (${at.kind})`;
  return ok === null ? 'not compared' : 'the same';
}

function resultText(references: readonly Reference[], engines: readonly EngineResult[]): string {
  const presets = references.map(({ preset }) => preset).join(', ');
  const counts = references.map(({ preset, inputs }) => {
    const kinds = Object.entries(kindsOf(inputs)).map(([kind, count]) => `${count} ${kind}`);
    return wrapped(`${preset}: ${inputs.length} inputs (${kinds.join(', ')})`, 4);
  });
  const rows = engines.map((engine) => {
    const preset = engine.name in targets ? targets[engine.name as TargetName].preset : presets;
    return [engine.name, `v8 (${preset})`, comparisonText(engine)];
  });
  const differing = engines.flatMap(({ name, firstDivergence: at }) =>
    at === null ? [] : [wrapped(`${name}: expected ${at.expected}; got ${at.got}`, 4)],
  );
  const head = ['', 'compared with', 'state and outputs after every input'];
  return [...counts, tableOf(head, rows), ...differing].join('\n');
}
