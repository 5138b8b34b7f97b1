import { closeSync, existsSync, openSync, readdirSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { TraceConsumer, WorldChange } from '../../kernel/trace.ts';
import { TYPE } from '../../../host/cbor/generated.ts';
import { makeFolder } from '../../../host/store/make_folder.ts';
import { fileAdvice } from '../../../host/store/store.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { withNames } from '../../../host/cbor/names.ts';
import { nameRecord } from '../../../host/cli/record_text.ts';
import { writeFrameHead } from '../../../host/cli/recorded_frame.ts';

/** Bytes gathered before they are compressed and written. */
const chunkBytes = 1 << 20;
/** Events of every stored version: too many to read, and the frames have the same content. */
const leftOut = new Set<number>([TYPE.stored]);

/** Writes a gzip file in members, so that everything before a failure can be read. */
class ChunkedFile {
  private readonly descriptor: number;
  private readonly pending = Buffer.alloc(chunkBytes);
  private length = 0;

  constructor(path: string) {
    this.descriptor = openSync(path, 'wx');
  }

  append(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.pending.length) this.flush();
    this.pending.set(bytes, this.length);
    this.length += bytes.length;
  }

  flush(): void {
    const whole = gzipSync(this.pending.subarray(0, this.length), { level: 1 });
    this.length = 0;
    for (let at = 0; at < whole.length; ) at += writeSync(this.descriptor, whole, at);
  }

  close(): void {
    this.flush();
    closeSync(this.descriptor);
  }
}

/**
 * Writes a run into a folder: frames.bin.gz (every frame with the number of its receivers),
 * events.jsonl.gz (events and commands by name, and changes of the world), and the files that the
 * caller adds by `write`. When the disk fails, the run continues, `failure` says why, and what was
 * written stays.
 */
export class Recording implements TraceConsumer {
  failure: string | null = null;
  private readonly folder: string;
  private frames: ChunkedFile | null = null;
  private events: ChunkedFile | null = null;

  /**
   * Makes the folder, which must be new or empty: an older recording is never written over. Throws
   * CommandError.
   */
  constructor(folder: string) {
    this.folder = folder;
    if (existsSync(folder) && readdirSync(folder).length > 0) {
      throw new CommandError(
        `--out ${folder}: is not empty; name a new folder, so that nothing is lost`,
        exitCode.usage,
      );
    }
    try {
      makeFolder(folder, 0o777);
      this.frames = new ChunkedFile(join(folder, 'frames.bin.gz'));
      this.events = new ChunkedFile(join(folder, 'events.jsonl.gz'));
    } catch (error) {
      const advice = fileAdvice(error as NodeJS.ErrnoException);
      throw new CommandError(`--out ${folder}: cannot be written: ${advice}`, exitCode.environment);
    }
  }

  frame(timeMs: number, sender: number, bytes: Uint8Array, received: number, lost: number): void {
    if (this.failure !== null) return;
    const head = writeFrameHead({ timeMs, sender, received, lost, length: bytes.length });
    this.guarded(() => {
      this.frames?.append(head);
      this.frames?.append(bytes);
    });
  }

  command(timeMs: number, node: number, fields: Uint32Array, length: number): void {
    this.record(timeMs, node, fields, length);
  }

  event(timeMs: number, node: number, fields: Uint32Array, length: number): void {
    this.record(timeMs, node, fields, length);
  }

  world(timeMs: number, change: WorldChange): void {
    if (change.kind !== 'credit') this.line({ timeS: timeMs / 1000, world: change.kind, ...change });
  }

  private record(timeMs: number, node: number, fields: Uint32Array, length: number): void {
    if (leftOut.has(fields[0]) || this.failure !== null) return;
    const { name, fields: named } = nameRecord(fields, length);
    this.line({ timeS: timeMs / 1000, node, what: name, ...withNames(name, named) });
  }

  private line(value: object): void {
    if (this.failure !== null) return;
    this.guarded(() => this.events?.append(Buffer.from(`${JSON.stringify(value)}\n`)));
  }

  /** Adds a small file. */
  write(name: string, content: string | Uint8Array): void {
    this.guarded(() => writeFileSync(join(this.folder, name), content));
  }

  close(): void {
    this.guarded(() => this.frames?.close());
    this.guarded(() => this.events?.close());
  }

  private guarded(write: () => void): void {
    if (this.failure !== null) return;
    try {
      write();
    } catch (error) {
      this.failure = `--out ${this.folder}: is incomplete: ${fileAdvice(error as NodeJS.ErrnoException)}`;
    }
  }
}
