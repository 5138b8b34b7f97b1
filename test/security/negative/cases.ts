// What a negative case is, and how its bytes are made.

import { CRC_BYTES, type Message, type STATUS } from '../../../host/cbor/generated.ts';
import { withCrc } from '../../../host/security/envelope.ts';
import type { AttackBench, Entry } from './bench.ts';
import { sender } from './bench.ts';

export interface Negative {
  readonly name: string;
  readonly entry: Entry;
  readonly status: keyof typeof STATUS;
  /** The loss counter that counts each input; null: the input is no loss. */
  readonly counter: string | null;
  /** What each input counts; 1 by default. */
  readonly times?: number;
  /**
   * Inputs, each of which must be answered so; a length in place of the bytes' own where one is
   * given.
   */
  readonly make: (bench: AttackBench) => (Uint8Array | { bytes: Uint8Array; length: number })[];
  /** What comes before, and is taken. */
  readonly before?: (bench: AttackBench) => void;
  /** Members up to which the bytes have room in a frame: larger clusters leave the case out. */
  readonly membersMax?: number;
  /** The tag is looked at, or more: all others must be refused for a fraction of that. */
  readonly opens?: boolean;
}

/** A frame like any other, to be spoilt. */
export const talk: readonly Message[] = [
  { name: 'probe', sequence: 4 },
  { name: 'since', fromS: 4000 },
];

/** A longer one, so that something can be cut out of its header. */
const speech: readonly Message[] = [
  ...talk,
  ...talk,
  { name: 'isolation', fromS: 6000, untilS: 9000 },
  { name: 'beacon', cause: 1, resets: 1, timeS: 5000 },
];

/** The frame without its CRC-32C, changed, and closed again. */
export function spoilt(frame: Uint8Array, change: (body: Uint8Array) => Uint8Array | undefined): Uint8Array {
  const body = frame.slice(0, -CRC_BYTES);
  return withCrc(change(body) ?? body);
}

/** `bytes` in the place of `cut` bytes at `at`. */
export function spliced(body: Uint8Array, at: number, cut: number, ...bytes: number[]): Uint8Array {
  return Buffer.concat([body.subarray(0, at), Uint8Array.from(bytes), body.subarray(at + cut)]);
}

/** A rejected frame that differs from a right one by bytes in its place. */
export function changed(
  name: string,
  status: Negative['status'],
  counter: string | null,
  at: number,
  cut: number,
  ...bytes: number[]
): Negative {
  return {
    name,
    entry: 'receive',
    status,
    counter,
    make: (bench) => [spoilt(bench.frame({}, speech), (body) => spliced(body, at, cut, ...bytes))],
  };
}

/** A frame that `receive` refuses with this status and loss counter. */
export function received(
  name: string,
  status: Negative['status'],
  counter: string | null,
  make: Negative['make'],
  more: Partial<Negative> = {},
): Negative {
  return { name, entry: 'receive', status, counter, make, ...more };
}

/** A frame that opens under no key: the loss is that of a wrong tag. */
export const tagWrong = (name: string, make: Negative['make']): Negative =>
  received(name, 'tag', 'frame_tag', make, { opens: true });

/** A frame that opens, whose plain text is refused. */
export function plain(
  name: string,
  status: Negative['status'],
  counter: string | null,
  text: (bench: AttackBench) => Uint8Array,
  more: Partial<Negative> = {},
): Negative {
  return {
    name,
    entry: 'receive',
    status,
    counter,
    opens: true,
    make: (bench) => [bench.sealed({ sender }, text(bench))],
    ...more,
  };
}
