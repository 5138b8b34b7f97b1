import type { Store } from '../store/store.ts';
import type { Log } from './log.ts';

/**
 * What a folder of state belongs to, for ever: its counters are cycles of one mission time, and its
 * checkpoints are of one cluster.
 */
export interface StateIdentity {
  readonly cluster: number;
  /** Wall milliseconds of mission second 0, since 1970. */
  readonly beginMs: number;
}

/** Name of the stored record. */
export const identityRecord = 'identity';
/** cluster u16, beginMs i48, big-endian. */
const identityBytes = 8;

/** Reads the record; null: its size is of none. */
export function readIdentity(bytes: Uint8Array): StateIdentity | null {
  if (bytes.length !== identityBytes) return null;
  const buffer = Buffer.from(bytes);
  return { cluster: buffer.readUInt16BE(0), beginMs: buffer.readIntBE(2, 6) };
}

/**
 * Returns what the folder belongs to. A folder that belongs to nobody yet, or whose record is lost,
 * belongs to `own` from now on: the reserved counters still hold. Logs damaged records. Throws
 * StoreError.
 */
export function identityOf(store: Store, own: StateIdentity, log: Log): StateIdentity {
  const { records, faults } = store.read(identityRecord);
  for (const fault of faults) log('store-fault', {}, fault);
  const [stored] = records.flatMap(({ bytes }) => readIdentity(bytes) ?? []);
  if (stored !== undefined) return stored;
  const bytes = Buffer.alloc(identityBytes);
  bytes.writeUInt16BE(own.cluster, 0);
  bytes.writeIntBE(own.beginMs, 2, 6);
  store.write(identityRecord, bytes);
  return own;
}
