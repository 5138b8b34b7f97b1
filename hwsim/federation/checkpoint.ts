/**
 * The files of a checkpoint of a fleet's flight, below the folder of `--out`:
 *
 *     checkpoint.json           what flies, and where each cluster's state stands
 *     checkpoint.N/0.part …     states of clusters, one file for each thread that flew
 *     checkpoint.N/results      what became of the clusters that have ended
 *
 * checkpoint.json is replaced in one step when all others are on the disk, and only then the
 * earlier folder is removed: a kill at any instant leaves one checkpoint whole.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { CommandError, exitCode } from '../../host/cli/exit.ts';
import { makeFolder } from '../../host/store/make_folder.ts';
import { bringFolderToDisk, replaceFile } from '../../host/store/replace_file.ts';
import { fileAdvice } from '../../host/store/store.ts';
import type { FleetImage } from './setting.ts';

/** Where one state stands in the files of a checkpoint. */
export interface StoredState {
  /** Index of the cluster. */
  index: number;
  file: string;
  at: number;
  bytes: number;
  /** Of these bytes. */
  sha256: string;
}

/** What flew: a flight goes on only where all of it is the same. */
export interface FlightIdentity {
  nodes: number;
  days: number;
  seed: number;
  image: FleetImage;
  engine: string;
  /** SHA-256 of the image. */
  firmware: string;
  /** SHA-256 of the simulator's program. */
  program: string;
  /** Version of Node, which writes the states. */
  node: string;
}

/** How far the flight was, and what it had cost. */
export interface FlightProgress {
  nodeDays: number;
  turns: number;
  wallS: number;
  processorS: number;
  rssMiB: number;
}

export interface Checkpoint {
  /** Counts the checkpoints of a flight. */
  number: number;
  flight: FlightIdentity;
  progress: FlightProgress;
  /** Of the clusters that fly. */
  states: StoredState[];
  results: StoredState;
}

const headName = 'checkpoint.json';
const headPath = (folder: string) => join(folder, headName);
const stateFolder = (number: number) => `checkpoint.${number}`;
const hashOf = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
const again = 'begin anew with another --out';
/** Fast, and most of a context is zeros. */
const packing = { level: 1 };

const inputError = (path: string, text: string) => new CommandError(`${path}: ${text}`, exitCode.input);

function machineError(path: string, error: unknown): CommandError {
  const advice = fileAdvice(error as NodeJS.ErrnoException);
  return new CommandError(
    `${path}: the checkpoint cannot be written: ${advice}; then go on with --resume from the one before, if any`,
    exitCode.environment,
  );
}

/** Writes states one after another into a file of a checkpoint. */
export class StateWriter {
  readonly #path: string;
  readonly #name: string;
  readonly #file: number;
  #at = 0;

  /** Throws CommandError when the file cannot be written, as all methods do. */
  constructor(folder: string, number: number, name: string) {
    this.#name = `${stateFolder(number)}/${name}`;
    this.#path = join(folder, this.#name);
    this.#file = this.#try(() => {
      makeFolder(join(folder, stateFolder(number)), 0o777);
      return openSync(this.#path, 'w');
    });
  }

  add(index: number, state: unknown): StoredState {
    const packed = deflateRawSync(serialize(state), packing);
    this.#try(() => {
      for (let done = 0; done < packed.length; ) done += writeSync(this.#file, packed, done);
    });
    const stored = { index, file: this.#name, at: this.#at, bytes: packed.length, sha256: hashOf(packed) };
    this.#at += packed.length;
    return stored;
  }

  /** Brings the file to the disk. */
  close(): void {
    this.#try(() => {
      fsyncSync(this.#file);
      closeSync(this.#file);
    });
  }

  #try<Value>(act: () => Value): Value {
    try {
      return act();
    } catch (error) {
      throw machineError(this.#path, error);
    }
  }
}

/** Completes a checkpoint, whose files are on the disk, and removes the one before. */
export function completeCheckpoint(folder: string, checkpoint: Checkpoint): void {
  const text = JSON.stringify(checkpoint);
  try {
    bringFolderToDisk(join(folder, stateFolder(checkpoint.number)));
    replaceFile(headPath(folder), Buffer.from(`${JSON.stringify({ sha256: hashOf(text), checkpoint })}\n`));
    rmSync(join(folder, stateFolder(checkpoint.number - 1)), { recursive: true, force: true });
  } catch (error) {
    throw machineError(headPath(folder), error);
  }
}

/** Removes what checkpoints of a flight are there: it has ended. */
export function removeCheckpoint(folder: string): void {
  rmSync(headPath(folder), { force: true });
  for (const name of readdirSync(folder))
    if (/^checkpoint\.\d+$/.test(name)) rmSync(join(folder, name), { recursive: true, force: true });
}

/** Reads checkpoint.json. Throws CommandError when there is none, or when it is damaged. */
export function readCheckpoint(folder: string): Checkpoint {
  const path = headPath(folder);
  if (!existsSync(path)) throw inputError(path, `is missing: there is nothing to resume; ${again}`);
  try {
    const head = JSON.parse(readFileSync(path, 'utf8')) as { sha256?: string; checkpoint?: Checkpoint } | null;
    const checkpoint = head?.checkpoint;
    if (checkpoint !== undefined && hashOf(JSON.stringify(checkpoint)) === head?.sha256) return checkpoint;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw inputError(path, fileAdvice(error as NodeJS.ErrnoException));
  }
  throw inputError(path, `is damaged, or no checkpoint; ${again}`);
}

const identityNames: Record<keyof FlightIdentity, string> = {
  ...{ nodes: '--nodes', days: '--days', seed: '--seed', image: '--image', engine: 'engine' },
  ...{ firmware: 'firmware image', program: 'version of heliograph', node: 'version of Node' },
};

/** Throws CommandError when a checkpoint is that of another flight. */
export function refuseForeign(folder: string, { flight }: Checkpoint, wanted: FlightIdentity): void {
  for (const [key, name] of Object.entries(identityNames) as [keyof FlightIdentity, string][]) {
    if (flight[key] === wanted[key]) continue;
    const text = `is of another flight: ${name} was ${flight[key]}, and is ${wanted[key]}; go on with the former`;
    throw inputError(headPath(folder), `${text}, or ${again}`);
  }
}

/** Reads one state. Throws CommandError when its file is missing, cut short or damaged. */
export function readState(folder: string, { file, at, bytes, sha256 }: StoredState): unknown {
  const path = join(folder, file);
  const packed = Buffer.alloc(bytes);
  let length = 0;
  try {
    const handle = openSync(path, 'r');
    try {
      length = readSync(handle, packed, 0, bytes, at);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    throw inputError(path, `${fileAdvice(error as NodeJS.ErrnoException)}; ${again}`);
  }
  if (length < bytes) throw inputError(path, `is cut short; ${again}`);
  if (hashOf(packed) !== sha256) throw inputError(path, `is damaged; ${again}`);
  return deserialize(inflateRawSync(packed));
}
