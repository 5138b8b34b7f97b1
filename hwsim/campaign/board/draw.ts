/** Draws faults to inject into a board: what they flip or skip, and when. */
import type { Target } from '../../../host/board/targets.ts';
import { registersOf } from '../../emulator/debugger.ts';
import { RandomStream } from '../../kernel/random.ts';
import {
  burstBitsMax,
  burstBitsMin,
  drawRows,
  type FlipSpan,
  type ModelName,
  modelAt,
  wordBytes,
} from '../fault_models.ts';
import type { GoldenBoard } from './golden.ts';
import { timeOf } from './port_items.ts';
import type { RamSpan } from './ram.ts';
import { LINE_BYTES } from '../../../host/cbor/generated.ts';

/** A byte of RAM, by its offset in the span, and the bits of it that flip. */
export interface Flip {
  offset: number;
  mask: number;
}

/** One injection into a board: a function of (target, image, seed, index). */
export interface Injection {
  model: ModelName;
  /**
   * Without `call`: before this input, while the board sleeps. With `call`: while this input is
   * processed.
   */
  input: number;
  /**
   * Number of the golden run's call, and the instruction of it before which the fault is injected.
   */
  call?: number;
  at?: number;
  flips: Flip[];
  /** double and vertical only. */
  span?: FlipSpan;
  register?: { name: string; bit: number };
}

/** The inputs into which faults are injected: [from, to). */
export interface Window {
  from: number;
  to: number;
}

/**
 * Of the injections into RAM, one in so many falls into a call. The others fall while the board
 * sleeps, as it does 99.9 % of the time. The report keeps them apart.
 */
const inCallEvery = 4;
/** A moment that takes more stops than this to reach is not used: another is drawn. */
const passesMax = 1500;
/** Registers that cannot be injected into: always zero, or known to the debugger only. */
const excludedRegisters: ReadonlySet<string> = new Set(['x0', 'g0', 'wim', 'tbr', 'psr']);

/** Draws injections for a golden run. */
export class Drawer {
  readonly ramBytes: number;
  readonly #golden: GoldenBoard;
  readonly #target: Target;
  readonly #window: Window;
  /** Offset of the first byte of each part in use, and bytes in all parts before it. */
  readonly #parts: { offset: number; before: number }[] = [];
  readonly #registers: readonly string[];
  readonly #lineOrigin: number;

  /**
   * `lineOrigin`: offset in the span at which a line of the protected block begins, or would begin.
   */
  constructor(golden: GoldenBoard, span: RamSpan, target: Target, window: Window, lineOrigin = 0) {
    this.#lineOrigin = lineOrigin;
    this.#golden = golden;
    this.#target = target;
    this.#window = window;
    let before = 0;
    for (const part of span.parts) {
      // Of the stack, only the bytes that were ever used.
      const bytes = part.name === 'stack' ? Math.min(part.bytes, golden.stackBytes) : part.bytes;
      this.#parts.push({ offset: part.address + part.bytes - bytes - span.address, before });
      before += bytes;
    }
    this.ramBytes = before;
    // By number, so that each register counts once.
    const byNumber = new Map([...registersOf(target).numbers].map(([name, number]) => [number, name]));
    this.#registers = [...byNumber.values()].filter((name) => !excludedRegisters.has(name));
  }

  /** A line for people: over what the injections are drawn. */
  get note(): string {
    const { calls, inputs } = this.#golden;
    const { from, to } = this.#window;
    const [first, end] = this.#callRange();
    const instructions = calls.slice(first, end).reduce((sum, call) => sum + call.instructions, 0);
    const seconds = Math.round((timeOf(inputs[to]) - timeOf(inputs[from])) / 1000);
    return (
      `${this.ramBytes} bytes of RAM in use; injections in ${seconds} s of the run, ${instructions} instructions ` +
      `in calls; of those into RAM one in ${inCallEvery} in a call, the others asleep`
    );
  }

