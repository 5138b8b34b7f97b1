import type { Elf } from '../../../host/board/elf.ts';
import type { Target } from '../../../host/board/targets.ts';
import type { CallCount } from '../../emulator/plugin/plugin.ts';
import { EmulatorError, type EmulatorPool } from '../../emulator/pool.ts';
import type { PortInput, PortOutput } from '../../board/port.ts';
import { sameOutputs } from './port_items.ts';
import { type Snapshot, Subject } from './subject.ts';
import { PORT_ASK } from '../../../host/cbor/generated.ts';

/**
 * A board's run without a fault: its outputs, its state before each input, what each call executed,
 * and which bytes each input accessed first.
 */
export interface GoldenBoard {
  readonly inputs: readonly PortInput[];
  readonly outputs: readonly PortOutput[][];
  /** Before each input, and after the last. */
  readonly snapshots: readonly Snapshot[];
  readonly calls: readonly CallCount[];
  /** Number of the first call that each input made; one more at the end. */
  readonly firstCall: readonly number[];
  /** Addresses executed in each call. */
  readonly trace: readonly Uint32Array[];
  readonly accesses: Accesses;
  /** Greatest depth of the stack, bytes. */
  readonly stackBytes: number;
}

export type Access = 'read' | 'write' | 'none';

/** Knows how each input first accessed each byte of RAM. */
export class Accesses {
  readonly #from: Uint32Array;
  /** By byte, in order of time: input × 2, + 1 for a write. */
  readonly #entries: Uint32Array;

  /** `words`: what plugin/access.c wrote about a region of so many bytes. */
  constructor(words: Uint32Array, bytes: number) {
    this.#from = new Uint32Array(bytes + 1);
    for (const word of words) if (word !== 0xffffffff) this.#from[(word & 0x7fffffff) + 1] += 1;
    for (let at = 0; at < bytes; at += 1) this.#from[at + 1] += this.#from[at];
    this.#entries = new Uint32Array(this.#from[bytes]);
    const next = this.#from.slice();
    let input = -1;
    for (const word of words) {
      if (word === 0xffffffff) input += 1;
      else {
        const at = word & 0x7fffffff;
        this.#entries[next[at]] = 2 * input + (word >>> 31);
        next[at] += 1;
      }
    }
  }

  /** Returns how input `from` or a later one first accesses the byte, and which input does. */
  first(offset: number, from: number): { access: Access; input: number } {
    for (let at = this.#from[offset]; at < this.#from[offset + 1]; at += 1) {
      const entry = this.#entries[at];
      if (entry >>> 1 < from) continue;
      return { access: entry & 1 ? 'write' : 'read', input: entry >>> 1 };
    }
    return { access: 'none', input: -1 };
  }
}

export interface GoldenParts {
  pool: EmulatorPool;
  target: Target;
  path: string;
  elf: Elf;
  inputs: readonly PortInput[];
}

/**
 * Flies the inputs twice: once to take snapshots in between, once under observation. Throws when
 * the two runs differ, or when an input does not end well.
 */
export function flyGolden(parts: GoldenParts): GoldenBoard {
  const subject = new Subject(parts);
  try {
    subject.start();
    const outputs: PortOutput[][] = [];
    const snapshots: Snapshot[] = [];
    for (const input of parts.inputs) {
      snapshots.push(subject.snapshot(snapshots.at(-1) ?? null));
      subject.give(input);
      outputs.push(subject.outputs());
      if (outputs.at(-1)!.at(-1)!.kind !== 'done')
        throw new EmulatorError(`input ${outputs.length - 1} does not end well without any fault`);
    }
    snapshots.push(subject.snapshot(snapshots.at(-1)!));
    subject.give({ kind: 'ask', what: PORT_ASK.stackDepth, index: 0 });
    const answer = subject.outputs().at(-1)!;
    const stackBytes = answer.kind === 'answer' ? answer.words[0] : 0;
    const wake = subject.sleepAddress;
    subject.close();
    return { inputs: parts.inputs, outputs, snapshots, stackBytes, ...observe(parts, wake, outputs) };
  } finally {
    subject.close();
  }
}

function observe(parts: GoldenParts, wake: number, expected: readonly PortOutput[][]) {
  const subject = new Subject({ ...parts, observed: { wake } });
  try {
    subject.start();
    const firstCall: number[] = [];
    parts.inputs.forEach((input, index) => {
      subject.asleep(() => {});
      firstCall.push(subject.session.counts().length);
      subject.give(input);
      if (!sameOutputs(subject.outputs(), expected[index]))
        throw new EmulatorError(
          `input ${index} gives other outputs under observation, although they do not depend on the board's time`,
        );
    });
    subject.asleep(() => {});
    const words = new Uint32Array(new Uint8Array(subject.session.notes()).buffer);
    const stretches = words.reduce((sum, word) => sum + (word === 0xffffffff ? 1 : 0), 0);
    if (stretches !== parts.inputs.length)
      throw new EmulatorError(`${parts.inputs.length} inputs, but the board slept ${stretches} times between them`);
    const calls = subject.session.counts();
    firstCall.push(calls.length);
    return { calls, firstCall, trace: subject.session.trace(), accesses: new Accesses(words, subject.span.bytes) };
  } finally {
    subject.close();
  }
}
