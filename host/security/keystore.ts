// The folders of `heliograph keys`: made once, added to, never overwritten.
//
//     DIR/fleet.json                           root of all keys                                        offline
//     DIR/cluster-C/authority.json             the cluster's key, who its members are                  offline
//     DIR/cluster-C/epoch-E.json               an epoch's secret, who is excluded by then, its cover   offline
//     DIR/cluster-C/epoch-E.bundle.cbor        the epoch's messages: what is sent up                   public
//     DIR/cluster-C/node-I.json                what member I is given                                  for that member alone
//
// An epoch file is the one record of an epoch and of exclusions: of two runs at once the second finds the number taken and begins again on what the
// first left. Files are 0600, folders 0700.

import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { encodeSequence } from '../cbor/message.ts';
import { createFile } from '../store/create_file.ts';
import { bringFolderToDisk } from '../store/replace_file.ts';
import { fileAdvice, StoreError } from '../store/store.ts';
import { EPOCH_MAX, type EpochMessages, makeEpoch } from './epoch.ts';
import {
  type AuthorityFile,
  type EpochFile,
  type FleetFile,
  type KeyFile,
  KeyFileError,
  keyFileText,
  type NodeFile,
  readKeyFileOf,
} from './keyfile.ts';
import { authorityOf, clusterKeyOf, nodeSeedOf, regionKeyOf } from './provision.ts';
import { nodeSignatures } from './signature.ts';
import { pathKey, pathNodes } from './tree.ts';

const fileMode = 0o600;
const folderMode = 0o700;
const othersMayRead = 0o077;
/** Runs that take a number before this one does; more than ever run at once. */
const triesMax = 100;
/** Epochs that a node begins with: the newest, and the one before it, which may still be in use. */
const secretsMax = 2;

export const clusterFolder = (folder: string, cluster: number): string => join(folder, `cluster-${cluster}`);

/** What is there stays: keys are never overwritten. */
export class ExistsError extends Error {}

/** What was asked for makes no sense with the keys that are there. */
export class KeyOrderError extends Error {}

function storeError(path: string, error: unknown): Error {
  const cause = error as NodeJS.ErrnoException;
  if (cause.code === 'EEXIST' || cause.code === 'ENOTEMPTY')
    return new ExistsError(`${path} is there already: keys are never overwritten`);
  if (cause.code === undefined) return cause;
  return new StoreError(`cannot write ${path}: ${fileAdvice(cause)}`, cause.code);
}

/** Throws ExistsError, or StoreError when the machine refuses; then no file is left. */
function writeBytes(path: string, bytes: Uint8Array): void {
  try {
    createFile(path, bytes, fileMode);
  } catch (error) {
    throw storeError(path, error);
  }
}

function writeKeyFile(path: string, file: KeyFile): void {
  const bytes = Buffer.from(keyFileText(file));
  try {
    writeBytes(path, bytes);
  } finally {
    bytes.fill(0);
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: folderMode });
  } catch (error) {
    throw storeError(path, error);
  }
}