  draw(model: ModelName, seed: number, index: number): Injection {
    const random = new RandomStream(seed, `boards/${this.#target.name}/${model}`, index);
    if (model === 'register') {
      const bits = registersOf(this.#target).bytes * 8;
      const name = this.#registers[random.below(this.#registers.length)];
      return { model, ...this.#moment(random), flips: [], register: { name, bit: random.below(bits) } };
    }
    if (model === 'skip') return { model, ...this.#moment(random), flips: [] };
    const inCall = model !== 'stuck' && random.below(inCallEvery) === 0;
    const time = inCall ? this.#moment(random) : { input: this.#gap(random) };
    return { model, ...time, ...this.#flips(model, random) };
  }

  /**
   * Draws uniformly over time: the input before which an upset falls that comes between two inputs.
   */
  #gap(random: RandomStream): number {
    const { inputs } = this.#golden;
    const { from, to } = this.#window;
    const atMs = random.between(timeOf(inputs[from - 1]), timeOf(inputs[to - 1]));
    for (let input = from; input < to; input += 1) if (timeOf(inputs[input]) > atMs) return input;
    return to - 1;
  }

  /** The calls in the window: [first, end). */
  #callRange(): [number, number] {
    const { firstCall } = this.#golden;
    return [firstCall[this.#window.from], firstCall[this.#window.to]];
  }

  /** Draws uniformly over the instructions of all calls in the window. */
  #moment(random: RandomStream): { input: number; call: number; at: number } {
    const { firstCall, calls, trace } = this.#golden;
    const [first, end] = this.#callRange();
    const all = calls.slice(first, end).reduce((sum, { instructions }) => sum + instructions, 0);
    for (;;) {
      let left = random.below(all);
      let call = first;
      while (left >= calls[call].instructions) {
        left -= calls[call].instructions;
        call += 1;
      }
      const stops = planStops(trace[call], left);
      if (stops.reduce((sum, { passes }) => sum + passes, 0) > passesMax) continue;
      let input = this.#window.from;
      while (firstCall[input + 1] <= call) input += 1;
      return { input, call, at: left };
    }
  }

  /**
   * Draws uniformly over the bits of the RAM in use; doubles, bursts and vertical clusters as the
   * memory campaign draws them.
   */
  #flips(model: ModelName, random: RandomStream): Pick<Injection, 'flips' | 'span'> {
    const first = random.below(this.ramBytes * 8);
    const [offset, bit] = [this.#offsetOf(first >>> 3), first & 7];
    if (model === 'burst') {
      const length = burstBitsMin + random.below(burstBitsMax - burstBitsMin + 1);
      const bits = Array.from({ length }, (_, next) => bit + next);
      return { flips: flipsOf(offset, bits) };
    }
    if (model === 'vertical') {
      const span = random.below(2) === 0 ? 'byte' : 'word';
      const rowBytes = span === 'byte' ? 1 : wordBytes;
      const within = this.#within(offset, LINE_BYTES);
      const column = (within % rowBytes) * 8 + bit;
      const bits = drawRows(random, LINE_BYTES / rowBytes).map((row) => row * rowBytes * 8 + column);
      return { span, flips: flipsOf(offset - within, bits) };
    }
    if (model !== 'double') return { flips: flipsOf(offset, [bit]) };
    const span = random.below(2) === 0 ? 'word' : 'line';
    const bytes = span === 'word' ? wordBytes : LINE_BYTES;
    const within = this.#within(offset, bytes);
    const one = within * 8 + bit;
    const other = (one + 1 + random.below(bytes * 8 - 1)) % (bytes * 8);
    return { span, flips: flipsOf(offset - within, [one, other]) };
  }

  /** Returns how far into its line, or its word, of `bytes` bytes a byte of the span lies. */
  #within(offset: number, bytes: number): number {
    return (((offset - this.#lineOrigin) % bytes) + bytes) % bytes;
  }

  #offsetOf(byte: number): number {
    const part = this.#parts.findLast(({ before }) => before <= byte)!;
    return part.offset + byte - part.before;
  }
}

/** Converts bits, counted from the least significant bit of a byte, to bytes and masks. */
function flipsOf(offset: number, bits: readonly number[]): Flip[] {
  const masks = new Map<number, number>();
  for (const bit of bits) masks.set(offset + (bit >> 3), (masks.get(offset + (bit >> 3)) ?? 0) | (1 << (bit & 7)));
  return [...masks].map(([at, mask]) => ({ offset: at, mask })).sort((a, b) => a.offset - b.offset);
}

/** Draws the model of injection number `index`. */
export function modelOf(models: readonly ModelName[], seed: number, index: number): ModelName {
  return modelAt(models, new RandomStream(seed, 'boards/model', index).fraction());
}

/** An address to stop at, after it was passed so many times. */
export interface Stop {
  address: number;
  passes: number;
}

/** How far back from an instruction a rarely executed one is looked for. */
const lookBackMax = 3000;

/**
 * Plans how to reach instruction `at` of a call with few stops: directly at its address, after as
 * many passes as there were before, or first at another address that is rarely passed and from
 * there on. Nothing else executes between the two.
 */
export function planStops(executed: Uint32Array, at: number): Stop[] {
  const address = executed[at];
  const passed = new Uint32Array(at + 1);
  const seen = new Map<number, number>();
  for (let index = 0; index <= at; index += 1) {
    const before = seen.get(executed[index]) ?? 0;
    passed[index] = before;
    seen.set(executed[index], before + 1);
  }
  let best = { cost: passed[at], stops: [{ address, passes: passed[at] }] };
  let between = 0;
  for (let from = at - 1; from >= Math.max(0, at - lookBackMax) && between < best.cost; from -= 1) {
    if (executed[from] === address) {
      between += 1;
      continue;
    }
    const cost = passed[from] + between + 1;
    if (cost >= best.cost) continue;
    const stops = [
      { address: executed[from], passes: passed[from] },
      { address, passes: between },
    ];
    best = { cost, stops };
  }
  return best.stops;
}
