/** One medium between the members of a cluster. Frames are whole, at most FRAME_BYTES_MAX bytes, CRC-32C last; they may be lost. */
export interface Radio {
  /** Where it is bound, for people. */
  readonly description: string;
  readonly counters: RadioCounters;
  /** Sends to every other member. Never blocks and never throws: what cannot be sent is counted. The bytes are copied. */
  send(frame: Uint8Array): void;
  close(): Promise<void>;
}

/** Loss is data: every drop has its counter. */
export interface RadioCounters {
  framesSent: number;
  framesReceived: number;
  /** Datagrams that the operating system refused. */
  sendFailures: number;
  /** Came from an address that belongs to no member. */
  strangers: number;
  /** Longer than a frame may be, or empty. */
  badLengths: number;
  /** CRC-32C wrong: noise. */
  badChecksums: number;
}

export type OnFrame = (frame: Uint8Array) => void;

export function zeroCounters(): RadioCounters {
  return { framesSent: 0, framesReceived: 0, sendFailures: 0, strangers: 0, badLengths: 0, badChecksums: 0 };
}

/** A radio that cannot be had; the message names the address and the next step. */
export class RadioError extends Error {}
