import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { KeyEpochHead, KeyEpochPart } from '../../cbor/generated.ts';
import { CborFault } from '../../cbor/item.ts';
import { decodeSequence } from '../../cbor/message.ts';
import { verifyHead } from '../../security/key_epoch.ts';
import { clusterFolder, keyEpochsOf, flawAdvice, issuedClusters } from '../../store/keys/issued.ts';
import {
  type AuthorityFile,
  type KeyEpochFile,
  type IssuedFile,
  type KeyFile,
  KeyFileError,
  type NodeFile,
  readKeyFile,
  readKeyFileOf,
} from '../../store/keys/file.ts';
import { leftovers } from '../../store/keys/leftovers.ts';
import { LEAVES } from '../../security/tree.ts';
import { wallMs } from '../../clock/clock.ts';
import { CommandError, exitCode } from '../exit.ts';
import { inputBytesMax, readInputBytes } from '../input.ts';
import { print, wrapped } from '../output.ts';

/** Lists facts about a file: no secret, and nothing from which a secret could be computed. */
export interface Inspected {
  readonly file: string;
  readonly kind: string;
  readonly [fact: string]: unknown;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Returns the first and last member below a node of the key tree. */
export function membersBelow(node: number): { first: number; last: number } {
  let first = node;
  let last = node;
  while (first < LEAVES) {
    first = 2 * first;
    last = 2 * last + 1;
  }
  return { first: first - LEAVES, last: last - LEAVES };
}

function coverOf(nodes: readonly number[]): unknown[] {
  return nodes.map((node) => ({ node, ...membersBelow(node) }));
}

function aboutAuthority({ region, cluster, publicKey, members }: AuthorityFile) {
  const roster = members.map((member) => ({ id: member.id, publicKey: hex(member.publicKey) }));
  return { region, cluster, publicKey: hex(publicKey), members: members.length, roster };
}

function aboutKeyEpoch({ cluster, epoch, startS, excluded, commitment, signature, parts }: KeyEpochFile) {
  const cover = coverOf(parts.map(({ node }) => node));
  return { cluster, epoch, startS, excluded, commitment: hex(commitment), signature: hex(signature), cover };
}

function aboutIssued({ cluster, epoch, startS, excluded, commitment }: IssuedFile) {
  return { cluster, epoch, startS, excluded, commitment: hex(commitment) };
}

function aboutNode({ cluster, id, members, publicKey, authorityPublicKey, path, secrets }: NodeFile) {
  return {
    cluster,
    id,
    members,
    publicKey: hex(publicKey),
    authorityPublicKey: hex(authorityPublicKey),
    path: path.map(({ node }) => node),
    epochs: secrets.map(({ epoch, startS }) => ({ epoch, startS })),
  };
}

/**
 * Computes a fingerprint of the root key, which distinguishes two fleets and discloses nothing of
 * the key.
 */
function aboutFleet(root: Uint8Array) {
  const fingerprint = createHash('sha256')
    .update('heliograph fleet fingerprint')
    .update(root)
    .digest('hex')
    .slice(0, 16);
  return { fingerprint };
}

function aboutKeyFile(file: string, content: KeyFile): Inspected {
  const { kind } = content;
  if (kind === 'heliograph fleet') return { file, kind, ...aboutFleet(content.root) };
  if (kind === 'heliograph authority') return { file, kind, ...aboutAuthority(content) };
  if (kind === 'heliograph epoch') return { file, kind, ...aboutKeyEpoch(content) };
  if (kind === 'heliograph issued') return { file, kind, ...aboutIssued(content) };
  return { file, kind, ...aboutNode(content) };
}

/** Reads the authority that signs a bundle, if its file lies beside the bundle. */
function authorityBeside(file: string): AuthorityFile | null {
  const path = join(dirname(file), 'authority.json');
  return statSync(path, { throwIfNoEntry: false }) === undefined ? null : readKeyFileOf(path, 'heliograph authority');
}

function aboutBundle(file: string): Inspected {
  const bytes = readInputBytes(file, inputBytesMax.bundle);
  let messages: ReturnType<typeof decodeSequence>;
  try {
    messages = decodeSequence(bytes);
  } catch (error) {
    if (!(error instanceof CborFault)) throw error;
    throw new CommandError(`${file}: neither a key file nor a bundle of epochs: ${error.message}`, exitCode.input);
  }
  const heads = messages.filter((message): message is KeyEpochHead => message.name === 'key-epoch-head');
  const parts = messages.filter((message): message is KeyEpochPart => message.name === 'key-epoch-part');
  if (heads.length === 0 || heads.length + parts.length !== messages.length)
    throw new CommandError(`${file}: no bundle of epochs: it holds other messages`, exitCode.input);
  const authority = authorityBeside(file);
  const epochs = heads.map((head) => {
    const cover = coverOf(parts.filter(({ keyEpoch }) => keyEpoch === head.keyEpoch).map(({ node }) => node));
    const signature =
      authority === null ? 'not checked' : verifyHead(authority.publicKey, authority.cluster, head) ? 'right' : 'WRONG';
    const { keyEpoch, startS, commitment } = head;
    return { epoch: keyEpoch, startS, partsWanted: head.parts, cover, commitment: hex(commitment), signature };
  });
  return { file, kind: 'bundle of epochs', bytes: bytes.length, epochs };
}

function inspectFile(path: string): Inspected {
  return path.endsWith('.cbor') ? aboutBundle(path) : aboutKeyFile(path, readKeyFile(path));
}

const keyName = /^(fleet|authority|epoch-\d+|node-\d+)\.json$|\.cbor$/;

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) =>
    a.name.localeCompare(b.name, 'en', { numeric: true }),
  );
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return /^cluster-\d+$/.test(entry.name) ? filesIn(path) : [];
    return keyName.test(entry.name) ? [path] : [];
  });
}

