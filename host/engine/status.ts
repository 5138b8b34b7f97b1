// Names the status in the result of a firmware call.

import { STATUS, STATUS_MASK } from '../cbor/generated.ts';

const names: string[] = [];
for (const [name, code] of Object.entries(STATUS)) names[code] = name;

/** The name of a status for people: `crc`, or `status 77` for a code that has no name. */
export function statusName(status: number): string {
  return names[status & STATUS_MASK] ?? `status ${status & STATUS_MASK}`;
}
