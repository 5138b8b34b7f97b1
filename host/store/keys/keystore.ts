// Keeps the folders of `heliograph keys`: made once, added to, never overwritten.
//
//     `DIR/fleet.json`                      offline     root of all keys
//     `DIR/cluster-C/authority.json`        offline     the cluster's key, who its members are
//     `DIR/cluster-C/epoch-E.json`          offline     secret of a key epoch, who is excluded
//     `DIR/cluster-C/epoch-E.bundle.cbor`   public      its messages, which are sent up
//     `DIR/cluster-C/node-I.json`           member I    all that the member is given
//     `DIR/issued/cluster-C-epoch-E.json`   offline     record of the key epoch, against its loss
//
// The file of a key epoch takes its number: of two runs at once the second finds the number taken,
// and begins again on what the first left. Files are 0600, folders 0700.

import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { encodeSequence } from '../../cbor/message.ts';
import { bringFolderToDisk } from '../replace_file.ts';
import { type KeyEpochMessages, makeKeyEpoch } from '../../security/key_epoch.ts';
import {
  bundlePath,
  clusterFolder,
  type Epochs,
  keyEpochPath,
  keyEpochsOf,
  flawAdvice,
  issuedClusters,
  readKeyEpochFile,
  recordIssued,
} from './issued.ts';
import { ExistsError, exists, folderMode, makeKeyFolder, storeError, writeBytes, writeKeyFile } from './folder.ts';
import {
  type AuthorityFile,
  type KeyEpochFile,
  type FleetFile,
  KeyFileError,
  type NodeFile,
  readKeyFileOf,
} from './file.ts';
import { authorityOf, clusterKeyOf, nodeSeedOf, regionKeyOf } from '../../security/hierarchy.ts';
import { nodeSignatures } from '../../security/signature.ts';
import { exclusionsLeft, pathKey, pathNodes } from '../../security/tree.ts';
import { KEY_EPOCH_MAX } from '../../cbor/generated.ts';

/** So few numbers of key epochs that their end must be planned: no jump may leave fewer. */
export const CHANGES_LEFT_FEW = 1000;

/** Most runs that take a number before this one; more than ever run at once. */
const triesMax = 100;

/** The order makes no sense with the keys that are there. */
export class KeyOrderError extends Error {}

/** Reads the fleet's root, or draws it at random if this folder has none yet. */
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
 * Makes a cluster: its authority, its members' key pairs and key epoch 1, all or nothing. Throws
 * ExistsError if the cluster exists, KeyFileError if the fleet's file cannot be used, StoreError
 * when the machine refuses.
 */
export function initCluster(folder: string, { cluster, members, region }: ClusterOrder): void {
  makeKeyFolder(folder);
  const target = clusterFolder(folder, cluster);
  const wasMade = issuedClusters(folder).includes(cluster);
  if (exists(target)) throw new ExistsError(`${target} is there already: keys are never overwritten`);
  if (wasMade)
    throw new KeyFileError(
      `${target} is missing, but cluster ${cluster} was made here: numbers of key epochs would be made twice. ` +
        'Restore it from its newest copy, or take another number for the cluster; ' +
        `if none of its keys was ever used, remove ${join(folder, 'issued')}/cluster-${cluster}-*`,
    );
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
  const first = makeKeyEpochFile(authority, 1, 0, new Set());
  const partial = `${target}.${process.pid}`;
  try {
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { mode: folderMode });
    writeKeyFile(join(partial, 'authority.json'), authority);
    writeKeyFile(keyEpochPath(partial, 1), first);
    writeBundle(partial, messagesOf(first));
    renameSync(partial, target);
    bringFolderToDisk(folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw storeError(target, error);
  } finally {
    first.secret.fill(0);
  }
  recordIssued(folder, first);
}

/** A cluster, by its folder and the records of what was issued. */
export interface ClusterState extends Epochs {
  readonly folder: string;
  readonly authority: AuthorityFile;
  /** Members excluded by the newest file or the newest record. */
  readonly excluded: readonly number[];
  /**
   * Number of the next key epoch, from the same reading of the folder as `excluded`: whoever takes
   * the number has seen all exclusions before it.
   */
  readonly next: number;
}

/**
 * Reads a cluster. Throws KeyFileError: no such cluster, its files cannot be used, or its newest
 * key epoch is lost; with `isLossKnown`, a loss is only reported as `flaw`.
 */
