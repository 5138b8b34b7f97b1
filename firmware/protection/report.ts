// The event `upset`: what was found, and what became of it.

import { EVENT_BYTES_MAX } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { eventSpace, eventDone } from '../node/queues';
import { Upset, encodeUpset } from '../wire/generated/messages';

export const OUTCOME_CORRECTED: u32 = 1;
export const OUTCOME_DROPPED: u32 = 2;

/** Writes the record at `at`, its length before it. */
export function writeUpset(ctx: usize, at: usize, line: u32, outcome: u32, ageS: u32, count: u32): usize {
  const m = changetype<Upset>(ctx + SCRATCH_OUT_AT);
  m.line = line;
  m.outcome = outcome;
  m.ageS = ageS;
  m.count = count;
  const end = encodeUpset(at, at + EVENT_BYTES_MAX - 1, m);
  store<u8>(at - 1, <u8>(end - at));
  return end;
}

export function emitUpset(ctx: usize, line: u32, outcome: u32, ageS: u32, count: u32): bool {
  const at = eventSpace(ctx);
  if (at == 0) return false;
  eventDone(ctx, at, writeUpset(ctx, at, line, outcome, ageS, count));
  return true;
}
