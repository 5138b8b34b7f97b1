/**
 * Measures the table of instructions (BRD-1): every operation on every target, typically and at
 * worst found, against the budgets; and the cost of WebAssembly. Instructions are counted exactly;
 * cycles are instructions times an assumed factor (host/board/targets.ts).
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildBoard, type BuildOptions } from '../../../host/board/build.ts';
import { stackBound } from '../../../host/board/stack.ts';
import { type Target, type TargetName, targets } from '../../../host/board/targets.ts';
import { rootFolder } from '../../../host/build/root.ts';
import { loadV8Engine } from '../../../host/engine/v8.ts';
import { type Comparison, compareConflicts, compareFrames } from './native_baseline.ts';
import { sizesOf } from './crowd.ts';
import type { Recording } from '../../emulator/recording.ts';
import { measureProtection, type ProtectionCost, protectionTargets } from './protection.ts';
import { buildRunner, type Runner, targetWithout } from './runner.ts';
import type { TargetWorst } from './search.ts';
import type { WorstProfile } from './worst_profile.ts';
import { FRAME_BYTES_USUAL, measureSealing, type RefusedFrame, worstFlood } from './sealing.ts';
import { measureSignatures } from './signature.ts';
import { measureStack } from './stack.ts';
import { recordedFuel } from './fuel.ts';
import { measureTypical, median, typicalRecording } from './typical_run.ts';

export interface OpCycles {
  op: string;
  /** Median of the recorded run. */
  instructions: number;
  /** Most ever seen: in the run, or by the search whose results are committed. */
  worst: number;
  /** Median fuel of the same calls in Wasmtime, when that engine is on this machine. */
  fuel?: number;
}

export interface TargetCycles {
  name: TargetName;
  ops: OpCycles[];
  /** Share of the part's clock that coordination uses in the recorded run. */
  utilisation: number;
  cyclesPerInstruction: number;
  clockHz: number;
  instructionsPerS: number;
  stackBoundBytes: number;
  /** Of the painted stack, after the first inputs of the recorded run. */
  stackMeasuredBytes: number;
  codeBytes: number;
  ramBytes: number;
  /**
   * The refused frame that uses most of the part's clock when the channel is full of it, and that
   * share.
   */
  flood: RefusedFrame & { share: number };
}

export interface NativeRatio {
  target: TargetName;
  op: string;
  ratio: number;
}

export interface CyclesTable {
  /** SHA-256 of the measured images, by preset. */
  firmware?: Record<string, string>;
  targets: TargetCycles[];
  nativeRatio: NativeRatio[];
  /** The cost of protection, on the targets where it is measured. */
  protection: ProtectionCost[];
  /** The search's finds, with the genomes that reproduce them. Only in the committed table. */
  worst?: TargetWorst[];
  /** Profiles of the finds on the first target. */
  where?: WorstProfile[];
}

const committedPath = join(rootFolder, 'docs/results/cycles.json');

/** The committed table; empty when there is none yet. */
export function committedTable(): CyclesTable {
  if (!existsSync(committedPath)) return { targets: [], nativeRatio: [], protection: [] };
  return JSON.parse(readFileSync(committedPath, 'utf8'));
}

/** The search's names of operations that have another name in the table. */
const searchNames: Readonly<Record<string, string>> = { 'conflict check': 'verdict' };

/** Returns the worst that the search has found of an operation; 0: nothing. */
function worstKnown(known: CyclesTable, name: TargetName, op: string): number {
  return known.worst?.find((worst) => worst.target === name && worst.op === (searchNames[op] ?? op))?.instructions ?? 0;
}

/**
 * Compares the image without protection and the native baseline on the same tables and frames.
 * Throws when a result differs: then the ratio means nothing.
 */
function nativeRatios(runner: Runner, cases: { walks: number; frames: number }): NativeRatio[] {
  const { target } = runner;
  const { members, intents } = sizesOf(target.preset);
  const crowded = { members, intents: intents - 4, groups: 1, units: 20, capacity: 4000, silentShare: 0, notices: 0 };
  const spread = {
    members,
    intents: intents - 4,
    groups: 20,
    units: 12,
    capacity: 2000,
    silentShare: 0.1,
    notices: 20,
  };
  const compared: [string, Comparison][] = [
    ['conflict check, spread', compareConflicts(runner, spread, 2, cases.walks)],
    ['conflict check, crowded', compareConflicts(runner, crowded, 1, Math.ceil(cases.walks / 5))],
    ['frame decode', compareFrames(runner, 3, cases.frames, true)],
  ];
  return compared.map(([op, { different, image, native }]) => {
    if (different.length > 0)
      throw new Error(`${target.name}: image and native baseline differ in ${op}: ${different[0]}`);
    return { target: target.name, op, ratio: image / native };
  });
}

