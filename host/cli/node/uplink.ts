import { existsSync, unwatchFile, watchFile } from 'node:fs';
import { decodeSequence } from '../../cbor/message.ts';
import { statusName } from '../../engine/status.ts';
import { uplinkRecords } from '../../node/link.ts';
import type { Log } from '../../node/log.ts';
import type { NodeShim } from '../../node/shim.ts';
import { inputBytesMax, readInputBytes } from '../input.ts';

/** The file of the ground link is checked for changes this often. */
const checkMs = 1000;

/**
 * Gives the node the records of a ground link's file, now and whenever the file changes. Returns a
 * function that stops it.
 */
export function watchUplink(path: string, shim: NodeShim, log: Log): () => void {
  const give = () => {
    try {
      if (!existsSync(path)) return log('uplink-waits', {}, `${path}: no such file yet; it is read when it is there`);
      const records = uplinkRecords(decodeSequence(readInputBytes(path, inputBytesMax.bundle)));
      if (records.length === 0) throw new Error('holds no key epoch');
      const status = shim.uplink(records);
      log('uplink', { records: records.length, status }, `${path}: ${statusName(status)}`);
    } catch (error) {
      // Perhaps half a file that is still being copied: it is read again when it changes.
      log('uplink-refused', {}, `${path}: ${(error as Error).message}`);
    }
  };
  give();
  watchFile(path, { interval: checkMs }, give);
  return () => unwatchFile(path, give);
}