const clusterName = /^cluster-(\d+)$/;

/**
 * Checks that every issued key epoch of a cluster is there. An older key epoch that is missing may
 * have been removed on purpose.
 */
function aboutCluster(folder: string, cluster: number): Inspected & { flaw: string } {
  const epochs = keyEpochsOf(folder, cluster);
  const { issued, made, newest, flaw } = epochs;
  newest?.secret.fill(0);
  return {
    file: clusterFolder(folder, cluster),
    kind: 'cluster',
    newestIssued: issued.at(-1) ?? 'none',
    newestThere: made.at(-1) ?? 'none',
    missing: issued.filter((epoch) => !made.includes(epoch)),
    flaw: flaw === null ? 'none' : `${flaw}. ${flawAdvice(folder, cluster, epochs)}`,
  };
}

/**
 * Lists the clusters of a fleet's folder, including clusters of which only the records are left; or
 * the one cluster whose folder it is.
 */
function clustersOf(path: string): (Inspected & { flaw: string })[] {
  const own = clusterName.exec(basename(resolve(path)));
  if (own !== null) return [aboutCluster(dirname(path), Number(own[1]))];
  const there = readdirSync(path).flatMap((name) => clusterName.exec(name)?.[1] ?? []);
  const clusters = [...new Set([...there.map(Number), ...issuedClusters(path)])].sort((a, b) => a - b);
  return clusters.map((cluster) => aboutCluster(path, cluster));
}

const leftAdvice = 'perhaps with secrets: the next run of keys init, node, epoch or revoke removes it';

/** Columns of the name of a fact. */
const factColumns = 18;
/** Items of a list that are shown before the rest is counted. */
const itemsShownMax = 8;

function shortText(value: unknown): string {
  if (Array.isArray(value)) {
    const items =
      value.length > itemsShownMax
        ? [...value.slice(0, itemsShownMax).map(shortText), `… ${value.length} in all`]
        : value.map(shortText);
    return value.length === 0 ? 'none' : items.join(', ');
  }
  if (typeof value !== 'object' || value === null) return String(value);
  const { node, first, last } = value as { node?: number; first?: number; last?: number };
  if (node !== undefined && first !== undefined) return `${node} (members ${first}–${last})`;
  return Object.entries(value)
    .map(([name, inner]) => `${name} ${shortText(inner)}`)
    .join(' ');
}

/**
 * Runs `heliograph keys inspect`: shows what the files are, and no secret. Exit 1 when a cluster's
 * newest key epoch is lost.
 */
export function inspectKeys(path: string, options: { json?: boolean }): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new KeyFileError(`${path}: no such file or folder`);
  const files = found.isDirectory() ? filesIn(path) : [path];
  const clusters = found.isDirectory() ? clustersOf(path) : [];
  const left = found.isDirectory() ? leftovers(path, wallMs()) : [];
  if (files.length === 0 && clusters.length === 0 && left.length === 0)
    throw new KeyFileError(`${path}: holds no key file: heliograph keys init makes some`);
  const inspected = files.map(inspectFile);
  if (clusters.some(({ flaw }) => flaw !== 'none')) process.exitCode = exitCode.failed;
  if (options.json === true) {
    print(JSON.stringify({ files: inspected, clusters, leftovers: left }));
    return;
  }
  for (const path of left) print(wrapped(`${path}: left by a killed run, ${leftAdvice}`, 2));
  for (const { file, kind, ...facts } of [...inspected, ...clusters]) {
    print(`${file}: ${kind}`);
    for (const [name, value] of Object.entries(facts))
      print(wrapped(`  ${name.padEnd(factColumns)} ${shortText(value)}`, factColumns + 3));
  }
}
