/**
 * Describes a frame of a recorded run (frames.bin.gz): this head comes first, then the frame's
 * bytes.
 */
export interface FrameHead {
  timeMs: number;
  sender: number;
  /** Nodes that received the frame, and addressed nodes that missed it. */
  received: number;
  lost: number;
  /** Bytes of the frame. */
  length: number;
}

/**
 * Bytes of a head, big-endian: time ms (u48), sender (u16), received (u16), lost (u16), length
 * (u16).
 */
export const frameHeadBytes = 14;

export function writeFrameHead({ timeMs, sender, received, lost, length }: FrameHead): Buffer {
  const head = Buffer.alloc(frameHeadBytes);
  head.writeUIntBE(timeMs, 0, 6);
  head.writeUInt16BE(sender, 6);
  head.writeUInt16BE(received, 8);
  head.writeUInt16BE(lost, 10);
  head.writeUInt16BE(length, 12);
  return head;
}

/** Reads the head at the beginning of `bytes`. */
export function readFrameHead(bytes: Buffer): FrameHead {
  return {
    timeMs: bytes.readUIntBE(0, 6),
    sender: bytes.readUInt16BE(6),
    received: bytes.readUInt16BE(8),
    lost: bytes.readUInt16BE(10),
    length: bytes.readUInt16BE(12),
  };
}