/** Measures one target. */
async function measureTarget(
  target: Target,
  recording: Recording,
  known: CyclesTable,
  options: BuildOptions = {},
): Promise<TargetCycles> {
  const board = await buildBoard(target.name, options);
  const runner = await buildRunner(target, options);
  const { ops, instructionsPerS, different } = measureTypical(runner, recording);
  const sealing = measureSealing(runner);
  const fuel = recordedFuel(target.preset, recording);
  if (different > 0)
    throw new Error(
      `${target.name}: ${different} of ${recording.calls.length} calls gave other results than V8 ` +
        `(npx heliograph board trace ${target.name})`,
    );
  const image = [...ops, ...sealing.ops].map(({ op, counts }) => {
    const seen = Math.max(...counts);
    const entry = { op, instructions: median(counts), worst: Math.max(seen, worstKnown(known, target.name, op)) };
    const burnt = fuel?.get(op);
    return burnt === undefined ? entry : { ...entry, fuel: burnt };
  });
  return {
    name: target.name,
    ops: [...image, ...(await measureSignatures(target)).ops],
    utilisation: (instructionsPerS * target.cyclesPerInstruction) / target.clockHz,
    cyclesPerInstruction: target.cyclesPerInstruction,
    clockHz: target.clockHz,
    instructionsPerS,
    stackBoundBytes: stackBound(target).bytes,
    stackMeasuredBytes: measureStack(target, board.elf, recording),
    codeBytes: board.sizes.codeBytes,
    ramBytes: board.sizes.ramBytes,
    flood: worstFlood(target, sealing.refused),
  };
}

/**
 * Measures targets one after the other. `known`: a table whose worst cases count; `report` is
 * called for each target.
 */
export async function measureCycles(
  names: readonly TargetName[],
  known: CyclesTable,
  report: (line: string) => void,
): Promise<CyclesTable> {
  const recordings = new Map<string, Recording>();
  const firmware: Record<string, string> = {};
  const table: CyclesTable = { firmware, targets: [], nativeRatio: [], protection: [] };
  for (const target of names.map((name) => targets[name])) {
    const preset = target.preset === 'compact' ? 'compact' : 'flight';
    const recording = recordings.get(preset) ?? typicalRecording(preset);
    recordings.set(preset, recording);
    firmware[preset] = loadV8Engine(preset).image.sha256;
    const measured = await measureTarget(target, recording, known);
    table.targets.push(measured);
    const bare = await buildRunner(targetWithout('protection', target));
    table.nativeRatio.push(...nativeRatios(bare, { walks: 100, frames: 1000 }));
    if (protectionTargets.includes(target.name))
      table.protection.push(await measureProtection(target, recording, measured.instructionsPerS));
    report(`${target.name}: counted`);
  }
  return table;
}

export interface Budget {
  what: string;
  value: number;
  limit: number;
  ok: boolean;
}

/** Returns the budgets, and what the table measured against each. */
export function budgetsOf(table: CyclesTable): Budget[] {
  const budgets: Budget[] = [];
  const add = (what: string, value: number, limit: number) => budgets.push({ what, value, limit, ok: value <= limit });
  for (const { name, ops, utilisation, stackBoundBytes, flood } of table.targets) {
    if (name !== 'm7' && name !== 'm4') continue;
    const large = name === 'm7';
    const worst = (wanted: string) => ops.find(({ op }) => op === wanted)?.worst ?? Number.POSITIVE_INFINITY;
    const opened = worst('frame.open');
    add(`${name}: instructions to open a frame of ${FRAME_BYTES_USUAL} bytes`, opened, large ? 15_000 : 20_000);
    if (large)
      add(
        'm7: instructions to receive a frame, worst found, beyond those to open it',
        worst('receive') - opened,
        30_000,
      );
    add(`${name}: utilisation, ${large ? 200 : 64} nodes`, utilisation, large ? 0.01 : 0.05);
    add(
      `${name}: a channel full of frames that are refused (${flood.why}), share of the part`,
      flood.share,
      large ? 0.01 : 0.05,
    );
    add(`${name}: stack bound, bytes`, stackBoundBytes, 4096);
  }
  for (const { target, ratioUnscrubbed, scrubbingShare } of table.protection) {
    add(`${target}: instructions without scrubbing over those without protection`, ratioUnscrubbed, 1.1);
    if (target === 'm7') add('m7: scrubbing, share of the part', scrubbingShare, 0.001);
  }
  for (const { target, op, ratio } of table.nativeRatio)
    add(`${target}: ${op}, instructions over hand-written C`, ratio, 1.25);
  return budgets;
}

/**
 * Returns the operations whose typical instructions grew by more than `share` over another table.
 */
export function regressions(table: CyclesTable, before: CyclesTable, share = 0.05): string[] {
  return table.targets.flatMap(({ name, ops }) => {
    const known = before.targets.find((target) => target.name === name)?.ops ?? [];
    return ops.flatMap(({ op, instructions }) => {
      const committed = known.find((entry) => entry.op === op)?.instructions;
      const grew = committed !== undefined && instructions > committed * (1 + share);
      return grew
        ? [`${name}: ${op} takes ${instructions} instructions, ${committed} in docs/results/cycles.json`]
        : [];
    });
  });
}
