import { readRecord, writeRecord } from '../../../host/cbor/record.ts';
import { FIELD, TYPE } from '../../../host/cbor/generated.ts';
import type { Engine } from '../../../host/engine/engine.ts';
import { runtimeRestartMs } from '../../board/crash_recovery.ts';
import { bootCause } from '../../../host/platform/config.ts';
import { processorBootMs } from '../../board/parts.ts';
import { BoardLoop, notAsked } from '../../emulator/loop.ts';
import { type CheckpointMemory, SlotMemory } from '../../emulator/memory.ts';
import type { PortInput, PortOutput } from '../../emulator/port.ts';
import { timeOf } from './draw.ts';

/** Whoever takes inputs one after the other: a board, or its loop in this process. */
export interface Playable {
  /** Outputs up to the one that ends the input, or a restart. */
  play(input: PortInput): PortOutput[];
  /** The platform resets the processor. */
  reset(): void;
}

/** An input of a restarted board, and what came back. */
export interface Exchange {
  atMs: number;
  input: PortInput;
  outputs: PortOutput[];
}

/** How the platform brings a board back. */
export interface Restart {
  /** When the first input after it may come, ms of the run. */
  atMs: number;
  cause: number;
  /** The processor's clock stands at zero then. */
  clockZeroMs: number;
  config: Uint8Array;
  /** Resets in a row. */
  resets: number;
  /** Counter of frames up to which non-volatile memory holds a reservation. */
  reserved: number;
}

const noDeadline = 0x7fffffff;
/** More inputs than this in the rest of a row: it spins. */
const exchangesMax = 2000;
const fieldsMax = 24;
const place = FIELD.config;
/** What a platform tells a runtime that has begun anew, when it was told before: as hwsim/fleet/platform.ts does. */
const briefed: ReadonlySet<number> = new Set([TYPE.outlook, TYPE.assign, TYPE.window]);

const ordered: ReadonlyMap<number, number> = new Map([
  [TYPE.restartRuntime, bootCause.runtimeRestart],
  [TYPE.resetProcessor, bootCause.commandedReset],
  [TYPE.alternateImage, bootCause.alternateImage],
]);

function typeOf(record: Uint8Array): number {
  return record[1] === 0x18 ? record[2] : 0;
}

/** Up to where counters are reserved once these inputs were given: the last answer says so. */
function reservedIn(inputs: readonly PortInput[]): number {
  const answer = inputs.findLast((input) => input.kind === 'record' && typeOf(input.bytes) === TYPE.countersReserved);
  return answer?.kind === 'record' ? secondOf(answer.bytes) : 0;
}

/** The number behind a record's type. */
function secondOf(record: Uint8Array): number {
  const fields = new Uint32Array(fieldsMax);
  readRecord(record, 0, record.length, fields);
  return fields[1];
}

/** The configuration for another boot: the next incarnation, mission time not known, resets as the platform counts them, counters as it has reserved them. */
export function nextConfig(config: Uint8Array, resets: number, reserved: number): Uint8Array {
  const fields = new Uint32Array(fieldsMax);
  // The first record ends where reading the whole fails: its length is found by writing it again.
  const scratch = new Uint8Array(256);
  let length = 1;
  let count = -1;
  while (count < 0 && length <= config.length) {
    count = readRecord(config, 0, length, fields);
    if (count < 0) length += 1;
  }
  if (count < 0) throw new Error('the recorded boot has no configuration');
  fields[place.incarnation] = (fields[place.incarnation] + 1) & 0xffff;
  fields.fill(0, place.timeKnown, place.timeKnown + 3);
  fields[place.resets] = resets;
  fields[place.reserved] = reserved;
  const written = writeRecord(scratch, 0, fields, count);
  return Uint8Array.from([...scratch.subarray(0, written), ...config.subarray(length)]);
}

/** After a trap the runtime is restarted, after a reset the processor boots; `resets` in a row as the board's hello says. */
export function restartAfter(
  row: readonly PortInput[],
  input: number,
  reset: { cause: number; resets: number } | null,
): Restart {
  const boot = row[0];
  if (boot.kind !== 'boot') throw new Error('a row begins with a boot');
  const now = timeOf(row[input]);
  const reserved = reservedIn(row.slice(0, input + 1));
  if (reset === null)
    return {
      atMs: now + runtimeRestartMs,
      cause: bootCause.runtimeRestart,
      clockZeroMs: 0,
      config: nextConfig(boot.config, 0, reserved),
      resets: 0,
      reserved,
    };
  const atMs = now + processorBootMs;
  const { cause, resets } = reset;
  return { atMs, cause, clockZeroMs: atMs, config: nextConfig(boot.config, resets, reserved), resets, reserved };
}

/**
 * The platform goes on with a board that it has brought back: boots it, tells it what it must know, gives it what its peers said in the recorded run and ticks when it asks for
 * it. Counters it reserves as this board asks, whatever the recorded one asked. Ends early when the board traps or resets again.
 */
