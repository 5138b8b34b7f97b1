import { existsSync } from 'node:fs';
import { describe, diagnose } from '../../security/diagnose.ts';
import type { LinkCipher } from '../../security/frame.ts';
import { CborFault } from '../../cbor/item.ts';
import { looksLikeKeyFile } from '../../store/keys/file.ts';
import { readKeyring } from '../../store/keys/keyring.ts';
import { CommandError, exitCode } from '../exit.ts';
import { readInputBytes } from '../input.ts';

export interface DecodeOptions {
  keys?: string;
  json?: boolean;
}

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
    if (looksLikeKeyFile(content)) {
      throw new CommandError(
        `${argument}: is no frame; for key files there is heliograph keys inspect`,
        exitCode.input,
      );
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

/**
 * `heliograph decode`: prints diagnostic notation, or one JSON object; with --keys, what the frame holds. A fault is told with its byte
 * offset after what could be read.
 */
export function decode(argument: string, options: DecodeOptions): void {
  const bytes = bytesOf(argument);
  const ring = options.keys === undefined ? null : readKeyring(options.keys);
  const link: LinkCipher | null = ring === null ? null : ring.link();
  try {
    console.log(options.json === true ? JSON.stringify(describe(bytes, link)) : diagnose(bytes, link));
  } catch (error) {
    if (!(error instanceof CborFault)) throw error;
    if (error.shown && options.json !== true) console.log(error.shown);
    const isKeyFault = /no key of epoch/.test(error.message) && ring !== null;
    const held = isKeyFault ? ` (${options.keys} holds keys of ${ring.describe()})` : '';
    const what =
      error.message.includes('the tag is wrong') || isKeyFault ? 'not opened' : 'not a frame of this version';
    throw new CommandError(`${what}: ${error.message}${held}`, exitCode.input);
  }
}