export function readCluster(folder: string, cluster: number, isLossKnown = false): ClusterState {
  const at = clusterFolder(folder, cluster);
  if (!exists(at)) throw new KeyFileError(`${at}: no such cluster: heliograph keys init makes one`);
  const authority = readKeyFileOf(join(at, 'authority.json'), 'heliograph authority');
  if (authority.cluster !== cluster) throw new KeyFileError(`${at}: holds the keys of cluster ${authority.cluster}`);
  const epochs = keyEpochsOf(folder, cluster);
  const { issued, newest, record, flaw } = epochs;
  if (issued.length === 0)
    throw new KeyFileError(`${at}: has no key epoch: restore its epoch files from where they are kept`);
  if (flaw !== null && !isLossKnown) throw new KeyFileError(`${flaw}. ${flawAdvice(folder, cluster, epochs)}`);
  const excluded = [...new Set([...(newest?.excluded ?? []), ...(record?.excluded ?? [])])].sort((a, b) => a - b);
  return { ...epochs, folder: at, authority, excluded, next: issued[issued.length - 1] + 1 };
}

/** Makes head and parts of a key epoch, as they are sent. */
function messagesOf(file: KeyEpochFile): KeyEpochMessages {
  const { epoch, startS, commitment, signature, parts } = file;
  return {
    head: { name: 'key-epoch-head', keyEpoch: epoch, startS, parts: parts.length, commitment, signature },
    parts: parts.map(({ node, wrapped }) => ({ name: 'key-epoch-part', keyEpoch: epoch, node, wrapped })),
  };
}

function makeKeyEpochFile(
  authority: AuthorityFile,
  epoch: number,
  startS: number,
  excluded: ReadonlySet<number>,
): KeyEpochFile {
  const { cluster, clusterKey, members } = authority;
  const secret = new Uint8Array(randomBytes(32));
  const ids = members.map(({ id }) => id);
  const { head, parts } = makeKeyEpoch(
    authorityOf(clusterKey, cluster),
    { keyEpoch: epoch, startS, secret },
    ids,
    excluded,
  );
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

/**
 * Writes the file of a key epoch first: it takes the number. Then its record, and last the bundle
 * that is sent up.
 */
function writeKeyEpoch(folder: string, at: string, file: KeyEpochFile): void {
  writeKeyFile(keyEpochPath(at, file.epoch), file);
  file.secret.fill(0);
  recordIssued(folder, file);
  writeBundle(at, messagesOf(file));
}

/** Writes a bundle. Another run may have written it for this one: it is the same. */
function writeBundle(folder: string, { head, parts }: KeyEpochMessages): void {
  try {
    writeBytes(bundlePath(folder, head.keyEpoch), encodeSequence([head, ...parts]));
  } catch (error) {
    if (!(error instanceof ExistsError)) throw error;
  }
}

/**
 * Completes an interrupted run, which may have left a key epoch without its record or without its
 * bundle.
 */
function complete(folder: string, { folder: at, made, isRecorded }: ClusterState): void {
  for (const epoch of made) {
    const isBundled = exists(bundlePath(at, epoch));
    if (isBundled && isRecorded(epoch)) continue;
    const file = readKeyEpochFile(at, epoch);
    file.secret.fill(0);
    recordIssued(folder, file);
    if (!isBundled) writeBundle(at, messagesOf(file));
  }
}

export interface KeyEpochOrder {
  /** Members to exclude from now on, besides those that are excluded. */
  readonly exclude: readonly number[];
  /**
   * Mission second from which the key epoch is used. Left out, an exclusion holds as soon as it is
   * known, and a mere change not before the newest key epoch begins.
   */
  readonly startS?: number;
  /**
   * Lower bound of the number, for a folder that was restored from an old copy. Given, a key epoch
   * that is known to be lost is no hindrance.
   */
  readonly number?: number;
}

export interface MadeKeyEpoch {
  readonly epoch: number;
  readonly startS: number;
  readonly parts: number;
  readonly excluded: readonly number[];
  readonly bundle: string;
  /**
   * The newest key epoch before it, if that was to begin later: whoever knows this one does not use
   * it.
   */
  readonly supersedes: { readonly epoch: number; readonly startS: number } | null;
  /** Key epochs that can be made after it. */
  readonly changesLeft: number;
  /** Members that can be excluded besides, wherever in the key tree they are. */
  readonly exclusionsLeft: number;
}

/** Throws KeyOrderError if the order makes no sense for the cluster as it is. */
function checkOrder({ folder, authority, newest, excluded, next }: ClusterState, order: KeyEpochOrder): void {
  const { exclude, startS, number } = order;
  for (const id of exclude) {
    if (!authority.members.some((member) => member.id === id))
      throw new KeyOrderError(
        `${id} is no member of cluster ${authority.cluster}: ids run to ${authority.members.length - 1}`,
      );
    if (excluded.includes(id))
      throw new KeyOrderError(`member ${id} is excluded already; send up ${bundlePath(folder, next - 1)} if it is not`);
  }
  if (startS !== undefined && newest !== null && startS < newest.startS && exclude.length === 0)
    throw new KeyOrderError(
      `key epoch ${newest.epoch} begins at ${newest.startS} s: ` +
        `only keys revoke makes one that begins before it, at ${startS} s`,
    );
  if (number !== undefined && number < next)
    throw new KeyOrderError(`key epoch ${next - 1} is there or was: the next has a greater number`);
  if (number !== undefined && number > next && KEY_EPOCH_MAX - number < CHANGES_LEFT_FEW)
    throw new KeyOrderError(
      `key epoch ${number} would leave ${KEY_EPOCH_MAX - number} key changes for ever, because no number comes ` +
        `twice: give one above every number that was ever made, and at most ${KEY_EPOCH_MAX - CHANGES_LEFT_FEW}`,
    );
}

/**
 * Makes the next key epoch for all members but the excluded. Throws KeyFileError, KeyOrderError,
 * CoverError, or StoreError: then either no key epoch was made, or it is whole.
 */
export function nextKeyEpoch(folder: string, cluster: number, order: KeyEpochOrder): MadeKeyEpoch {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const state = readCluster(folder, cluster, order.number !== undefined);
    complete(folder, state);
    checkOrder(state, order);
    const epoch = Math.max(state.next, order.number ?? 0);
    if (epoch > KEY_EPOCH_MAX)
      throw new KeyOrderError(`cluster ${cluster} has used up its ${KEY_EPOCH_MAX} key epochs: make it anew`);
    // A node prefers the higher number, whatever the beginning of a lower one
    // (firmware/security/key_epoch.ts): an exclusion waits for no plan.
    const isAtOnce = order.exclude.length > 0 || state.flaw !== null || state.newest === null;
    const plannedS = state.newest?.startS ?? 0;
    const startS = order.startS ?? (isAtOnce ? 0 : plannedS);
    const file = makeKeyEpochFile(state.authority, epoch, startS, new Set([...state.excluded, ...order.exclude]));
    try {
      writeKeyEpoch(folder, state.folder, file);
    } catch (error) {
      // Another run took the number: begin again on what it left.
      if (error instanceof ExistsError) continue;
      throw error;
    } finally {
      file.secret.fill(0);
      state.authority.clusterKey.fill(0);
      state.newest?.secret.fill(0);
    }
    const { parts, excluded } = file;
    const supersedes =
      state.newest !== null && startS < plannedS ? { epoch: state.newest.epoch, startS: plannedS } : null;
    const ids = state.authority.members.map(({ id }) => id);
    return {
      epoch,
      startS,
      parts: parts.length,
      excluded,
      bundle: bundlePath(state.folder, epoch),
      supersedes,
      changesLeft: KEY_EPOCH_MAX - epoch,
      exclusionsLeft: exclusionsLeft(ids, new Set(excluded)),
    };
  }
  throw new KeyOrderError(`other runs keep making key epochs of cluster ${cluster}: try again when they are done`);
}

