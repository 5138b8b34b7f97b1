import { closeSync, openSync, writeSync } from 'node:fs';
import { emulatedRamBytes, nonVolatileBytes, nonVolatileOffset } from '../../host/board/targets.ts';
import { StreamReader } from '../../host/radio/framing.ts';
import type { Controller, FirmwareInput, Reply } from '../board/controller.ts';
import { ReplyGatherer } from '../board/engine_board.ts';
import { SlotFile } from './slot_file.ts';
import { type Hello, PORT_FRAME_BYTES_MAX, type PortInput, type PortOutput } from '../board/port.ts';
import { decodeOutput, encodeInput } from './port_codec.ts';
import { EmulatorProcess, type EmulatorProcessParts } from './process.ts';
import { EmulatorError } from './pool.ts';
import { PORT_ASK } from '../../host/cbor/generated.ts';

/** What a board must report in its hello. */
export interface BoardIdentity {
  target: number;
  preset: number;
  contextBytes: number;
  /** First eight hexadecimal digits of the SHA-256 of the image that the simulator flies. */
  imageSha256: string;
}

export interface EmulatedBoardParts extends Omit<EmulatorProcessParts, 'arguments'> {
  /**
   * Arguments of the command, given the paths of the line and of the file that is the machine's
   * main memory.
   */
  arguments: (line: string, ramFile: string) => string[];
  /** null: every hello is accepted. */
  identity: BoardIdentity | null;
  /** What to do when the hello does not fit. */
  rebuild: string;
}

/** What happened to a board, for summaries. */
export interface BoardCounts {
  inputs: number;
  framesIn: number;
  framesOut: number;
  records: number;
  boots: number;
  resets: number;
  powerCycles: number;
}

/** Contents of memory after a loss of power: neither zeros nor what was there before. */
const unpoweredPattern = 0xa5;

/**
 * A flight board in an emulator, behind its serial line. Its main memory is a file; one region of
 * it keeps its contents without power.
 */
export class EmulatedBoard implements Controller {
  readonly counts: BoardCounts = {
    inputs: 0,
    framesIn: 0,
    framesOut: 0,
    records: 0,
    boots: 0,
    resets: 0,
    powerCycles: 0,
  };
  /** The hello of its last start. */
  hello: Hello | null = null;
  readonly #parts: EmulatedBoardParts;
  readonly #process: EmulatorProcess;
  readonly #ram: number;
  readonly #memory: SlotFile;
  readonly #reader: StreamReader;
  readonly #gatherer = new ReplyGatherer();
  readonly #replies: Reply[] = [];
  #answer: number[] | null = null;
  #helloDue = false;

  constructor(parts: EmulatedBoardParts) {
    this.#parts = parts;
    const ramFile = `${parts.pool.folder}/${parts.id}.ram`;
    this.#ram = openSync(ramFile, 'w+');
    writeSync(this.#ram, Buffer.alloc(nonVolatileBytes), 0, nonVolatileBytes, nonVolatileOffset);
    this.#loseMemory();
    this.#memory = new SlotFile(this.#ram, nonVolatileOffset);
    this.#process = new EmulatorProcess({ ...parts, arguments: (line) => parts.arguments(line, ramFile) });
    parts.pool.onClose(() => closeSync(this.#ram));
    this.#reader = new StreamReader((frame) => this.#take(decodeOutput(frame)), PORT_FRAME_BYTES_MAX);
  }

  get isOn(): boolean {
    return this.#process.isRunning;
  }

  /** Id of the emulator's process; 0 without power. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Switches the power on, unless it is on. The first input waits for the hello. */
  start(): void {
    if (this.#process.isRunning) return;
    this.#process.start();
    this.#helloDue = true;
  }

  give(input: FirmwareInput): void {
    if (input.kind === 'boot') {
      this.counts.boots += 1;
      this.start();
    }
    this.#awaitHello();
    this.counts.inputs += 1;
    if (input.kind === 'frame') this.counts.framesIn += 1;
    this.#send(input);
  }

  /** Returns the reply to the oldest input that has none yet. */
  reply(): Reply {
    while (this.#replies.length === 0) this.#receive();
    return this.#replies.shift() as Reply;
  }

  /** A question to the board's own loop: `PORT_ASK` of port.ts. No input may be under way. */
  ask(what: number, index = 0): number[] {
    this.#awaitHello();
    this.#answer = null;
    this.#send({ kind: 'ask', what, index });
    while (this.#answer === null) this.#receive();
    return this.#answer;
  }

  inspect(what: number, index: number): number[] {
    return this.ask(PORT_ASK.inspect + what, index);
  }

  reset(): void {
    this.counts.resets += 1;
    this.#awaitHello();
    this.#send({ kind: 'reset', how: 0 });
    this.#helloDue = true;
  }

  powerOff(): void {
    if (this.#process.isRunning) this.counts.powerCycles += 1;
    this.#process.kill();
    this.#helloDue = false;
    this.#loseMemory();
  }

  corrupt(age: 0 | 1): void {
    this.#memory.corrupt(age);
  }

  keepStore(): void {
    this.#memory.keep();
  }

  undoStore(): void {
    this.#memory.undo();
  }

  #send(input: PortInput): void {
    this.#process.write(encodeInput(input));
  }

  #receive(): void {
    this.#reader.push(this.#process.read());
    const { badBlocks, badLengths, badChecksums } = this.#reader.counters;
    if (badBlocks + badLengths + badChecksums === 0) return;
    const faults = `${badBlocks} bad blocks, ${badLengths} bad lengths, ${badChecksums} bad checksums`;
    throw new EmulatorError(`${this.#parts.title}: its serial line is corrupted: ${faults} (${this.#parts.rebuild})`);
  }

  #take(output: PortOutput): void {
    if (output.kind === 'hello') {
      this.hello = output;
      this.#check(output);
      if (!this.#helloDue) throw new EmulatorError(`${this.#parts.title}: restarted by itself (cause ${output.cause})`);
      this.#helloDue = false;
      return;
    }
    if (output.kind === 'answer') {
      this.#answer = output.words;
      return;
    }
    if (output.kind === 'frame') this.counts.framesOut += 1;
    if (output.kind === 'record') this.counts.records += 1;
    const reply = this.#gatherer.add(output);
    if (reply !== null) this.#replies.push(reply);
  }

  #awaitHello(): void {
    while (this.#helloDue) this.#receive();
  }

  #check(hello: Hello): void {
    const { identity, title, rebuild } = this.#parts;
    if (identity === null) return;
    const mark = hello.imageMark.toString(16).padStart(8, '0');
    const got = `target ${hello.target}, preset ${hello.preset}, context of ${hello.contextBytes} bytes, image ${mark}`;
    const { target, preset, contextBytes, imageSha256 } = identity;
    const image = imageSha256.slice(0, 8);
    const wanted = `target ${target}, preset ${preset}, context of ${contextBytes} bytes, image ${image}`;
    if (got !== wanted) throw new EmulatorError(`${title}: reports ${got}, not ${wanted} (${rebuild})`);
  }

  #loseMemory(): void {
    const lost = Buffer.alloc(nonVolatileOffset, unpoweredPattern);
    writeSync(this.#ram, lost, 0, nonVolatileOffset, 0);
    const behind = nonVolatileOffset + nonVolatileBytes;
    writeSync(this.#ram, lost, 0, emulatedRamBytes - behind, behind);
  }
}
