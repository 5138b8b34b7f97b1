import { basename } from 'node:path';
import { readCounters } from '../../node/memory.ts';
import { utcText } from '../../clock/clock.ts';
import { identityRecord, readIdentity } from '../../node/state_identity.ts';
import { decodeSlot } from '../../store/store.ts';
import { CommandError, exitCode } from '../exit.ts';
import { print } from '../output.ts';
import { CHECKPOINT_HEADER_BYTES, CHECKPOINT_MAGIC } from '../../cbor/generated.ts';

const presetNames = ['', 'flight', 'compact', 'tiny'];
type Facts = Record<string, string | number>;

function checkpointFacts(bytes: Uint8Array): Facts | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < CHECKPOINT_HEADER_BYTES || view.getUint32(0, true) !== CHECKPOINT_MAGIC) return null;
  const layout = view.getUint32(4, true);
  const preset = layout & 0xff;
  return {
    layout: layout >>> 8,
    preset: presetNames[preset] || `preset ${preset}`,
    contextBytes: view.getUint32(8, true),
    checksum: `0x${view.getUint32(12, true).toString(16).padStart(8, '0')}`,
  };
}

function countersFacts(bytes: Uint8Array): Facts | null {
  const counters = readCounters(bytes);
  if (counters === null) return null;
  const { incarnation, resets, reserved } = counters;
  return { incarnation, resetsInRow: resets, reservedCycle: reserved };
}

function identityFacts(bytes: Uint8Array): Facts | null {
  const identity = readIdentity(bytes);
  if (identity === null) return null;
  return { cluster: identity.cluster, missionEpoch: utcText(identity.beginMs) };
}

/**
 * Shows a record of `node --state`: its sequence, and the content of a checkpoint's header or of
 * the counters.
 */
export function showStoredRecord(path: string, slot: Buffer, { json }: { json?: boolean }): void {
  const decoded = decodeSlot(slot);
  if (typeof decoded === 'string') throw new CommandError(`${path}: the stored record ${decoded}`, exitCode.input);
  const { bytes, sequence } = decoded;
  const [name] = basename(path).split('.');
  const read = { counters: countersFacts, [identityRecord]: identityFacts }[name];
  const facts = (read ?? checkpointFacts)(bytes) ?? {};
  const kind = read !== undefined ? name : 'layout' in facts ? 'checkpoint' : 'stored record';
  if (json) print(JSON.stringify({ kind, sequence, bytes: bytes.length, ...facts }));
  else {
    print(`${path}: ${kind}, sequence ${sequence}, ${bytes.length} bytes, CRC-32C right`);
    for (const [name, value] of Object.entries(facts)) print(`  ${name.padEnd(18)} ${value}`);
  }
}
