/**
 * Connects the members of a cluster. Frames are whole, have at most FRAME_BYTES_MAX bytes with the
 * CRC-32C last, and may be lost.
 */
export interface Radio {
  /** The address that it is bound to, for people. */
  readonly description: string;
  readonly counters: RadioCounters;
  /**
   * Sends to every other member. Never blocks and never throws: frames that cannot be sent are
   * counted. The bytes are copied.
   */
  send(frame: Uint8Array): void;
  close(): Promise<void>;
}

/** Counts of a radio: every cause of a lost frame has its own. */
export interface RadioCounters {
  framesSent: number;
  framesReceived: number;
  /** Datagrams that the operating system refused. */
  sendFailures: number;
  /** Came from an address that belongs to no member. */
  strangers: number;
  /** Empty, or longer than a frame may be. */
  badLengths: number;
  /** CRC-32C wrong: noise. */
  badChecksums: number;
}

export type OnFrame = (frame: Uint8Array) => void;

export function zeroCounters(): RadioCounters {
  return { framesSent: 0, framesReceived: 0, sendFailures: 0, strangers: 0, badLengths: 0, badChecksums: 0 };
}

/** The radio cannot be opened; the message names the address and the next step. */
export class RadioError extends Error {}
