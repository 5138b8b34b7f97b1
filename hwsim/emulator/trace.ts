import type { Engine } from '../../host/engine/engine.ts';
import { crc32c } from '../../host/cbor/crc32c.ts';
import type { Controller, FirmwareInput, Reply } from '../board/controller.ts';
import { RandomStream } from '../kernel/random.ts';
import type { EmulatedBoard } from './emulated_board.ts';
import { EngineBoard } from '../board/engine_board.ts';
import { encodeInput } from './port_codec.ts';
import { EmulatorError } from './pool.ts';

/** What is compared after an input: the hash of the context, and one over all outputs. */
export interface Mark {
  state: number;
  outputs: number;
}

/** Where two boards diverge. `input` counts from 0; `expected` is the reference's. */
export interface Divergence {
  input: number;
  kind: FirmwareInput['kind'];
  expected: string;
  got: string;
}

/**
 * Bytes of inputs under way at most. A pipe takes 64 KiB: writing never blocks while the board
 * waits to be read.
 */
const bytesUnderWayMax = 24 << 10;
/** Inputs between two orders to store a checkpoint, on average, besides those of the firmware. */
const storeEvery = 250;

/** A controller that records its inputs, and asks for the hash of the context after every input. */
export class RecordingBoard implements Controller {
  readonly inputs: FirmwareInput[] = [];
  readonly #board: EngineBoard;

  constructor(engine: Engine) {
    this.#board = new EngineBoard(engine);
  }

  give(input: FirmwareInput): void {
    const hashed: FirmwareInput = input.kind === 'boot' ? { ...input, hashed: true } : input;
    this.inputs.push(hashed);
    this.#board.give(hashed);
  }

  reply(): Reply {
    return this.#board.reply();
  }

  inspect(what: number, index: number): number[] {
    return this.#board.inspect(what, index);
  }

  reset(): void {
    this.#board.reset();
  }

  powerOff(): void {
    this.#board.powerOff();
  }

  corrupt(age: 0 | 1): void {
    this.#board.corrupt(age);
  }

  keepStore(): void {
    this.#board.keepStore();
  }

  undoStore(): void {
    this.#board.undoStore();
  }
}

/**
 * Inserts orders to store a checkpoint, at places drawn from the seed. A store changes nothing but
 * non-volatile memory.
 */
export function withStores(inputs: readonly FirmwareInput[], seed: number): FirmwareInput[] {
  const random = new RandomStream(seed, 'trace/stores');
  const out: FirmwareInput[] = [];
  let next = random.below(storeEvery) + 1;
  for (const input of inputs) {
    out.push(input);
    next -= 1;
    if (next > 0) continue;
    out.push({ kind: 'store', nowS: input.nowS, nowMs: input.nowMs });
    next = random.below(2 * storeEvery) + 1;
  }
  return out;
}

/** Counts inputs by kind; boots that may restore count as restores. */
export function kindsOf(inputs: readonly FirmwareInput[]): Record<string, number> {
  const counts: Record<string, number> = { boot: 0, restore: 0, frame: 0, record: 0, tick: 0, store: 0 };
  for (const input of inputs) {
    const restores = input.kind === 'boot' && input.cause !== 1 && input.cause !== 5;
    counts[restores ? 'restore' : input.kind] += 1;
  }
  return counts;
}

/**
 * Computes one number over a reply: every output byte with its kind, the status, the deadline, a
 * trap.
 */
function outputsMark({ outputs, status, deadlineMs, trap }: Reply): number {
  const parts: number[] = [];
  for (const { kind, bytes } of outputs)
    parts.push(kind === 'frame' ? 1 : 2, bytes.length & 0xff, bytes.length >> 8, ...bytes);
  for (const word of [status, deadlineMs, ...(trap === null ? [] : [trap.site])])
    parts.push(word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24);
  return crc32c(Uint8Array.from(parts));
}

function markOf(reply: Reply): Mark {
  return { state: reply.hash, outputs: outputsMark(reply) };
}

/** Returns an engine's mark for every input. */
export function marksOf(engine: Engine, inputs: readonly FirmwareInput[]): Mark[] {
  const board = new EngineBoard(engine);
  return inputs.map((input) => {
    board.give(input);
    return markOf(board.reply());
  });
}

const hex = (word: number) => word.toString(16).padStart(8, '0');
const spell = ({ state, outputs }: Mark) => `state ${hex(state)}, outputs ${hex(outputs)}`;

function differs(input: number, kind: FirmwareInput['kind'], expected: Mark, got: Mark): Divergence | null {
  const same = expected.state === got.state && expected.outputs === got.outputs;
  return same ? null : { input, kind, expected: spell(expected), got: spell(got) };
}

/** Returns the first input after which two lists of marks differ; null: none. */
export function compareMarks(
  inputs: readonly FirmwareInput[],
  expected: readonly Mark[],
  got: readonly Mark[],
): Divergence | null {
  for (let index = 0; index < inputs.length; index += 1) {
    const found = differs(index, inputs[index].kind, expected[index], got[index]);
    if (found !== null) return found;
  }
  return null;
}

/**
 * Feeds the inputs to an emulated board, several under way at a time, and compares after each.
 * Returns the first divergence; a board that restarts, ends or corrupts its line diverges there.
 * Throws EmulatorError when the board never sent a hello. `onProgress` gets the number of compared
 * inputs.
 */
export function compareBoard(
  board: EmulatedBoard,
  inputs: readonly FirmwareInput[],
  expected: readonly Mark[],
  onProgress: (compared: number) => void = () => {},
): Divergence | null {
  const underWay: number[] = [];
  let bytes = 0;
  let given = 0;
  for (let compared = 0; compared < inputs.length; compared += 1) {
    try {
      while (given < inputs.length && (underWay.length === 0 || bytes < bytesUnderWayMax)) {
        const input = inputs[given];
        board.give(input);
        underWay.push(encodeInput(input).length);
        bytes += underWay[underWay.length - 1];
        given += 1;
      }
      const found = differs(compared, inputs[compared].kind, expected[compared], markOf(board.reply()));
      if (found !== null) return found;
    } catch (error) {
      if (!(error instanceof EmulatorError) || board.hello === null) throw error;
      return { input: compared, kind: inputs[compared].kind, expected: spell(expected[compared]), got: error.message };
    }
    bytes -= underWay.shift() as number;
    onProgress(compared + 1);
  }
  return null;
}
