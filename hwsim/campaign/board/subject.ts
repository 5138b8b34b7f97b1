import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { Elf } from '../../../host/board/elf.ts';
import { nonVolatileOffset, type Target } from '../../../host/board/targets.ts';
import type { Debugger } from '../../emulator/debugger.ts';
import { markOf, storeLayout } from '../../emulator/memory.ts';
import { buildPlugin } from '../../emulator/plugin/plugin.ts';
import type { PortInput, PortOutput } from '../../emulator/port.ts';
import { EmulatorError, type EmulatorPool } from '../../emulator/pool.ts';
import { BoardSession } from '../../emulator/session.ts';

/**
 * A board that a campaign strikes again and again: put back to where the golden run was before any input, in a millisecond, instead of being flown there. What a sleeping board
 * is made of is its RAM, its non-volatile memory and its registers; all devices are idle. RAM lies in the file that is the machine's main memory.
 */

/** A stretch of RAM. */
export interface RamPart {
  readonly name: 'linear' | 'static' | 'stack';
  readonly address: number;
  readonly bytes: number;
}

/** RAM as a program of this target uses it, whole. */
export interface RamSpan {
  readonly address: number;
  readonly bytes: number;
  readonly parts: readonly RamPart[];
}

/** A sleeping board. */
export interface Snapshot {
  ram: Buffer;
  nonVolatile: Buffer;
  registers: string;
}

/** Nanoseconds per instruction as a power of two: a second of the board's watchdog is then 62.5 million instructions, more than twice the longest step there is. */
const clockShift = 4;
const nonVolatileUsed = storeLayout.slotsAt + 2 * storeLayout.slotBytes;
const { slotsAt, slotBytes, headerBytes } = storeLayout;
const pauses = 2000;
const nap = new Int32Array(new SharedArrayBuffer(4));

function symbolOf(elf: Elf, name: string): number {
  const address = elf.symbols.get(name);
  if (address === undefined) throw new EmulatorError(`the ELF has no symbol '${name}': has its linker script changed?`);
  return address;
}

/** The checkpoints that non-volatile memory holds, and how many were stored up to each: their sequence begins with 1. */
export function checkpointsIn({ nonVolatile }: Snapshot): { number: number; image: Uint8Array }[] {
  const slots = [slotsAt, slotsAt + slotBytes].filter(
    (at) => nonVolatile.readUInt32LE(at) === markOf(nonVolatile.subarray(at, at + headerBytes)),
  );
  return slots.map((at) => {
    const from = at + headerBytes;
    return {
      number: nonVolatile.readUInt32LE(at + 4),
      image: nonVolatile.subarray(from, from + nonVolatile.readUInt32LE(at + 8)),
    };
  });
}

/** Linear memory, static data of the loop and the drivers, stack: with the gaps between them. */
export function ramSpan(elf: Elf): RamSpan {
  const at = (name: string) => symbolOf(elf, name);
  const [zeroBegin, zeroEnd, linearBegin, linearEnd] = ['zero_begin', 'zero_end', 'linear_begin', 'linear_end'].map(at);
  const [stackBottom, stackTop, cause] = ['stack_bottom', 'stack_top', 'start_cause'].map(at);
  const parts: RamPart[] = [
    { name: 'linear', address: linearBegin, bytes: linearEnd - linearBegin },
    { name: 'static', address: zeroBegin, bytes: linearBegin - zeroBegin },
    { name: 'static', address: linearEnd, bytes: zeroEnd - linearEnd },
    { name: 'static', address: cause, bytes: 8 },
    { name: 'stack', address: stackBottom, bytes: stackTop - stackBottom },
  ];
  const present = parts.filter(({ bytes }) => bytes > 0);
  const address = Math.min(...present.map((part) => part.address));
  const end = Math.max(...present.map((part) => part.address + part.bytes));
  return { address, bytes: end - address, parts: present };
}

export interface SubjectParts {
  pool: EmulatorPool;
  target: Target;
  path: string;
  elf: Elf;
  /** Write down the instructions of every call, and which bytes each input touches first; `wake` as `sleepAddress` told it. */
  observed?: { wake: number };
}

export class Subject {
  readonly span: RamSpan;
  readonly #parts: SubjectParts;
  #session: BoardSession | null = null;
  #file = -1;
  #sleepAddress = 0;

  constructor(parts: SubjectParts) {
    this.#parts = parts;
    this.span = ramSpan(parts.elf);
  }

