import { openSync, readSync, writeSync } from 'node:fs';
import { nonVolatileOffset } from '../../host/board/targets.ts';
import type { Preset } from '../../host/build/root.ts';
import { createV8Engine } from '../../host/engine/v8.ts';
import { readImage } from '../../host/engine/image.ts';
import { StreamReader } from '../../host/radio/framing.ts';
import { EmulatedBoard } from '../../hwsim/emulator/emulated_board.ts';
import { ReferenceLoop } from '../../hwsim/board/reference_loop.ts';
import { SlotFile } from '../../hwsim/emulator/slot_file.ts';
import { PORT_FRAME_BYTES_MAX, type PortOutput } from '../../hwsim/board/port.ts';
import { decodeInput, encodeOutput } from '../../hwsim/emulator/port_codec.ts';
import type { EmulatorPool } from '../../hwsim/emulator/pool.ts';
import type { CallCounts } from '../../host/platform/loop.ts';
import type { RunFacts } from '../../hwsim/fleet/run.ts';

/** What a model board does wrong, after so many inputs. */
export interface Misbehaviour {
  what: 'none' | 'hangs' | 'dies' | 'sends-noise' | 'restarts' | 'other-image';
  after: number;
}

/**
 * Returns a run's calls without its ticks: a board that must tick before a frame does so by itself,
 * and does not report it.
 */
export function callsOf({ calls }: RunFacts): Omit<CallCounts, 'ticks'> {
  const { ticks: _, ...others } = calls;
  return others;
}

const modelArgument = 'model-board';
const target = 42;

/**
 * True in the process of a model board: a board without an emulator, in a process of its own, that
 * uses the port's codec on two pipes. The process is the test's own bundle: a test that uses model
 * boards begins with `if (isModelBoard()) runModelBoard(); else …`.
 */
export function isModelBoard(): boolean {
  return process.argv[2] === modelArgument;
}

/** Makes a model board, not started yet. */
export function modelBoard(
  pool: EmulatorPool,
  id: string,
  preset: Preset,
  misbehaviour: Misbehaviour = { what: 'none', after: 0 },
): EmulatedBoard {
  const image = createV8Engine(readImage(preset)).image;
  return new EmulatedBoard({
    pool,
    id,
    title: `board ${id} (model)`,
    command: process.execPath,
    remedy: 'install Node',
    rebuild: 'build it again',
    identity: { target, preset: 1, contextBytes: image.contextBytes, imageSha256: image.sha256 },
    arguments: (line, ramFile) => [process.argv[1], modelArgument, line, ramFile, preset, JSON.stringify(misbehaviour)],
  });
}

/** Runs the model board that this process is. */
export function runModelBoard(): void {
  const [line, ramFile, preset, misbehaviour] = process.argv.slice(3);
  const { what, after } = JSON.parse(misbehaviour) as Misbehaviour;
  const engine = createV8Engine(readImage(preset as Preset));
  const into = openSync(`${line}.in`, 'r+');
  const out = openSync(`${line}.out`, 'r+');
  const memory = new SlotFile(openSync(ramFile, 'r+'), nonVolatileOffset);
  const loop = new ReferenceLoop(engine, memory);
  const emit = (output: PortOutput) => void writeSync(out, encodeOutput(output));
  const hello = (cause: number) => {
    const imageMark = what === 'other-image' ? 1 : Number.parseInt(engine.image.sha256.slice(0, 8), 16);
    const { contextBytes } = engine.image;
    emit({
      kind: 'hello',
      target,
      abi: 2,
      preset: 1,
      cause,
      boots: 1,
      resetsInRow: 0,
      checkpoints: 0,
      contextBytes,
      imageMark,
      reserved: 0,
    });
  };
  let inputs = 0;
  const reader = new StreamReader((frame) => {
    const input = decodeInput(frame);
    if (input.kind === 'reset') {
      loop.reset();
      return hello(3);
    }
    inputs += 1;
    if (what !== 'none' && what !== 'other-image' && inputs > after) misbehave(what, out, hello);
    loop.handle(input, emit);
  }, PORT_FRAME_BYTES_MAX);
  hello(1);
  const chunk = Buffer.alloc(1 << 16);
  for (;;) reader.push(chunk.subarray(0, readSync(into, chunk, 0, chunk.length, null)));
}

function misbehave(what: Misbehaviour['what'], out: number, hello: (cause: number) => void): void {
  if (what === 'dies') {
    console.error('the model board gives up');
    process.exit(3);
  }
  if (what === 'restarts') hello(2);
  if (what === 'sends-noise') writeSync(out, Uint8Array.of(3, 1, 2, 9, 9, 9, 9, 9, 9, 9, 0));
  if (what === 'hangs') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
