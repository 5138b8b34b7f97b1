import { crc32c } from '../cbor/crc32c.ts';
import { CRC_BYTES, FRAME_BYTES_MAX } from '../cbor/generated.ts';

/**
 * Carries frames on byte streams (UART, serial). COBS (Cheshire and Baker, 1999) removes every zero
 * from a frame, so that a zero can end the frame. A reader that joins late or hears noise is in
 * step again at the next zero. The last four bytes of a frame are its CRC-32C.
 */

/**
 * Most bytes on the stream for a frame of `bytes` bytes: COBS adds one byte per 254, and the zero.
 */
const streamBytes = (bytes: number): number => bytes + Math.ceil(bytes / 254) + 1;
export const STREAM_BYTES_MAX = streamBytes(FRAME_BYTES_MAX);

/** True when the last four bytes, big-endian, are the CRC-32C of those before. */
export function hasRightChecksum(frame: Uint8Array): boolean {
  if (frame.length <= CRC_BYTES) return false;
  const at = frame.length - CRC_BYTES;
  const carried = new DataView(frame.buffer, frame.byteOffset, frame.length).getUint32(at);
  return carried === crc32c(frame, 0, at);
}

/** Encodes a frame for a byte stream, its closing zero included. */
export function encodeStream(frame: Uint8Array): Uint8Array {
  const out = new Uint8Array(frame.length + Math.floor(frame.length / 254) + 2);
  let codeAt = 0;
  let next = 1;
  for (const byte of frame) {
    if (byte !== 0) {
      out[next] = byte;
      next += 1;
    }
    if (byte === 0 || next - codeAt === 255) {
      out[codeAt] = next - codeAt;
      codeAt = next;
      next += 1;
    }
  }
  out[codeAt] = next - codeAt;
  return out.subarray(0, next + 1);
}

/** Decodes one COBS block, without the closing zero; null when the block is invalid. */
export function decodeBlock(block: Uint8Array): Uint8Array | null {
  const out = new Uint8Array(block.length);
  let length = 0;
  let at = 0;
  while (at < block.length) {
    const code = block[at];
    const end = at + code;
    if (code === 0 || end > block.length) return null;
    for (at += 1; at < end; at += 1) {
      if (block[at] === 0) return null;
      out[length] = block[at];
      length += 1;
    }
    if (code < 255 && at < block.length) length += 1;
  }
  return out.subarray(0, length);
}

/** Counts of a stream reader: frames, and what it dropped by cause. */
export interface StreamCounters {
  frames: number;
  badBlocks: number;
  badLengths: number;
  badChecksums: number;
}

/**
 * Cuts a byte stream into frames. Stores no more bytes than the longest frame takes, whatever
 * comes.
 */
export class StreamReader {
  readonly counters: StreamCounters = { frames: 0, badBlocks: 0, badLengths: 0, badChecksums: 0 };
  private readonly frameBytesMax: number;
  private readonly held: Uint8Array;
  private length = 0;
  private overflowed = false;
  private readonly onFrame: (frame: Uint8Array) => void;

  /**
   * `onFrame` gets a copy of each whole frame with a right CRC-32C. Frames longer than
   * `frameBytesMax` are dropped.
   */
  constructor(onFrame: (frame: Uint8Array) => void, frameBytesMax = FRAME_BYTES_MAX) {
    this.onFrame = onFrame;
    this.frameBytesMax = frameBytesMax;
    this.held = new Uint8Array(streamBytes(frameBytesMax));
  }

  push(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte === 0) this.finish();
      else if (this.length < this.held.length) {
        this.held[this.length] = byte;
        this.length += 1;
      } else this.overflowed = true;
    }
  }

  private finish(): void {
    const block = this.held.subarray(0, this.length);
    const tooLong = this.overflowed;
    this.length = 0;
    this.overflowed = false;
    // Consecutive zeros are an idle line, not frames.
    if (block.length === 0 && !tooLong) return;
    if (tooLong) {
      this.counters.badLengths += 1;
      return;
    }
    const frame = decodeBlock(block);
    if (frame === null) this.counters.badBlocks += 1;
    else if (frame.length > this.frameBytesMax) this.counters.badLengths += 1;
    else if (!hasRightChecksum(frame)) this.counters.badChecksums += 1;
    else {
      this.counters.frames += 1;
      this.onFrame(frame);
    }
  }
}
