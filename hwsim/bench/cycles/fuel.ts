/** Counts Wasmtime's fuel of the same recorded calls, when that engine is on this machine. */
import { EngineError } from '../../../host/engine/addon.ts';
import { createWasmtimeEngine, type WasmtimeEngine } from '../../../host/engine/wasmtime.ts';
import type { Preset } from '../../../host/build/root.ts';
import { readImage } from '../../../host/engine/image.ts';
import { fuelOf } from '../fuel.ts';
import { accepted, isEmptyPoll, type Recording } from '../../emulator/recording.ts';
import { repeatOn } from './replay.ts';
import { median } from './typical_run.ts';

const bufferBytes = 4352;

/** Returns the median fuel by operation, named as in the table; null without the engine. */
export function recordedFuel(preset: Preset, recording: Recording): Map<string, number> | null {
  const image = readImage(preset);
  let engine: WasmtimeEngine;
  try {
    engine = createWasmtimeEngine(image, { fuel: true });
  } catch (error) {
    if (error instanceof EngineError) return null;
    throw error;
  }
  const ctx = engine.reserve(engine.image.contextBytes);
  const at = engine.reserve(bufferBytes);
  const burnt = new Map<string, number[]>();
  const add = (op: string, fuel: number) => {
    const known = burnt.get(op);
    if (known === undefined) burnt.set(op, [fuel]);
    else known.push(fuel);
  };
  for (const call of recording.calls) {
    engine.view().set(call.bytes, at);
    const fuel = fuelOf(engine, (calls) => repeatOn(calls, call, ctx, at));
    if (isEmptyPoll(call)) continue;
    if (call.op === 'receive' && !accepted(call)) continue;
    add(call.op, fuel);
    if (call.op === 'tick' && call.about !== '') add(call.about === 'plan' ? 'plan repair' : 'tick with work', fuel);
  }
  return new Map([...burnt].map(([op, fuels]) => [op, median(fuels)]));
}
