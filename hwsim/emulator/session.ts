import { boardTools, installCommand } from '../../host/build/boards.mjs';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Elf } from '../../host/board/elf.ts';
import { emulatedRamBytes, emulatorArguments, type Target } from '../../host/board/targets.ts';
import { StreamReader } from '../../host/radio/framing.ts';
import { Debugger, debuggerArguments } from './debugger.ts';
import { countArguments, type CallCount, markedOps, readCounts, readTrace } from './plugin/plugin.ts';
import { PORT_FRAME_BYTES_MAX, type PortInput, type PortOutput } from '../board/port.ts';
import { decodeOutput, encodeInput } from './port_codec.ts';
import { EmulatorProcess } from './process.ts';
import { EmulatorError, type EmulatorPool } from './pool.ts';

export interface SessionParts {
  pool: EmulatorPool;
  /** Unique in the pool. */
  id: string;
  target: Target;
  /** The program's path, and its contents. */
  path: string;
  elf: Elf;
  /** A call of more instructions ends the emulator. */
  limit?: number;
  /** Record which addresses are executed, in every call but those that only ask for the hash. */
  traced?: boolean;
  /** Open a debugger's line as well; the board is stopped until the debugger resumes it. */
  debugged?: boolean;
  /** False: without the counting plugin. */
  counted?: boolean;
  /** Further arguments of the emulator, given the path of a file of this run for their notes. */
  extra?: (notes: string) => readonly string[];
}

const callsMax = 2 ** 40;

/**
 * One run of a board under observation: its line, the counting plugin, and a debugger if one is
 * wanted. Unlike a board of the simulator, it may trap, hang and restart.
 */
export class BoardSession {
  readonly #parts: SessionParts;
  readonly #process: EmulatorProcess;
  readonly #reader: StreamReader;
  readonly #outputs: PortOutput[] = [];
  readonly #counts: string;
  readonly #trace: string;
  readonly debugger: Debugger | null;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const { pool, id, target, path, elf, limit } = parts;
    const at = (suffix: string) => join(pool.folder, `${id}.${suffix}`);
    this.#counts = at('counts');
    this.#trace = at('trace');
    const debuggerLine = at('debugger');
    const ram = openSync(at('ram'), 'w+');
    ftruncateSync(ram, emulatedRamBytes);
    closeSync(ram);
    if (parts.debugged === true) {
      const made = spawnSync('mkfifo', [`${debuggerLine}.in`, `${debuggerLine}.out`], { encoding: 'utf8' });
      if (made.status !== 0) throw new EmulatorError(`no line for a debugger: mkfifo failed: ${made.stderr}`);
    }
    const trace = parts.traced === true ? { path: this.#trace, from: 0, calls: callsMax, except: 'hash' } : undefined;
    this.#process = new EmulatorProcess({
      ...{ pool, id, title: `board ${target.name} (${path})`, command: target.emulator },
      remedy: installCommand([boardTools[target.emulator]]),
      arguments: (line) => [
        ...emulatorArguments(target, path, at('ram')),
        ...(parts.debugged === true ? debuggerArguments(debuggerLine) : []),
        ...['-chardev', `pipe,id=port,path=${line}`, '-serial', 'chardev:port'],
        ...(parts.counted === false ? [] : countArguments(elf, { out: this.#counts, limit, trace })),
        ...(parts.extra?.(at('notes')) ?? []),
      ],
    });
    this.#reader = new StreamReader((frame) => this.#outputs.push(decodeOutput(frame)), PORT_FRAME_BYTES_MAX);
    this.#process.start();
    const pid = Number(readFileSync(at('pid'), 'utf8'));
    this.debugger = parts.debugged === true ? new Debugger(pool, pid, target, debuggerLine) : null;
  }

  /**
   * The file that is the machine's main memory; to be changed only while the board is stopped or
   * sleeps.
   */
  get memoryFile(): string {
    return join(this.#parts.pool.folder, `${this.#parts.id}.ram`);
  }

  /** Reads the notes of a further argument. */
  notes(): Buffer {
    return readFileSync(join(this.#parts.pool.folder, `${this.#parts.id}.notes`));
  }

  give(input: PortInput): void {
    this.#process.write(encodeInput(input));
  }

  /** Returns the next output. Throws EmulatorError when the emulator ended or hangs. */
  next(): PortOutput {
    while (this.#outputs.length === 0) this.#reader.push(this.#process.read());
    return this.#outputs.shift()!;
  }

  /** Returns outputs up to and including the next that ends an input, or that a restart causes. */
  untilDone(): PortOutput[] {
    const outputs: PortOutput[] = [];
    for (;;) {
      const output = this.next();
      outputs.push(output);
      if (['done', 'trapped', 'hello', 'answer'].includes(output.kind)) return outputs;
    }
  }

  /** Returns the calls that ended before the last output that was read. */
  counts(): CallCount[] {
    if (!existsSync(this.#counts)) return [];
    return readCounts(readFileSync(this.#counts), markedOps(this.#parts.elf));
  }

  /** Returns the addresses executed, per call; none of calls that ask for the hash. */
  trace(): Uint32Array[] {
    return readTrace(readFileSync(this.#trace));
  }

  /** Ends the run and removes its files. */
  close(): void {
    this.#process.retire();
    this.debugger?.close();
    const { pool, id } = this.#parts;
    for (const suffix of ['ram', 'counts', 'trace', 'notes', 'debugger.in', 'debugger.out'])
      rmSync(join(pool.folder, `${id}.${suffix}`), { force: true });
  }
}
