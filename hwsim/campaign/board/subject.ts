import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { Elf } from '../../../host/board/elf.ts';
import { nonVolatileOffset, type Target } from '../../../host/board/targets.ts';
import type { Debugger } from '../../emulator/debugger.ts';
import { markOf } from '../../emulator/slot_file.ts';
import { buildPlugin } from '../../emulator/plugin/plugin.ts';
import { EmulatorError, type EmulatorPool } from '../../emulator/pool.ts';
import type { PortInput, PortOutput } from '../../board/port.ts';
import { BoardSession } from '../../emulator/session.ts';
import { type RamSpan, ramSpan, symbolOf } from './ram.ts';
import { STORE_HEADER_BYTES, STORE_SLOT_BYTES, STORE_SLOTS_AT } from '../../../host/cbor/generated.ts';

/** The state of a sleeping board: RAM, non-volatile memory and registers. All devices are idle. */
export interface Snapshot {
  ram: Buffer;
  nonVolatile: Buffer;
  registers: string;
}

/**
 * Nanoseconds per instruction as a power of two. A second of the board's watchdog is then 62.5
 * million instructions, more than twice the longest step.
 */
const clockShift = 4;
const nonVolatileUsed = STORE_SLOTS_AT + 2 * STORE_SLOT_BYTES;
/** Attempts to find the board asleep; the first ones wait less. */
const attemptsMax = 2000;
const nap = new Int32Array(new SharedArrayBuffer(4));

/**
 * Returns the checkpoints in non-volatile memory, and how many were stored up to each: their
 * sequence begins with 1.
 */
export function checkpointsIn({ nonVolatile }: Snapshot): { number: number; image: Uint8Array }[] {
  const slots = [STORE_SLOTS_AT, STORE_SLOTS_AT + STORE_SLOT_BYTES].filter(
    (at) => nonVolatile.readUInt32LE(at) === markOf(nonVolatile.subarray(at, at + STORE_HEADER_BYTES)),
  );
  return slots.map((at) => {
    const from = at + STORE_HEADER_BYTES;
    return {
      number: nonVolatile.readUInt32LE(at + 4),
      image: nonVolatile.subarray(from, from + nonVolatile.readUInt32LE(at + 8)),
    };
  });
}

export interface SubjectParts {
  pool: EmulatorPool;
  target: Target;
  path: string;
  elf: Elf;
  /**
   * Records the instructions of every call, and which bytes each input accesses first. `wake`: the
   * `sleepAddress` of an earlier start.
   */
  observed?: { wake: number };
}

/**
 * A board into which a campaign injects fault after fault. A snapshot restores it to the golden
 * run's state before any input within a millisecond, so that it need not be flown there. RAM lies
 * in the file that is the machine's main memory.
 */
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

  /** Switches the board on, or restarts it if it runs; it then waits to be booted. */
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
    this.#stopAsleep();
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

  /** Where the processor continues after its sleep. */
  get sleepAddress(): number {
    return this.#sleepAddress;
  }

  give(input: PortInput): void {
    this.session.give(input);
  }

  /** Returns outputs up to the one that ends an input, or a restart. */
  outputs(): PortOutput[] {
    return this.session.untilDone();
  }

  /** Stops the board where it sleeps, calls `then`, and lets it sleep on. */
  asleep<T>(then: () => T): T {
    this.#stopAsleep();
    const result = then();
    this.debug.resume();
    return result;
  }

  /** Takes a snapshot. Equal non-volatile memory is shared with `previous`. */
  snapshot(previous: Snapshot | null): Snapshot {
    return this.asleep(() => {
      const ram = this.readRam();
      const nonVolatile = this.#read(nonVolatileOffset, nonVolatileUsed);
      const same = previous?.nonVolatile.equals(nonVolatile) === true;
      return { ram, nonVolatile: same ? previous!.nonVolatile : nonVolatile, registers: this.debug.registers() };
    });
  }

  /** Restores a snapshot; `change` is applied before the board goes on. */
  restore({ ram, nonVolatile, registers }: Snapshot, change?: () => void): void {
    this.asleep(() => {
      this.#write(this.#offset(this.span.address), ram);
      this.#write(nonVolatileOffset, nonVolatile);
      this.debug.setRegisters(registers);
      change?.();
    });
  }

  /** Reads all RAM of the span; only while the board is stopped or sleeps. */
  readRam(): Buffer {
    return this.#read(this.#offset(this.span.address), this.span.bytes);
  }

  /** Changes a byte of RAM; only while the board is stopped or sleeps. Returns the byte before. */
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

  /** Stops the board once it sleeps. It may still work for a short time after its last output. */
  #stopAsleep(): void {
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      this.debug.interrupt();
      const at = this.debug.programCounter;
      if (this.#sleepAddress === 0) this.#sleepAddress = this.#restingPlace(at);
      if (this.#sleepAddress !== 0 && at === this.#sleepAddress) return;
      this.debug.resume();
      Atomics.wait(nap, 0, 0, attempt < 20 ? 0.05 : 1);
    }
    throw new EmulatorError(`${this.#parts.target.name} does not go to sleep between inputs`);
  }

  /** Finds where the board sleeps: where it stands twice, with time between. */
  #restingPlace(first: number): number {
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
