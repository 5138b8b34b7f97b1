import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CborFault } from '../../cbor/item.ts';
import { describe, diagnose } from '../../security/diagnose.ts';
import type { LinkCipher } from '../../security/frame.ts';
import { CommandError, exitCode } from '../exit.ts';
import { inputBytesMax, readInputBytes } from '../input.ts';
import { print } from '../output.ts';
import { notationLines } from './notation.ts';
import type { DecodeOptions } from './options.ts';

/** Keys that open frames, and what they are, for error messages. */
interface LinkKeys {
  link: LinkCipher;
  description: string;
}

/**
 * Parses hexadecimal digits, with or without spaces, colons, line breaks and 0x. Returns null for
 * any other text.
 */
function fromHex(text: string): Uint8Array | null {
  const digits = text.replace(/0x/gi, '').replace(/[\s:,_-]/g, '');
  if (digits === '' || !/^[0-9a-fA-F]+$/.test(digits)) return null;
  if (digits.length % 2 !== 0)
    throw new CommandError(`${digits.length} hexadecimal digits are no whole bytes: is one missing?`, exitCode.input);
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

async function keysOf(path: string | undefined): Promise<LinkKeys | null> {
  if (path === undefined) return null;
  const { readKeyring } = await import('../../store/keys/keyring.ts');
  const ring = readKeyring(path);
  return { link: ring.link(), description: `${path} holds keys of ${ring.describe()}` };
}

/**
 * Shows a frame, or a sequence of messages or records. A fault is reported with its byte offset,
 * after what could be read.
 */
async function showBytes(bytes: Uint8Array, { keys: path, json }: DecodeOptions): Promise<void> {
  const keys = await keysOf(path);
  const link = keys === null ? null : keys.link;
  try {
    print(json ? JSON.stringify(describe(bytes, link)) : notationLines(diagnose(bytes, link)));
  } catch (error) {
    if (!(error instanceof CborFault)) throw error;
    if (error.shown && !json) print(notationLines(error.shown));
    const isKeyMissing = /no key for key epoch/.test(error.message) && keys !== null;
    const isSealed = error.message.includes('the tag is wrong') || isKeyMissing;
    const what = isSealed ? 'not opened' : 'not a frame of this version';
    const held = isKeyMissing ? ` (${keys.description})` : '';
    throw new CommandError(`${what}: ${error.message}${held}`, exitCode.input);
  }
}

/** Recognizes a file by its first bytes. */
function kindOf(content: Buffer): 'gzip' | 'stored record' | 'JSON' | 'other' {
  if (content[0] === 0x1f && content[1] === 0x8b) return 'gzip';
  if (content.subarray(0, 4).toString('latin1') === 'HGST') return 'stored record';
  return /^\s*\{/.test(content.subarray(0, 64).toString('latin1')) ? 'JSON' : 'other';
}

/** Returns the bytes of a file, or the bytes that it spells in hexadecimal digits. */
function plainBytes(content: Buffer): Uint8Array {
  const text = content.toString('latin1');
  return (/^[\x09-\x7e]*$/.test(text) ? fromHex(text) : null) ?? content;
}

async function showJson(path: string, content: Buffer, json: boolean): Promise<void> {
  // Read again by its own reader, which refuses a file of keys that others may read.
  if (/"kind"\s*:\s*"heliograph /.test(content.subarray(0, 256).toString('latin1')))
    return (await import('../keys/inspect.ts')).inspectKeys(path, { json });
  throw new CommandError(`${path}: is JSON, which needs no decoding`, exitCode.input);
}

async function showFile(path: string, options: DecodeOptions): Promise<void> {
  const { showGzip } = await import('./recording.ts');
  if (statSync(path).isDirectory()) return showGzip(join(path, 'frames.bin.gz'), options);
  if (/\.gz$/.test(path)) return showGzip(path, options);
  const content = readInputBytes(path, inputBytesMax.decoded);
  const kind = kindOf(content);
  if (kind === 'gzip') return showGzip(path, options);
  if (kind === 'JSON') return showJson(path, content, options.json === true);
  if (kind === 'stored record') return (await import('./stored_record.ts')).showStoredRecord(path, content, options);
  return showBytes(plainBytes(content), options);
}

/**
 * Runs `heliograph decode`: shows a frame or records in diagnostic notation, and the files that
 * Heliograph writes: recorded frames and events (`sim --out`), stored records (`node --state`), key
 * files and bundles (`keys`). '-' is the standard input.
 */
export async function decode(argument: string, options: DecodeOptions): Promise<void> {
  if (argument === '-') return showBytes(plainBytes(readInputBytes('-', inputBytesMax.decoded)), options);
  if (existsSync(argument)) return showFile(argument, options);
  const bytes = fromHex(argument);
  if (bytes === null) throw new CommandError(`'${argument}' is neither a file nor hexadecimal digits`, exitCode.input);
  return showBytes(bytes, options);
}
