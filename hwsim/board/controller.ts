import { TYPE } from '../../host/cbor/generated.ts';
import type { PortInput } from '../emulator/port.ts';

/** One output of a controller: a frame for the radio, or a command or event record. */
export interface Output {
  kind: 'frame' | 'record';
  bytes: Uint8Array;
}

/** What one input caused. */
export interface Reply {
  /** In the order in which they left the board. */
  outputs: Output[];
  /** The call's status and flags, as in docs/abi.md. */
  status: number;
  /** Milliseconds until the board wants a tick; `deadlineNotAsked` when this input did not make it ask. */
  deadlineMs: number;
  /** Hash of the context when the boot asked for it, else 0. */
  hash: number;
  /** The runtime broke off: it is down until the next boot. */
  trap: { site: number; reason: number } | null;
}

export const deadlineNotAsked = 0xffffffff;

/** Types from here on are events, those below commands (proto/schema/platform.cddl). */
export const eventTypeMin = TYPE.booted;

/** All types of records to the platform are above 127 and below 256: in CBOR the byte behind the array's head and 0x18. */
const typeOf = ({ kind, bytes }: Output) => (kind === 'record' && bytes[1] === 0x18 ? bytes[2] : 0);

export function isEvent(output: Output | undefined): boolean {
  return output !== undefined && typeOf(output) >= eventTypeMin;
}

export function storesCheckpoint(output: Output): boolean {
  return typeOf(output) === TYPE.storeCheckpoint;
}

/** The inputs that carry something to the firmware. */
export type FirmwareInput = Extract<PortInput, { kind: 'boot' | 'frame' | 'record' | 'tick' | 'store' }>;

/**
 * A node's controller that runs elsewhere than in the simulator's engine: an emulated board behind its serial line, or another image. Its clock is
 * what the inputs say. It keeps its own checkpoints.
 */
export interface Controller {
  /** Gives one input. `reply` must be called before the next `give`; other controllers may be given theirs in between. */
  give(input: FirmwareInput): void;
  reply(): Reply;
  /** What `inspect` of its image shows, words; null: it cannot be read any more. No input may be under way. */
  inspect(what: number, index: number): number[] | null;
  /** The processor resets: all but non-volatile memory is lost, and it waits for a boot. */
  reset(): void;
  /** Power is cut. The next boot switches it on again. */
  powerOff(): void;
  /** The newest (0) or the older (1) checkpoint no longer verifies. */
  spoil(age: 0 | 1): void;
  /** The checkpoint that the board told to have stored counts. */
  keepStore(): void;
  /** Checkpoints since the last `keepStore` are taken back: the runtime had ended before. */
  undoStore(): void;
}
