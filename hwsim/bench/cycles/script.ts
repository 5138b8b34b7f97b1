/**
 * Writes scripts for test/native_baseline/runner.c: calls of the image, and of the native baseline
 * beside it, that one start of the emulator executes.
 */

import { SCRIPT_CALL, SCRIPT_ENTRY, SCRIPT_NATIVE } from '../generated_harness.ts';

export type ScriptCall = keyof typeof SCRIPT_CALL;

const headerWords = 4;
const magic = 0x48534352;

export interface ScriptResult {
  /** Entries executed: all of them, unless the image trapped. */
  done: number;
  trap: number;
  trapSite: number;
  /** The result of an entry of `call`, `nativeVerdict`, `nativeFrame` or `compare`. */
  word(entry: number): number;
  /** The bytes of a `read` entry. */
  bytes(entry: number): Uint8Array;
}

/**
 * Collects the entries of a script. Words are written in the target's byte order, bytes as they
 * are.
 */
export class Script {
  private readonly bigEndian: boolean;
  private buffer = new ArrayBuffer(1 << 16);
  private view = new DataView(this.buffer);
  private length = headerWords * 4;
  private marked = 0;
  /** Where each entry's result lies, and how many bytes. */
  private readonly results: { at: number; bytes: number }[] = [];

  constructor(bigEndian: boolean) {
    this.bigEndian = bigEndian;
  }

  get bytesUsed(): number {
    return this.length + 8;
  }

  get entries(): number {
    return this.results.length;
  }

  private reserve(bytes: number): void {
    if (this.length + bytes + 8 <= this.buffer.byteLength) return;
    const larger = new Uint8Array(Math.max(this.buffer.byteLength * 2, this.length + bytes + 8));
    larger.set(new Uint8Array(this.buffer));
    this.buffer = larger.buffer;
    this.view = new DataView(this.buffer);
  }

  private entry(of: number, words: readonly number[], data: Uint8Array | number, resultAt: number): number {
    const dataBytes = typeof data === 'number' ? data : data.length;
    const bytes = 8 + words.length * 4 + Math.ceil(dataBytes / 4) * 4;
    this.reserve(bytes);
    const put = (offset: number, word: number) =>
      this.view.setUint32(this.length + offset, word >>> 0, !this.bigEndian);
    put(0, of);
    put(4, bytes / 4);
    words.forEach((word, index) => {
      put(8 + index * 4, word);
    });
    if (typeof data !== 'number') new Uint8Array(this.buffer).set(data, this.length + 8 + words.length * 4);
    this.results.push({ at: this.length + resultAt, bytes: dataBytes });
    this.length += bytes;
    return this.results.length - 1;
  }

  write(at: number, bytes: Uint8Array, offset = 0): number {
    return this.entry(SCRIPT_ENTRY.write, [at, offset, bytes.length], bytes, 20);
  }

  read(at: number, bytes: number, offset = 0): number {
    return this.entry(SCRIPT_ENTRY.read, [at, offset, bytes], bytes, 20);
  }

  /** Marked calls so far: each gives one record of the counting plugin. */
  get calls(): number {
    return this.marked;
  }

  call(name: ScriptCall, ...words: number[]): number {
    this.marked += 1;
    const padded = [...words, 0, 0, 0, 0, 0, 0, 0, 0].slice(0, 8);
    return this.entry(SCRIPT_ENTRY.call, [SCRIPT_CALL[name], ...padded, 0], 0, 8 + 9 * 4);
  }

  /** Saves the context. */
  keep(): number {
    return this.entry(SCRIPT_ENTRY.keep, [], 0, 0);
  }

  /** Restores the saved context. */
  back(): number {
    return this.entry(SCRIPT_ENTRY.back, [], 0, 0);
  }

  /**
   * Fills the native baseline's tables from the context: all of them, or those that a frame's check
   * needs.
   */
  tables(layout: readonly number[], all: boolean): number {
    return this.entry(SCRIPT_ENTRY.tables, [all ? 1 : 0, ...layout], 0, 0);
  }

  nativeVerdict(owner: number, slot: number, nowS: number, nowMs: number): number {
    this.marked += 1;
    return this.entry(SCRIPT_ENTRY.native, [SCRIPT_NATIVE.verdict, owner, slot, nowS, nowMs, 0], 0, 8 + 5 * 4);
  }

  nativeFrame(length: number): number {
    this.marked += 1;
    return this.entry(SCRIPT_ENTRY.native, [SCRIPT_NATIVE.frame, length, 0, 0, 0, 0], 0, 8 + 5 * 4);
  }

  /** Counts the places in which the context and the native baseline's tables differ. */
  compare(all: boolean): number {
    return this.entry(SCRIPT_ENTRY.compare, [all ? 1 : 0, 0], 0, 12);
  }

  /** Returns the script as it is written into the emulated memory. */
  finish(): Uint8Array {
    this.view.setUint32(0, magic, !this.bigEndian);
    const bytes = new Uint8Array(this.length + 8);
    bytes.set(new Uint8Array(this.buffer, 0, this.length));
    return bytes;
  }

  /** Reads the results from the memory that the emulator left. */
  resultsOf(memory: Uint8Array): ScriptResult {
    const view = new DataView(memory.buffer, memory.byteOffset, memory.length);
    const word = (at: number) => view.getUint32(at, !this.bigEndian);
    return {
      done: word(4),
      trap: word(8),
      trapSite: word(12),
      word: (entry) => word(this.results[entry].at),
      bytes: (entry) => memory.slice(this.results[entry].at, this.results[entry].at + this.results[entry].bytes),
    };
  }
}