/** A line for the operator if others can look into the folder, else null. */
export function openFolderWarning(folder: string): string | null {
  if (process.platform === 'win32') return null;
  const { mode } = statSync(folder);
  if ((mode & othersMayRead) === 0) return null;
  return `${folder}: others may look into this folder (mode ${(mode & 0o777).toString(8)}): chmod 700 '${folder}'`;
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** The fleet's root: read, or drawn at random if this folder has none yet. */
function fleetOf(folder: string): FleetFile {
  const path = join(folder, 'fleet.json');
  if (!exists(path)) {
    const drawn: FleetFile = { kind: 'heliograph fleet', version: 1, root: new Uint8Array(randomBytes(32)) };
    try {
      writeKeyFile(path, drawn);
    } catch (error) {
      if (!(error instanceof ExistsError)) throw error;
      // Another run was first: its root is the fleet's.
    }
    drawn.root.fill(0);
  }
  return readKeyFileOf(path, 'heliograph fleet');
}

export interface ClusterOrder {
  readonly cluster: number;
  readonly members: number;
  readonly region: number;
}

/**
 * Makes a cluster: its authority, its members' key pairs and epoch 1, all or nothing. Throws ExistsError if the cluster is there, KeyFileError if
 * the fleet's file cannot be used, StoreError when the machine refuses.
 */
export function initCluster(folder: string, { cluster, members, region }: ClusterOrder): void {
  makeFolder(folder);
  const target = clusterFolder(folder, cluster);
  if (exists(target)) throw new ExistsError(`${target} is there already: keys are never overwritten`);
  const fleet = fleetOf(folder);
  const clusterKey = clusterKeyOf(regionKeyOf(fleet.root, region), cluster);
  fleet.root.fill(0);
  const authority: AuthorityFile = {
    kind: 'heliograph authority',
    version: 1,
    region,
    cluster,
    clusterKey,
    publicKey: nodeSignatures.publicKey(authorityOf(clusterKey, cluster).seed),
    members: Array.from({ length: members }, (_, id) => {
      return { id, publicKey: nodeSignatures.publicKey(nodeSeedOf(clusterKey, cluster, id)) };
    }),
  };
  const partial = `${target}.${process.pid}`;
  try {
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { mode: folderMode });
    writeKeyFile(join(partial, 'authority.json'), authority);
    writeEpoch(partial, makeEpochFile(authority, 1, 0, new Set()));
    renameSync(partial, target);
    bringFolderToDisk(folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw storeError(target, error);
  }
}

/** A cluster as its folder says. */
export interface ClusterState {
  readonly folder: string;
  readonly authority: AuthorityFile;
  /** Epochs there are, ascending. */
  readonly epochs: readonly number[];
  readonly newest: EpochFile;
  /** Number of the next: from the same look into the folder as `newest`, so that whoever takes it has seen all exclusions before it. */
  readonly next: number;
}

const epochName = /^epoch-(\d+)\.(json|bundle\.cbor)$/;

/** Numbers that are used up: an epoch whose file is lost keeps its number, so that no nonce of a path key returns. */
function epochNumbers(folder: string): { made: number[]; highest: number } {
  const found = readdirSync(folder).flatMap((name) => {
    const match = epochName.exec(name);
    return match === null ? [] : [{ number: Number(match[1]), isSecret: match[2] === 'json' }];
  });
  const made = found.filter(({ isSecret }) => isSecret).map(({ number }) => number);
  return { made: made.sort((a, b) => a - b), highest: Math.max(0, ...found.map(({ number }) => number)) };
}

/** Throws KeyFileError: no such cluster, or its files cannot be used. */
export function readCluster(folder: string, cluster: number): ClusterState {
  const at = clusterFolder(folder, cluster);
  if (!exists(at)) throw new KeyFileError(`${at}: no such cluster: heliograph keys init makes one`);
  const authority = readKeyFileOf(join(at, 'authority.json'), 'heliograph authority');
  if (authority.cluster !== cluster) throw new KeyFileError(`${at}: holds the keys of cluster ${authority.cluster}`);
  const { made, highest } = epochNumbers(at);
  if (made.length === 0) throw new KeyFileError(`${at}: has no epoch: restore its epoch files from where they are kept`);
  const newest = readEpochFile(at, made[made.length - 1]);
  return { folder: at, authority, epochs: made, newest, next: highest + 1 };
}

function readEpochFile(folder: string, epoch: number): EpochFile {
  const path = join(folder, `epoch-${epoch}.json`);
  const file = readKeyFileOf(path, 'heliograph epoch');
  if (file.epoch !== epoch) throw new KeyFileError(`${path}: holds epoch ${file.epoch}`);
  return file;
}

/** Head and parts of an epoch, as they are sent. */
export function messagesOf(file: EpochFile): EpochMessages {
  const { epoch, startS, commitment, signature, parts } = file;
  return {
    head: { name: 'epoch-head', epoch, startS, parts: parts.length, commitment, signature },
    parts: parts.map(({ node, wrapped }) => ({ name: 'epoch-part', epoch, node, wrapped })),
  };
}

function makeEpochFile(authority: AuthorityFile, epoch: number, startS: number, excluded: ReadonlySet<number>): EpochFile {
  const { cluster, clusterKey, members } = authority;
  const secret = new Uint8Array(randomBytes(32));
  const ids = members.map(({ id }) => id);
  const { head, parts } = makeEpoch(authorityOf(clusterKey, cluster), { epoch, startS, secret }, ids, excluded);
  return {
    kind: 'heliograph epoch',
    version: 1,
    cluster,
    epoch,
    startS,
    excluded: [...excluded].sort((a, b) => a - b),
    secret,
    commitment: head.commitment,
    signature: head.signature,
    parts: parts.map(({ node, wrapped }) => ({ node, wrapped })),
  };
}

function bundlePath(folder: string, epoch: number): string {
  return join(folder, `epoch-${epoch}.bundle.cbor`);
}

/** The epoch's file first: it takes the number. What is sent up follows from it. */
function writeEpoch(folder: string, file: EpochFile): void {
  writeKeyFile(join(folder, `epoch-${file.epoch}.json`), file);
  const { head, parts } = messagesOf(file);
  file.secret.fill(0);
  writeBundle(folder, { head, parts });
}

/** Another run may have written it for this one: it is the same. */
function writeBundle(folder: string, { head, parts }: EpochMessages): void {
  try {
    writeBytes(bundlePath(folder, head.epoch), encodeSequence([head, ...parts]));
  } catch (error) {
    if (!(error instanceof ExistsError)) throw error;
  }
}

/** A run that was interrupted may have left an epoch without what is to be sent up. */
function completeBundles({ folder, epochs }: ClusterState): void {
  for (const epoch of epochs) {
    if (!exists(bundlePath(folder, epoch))) writeBundle(folder, messagesOf(readEpochFile(folder, epoch)));
  }
}

export interface EpochOrder {
  /** Members to exclude from now on, besides those that are. */
  readonly exclude: readonly number[];
  /** Mission second from which the epoch is used; without it, as soon as it is known. */
  readonly startS?: number;
  /** Number at least: for a folder that was restored from an old copy. */
  readonly number?: number;
}

export interface MadeEpoch {
  readonly epoch: number;
  readonly startS: number;
  readonly parts: number;
  readonly excluded: readonly number[];
  readonly bundle: string;
}

/** Throws KeyOrderError if the order makes no sense for the cluster as it is. */
function checkOrder({ authority, newest }: ClusterState, { exclude, startS, number }: EpochOrder): void {
  for (const id of exclude) {
    if (!authority.members.some((member) => member.id === id))
      throw new KeyOrderError(`${id} is no member of cluster ${authority.cluster}: ids run to ${authority.members.length - 1}`);
    if (newest.excluded.includes(id)) throw new KeyOrderError(`member ${id} is excluded already`);
  }
  if (startS !== undefined && startS < newest.startS)
    throw new KeyOrderError(`epoch ${newest.epoch} begins at ${newest.startS} s: the next cannot begin at ${startS} s`);
  if (number !== undefined && number <= newest.epoch)
    throw new KeyOrderError(`epoch ${newest.epoch} is there: the next has a greater number`);
}

/**
 * Makes the next epoch for all members but the excluded. Throws KeyFileError, KeyOrderError, CoverError, or StoreError: then either no epoch was
 * made, or it is whole.
 */
export function nextEpoch(folder: string, cluster: number, order: EpochOrder): MadeEpoch {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const state = readCluster(folder, cluster);
    checkOrder(state, order);
    completeBundles(state);
    const epoch = Math.max(state.next, order.number ?? 0);
    if (epoch > EPOCH_MAX) throw new KeyOrderError(`cluster ${cluster} has used up its ${EPOCH_MAX} epochs: make it anew`);
    const startS = order.startS ?? state.newest.startS;
    const excluded = new Set([...state.newest.excluded, ...order.exclude]);
    const file = makeEpochFile(state.authority, epoch, startS, excluded);
    try {
      writeEpoch(state.folder, file);
    } catch (error) {
      // Another run took the number: begin again on what it left.
      if (error instanceof ExistsError) continue;
      throw error;
    } finally {
      file.secret.fill(0);
      state.authority.clusterKey.fill(0);
      state.newest.secret.fill(0);
    }
    return { epoch, startS, parts: file.parts.length, excluded: file.excluded, bundle: bundlePath(state.folder, epoch) };
  }
  throw new KeyOrderError(`other runs keep making epochs of cluster ${cluster}: try again when they are done`);
}

