import { TYPE } from '../../host/cbor/generated.ts';
import { eventTypeMin } from '../../host/cbor/types.ts';
import type { PortInput } from './port.ts';

/** One output of a controller: a frame for the radio, or a command or event record. */
export interface Output {
  kind: 'frame' | 'record';
  bytes: Uint8Array;
}

/** Everything that one input caused. */
export interface Reply {
  /** In the order in which they left the board. */
  outputs: Output[];
  /** The call's status and flags, as in docs/abi.md. */
  status: number;
  /**
   * Milliseconds until the board needs a tick; `deadlineNotAsked` when this input did not make the
   * board ask.
   */
  deadlineMs: number;
  /** Hash of the context when the boot asked for it, else 0. */
  hash: number;
  /** The runtime trapped: it is down until the next boot. */
  trap: { site: number; reason: number } | null;
}

export const deadlineNotAsked = 0xffffffff;

/**
 * Reads the record type. All types of records to the platform are 128 to 255: in CBOR the byte
 * after the array's head and 0x18.
 */
const typeOf = ({ kind, bytes }: Output) => (kind === 'record' && bytes[1] === 0x18 ? bytes[2] : 0);

export function isEvent(output: Output | undefined): boolean {
  return output !== undefined && typeOf(output) >= eventTypeMin;
}

export function storesCheckpoint(output: Output): boolean {
  return typeOf(output) === TYPE.storeCheckpoint;
}

/** Inputs that carry something to the firmware. */
export type FirmwareInput = Extract<PortInput, { kind: 'boot' | 'frame' | 'record' | 'tick' | 'store' }>;

/**
 * A node's controller outside the simulator's engine: an emulated board behind its serial line, or
 * another image. Its clock is set by the inputs. It stores its own checkpoints.
 */
export interface Controller {
  /**
   * Gives one input. `reply` must be called before the next `give`; other controllers may get
   * inputs in between.
   */
  give(input: FirmwareInput): void;
  reply(): Reply;
  /**
   * Returns the words of `inspect` of the image; null: it cannot be read any more. No input may be
   * under way.
   */
  inspect(what: number, index: number): number[] | null;
  /** Resets the processor: all but non-volatile memory is lost, and it waits for a boot. */
  reset(): void;
  /** Cuts the power. The next boot switches it on again. */
  powerOff(): void;
  /** Corrupts the newest (0) or the older (1) checkpoint: it no longer verifies. */
  corrupt(age: 0 | 1): void;
  /** Confirms the checkpoint that the board reported to have stored. */
  keepStore(): void;
  /** Removes checkpoints since the last `keepStore`: the runtime had ended before. */
  undoStore(): void;
}
