import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import type { Target } from '../../host/board/targets.ts';
import { EmulatorError, type EmulatorPool } from './pool.ts';

/**
 * Registers by name, as the emulator numbers them without a target description; and the bytes of
 * each.
 */
interface RegisterFile {
  readonly bytes: number;
  readonly numbers: ReadonlyMap<string, number>;
  /** The emulator reads and writes only all of them at once. */
  readonly together?: boolean;
}

const numbered = (prefix: string, count: number, from: number): [string, number][] =>
  Array.from({ length: count }, (_, index) => [`${prefix}${index}`, from + index]);

const arm: RegisterFile = {
  bytes: 4,
  numbers: new Map([...numbered('r', 16, 0), ['sp', 13], ['lr', 14], ['pc', 15], ['xpsr', 25]]),
};
const riscv = (bytes: number): RegisterFile => ({
  bytes,
  numbers: new Map([...numbered('x', 32, 0), ['ra', 1], ['sp', 2], ['gp', 3], ['tp', 4], ['pc', 32]]),
});
const sparc: RegisterFile = {
  bytes: 4,
  together: true,
  numbers: new Map([
    ...[...numbered('g', 8, 0), ...numbered('o', 8, 8), ...numbered('l', 8, 16), ...numbered('i', 8, 24)],
    ...(['y', 'psr', 'wim', 'tbr', 'pc', 'npc'].map((name, index) => [name, 64 + index]) as [string, number][]),
    ['sp', 14],
  ]),
};

/** Returns the registers of a target, by name. */
export function registersOf(target: Target): RegisterFile {
  if (target.architecture === 'cortexm') return arm;
  if (target.architecture === 'leon3') return sparc;
  return riscv(target.name === 'rv64' ? 8 : 4);
}

/**
 * Returns the emulator's arguments that open a debugger's line: LINE.in and LINE.out must be pipes.
 */
export function debuggerArguments(line: string): string[] {
  return ['-chardev', `pipe,id=debugger,path=${line}`, '-gdb', 'chardev:debugger'];
}

const chunkBytes = 1 << 14;
/** Kind of a breakpoint: the length of a Thumb instruction, otherwise of a word. */
const breakpointKind = (target: Target) => (target.architecture === 'cortexm' ? 2 : 4);

function checksum(text: string): string {
  let sum = 0;
  for (let at = 0; at < text.length; at += 1) sum = (sum + text.charCodeAt(at)) & 255;
  return sum.toString(16).padStart(2, '0');
}

/**
 * Speaks GDB's remote serial protocol (GDB manual, appendix E) over two pipes of an emulator: stop,
 * continue, step, breakpoints, registers, memory. No debugger is needed. Every call is synchronous,
 * as the simulation is.
 */
export class Debugger {
  readonly #target: Target;
  readonly #pool: EmulatorPool;
  readonly #place: number;
  readonly #pid: number;
  readonly #registers: RegisterFile;
  readonly #in: number;
  readonly #out: number;
  readonly #chunk = Buffer.alloc(chunkBytes);
  #text = '';

  /**
   * Opens the line of a running emulator and stops it. The pool's guard kills `pid` when it does
   * not answer.
   */
  constructor(pool: EmulatorPool, pid: number, target: Target, line: string) {
    this.#pool = pool;
    this.#place = pool.place();
    this.#pid = pid;
    this.#target = target;
    this.#registers = registersOf(target);
    this.#in = openSync(`${line}.in`, constants.O_WRONLY);
    this.#out = openSync(`${line}.out`, constants.O_RDONLY);
    this.#ask('?');
    // The emulator gives single registers only to a client that asked for the target's description.
    this.#ask('qXfer:features:read:target.xml:0,ffb');
  }

