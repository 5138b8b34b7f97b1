/**
 * Plays the platform of a board that restarts: how it boots the board again, and what it gives it
 * then.
 */
import { BOOT_CAUSE, FIELD, NOT_ASKED, TYPE } from '../../../host/cbor/generated.ts';
import { readRecord, writeRecord } from '../../../host/cbor/record.ts';
import { runtimeRestartMs } from '../../board/crash_recovery.ts';
import { processorBootMs } from '../../board/parts.ts';
import type { PortInput, PortOutput } from '../../board/port.ts';
import { timeOf, typeOf } from './port_items.ts';

/** Whatever takes inputs one after the other: a board, or its loop in this process. */
export interface Playable {
  /** Returns outputs up to the one that ends the input, or a restart. */
  play(input: PortInput): PortOutput[];
  /** The platform resets the processor. */
  reset(): void;
}

/** An input of a restarted board, and its outputs. */
export interface Exchange {
  atMs: number;
  input: PortInput;
  outputs: PortOutput[];
}

/** How the platform boots a board again. */
export interface Restart {
  /** When the first input after it may come, ms of the run. */
  atMs: number;
  cause: number;
  /** Time of the run at which the processor's clock is at zero, ms. */
  clockZeroMs: number;
  config: Uint8Array;
  /** Resets in a row. */
  resets: number;
  /** Frame counter up to which non-volatile memory holds a reservation. */
  reserved: number;
}

/** A board that takes more inputs than this in the rest of a run spins. */
const exchangesMax = 2000;
const fieldsMax = 24;
const place = FIELD.config;
/** Records that a platform repeats to a restarted runtime, as hwsim/fleet/platform.ts does. */
const repeated: ReadonlySet<number> = new Set([TYPE.outlook, TYPE.assign, TYPE.window]);

const causeOfOrder: ReadonlyMap<number, number> = new Map([
  [TYPE.restartRuntime, BOOT_CAUSE.runtimeRestart],
  [TYPE.resetProcessor, BOOT_CAUSE.commandedReset],
  [TYPE.alternateImage, BOOT_CAUSE.alternateImage],
]);

/**
 * Returns up to where counters are reserved after these inputs: the last answer to a reservation
 * has it.
 */
function reservedIn(inputs: readonly PortInput[]): number {
  const answer = inputs.findLast((input) => input.kind === 'record' && typeOf(input.bytes) === TYPE.countersReserved);
  return answer?.kind === 'record' ? firstField(answer.bytes) : 0;
}

/** Returns the number after a record's type. */
function firstField(record: Uint8Array): number {
  const fields = new Uint32Array(fieldsMax);
  readRecord(record, 0, record.length, fields);
  return fields[1];
}

/**
 * Makes the configuration for another boot: the next incarnation, mission time not known, resets as
 * the platform counts them, and counters as it has reserved them.
 */
