import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { fileAdvice } from '../store/store.ts';
import { CommandError, exitCode } from './exit.ts';

const mebibyte = 1 << 20;

/** Largest input files, bytes. A larger file is refused before it is read. */
export const inputBytesMax = {
  /** A scenario in YAML: room for a thousand disruptions. */
  scenario: mebibyte / 4,
  /** Verdicts and bodies of recordings. */
  text: 16 * mebibyte,
  /** Key epochs from the ground: one has 2 KiB at most. */
  bundle: mebibyte,
  /** A catalogue of bodies: JPL's whole table has some 200 MiB. */
  catalogue: 400 * mebibyte,
  /** A firmware image. */
  image: 4 * mebibyte,
  /** The JSON lines of a campaign: the longest text that JavaScript can hold is little longer. */
  campaign: 500 * mebibyte,
  /** One frame, record, bundle or stored record that `decode` shows. */
  decoded: mebibyte,
} as const;

/** Number of the standard input. */
const stdin = 0;
const chunkBytes = 65_536;

/** Reads the text of an input file. Throws CommandError (3) as `readInputBytes` does. */
export function readInput(path: string, bytesMax: number = inputBytesMax.text): string {
  return readInputBytes(path, bytesMax).toString('utf8');
}

/**
 * Reads the bytes of an input file; '-' is the standard input. Throws CommandError (3) that names
 * the file when it cannot be read or has more than `bytesMax` bytes.
 */
export function readInputBytes(path: string, bytesMax: number = inputBytesMax.text): Buffer {
  const name = path === '-' ? 'standard input' : path;
  let file: number | null = null;
  try {
    file = path === '-' ? stdin : openSync(path, 'r');
    const stat = fstatSync(file);
    if (stat.isDirectory()) throw new CommandError(`${name}: cannot be read: it is a folder`, exitCode.input);
    if (stat.isFile() && stat.size > bytesMax) throw tooLarge(name, `${stat.size} bytes are`, bytesMax);
    return readBounded(file, name, bytesMax);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const advice = fileAdvice(error as NodeJS.ErrnoException);
    throw new CommandError(`${name}: cannot be read: ${advice}`, exitCode.input);
  } finally {
    if (file !== null && file !== stdin) closeSync(file);
  }
}

function tooLarge(name: string, size: string, bytesMax: number): CommandError {
  return new CommandError(`${name}: ${size} more than such an input may have (${bytesMax} bytes)`, exitCode.input);
}

/** Reads to the end of the file. The size of a pipe or a device is not known before. */
function readBounded(file: number, name: string, bytesMax: number): Buffer {
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    const read = readChunk(file, chunk);
    if (read === 0) return Buffer.concat(chunks, length);
    chunks.push(chunk.subarray(0, read));
    length += read;
    if (length > bytesMax) throw tooLarge(name, 'it has', bytesMax);
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Reads one chunk. An empty pipe may answer EAGAIN: then it is read again a moment later. */
function readChunk(file: number, chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(file, chunk);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 10);
    }
  }
}
