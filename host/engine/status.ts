/** Status of a firmware call: what the low byte and the flags mean. Mirrors firmware/memory/limits.ts; docs/abi.md says what each does. */

/** Low byte of a status. All but `ok` say that the input was rejected and nothing but a counter changed. */
export const STATUS = {
  ok: 0,
  length: 1,
  crc: 2,
  malformed: 3,
  version: 4,
  notForUs: 5,
  implausible: 6,
  notBooted: 7,
  checkpoint: 8,
  unknownType: 9,
  safeMode: 10,
  tickFirst: 11,
  epoch: 12,
  replay: 13,
  stale: 14,
  ahead: 15,
  tag: 16,
} as const;

export const STATUS_MASK = 0xff;
/** The deadline moved nearer: ask `deadline` again. */
export const FLAG_DEADLINE = 1 << 8;
/** Commands wait. */
export const FLAG_COMMAND = 1 << 9;
/** Events wait. */
export const FLAG_EVENT = 1 << 10;

const names: string[] = [];
for (const [name, code] of Object.entries(STATUS)) names[code] = name;

/** A word for people: `crc`, or `status 77` for a code that this table does not know. */
export function statusName(status: number): string {
  return names[status & STATUS_MASK] ?? `status ${status & STATUS_MASK}`;
}
