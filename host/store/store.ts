import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '../cbor/crc32c.ts';
import { makeFolder } from './make_folder.ts';
import { replaceFile } from './replace_file.ts';

/**
 * Stores named records that survive a kill at any instant: the non-volatile memory of a host node.
 * Each record has two checkpoint slots, A and B. A write goes to the older one (temporary file,
 * fsync, rename), so that the newer stays whole until the write is complete. Every read verifies:
 *
 *     'HGST' ‖ sequence u32 ‖ length u32 ‖ CRC-32C of payload u32
 *            ‖ CRC-32C of the 16 bytes before u32 ‖ payload          (big-endian)
 */
const MAGIC = 0x48475354;
const HEADER_BYTES = 20;
/** Largest file of a record: a checkpoint has a tenth. A larger file is not read. */
const slotBytesMax = 1 << 20;

/** The store cannot be used; the message names the file and the next step. */
export class StoreError extends Error {
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

export interface StoredRecord {
  bytes: Uint8Array;
  sequence: number;
}

export interface ReadResult {
  /** The newest whole record; null when there is none. */
  record: StoredRecord | null;
  /** All whole records, the newest first: at most two. */
  records: StoredRecord[];
  /** One line for the operator per file that does not verify. */
  faults: string[];
}

/** Advice to a person about an error of the file system. */
export function fileAdvice(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT')
    return 'the disk is full: free some space or name another folder';
  if (error.code === 'EROFS') return 'the file system is read-only: mount it for writing or name another folder';
  if (error.code === 'EACCES' || error.code === 'EPERM') return 'no permission to write there';
  if (error.code === 'ENOENT') return 'no such file or folder';
  if (error.code === 'ENOTDIR' || error.code === 'EEXIST') return 'a file stands where a folder is needed';
  return error.message;
}

function encodeSlot(payload: Uint8Array, sequence: number): Buffer {
  const slot = Buffer.alloc(HEADER_BYTES + payload.length);
  slot.writeUInt32BE(MAGIC, 0);
  slot.writeUInt32BE(sequence, 4);
  slot.writeUInt32BE(payload.length, 8);
  slot.writeUInt32BE(crc32c(payload), 12);
  slot.writeUInt32BE(crc32c(slot, 0, 16), 16);
  slot.set(payload, HEADER_BYTES);
  return slot;
}

/** Decodes the bytes of a checkpoint slot; a string says why they are no record. */
export function decodeSlot(slot: Buffer): StoredRecord | string {
  if (slot.length < HEADER_BYTES) return `is cut short at ${slot.length} bytes`;
  if (slot.readUInt32BE(0) !== MAGIC) return 'does not begin as a slot does';
  if (slot.readUInt32BE(16) !== crc32c(slot, 0, 16)) return 'has a corrupt header';
  const length = slot.readUInt32BE(8);
  if (slot.length !== HEADER_BYTES + length) return `holds ${slot.length - HEADER_BYTES} bytes instead of ${length}`;
  const bytes = new Uint8Array(slot.subarray(HEADER_BYTES));
  if (slot.readUInt32BE(12) !== crc32c(bytes)) return 'has a corrupt content';
  return { bytes, sequence: slot.readUInt32BE(4) };
}

/** Replaces a file in one step. Throws errors of the file system. */
export type WriteFile = (path: string, bytes: Buffer) => void;

/** Names of files that a killed write leaves behind: named after the record and the process. */
const leftover = /^[\w-]+\.[ab]\.\d+$/;

export class Store {
  readonly folder: string;
  private readonly writeFile: WriteFile;
  /** Highest sequence seen per record, and which of its two files to write next. */
  private readonly next = new Map<string, { sequence: number; slot: 'a' | 'b' }>();

  /**
   * Creates the folder when it is missing, and removes what killed writes left. Only who holds the
   * folder's lock makes one: it would remove the file that another process is writing. Throws
   * StoreError.
   */
  constructor(folder: string, writeFile: WriteFile = replaceFile) {
    this.folder = folder;
    this.writeFile = writeFile;
    try {
      makeFolder(folder);
      for (const file of readdirSync(folder)) if (leftover.test(file)) rmSync(join(folder, file));
    } catch (error) {
      throw storeError(folder, error);
    }
  }

  private path(name: string, slot: 'a' | 'b'): string {
    return join(this.folder, `${name}.${slot}`);
  }

  private readSlot(path: string): StoredRecord | string | null {
    try {
      const { size } = statSync(path);
      if (size > slotBytesMax) return `has ${size} bytes, more than a record may have (${slotBytesMax})`;
      return decodeSlot(readFileSync(path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      return `cannot be read: ${(error as Error).message}`;
    }
  }

  /** Reads all whole records called `name`, and reports corrupt files. */
  read(name: string): ReadResult {
    const faults: string[] = [];
    const found: { slot: 'a' | 'b'; record: StoredRecord }[] = [];
    for (const slot of ['a', 'b'] as const) {
      const record = this.readSlot(this.path(name, slot));
      if (typeof record === 'string') faults.push(`${this.path(name, slot)} ${record}`);
      else if (record !== null) found.push({ slot, record });
    }
    found.sort((one, other) => other.record.sequence - one.record.sequence);
    const newest = found.length > 0 ? found[0] : null;
    this.next.set(name, { sequence: (newest?.record.sequence ?? 0) + 1, slot: newest?.slot === 'a' ? 'b' : 'a' });
    const records = found.map(({ record }) => record);
    return { record: newest?.record ?? null, records, faults };
  }

  /**
   * Removes a whole record that its reader cannot use, so that the next write spares the other one.
   */
  reject(name: string, sequence: number): void {
    for (const slot of ['a', 'b'] as const) {
      const path = this.path(name, slot);
      const record = this.readSlot(path);
      if (record !== null && typeof record !== 'string' && record.sequence === sequence) rmSync(path, { force: true });
    }
    this.read(name);
    const next = this.next.get(name);
    if (next !== undefined) next.sequence = Math.max(next.sequence, sequence + 1);
  }

  /**
   * Writes the record over the older one; on return it is on the disk. Throws StoreError, and then
   * the newer record is untouched.
   */
  write(name: string, bytes: Uint8Array): void {
    if (!this.next.has(name)) this.read(name);
    const { sequence, slot } = this.next.get(name)!;
    try {
      this.writeFile(this.path(name, slot), encodeSlot(bytes, sequence));
    } catch (error) {
      throw storeError(this.path(name, slot), error);
    }
    this.next.set(name, { sequence: sequence + 1, slot: slot === 'a' ? 'b' : 'a' });
  }
}

/** Names the file of an error of the file system, and the next step. */
export function storeError(path: string, error: unknown): StoreError {
  const cause = error as NodeJS.ErrnoException;
  return new StoreError(`cannot write ${path}: ${fileAdvice(cause)}`, cause.code ?? 'unknown');
}