  /** Switches it on, anew if it runs; it then waits to be booted. */
  start(): void {
    this.close();
    const { pool, target, path, elf, observed } = this.#parts;
    const clock = ['-icount', `shift=${clockShift},sleep=on`];
    const access = (notes: string) => {
      const region = `from=${this.span.address},bytes=${this.span.bytes}`;
      const over = symbolOf(elf, 'board_watchdog_stop');
      return ['-plugin', `${buildPlugin('access')},out=${notes},wake=${observed!.wake},over=${over},${region}`];
    };
    this.#session = new BoardSession({
      ...{ pool, id: pool.uniqueId(target.name), target, path, elf, debugged: true },
      traced: observed !== undefined,
      counted: observed !== undefined,
      extra: (notes) => [...clock, ...(observed === undefined ? [] : access(notes))],
    });
    this.#file = openSync(this.#session.memoryFile, 'r+');
    this.debug.resume();
    this.#session.untilDone();
    this.#sleepAddress = observed?.wake ?? 0;
    this.#rest();
    this.debug.resume();
  }

  get session(): BoardSession {
    if (this.#session === null) throw new EmulatorError('the board is switched off');
    return this.#session;
  }

  get debug(): Debugger {
    return this.session.debugger!;
  }

  get isOn(): boolean {
    return this.#session !== null;
  }

  /** Where the processor goes on after its sleep. */
  get sleepAddress(): number {
    return this.#sleepAddress;
  }

  give(input: PortInput): void {
    this.session.give(input);
  }

  /** Outputs up to the one that ends an input, or a restart. */
  outputs(): PortOutput[] {
    return this.session.untilDone();
  }

  /** Stops it where it sleeps: `then` is done to it, and it sleeps on. */
  asleep<T>(then: () => T): T {
    this.#rest();
    const result = then();
    this.debug.resume();
    return result;
  }

  snapshot(previous: Snapshot | null): Snapshot {
    return this.asleep(() => {
      const ram = this.readRam();
      const nonVolatile = this.#read(nonVolatileOffset, nonVolatileUsed);
      const same = previous?.nonVolatile.equals(nonVolatile) === true;
      return { ram, nonVolatile: same ? previous!.nonVolatile : nonVolatile, registers: this.debug.registers() };
    });
  }

  /** Makes it what it was; `change` is done to its RAM before it goes on. */
  restore({ ram, nonVolatile, registers }: Snapshot, change?: () => void): void {
    this.asleep(() => {
      this.#write(this.#offset(this.span.address), ram);
      this.#write(nonVolatileOffset, nonVolatile);
      this.debug.setRegisters(registers);
      change?.();
    });
  }

  /** While it stands still or sleeps. */
  readRam(): Buffer {
    return this.#read(this.#offset(this.span.address), this.span.bytes);
  }

  /** While it stands still or sleeps: new = (old AND `and`) XOR `xor`. Returns the byte before. */
  changeByte(address: number, change: (before: number) => number): number {
    const [before] = this.#read(this.#offset(address), 1);
    this.#write(this.#offset(address), Uint8Array.of(change(before)));
    return before;
  }

  close(): void {
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = -1;
    this.#session?.close();
    this.#session = null;
  }

  /** Stops it once it sleeps: what it still does after its last word is soon over. */
  #rest(): void {
    for (let pause = 0; pause < pauses; pause += 1) {
      this.debug.interrupt();
      const at = this.debug.programCounter;
      if (this.#sleepAddress === 0) this.#sleepAddress = this.#settled(at);
      if (this.#sleepAddress !== 0 && at === this.#sleepAddress) return;
      this.debug.resume();
      Atomics.wait(nap, 0, 0, pause < 20 ? 0.05 : 1);
    }
    throw new EmulatorError(`${this.#parts.target.name} does not go to sleep between inputs`);
  }

  /** The first time nobody knows yet where it sleeps: where it stands twice with time between. */
  #settled(first: number): number {
    for (let at = first; ; ) {
      this.debug.resume();
      Atomics.wait(nap, 0, 0, 20);
      this.debug.interrupt();
      const next = this.debug.programCounter;
      if (next === at) return at;
      at = next;
    }
  }

  #offset(address: number): number {
    return address - this.#parts.target.ramAddress;
  }

  #read(at: number, bytes: number): Buffer {
    const buffer = Buffer.alloc(bytes);
    if (readSync(this.#file, buffer, 0, bytes, at) !== bytes)
      throw new EmulatorError("the machine's memory file is too short");
    return buffer;
  }

  #write(at: number, bytes: Uint8Array): void {
    writeSync(this.#file, bytes, 0, bytes.length, at);
  }
}
