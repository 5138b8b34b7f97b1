import { existsSync } from 'node:fs';
import { diagnose } from '../cbor/diagnose.ts';
import { CborFault } from '../cbor/item.ts';
import { CommandError, exitCode } from './exit.ts';
import { readInputBytes } from './input.ts';

/** More than this is no frame and no record; recordings are shown by `replay`. */
const bytesMax = 65536;

/** Hexadecimal digits, with or without spaces, colons, line breaks and 0x. */
function fromHex(text: string): Uint8Array | null {
  const digits = text.replace(/0x/gi, '').replace(/[\s:,_-]/g, '');
  if (digits === '' || !/^[0-9a-fA-F]+$/.test(digits)) return null;
  if (digits.length % 2 !== 0) {
    throw new CommandError(`${digits.length} hexadecimal digits are no whole bytes: is one missing?`, exitCode.input);
  }
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

/** Bytes named on the command line: hexadecimal digits, or a file that holds such digits or the bytes themselves. */
function bytesOf(argument: string): Uint8Array {
  if (existsSync(argument)) {
    const content = readInputBytes(argument);
    if (content.length > bytesMax) {
      throw new CommandError(`${argument}: ${content.length} bytes are no frame; give one frame`, exitCode.input);
    }
    const text = content.toString('latin1');
    return (/^[\x09-\x7e]*$/.test(text) ? fromHex(text) : null) ?? content;
  }
  const bytes = fromHex(argument);
  if (bytes === null) {
    throw new CommandError(`'${argument}' is neither a file nor hexadecimal digits`, exitCode.input);
  }
  return bytes;
}

/** `heliograph decode`: prints diagnostic notation. A fault is told with its byte offset after what could be read. */
export function decode(argument: string): void {
  try {
    console.log(diagnose(bytesOf(argument)));
  } catch (error) {
    if (!(error instanceof CborFault)) throw error;
    if (error.shown) console.log(error.shown);
    throw new CommandError(`not a frame of this version: ${error.message}`, exitCode.input);
  }
}
