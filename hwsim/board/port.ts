/**
 * Inputs and outputs of a board (firmware/boards/README.md). On the serial line of a board they are
 * encoded by hwsim/emulator/port_codec.ts.
 */

/** The longest port frame: a boot with 32 groups. */
export const PORT_FRAME_BYTES_MAX = 4352;

/** Time since the processor's power-on. */
export interface LocalTime {
  nowS: number;
  nowMs: number;
}

export type PortInput =
  /**
   * The inputs set the clock, unless `ownClock` selects the board's own. `hashed`: each `done`
   * carries the hash of the context.
   */
  | ({ kind: 'boot'; cause: number; hashed: boolean; ownClock?: true; config: Uint8Array } & LocalTime)
  | ({ kind: 'frame' | 'record'; bytes: Uint8Array } & LocalTime)
  | ({ kind: 'tick' | 'store' } & LocalTime)
  | { kind: 'ask'; what: number; index: number }
  /** how 0: the processor resets; 1: the emulator ends. */
  | { kind: 'reset'; how: number };

export interface Hello {
  kind: 'hello';
  target: number;
  abi: number;
  preset: number;
  /** 1 power-on, 2 watchdog, 3 commanded. */
  cause: number;
  boots: number;
  resetsInRow: number;
  checkpoints: number;
  contextBytes: number;
  /** First four bytes of the image's SHA-256, the first the highest. */
  imageMark: number;
  /** Counter of frames up to which non-volatile memory has a reservation; 0: none. */
  reserved: number;
}

export type PortOutput =
  | Hello
  | { kind: 'frame' | 'record'; bytes: Uint8Array }
  | { kind: 'done'; status: number; deadlineMs: number; hash: number }
  | { kind: 'trapped'; site: number; reason: number }
  | { kind: 'answer'; words: number[] };
