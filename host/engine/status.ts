/**
 * Reads the result of a firmware call: its low byte is a status, the bits above say what the
 * platform is to poll.
 */

import { FLAG, STATUS, STATUS_MASK } from '../cbor/generated.ts';

export { STATUS, STATUS_MASK };

/** The deadline moved nearer: ask `deadline` again. */
export const FLAG_DEADLINE = FLAG.deadline;
/** Commands wait. */
export const FLAG_COMMAND = FLAG.command;
/** Events wait. */
export const FLAG_EVENT = FLAG.event;

const names: string[] = [];
for (const [name, code] of Object.entries(STATUS)) names[code] = name;

/** The name of a status for people: `crc`, or `status 77` for a code that has no name. */
export function statusName(status: number): string {
  return names[status & STATUS_MASK] ?? `status ${status & STATUS_MASK}`;
}
