import { basename } from 'node:path';
import { decodeSlot } from '../../store/store.ts';
import { CommandError, exitCode } from '../exit.ts';
import { print } from '../output.ts';
import { CHECKPOINT_HEADER_BYTES, CHECKPOINT_MAGIC } from '../../cbor/generated.ts';

const presetNames = ['', 'flight', 'compact', 'tiny'];
/** Sizes of the record `counters` (host/node/memory.ts): older nodes wrote no reservation. */
const countersBytes = [8, 12];

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
  if (!countersBytes.includes(bytes.length)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const reserved: Facts = bytes.length < 12 ? {} : { reservedCycle: view.getUint32(8) };
  return { incarnation: view.getUint32(0), resetsInRow: view.getUint32(4), ...reserved };
}

/**
 * Shows a record of `node --state`: its sequence, and the content of a checkpoint's header or of
 * the counters.
 */
export function showStoredRecord(path: string, slot: Buffer, { json }: { json?: boolean }): void {
  const decoded = decodeSlot(slot);
  if (typeof decoded === 'string') throw new CommandError(`${path}: the stored record ${decoded}`, exitCode.input);
  const { bytes, sequence } = decoded;
  const isCounters = basename(path).startsWith('counters.');
  const facts = (isCounters ? countersFacts(bytes) : checkpointFacts(bytes)) ?? {};
  const kind = isCounters ? 'counters' : 'layout' in facts ? 'checkpoint' : 'stored record';
  if (json) print(JSON.stringify({ kind, sequence, bytes: bytes.length, ...facts }));
  else {
    print(`${path}: ${kind}, sequence ${sequence}, ${bytes.length} bytes, CRC-32C right`);
    for (const [name, value] of Object.entries(facts)) print(`  ${name.padEnd(18)} ${value}`);
  }
}