export function* drive(
  board: Playable,
  row: readonly PortInput[],
  from: number,
  restart: Restart,
): Generator<Exchange> {
  const endMs = timeOf(row.at(-1)!);
  const clock = (nowMs: number) => {
    const local = Math.max(0, nowMs - present.clockZeroMs);
    return { nowS: Math.floor(local / 1000), nowMs: local % 1000 };
  };
  const begin = ({ atMs, cause, config }: Restart): PortInput[] => [
    { kind: 'boot', cause, hashed: true, config, ...clock(atMs) },
    ...briefs(row.slice(0, from)).map((bytes): PortInput => ({ kind: 'record', bytes, ...clock(atMs) })),
  ];
  let present = restart;
  let first = begin(restart);
  let next = from;
  let nowMs = restart.atMs;
  let dueMs = Number.POSITIVE_INFINITY;
  for (let count = 0; count < exchangesMax; count += 1) {
    let input = first.shift();
    if (input === undefined) {
      while (next < row.length && (!isHeard(row[next]) || timeOf(row[next]) < present.atMs)) next += 1;
      const heardMs = next < row.length ? timeOf(row[next]) : Number.POSITIVE_INFINITY;
      nowMs = Math.min(heardMs, dueMs);
      if (nowMs > endMs) return;
      if (dueMs <= heardMs) {
        dueMs = Number.POSITIVE_INFINITY;
        input = { kind: 'tick', ...clock(nowMs) };
      } else {
        input = { ...row[next], ...clock(nowMs) } as PortInput;
        next += 1;
      }
    }
    const outputs = board.play(input);
    yield { atMs: nowMs, input, outputs };
    const last = outputs.at(-1);
    if (last?.kind !== 'done') return;
    if (last.deadlineMs === noDeadline) dueMs = Number.POSITIVE_INFINITY;
    else if (last.deadlineMs !== notAsked) dueMs = nowMs + Math.max(1, last.deadlineMs);
    const asked = reservationIn(outputs);
    if (asked > 0) {
      present = { ...present, reserved: Math.max(present.reserved, asked) };
      first.unshift({ kind: 'record', bytes: answerOf(present.reserved), ...clock(nowMs) });
    }
    const again = orderedRestart(present, nowMs, outputs);
    if (again === null) continue;
    if (again.clockZeroMs !== present.clockZeroMs) board.reset();
    present = again;
    dueMs = Number.POSITIVE_INFINITY;
    nowMs = again.atMs;
    first = begin(again);
  }
}

/** What the board asks to be reserved; 0: nothing. */
function reservationIn(outputs: readonly PortOutput[]): number {
  const order = outputs.findLast((output) => output.kind === 'record' && typeOf(output.bytes) === TYPE.reserveCounters);
  return order?.kind === 'record' ? secondOf(order.bytes) : 0;
}

function answerOf(reserved: number): Uint8Array {
  const record = new Uint8Array(16);
  return record.slice(0, writeRecord(record, 0, [TYPE.countersReserved, reserved]));
}

/** The ladder's word: the runtime ends itself, and the platform does as it says (hwsim/board/boards.ts). */
function orderedRestart(last: Restart, nowMs: number, outputs: readonly PortOutput[]): Restart | null {
  const order = outputs.find((output) => output.kind === 'record' && ordered.has(typeOf(output.bytes)));
  if (order?.kind !== 'record') return null;
  const cause = ordered.get(typeOf(order.bytes))!;
  if (cause === bootCause.runtimeRestart)
    return {
      ...last,
      atMs: nowMs + runtimeRestartMs,
      cause,
      config: nextConfig(last.config, last.resets, last.reserved),
    };
  const atMs = nowMs + processorBootMs;
  const resets = last.resets + 1;
  return { ...last, atMs, cause, clockZeroMs: atMs, config: nextConfig(last.config, resets, last.reserved), resets };
}

/** What was told before and holds on: of each kind the last. */
function briefs(row: readonly PortInput[]): Uint8Array[] {
  const told = new Map<number, Uint8Array>();
  for (const input of row)
    if (input.kind === 'record' && briefed.has(typeOf(input.bytes))) told.set(typeOf(input.bytes), input.bytes);
  return [...told.values()];
}

const isHeard = (input: PortInput) =>
  input.kind === 'frame' || (input.kind === 'record' && typeOf(input.bytes) !== TYPE.countersReserved);

/** Slots that can be emptied, and that for a while keep only some of the checkpoints that are written. */
class FreshSlots implements CheckpointMemory {
  #slots = new SlotMemory();
  #kept: readonly number[] | null = null;
  #writes = 0;
  read = (age: 0 | 1) => this.#slots.read(age);
  spoil = (age: 0 | 1) => this.#slots.spoil(age);
  write(image: Uint8Array): void {
    this.#writes += 1;
    if (this.#kept === null || this.#kept.includes(this.#writes)) this.#slots.write(image);
  }
  empty(kept: readonly number[] | null): void {
    this.#slots = new SlotMemory();
    this.#kept = kept;
    this.#writes = 0;
  }
  open(): void {
    this.#kept = null;
  }
}

/** The same image in this process behind the boards' loop: what an uncorrupted board says to a row of inputs. */
export class Reference implements Playable {
  readonly #loop: BoardLoop;
  readonly #slots = new FreshSlots();

  constructor(engine: Engine) {
    this.#loop = new BoardLoop(engine, this.#slots);
  }

  /** As at its first power-on; of the checkpoints that are stored until `open` only those of these numbers, counted from 1, are kept. */
  anew(kept: readonly number[] | null = null): void {
    this.#slots.empty(kept);
    this.#loop.reset();
  }

  open(): void {
    this.#slots.open();
  }

  /** The processor's reset: non-volatile memory stays. */
  reset(): void {
    this.#loop.reset();
  }

  play(input: PortInput): PortOutput[] {
    const outputs: PortOutput[] = [];
    this.#loop.handle(input, (output) => outputs.push(output));
    return outputs;
  }
}