  /** Closes the line. The emulator stays running, or stopped, as it is. */
  close(): void {
    closeSync(this.#in);
    closeSync(this.#out);
    this.#pool.release(this.#place);
  }

  /** Lets the emulator run. */
  resume(): void {
    this.#send('c');
  }

  /** Waits until a breakpoint, a step or `interrupt` stops the emulator. */
  awaitStop(): void {
    const reply = this.#reply();
    if (!/^[ST]/.test(reply)) throw this.#refused('to stop', reply);
  }

  /** Stops the emulator wherever it is. */
  interrupt(): void {
    writeSync(this.#in, Uint8Array.of(3));
    this.awaitStop();
  }

  /** Executes one instruction. */
  step(): void {
    this.#send('s');
    this.awaitStop();
  }

  setBreakpoint(address: number): void {
    this.#expectOk(`Z0,${address.toString(16)},${breakpointKind(this.#target)}`, 'a breakpoint');
  }

  clearBreakpoint(address: number): void {
    this.#expectOk(`z0,${address.toString(16)},${breakpointKind(this.#target)}`, 'to clear a breakpoint');
  }

  /** Passes the breakpoint at which the emulator stands: clears it, steps, and sets it again. */
  passBreakpoint(address: number): void {
    this.clearBreakpoint(address);
    this.step();
    this.setBreakpoint(address);
  }

  /** Goes on from one breakpoint to the next that is met, `times` times. */
  passStops(times: number): void {
    for (let passed = 0; passed < times; passed += 1) {
      this.passBreakpoint(this.programCounter);
      this.resume();
      this.awaitStop();
    }
  }

  /** Runs until `address` is reached after `passes` passes; leaves no breakpoint there. */
  runTo(address: number, passes: number): void {
    this.setBreakpoint(address);
    this.resume();
    this.awaitStop();
    this.passStops(passes);
    this.clearBreakpoint(address);
  }

  get programCounter(): number {
    return Number(this.register('pc'));
  }

  register(name: string): bigint {
    const hex = this.#registerHex(this.#number(name));
    if (!/^([0-9a-f]{2})+$/.test(hex)) throw this.#refused(`to read register ${name}`, hex);
    const bytes = hex.match(/../g)!;
    return BigInt(`0x${(this.#target.bigEndian ? bytes : bytes.reverse()).join('')}`);
  }

  setRegister(name: string, value: bigint): void {
    const { bytes, together } = this.#registers;
    const number = this.#number(name);
    const parts = BigInt.asUintN(bytes * 8, value)
      .toString(16)
      .padStart(bytes * 2, '0')
      .match(/../g)!;
    const hex = (this.#target.bigEndian ? parts : parts.reverse()).join('');
    if (!together) return this.#expectOk(`P${number.toString(16)}=${hex}`, `to write register ${name}`);
    const all = this.#ask('g');
    this.#expectOk(
      `G${all.slice(0, number * bytes * 2)}${hex}${all.slice((number + 1) * bytes * 2)}`,
      `to write register ${name}`,
    );
  }

  /**
   * Returns all registers of the present window, as the emulator spells them, for `setRegisters`.
   */
  registers(): string {
    return this.#ask('g');
  }

  setRegisters(hex: string): void {
    this.#expectOk(`G${hex}`, 'to write all registers');
  }

  #registerHex(number: number): string {
    const { bytes, together } = this.#registers;
    return together
      ? this.#ask('g').slice(number * bytes * 2, (number + 1) * bytes * 2)
      : this.#ask(`p${number.toString(16)}`);
  }

  read(address: number, bytes: number): Uint8Array {
    const hex = this.#ask(`m${address.toString(16)},${bytes.toString(16)}`);
    if (hex.length !== bytes * 2) throw this.#refused(`to read ${bytes} bytes at 0x${address.toString(16)}`, hex);
    return Uint8Array.from(hex.match(/../g)!, (byte) => Number.parseInt(byte, 16));
  }

  write(address: number, bytes: Uint8Array): void {
    const hex = Buffer.from(bytes).toString('hex');
    this.#expectOk(
      `M${address.toString(16)},${bytes.length.toString(16)}:${hex}`,
      `to write 0x${address.toString(16)}`,
    );
  }

  #number(name: string): number {
    const number = this.#registers.numbers.get(name);
    if (number !== undefined) return number;
    throw new EmulatorError(
      `${this.#target.name} has no register '${name}': it has ${[...this.#registers.numbers.keys()].join(' ')}`,
    );
  }

  #expectOk(command: string, what: string): void {
    const reply = this.#ask(command);
    if (reply !== 'OK') throw this.#refused(what, reply);
  }

  #refused(what: string, reply: string): EmulatorError {
    return new EmulatorError(`${this.#target.emulator} refuses ${what}: '${reply}'`);
  }

  #ask(command: string): string {
    this.#send(command);
    return this.#reply();
  }

  #send(command: string): void {
    writeSync(this.#in, `$${command}#${checksum(command)}`);
  }

  /** Returns the next packet and acknowledges it; skips acknowledgements of our own packets. */
  #reply(): string {
    for (;;) {
      const packet = /^\+*\$([^#]*)#([0-9a-f]{2})/.exec(this.#text);
      if (packet === null) {
        this.#read();
        continue;
      }
      this.#text = this.#text.slice(packet[0].length);
      if (checksum(packet[1]) !== packet[2]) throw this.#refused('to send a sound packet', packet[0]);
      writeSync(this.#in, '+');
      return packet[1];
    }
  }

  #read(): void {
    this.#pool.beginWait(this.#place, this.#pid);
    const length = readSync(this.#out, this.#chunk, 0, chunkBytes, null);
    this.#pool.endWait(this.#place);
    if (length === 0) throw new EmulatorError(`${this.#target.emulator} ended while a debugger was waiting for it`);
    this.#text += this.#chunk.toString('latin1', 0, length);
  }
}