/** All that one member is given. Throws KeyFileError, or KeyOrderError if it is no member, or excluded. */
export function nodeFile(folder: string, cluster: number, id: number): NodeFile {
  const { folder: at, authority, epochs, newest } = readCluster(folder, cluster);
  const member = authority.members.find((each) => each.id === id);
  if (member === undefined)
    throw new KeyOrderError(`${id} is no member of cluster ${cluster}: ids run to ${authority.members.length - 1}`);
  if (newest.excluded.includes(id)) throw new KeyOrderError(`member ${id} is excluded: it is given no keys any more`);
  const { clusterKey } = authority;
  const begun = epochs.slice(-secretsMax).map((epoch) => readEpochFile(at, epoch));
  return {
    kind: 'heliograph node',
    version: 1,
    cluster,
    id,
    members: authority.members.length,
    seed: nodeSeedOf(clusterKey, cluster, id),
    publicKey: member.publicKey,
    authorityPublicKey: authority.publicKey,
    path: pathNodes(id).map((node) => ({ node, key: pathKey(clusterKey, cluster, node) })),
    secrets: begun.map(({ epoch, startS, secret }) => ({ epoch, startS, secret })),
    roster: authority.members,
  };
}

/** Writes a member's bundle, to `out` or its place in the cluster's folder; returns where. Throws as `nodeFile`, and ExistsError. */
export function writeNodeFile(folder: string, cluster: number, id: number, out?: string): string {
  const path = out ?? join(clusterFolder(folder, cluster), `node-${id}.json`);
  if (exists(path))
    throw new ExistsError(
      `${path} is there already: keys are never overwritten${out === undefined ? '; --out writes elsewhere' : ''}`,
    );
  const file = nodeFile(folder, cluster, id);
  try {
    writeKeyFile(path, file);
  } finally {
    for (const { key } of file.path) key.fill(0);
    for (const { secret } of file.secrets) secret.fill(0);
    file.seed.fill(0);
  }
  return path;
}
