import type { ModelName } from '../outcomes.ts';
import { mixShares } from '../memory/draw.ts';
import { RandomStream } from '../../kernel/random.ts';
import type { GoldenBoard } from './golden.ts';
import type { RamSpan } from './subject.ts';
import { registersOf } from '../../emulator/debugger.ts';
import type { Target } from '../../../host/board/targets.ts';
import type { LocalTime, PortInput } from '../../emulator/port.ts';

/** A byte of RAM, by its offset in the span, and the bits of it that are struck. */
export interface Flip {
  offset: number;
  mask: number;
}

/** What strikes the board. A function of (target, image, seed, index). */
export interface Strike {
  model: ModelName;
  /** Before this input, while the board sleeps; with `call`: while this input is worked on. */
  input: number;
  /** Of the golden run's calls, and before which instruction of it. */
  call?: number;
  at?: number;
  flips: Flip[];
  /** double: whether both bits lie in one 32-bit word, or anywhere in one line of 64 bytes. */
  span?: 'word' | 'line';
  register?: { name: string; bit: number };
}

/** The part of the row in which strikes fall: from one input up to, but without, another. */
export interface Window {
  from: number;
  to: number;
}

/** Of strikes in RAM, one in so many falls into a call; the others while the board sleeps, where it is 99.9 % of the time. The report keeps them apart. */
const inCallEvery = 4;
/** An instruction that its call executed more often than this before is not stopped at: another moment is drawn. */
export const passesMax = 1500;
const burstBitsMin = 3;
const burstBitsMax = 8;
const wordBytes = 4;
const lineBytes = 64;

export const timeOf = (input: PortInput): number => {
  const { nowS, nowMs } = input as PortInput & LocalTime;
  return nowS * 1000 + nowMs;
};

/** Draws strikes for a golden run. */
export class Drawer {
  readonly #golden: GoldenBoard;
  readonly #target: Target;
  readonly #window: Window;
  /** Offsets of the first byte of each part in use, and how many bytes there are in all parts before it. */
  readonly #parts: { offset: number; before: number; bytes: number }[] = [];
  readonly ramBytes: number;
  readonly #registers: readonly string[];
  readonly #lineOrigin: number;

  /** `lineOrigin`: offset in the span at which a line of the protected block begins, or would. */
  constructor(golden: GoldenBoard, span: RamSpan, target: Target, window: Window, lineOrigin = 0) {
    this.#lineOrigin = lineOrigin;
    this.#golden = golden;
    this.#target = target;
    this.#window = window;
    let before = 0;
    for (const part of span.parts) {
      // Of the stack, what was ever used.
      const bytes = part.name === 'stack' ? Math.min(part.bytes, golden.stackBytes) : part.bytes;
      this.#parts.push({ offset: part.address + part.bytes - bytes - span.address, before, bytes });
      before += bytes;
    }
    this.ramBytes = before;
    // Each register once; the one that is always zero cannot be struck, nor what only the debugger calls a register.
    const byNumber = new Map([...registersOf(target).numbers].map(([name, number]) => [number, name]));
    const never = new Set(['x0', 'g0', 'wim', 'tbr', 'psr']);
    this.#registers = [...byNumber.values()].filter((name) => !never.has(name));
  }

  /** For people: what strikes are drawn over. */
  get told(): string {
    const { firstCall, calls } = this.#golden;
    const instructions = calls
      .slice(firstCall[this.#window.from], firstCall[this.#window.to])
      .reduce((sum, call) => sum + call.instructions, 0);
    const seconds =
      (timeOf(this.#golden.inputs[this.#window.to]) - timeOf(this.#golden.inputs[this.#window.from])) / 1000;
    return (
      `${this.ramBytes} bytes of RAM in use; strikes in ${Math.round(seconds)} s of the run, ${instructions} instructions in calls; ` +
      `of those in RAM one in ${inCallEvery} in a call, the others asleep`
    );
  }

  draw(model: ModelName, seed: number, index: number): Strike {
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

  /** Uniform over time: the input before which an upset falls that comes between two. */
  #gap(random: RandomStream): number {
    const { inputs } = this.#golden;
    const { from, to } = this.#window;
    const atMs = random.between(timeOf(inputs[from - 1]), timeOf(inputs[to - 1]));
    for (let input = from; input < to; input += 1) if (timeOf(inputs[input]) > atMs) return input;
    return to - 1;
  }

  /** Uniform over the instructions of all calls in the window. */
  #moment(random: RandomStream): { input: number; call: number; at: number } {
    const { firstCall, calls, trace } = this.#golden;
    const [first, end] = [firstCall[this.#window.from], firstCall[this.#window.to]];
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

  /** Uniform over the bits of the RAM in use; doubles and bursts as in hwsim/campaign/memory/draw.ts. */
  #flips(model: ModelName, random: RandomStream): Pick<Strike, 'flips' | 'span'> {
    const first = random.below(this.ramBytes * 8);
    const [offset, bit] = [this.#offsetOf(first >>> 3), first & 7];
    if (model === 'burst') {
      const length = burstBitsMin + random.below(burstBitsMax - burstBitsMin + 1);
      return {
        flips: flipsOf(
          offset,
          Array.from({ length }, (_, next) => bit + next),
        ),
      };
    }
    if (model !== 'double') return { flips: flipsOf(offset, [bit]) };
    const span = random.below(2) === 0 ? 'word' : 'line';
    const bytes = span === 'word' ? wordBytes : lineBytes;
    const within = (((offset - this.#lineOrigin) % bytes) + bytes) % bytes;
    const one = within * 8 + bit;
    const other = (one + 1 + random.below(bytes * 8 - 1)) % (bytes * 8);
    return { span, flips: flipsOf(offset - within, [one, other]) };
  }

  #offsetOf(byte: number): number {
    const part = this.#parts.findLast(({ before }) => before <= byte)!;
    return part.offset + byte - part.before;
  }
}

/** The bits counted from the least significant one of a byte, as bytes and masks. */
function flipsOf(offset: number, bits: readonly number[]): Flip[] {
  const masks = new Map<number, number>();
  for (const bit of bits) masks.set(offset + (bit >> 3), (masks.get(offset + (bit >> 3)) ?? 0) | (1 << (bit & 7)));
  return [...masks].map(([at, mask]) => ({ offset: at, mask })).sort((a, b) => a.offset - b.offset);
}

/** The model of injection number `index`: the shares of the default mix are those of the campaign in wasm, others are drawn alike. */
export function modelOf(models: readonly ModelName[], seed: number, index: number): ModelName {
  const share = new RandomStream(seed, 'boards/model', index).fraction();
  const isMix =
    models.length === 3 && models.every((model) => model === 'bit' || model === 'double' || model === 'burst');
  if (!isMix) return models[Math.floor(share * models.length)];
  if (share < mixShares.burst) return 'burst';
  return share < mixShares.burst + mixShares.double ? 'double' : 'bit';
}

/** A place to stop at, after so many times that it was passed. */
export interface Stop {
  address: number;
  passes: number;
}

const backMax = 3000;

/**
 * How to get to instruction `at` of a call with few stops: at its own address after as many passes as there were before, or first somewhere that is rarely passed and from there
 * on. Nothing else executes between the two.
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
  for (let from = at - 1; from >= Math.max(0, at - backMax) && between < best.cost; from -= 1) {
    if (executed[from] === address) {
      between += 1;
      continue;
    }
    const cost = passed[from] + between + 1;
    if (cost < best.cost)
      best = {
        cost,
        stops: [
          { address: executed[from], passes: passed[from] },
          { address, passes: between },
        ],
      };
  }
  return best.stops;
}
