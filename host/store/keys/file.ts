// Reads and writes key files. Secrets are read only from files that nobody else can read, and no
// message about a file quotes its content.

import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { LEAVES, NODE_MAX, PARTS_MAX, ROOT_NODE } from '../../security/tree.ts';
import { KEY_EPOCH_MAX, WRAPPED_BYTES } from '../../cbor/generated.ts';

/**
 * A key file cannot be used; the message names the file and the next step, and never quotes its
 * content.
 */
export class KeyFileError extends Error {}

const bytesOf = (length: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-f]{${length * 2}}$`), `must be ${length} bytes as hexadecimal digits`)
    .transform((text): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex')));
const u16 = z.int().min(0).max(0xffff);
const u32 = z.int().min(0).max(0xffffffff);
const memberIndex = z
  .int()
  .min(0)
  .max(LEAVES - 1);
const keyEpochNumber = z.int().min(1).max(KEY_EPOCH_MAX);
const key = bytesOf(32);
const version = z.literal(1);

/** fleet.json: the root of all keys. Kept offline. */
const fleet = z.strictObject({ kind: z.literal('heliograph fleet'), version, root: key });

/**
 * authority.json: keys of one cluster, written once. The files of key epochs beside it say which
 * key epochs there are, and who is excluded. Kept offline.
 */
const authority = z.strictObject({
  kind: z.literal('heliograph authority'),
  version,
  region: u16,
  cluster: u16,
  clusterKey: key,
  publicKey: key,
  members: z.array(z.strictObject({ id: memberIndex, publicKey: key })).min(1),
});

/**
 * `epoch-E.json`: the secret of a key epoch, and its messages for the remaining members. Kept
 * offline.
 */
const epoch = z.strictObject({
  kind: z.literal('heliograph epoch'),
  version,
  cluster: u16,
  epoch: keyEpochNumber,
  startS: u32,
  /** Everyone excluded by then: the list of the newest key epoch is the cluster's. */
  excluded: z.array(memberIndex),
  secret: key,
  commitment: bytesOf(16),
  signature: bytesOf(64),
  parts: z
    .array(z.strictObject({ node: z.int().min(ROOT_NODE).max(NODE_MAX), wrapped: bytesOf(WRAPPED_BYTES) }))
    .min(1)
    .max(PARTS_MAX),
});

/**
 * `issued/cluster-C-epoch-E.json`: record of an issued key epoch, kept apart from it. No secret.
 * Kept offline.
 */
const issued = z.strictObject({
  kind: z.literal('heliograph issued'),
  version,
  cluster: u16,
  epoch: keyEpochNumber,
  startS: u32,
  excluded: z.array(memberIndex),
  commitment: bytesOf(16),
});

/** node-I.json: all keys that one member is given. */
const node = z.strictObject({
  kind: z.literal('heliograph node'),
  version,
  cluster: u16,
  id: memberIndex,
  members: z.int().min(1).max(LEAVES),
  seed: key,
  publicKey: key,
  authorityPublicKey: key,
  path: z.array(z.strictObject({ node: z.int().min(ROOT_NODE).max(NODE_MAX), key })).length(9),
  secrets: z.array(z.strictObject({ epoch: keyEpochNumber, startS: u32, secret: key })).max(2),
  roster: z.array(z.strictObject({ id: memberIndex, publicKey: key })).min(1),
});

const anyFile = z.discriminatedUnion('kind', [fleet, authority, epoch, issued, node]);
export type KeyFile = z.infer<typeof anyFile>;
export type FleetFile = z.infer<typeof fleet>;
export type AuthorityFile = z.infer<typeof authority>;
export type KeyEpochFile = z.infer<typeof epoch>;
export type IssuedFile = z.infer<typeof issued>;
export type NodeFile = z.infer<typeof node>;

const othersMayRead = 0o077;
/** A bundle with a roster of 256 takes 40 KiB. */
const fileBytesMax = 1 << 20;

function readSecretly(path: string): Buffer {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new KeyFileError(`${path}: cannot be read: ${reasonOf(error as NodeJS.ErrnoException)}`);
  }
  try {
    const { mode, size } = fstatSync(file);
    if (process.platform !== 'win32' && (mode & othersMayRead) !== 0)
      throw new KeyFileError(
        `${path}: others may use it (mode ${(mode & 0o777).toString(8)}), so it is not read: ` +
          `chmod 600 '${path}', and think of its keys as known`,
      );
    if (size > fileBytesMax) throw new KeyFileError(`${path}: ${size} bytes are no key file`);
    return readFileSync(file);
  } catch (error) {
    if (error instanceof KeyFileError) throw error;
    throw new KeyFileError(`${path}: cannot be read: ${reasonOf(error as NodeJS.ErrnoException)}`);
  } finally {
    closeSync(file);
  }
}

function reasonOf({ code }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'no permission: who made it may read it';
  if (code === 'EISDIR') return 'it is a folder';
  return code ?? 'unknown';
}

/** Reads and checks a key file. Throws KeyFileError: missing, open to others, or malformed. */
export function readKeyFile(path: string): KeyFile {
  const bytes = readSecretly(path);
  let content: unknown;
  try {
    content = JSON.parse(bytes.toString('utf8'));
  } catch {
    // The message of JSON.parse quotes the text.
    throw new KeyFileError(`${path}: is no JSON; a key file is written by heliograph keys`);
  } finally {
    bytes.fill(0);
  }
  const parsed = anyFile.safeParse(content);
  if (parsed.success) return parsed.data;
  const { path: place, code } = parsed.error.issues[0];
  const where = place.length === 0 ? '' : ` at ${place.join('.')}`;
  throw new KeyFileError(`${path}: is no key file of this version${where} (${code})`);
}

/** Reads a key file of one kind. Throws KeyFileError. */
export function readKeyFileOf<K extends KeyFile['kind']>(path: string, kind: K): Extract<KeyFile, { kind: K }> {
  const file = readKeyFile(path);
  if (file.kind !== kind) throw new KeyFileError(`${path}: is a ${file.kind} file, a ${kind} file is wanted`);
  return file as Extract<KeyFile, { kind: K }>;
}

/** Writes a key file's text: byte strings as hexadecimal digits. */
export function keyFileText(file: KeyFile): string {
  const asHex = (_: string, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
  return `${JSON.stringify(file, asHex, 1)}\n`;
}