export function nextConfig(config: Uint8Array, resets: number, reserved: number): Uint8Array {
  const fields = new Uint32Array(fieldsMax);
  // The first record has the first length that can be read.
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

/**
 * Returns the restart after the answer to an input: of the runtime after a trap, of the processor
 * after a reset. `reset`: cause and resets in a row as the board's hello names them; null: it
 * trapped.
 */
export function restartAfter(
  run: readonly PortInput[],
  input: number,
  reset: { cause: number; resets: number } | null,
): Restart {
  const boot = run[0];
  if (boot.kind !== 'boot') throw new Error('a recorded run begins with a boot');
  const nowMs = timeOf(run[input]);
  const reserved = reservedIn(run.slice(0, input + 1));
  if (reset === null)
    return {
      atMs: nowMs + runtimeRestartMs,
      cause: BOOT_CAUSE.runtimeRestart,
      clockZeroMs: 0,
      config: nextConfig(boot.config, 0, reserved),
      resets: 0,
      reserved,
    };
  const atMs = nowMs + processorBootMs;
  const { cause, resets } = reset;
  return { atMs, cause, clockZeroMs: atMs, config: nextConfig(boot.config, resets, reserved), resets, reserved };
}

/**
 * Goes on with a board that was restarted: boots it, repeats what it must know, gives it what its
 * peers sent in the recorded run, and ticks when it asks. Counters are reserved as this board asks,
 * whatever the recorded one asked. Ends early when the board traps or resets again.
 */
export function* drive(
  board: Playable,
  run: readonly PortInput[],
  from: number,
  restart: Restart,
): Generator<Exchange> {
  const platform = new RestartedPlatform(run, from, restart);
  for (let count = 0; count < exchangesMax; count += 1) {
    const input = platform.nextInput();
    if (input === null) return;
    const { nowMs: atMs } = platform;
    const outputs = board.play(input);
    yield { atMs, input, outputs };
    const last = outputs.at(-1);
    if (last?.kind !== 'done') return;
    platform.obey(outputs, last.deadlineMs, () => board.reset());
  }
}

/** Decides what a restarted board is given next. */
class RestartedPlatform {
  nowMs: number;
  readonly #run: readonly PortInput[];
  readonly #from: number;
  readonly #endMs: number;
  #restart: Restart;
  /** Inputs that come before all others. */
  #first: PortInput[];
  #next: number;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(run: readonly PortInput[], from: number, restart: Restart) {
    this.#run = run;
    this.#from = from;
    this.#endMs = timeOf(run.at(-1)!);
    this.#restart = restart;
    this.nowMs = restart.atMs;
    this.#next = from;
    this.#first = this.#bootInputs();
  }

  /** The processor's own clock at a time of the run. */
  #clock(atMs: number) {
    const localMs = Math.max(0, atMs - this.#restart.clockZeroMs);
    return { nowS: Math.floor(localMs / 1000), nowMs: localMs % 1000 };
  }

  #bootInputs(): PortInput[] {
    const { atMs, cause, config } = this.#restart;
    return [
      { kind: 'boot', cause, hashed: true, config, ...this.#clock(atMs) },
      ...recordsToRepeat(this.#run.slice(0, this.#from)).map(
        (bytes): PortInput => ({ kind: 'record', bytes, ...this.#clock(atMs) }),
      ),
    ];
  }

  /** Returns the next input, or null at the end of the run. */
  nextInput(): PortInput | null {
    const first = this.#first.shift();
    if (first !== undefined) return first;
    const run = this.#run;
    while (this.#next < run.length && (!isFromOutside(run[this.#next]) || timeOf(run[this.#next]) < this.#restart.atMs))
      this.#next += 1;
    const inputMs = this.#next < run.length ? timeOf(run[this.#next]) : Number.POSITIVE_INFINITY;
    this.nowMs = Math.min(inputMs, this.#dueMs);
    if (this.nowMs > this.#endMs) return null;
    if (this.#dueMs <= inputMs) {
      this.#dueMs = Number.POSITIVE_INFINITY;
      return { kind: 'tick', ...this.#clock(this.nowMs) };
    }
    this.#next += 1;
    return { ...run[this.#next - 1], ...this.#clock(this.nowMs) } as PortInput;
  }

  /** Obeys what the board ordered in its answer: deadline, reservation of counters, restart. */
  obey(outputs: readonly PortOutput[], deadlineMs: number, resetProcessor: () => void): void {
    if (deadlineMs !== NOT_ASKED) this.#dueMs = this.nowMs + Math.max(1, deadlineMs);
    const asked = reservationIn(outputs);
    if (asked > 0) {
      this.#restart = { ...this.#restart, reserved: Math.max(this.#restart.reserved, asked) };
      const bytes = reservedRecord(this.#restart.reserved);
      this.#first.unshift({ kind: 'record', bytes, ...this.#clock(this.nowMs) });
    }
    const ordered = orderedRestart(this.#restart, this.nowMs, outputs);
    if (ordered === null) return;
    if (ordered.clockZeroMs !== this.#restart.clockZeroMs) resetProcessor();
    this.#restart = ordered;
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.nowMs = ordered.atMs;
    this.#first = this.#bootInputs();
  }
}

/** Returns up to where the board asks counters to be reserved; 0: it does not ask. */
function reservationIn(outputs: readonly PortOutput[]): number {
  const order = outputs.findLast((output) => output.kind === 'record' && typeOf(output.bytes) === TYPE.reserveCounters);
  return order?.kind === 'record' ? firstField(order.bytes) : 0;
}

function reservedRecord(reserved: number): Uint8Array {
  const record = new Uint8Array(16);
  return record.slice(0, writeRecord(record, 0, [TYPE.countersReserved, reserved]));
}

/**
 * Returns the restart that the firmware's escalation ordered, as the platform obeys it
 * (hwsim/board/boards.ts); null: none.
 */
function orderedRestart(last: Restart, nowMs: number, outputs: readonly PortOutput[]): Restart | null {
  const order = outputs.find((output) => output.kind === 'record' && causeOfOrder.has(typeOf(output.bytes)));
  if (order?.kind !== 'record') return null;
  const cause = causeOfOrder.get(typeOf(order.bytes))!;
  if (cause === BOOT_CAUSE.runtimeRestart)
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

/** Returns the last record of each kind that a restarted runtime must have again. */
function recordsToRepeat(run: readonly PortInput[]): Uint8Array[] {
  const last = new Map<number, Uint8Array>();
  for (const input of run)
    if (input.kind === 'record' && repeated.has(typeOf(input.bytes))) last.set(typeOf(input.bytes), input.bytes);
  return [...last.values()];
}

/** True for an input that comes from peers or from the world, whatever the board does. */
const isFromOutside = (input: PortInput) =>
  input.kind === 'frame' || (input.kind === 'record' && typeOf(input.bytes) !== TYPE.countersReserved);
