// Records which key epochs were issued, in a second place: one record for each, beside the
// clusters' folders and without a secret.
//
//     `DIR/issued/cluster-C-epoch-E.json`   key epoch E was issued; who was excluded by then
//
// A cluster's folder that lost its newest key epoch, or was restored from an old copy, looks whole:
// whoever goes on from it undoes exclusions and makes a number twice. The record reveals that. It
// is written after the file of the key epoch, which takes the number, and before anything that
// leaves the folder. A run that is interrupted between the two leaves a key epoch without a record,
// which the next run writes. A record without its key epoch is always a loss.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ExistsError, makeKeyFolder, writeKeyFile } from './folder.ts';
import { type KeyEpochFile, type IssuedFile, KeyFileError, readKeyFileOf } from './file.ts';

export const clusterFolder = (folder: string, cluster: number): string => join(folder, `cluster-${cluster}`);
export const keyEpochPath = (at: string, epoch: number): string => join(at, `epoch-${epoch}.json`);
export const bundlePath = (at: string, epoch: number): string => join(at, `epoch-${epoch}.bundle.cbor`);

const issuedFolder = (folder: string): string => join(folder, 'issued');
const recordPath = (folder: string, cluster: number, epoch: number): string =>
  join(issuedFolder(folder), `cluster-${cluster}-epoch-${epoch}.json`);

const recordName = /^cluster-(\d+)-epoch-(\d+)\.json$/;
const keyEpochName = /^epoch-(\d+)\.json$/;
const bundleName = /^epoch-(\d+)\.bundle\.cbor$/;

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new KeyFileError(`${folder}: cannot be read (${code})`);
  }
}

function records(folder: string): { cluster: number; epoch: number }[] {
  return namesIn(issuedFolder(folder)).flatMap((name) => {
    const match = recordName.exec(name);
    return match === null ? [] : [{ cluster: Number(match[1]), epoch: Number(match[2]) }];
  });
}

/** Lists the clusters of which a key epoch was ever issued. */
export function issuedClusters(folder: string): number[] {
  return [...new Set(records(folder).map(({ cluster }) => cluster))].sort((a, b) => a - b);
}

function numbersIn(at: string, pattern: RegExp): number[] {
  return namesIn(at)
    .flatMap((name) => pattern.exec(name)?.[1] ?? [])
    .map(Number);
}

function readRecord(folder: string, cluster: number, epoch: number): IssuedFile {
  const path = recordPath(folder, cluster, epoch);
  const file = readKeyFileOf(path, 'heliograph issued');
  if (file.cluster !== cluster || file.epoch !== epoch)
    throw new KeyFileError(`${path}: is the record of key epoch ${file.epoch} of cluster ${file.cluster}`);
  return file;
}

/** Reads the file of a key epoch. Throws KeyFileError. */
export function readKeyEpochFile(at: string, epoch: number): KeyEpochFile {
  const path = keyEpochPath(at, epoch);
  const file = readKeyFileOf(path, 'heliograph epoch');
  if (file.epoch !== epoch) throw new KeyFileError(`${path}: holds key epoch ${file.epoch}`);
  return file;
}

/** Records that a key epoch is issued; once is enough. */
export function recordIssued(folder: string, { cluster, epoch, startS, excluded, commitment }: KeyEpochFile): void {
  makeKeyFolder(issuedFolder(folder));
  try {
    writeKeyFile(recordPath(folder, cluster, epoch), {
      kind: 'heliograph issued',
      version: 1,
      cluster,
      epoch,
      startS,
      excluded,
      commitment,
    });
  } catch (error) {
    // Another run recorded it for this one, or another copy has made another key epoch of this
    // number: `keyEpochsOf` shows which.
    if (!(error instanceof ExistsError)) throw error;
  }
}

/** A cluster's key epochs, by its folder and the records. */
export interface Epochs {
  /** Key epochs whose file is there, ascending. */
  readonly made: readonly number[];
  /** Key epochs that were made, recorded or bundled, ascending: their numbers are used up. */
  readonly issued: readonly number[];
  readonly isRecorded: (epoch: number) => boolean;
  /** File and record of the newest of either. */
  readonly newest: KeyEpochFile | null;
  readonly record: IssuedFile | null;
  /** Why nothing may be built on these files; null when they are sound. */
  readonly flaw: string | null;
}

const ascending = (numbers: Iterable<number>): number[] => [...new Set(numbers)].sort((a, b) => a - b);

/** Reads the key epochs of a cluster. Throws KeyFileError: a file that is there cannot be used. */
export function keyEpochsOf(folder: string, cluster: number): Epochs {
  const at = clusterFolder(folder, cluster);
  // Records and bundles are listed before the files of key epochs: another run may be making one.
  const recorded = ascending(records(folder).flatMap((each) => (each.cluster === cluster ? each.epoch : [])));
  const bundled = numbersIn(at, bundleName);
  const made = ascending(numbersIn(at, keyEpochName));
  const issued = ascending([...recorded, ...bundled, ...made]);
  const newest = made.length === 0 ? null : readKeyEpochFile(at, made[made.length - 1]);
  const record = recorded.length === 0 ? null : readRecord(folder, cluster, recorded[recorded.length - 1]);
  return {
    made,
    issued,
    isRecorded: (epoch) => recorded.includes(epoch),
    newest,
    record,
    flaw: flawOf(folder, cluster, { issued, newest, record }),
  };
}

type Newest = Pick<Epochs, 'issued' | 'newest' | 'record'>;

function flawOf(folder: string, cluster: number, { issued, newest, record }: Newest): string | null {
  const at = clusterFolder(folder, cluster);
  const last = issued[issued.length - 1] ?? 0;
  const there = newest?.epoch ?? 0;
  if (there < last) {
    const witness = record?.epoch === last ? recordPath(folder, cluster, last) : bundlePath(at, last);
    return (
      `${keyEpochPath(at, last)} is missing, but key epoch ${last} was issued (${witness}): ` +
      `to go on from key epoch ${there} would undo exclusions and make numbers twice`
    );
  }
  if (newest === null || record?.epoch !== there || Buffer.from(newest.commitment).equals(record.commitment))
    return null;
  return (
    `${keyEpochPath(at, there)} and ${recordPath(folder, cluster, there)} are of two different ` +
    `key epochs ${there}: two copies were worked on`
  );
}

/** Advises how to go on from a flaw. */
export function flawAdvice(
  folder: string,
  cluster: number,
  { issued, record }: Pick<Epochs, 'issued' | 'record'>,
): string {
  const last = issued[issued.length - 1];
  const out =
    record?.epoch === last
      ? 'it leaves out all that were excluded by then'
      : 'whom it excluded is not recorded: name them again, with keys revoke';
  return (
    `Restore ${clusterFolder(folder, cluster)} from its newest copy; only if there is none: ` +
    `heliograph keys epoch ${folder} --cluster ${cluster} --number ${last + 1}, ` +
    `or above every number that was ever made; ${out}`
  );
}