/**
 * Finds the newest key epoch, and before it the one that is in use until the newest begins. Throws
 * KeyFileError if that one is lost.
 */
function keyEpochsToBegin(state: ClusterState): KeyEpochFile[] {
  const { folder, made, issued, newest } = state;
  if (newest === null)
    throw new KeyFileError(`${folder}: has no key epoch: restore its epoch files from where they are kept`);
  const before = issued[issued.indexOf(newest.epoch) - 1];
  if (before === undefined) return [newest];
  if (!made.includes(before)) {
    // When the newest is used at once, nobody needs the one before.
    if (newest.startS === 0) return [newest];
    throw new KeyFileError(
      `${keyEpochPath(folder, before)} is missing, and key epoch ${before} is in use until ${newest.epoch} begins ` +
        `at ${newest.startS} s: restore it, or make a new one with heliograph keys epoch`,
    );
  }
  const file = readKeyEpochFile(folder, before);
  // One that was to begin later is superseded.
  return file.startS <= newest.startS ? [file, newest] : [newest];
}

/**
 * Gathers all keys of one member. Throws KeyFileError, or KeyOrderError if it is no member, or
 * excluded.
 */
function nodeFile(folder: string, cluster: number, id: number): NodeFile {
  const state = readCluster(folder, cluster);
  // A secret that is handed out is issued.
  complete(folder, state);
  const { authority, excluded } = state;
  const member = authority.members.find((each) => each.id === id);
  if (member === undefined)
    throw new KeyOrderError(`${id} is no member of cluster ${cluster}: ids run to ${authority.members.length - 1}`);
  if (excluded.includes(id)) throw new KeyOrderError(`member ${id} is excluded: it is given no keys any more`);
  const { clusterKey } = authority;
  const begun = keyEpochsToBegin(state);
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

/**
 * Writes a member's bundle, to `out` or its place in the cluster's folder; returns the path. Throws
 * as `nodeFile`, and ExistsError.
 */
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
