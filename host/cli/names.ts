import { shapeOfType } from '../cbor/message.ts';

/** A flat record with its names: type first, then the fields in the schema's order. An unknown type is called by its number. */
export function nameRecord(record: Uint32Array, length: number): { name: string; fields: Record<string, number> } {
  const shape = shapeOfType(record[0]);
  const fields: Record<string, number> = {};
  for (let at = 1; at < length; at++) fields[shape?.fields[at - 1]?.name ?? `field${at}`] = record[at];
  return { name: shape?.name ?? `type-${record[0]}`, fields };
}
