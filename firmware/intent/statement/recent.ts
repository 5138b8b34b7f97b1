// Remembers on which intent slots an owner signed a statement lately: what others relay of these
// may be a forgery that the statement refuted. The statements themselves are soon replaced by
// others.

import { OBJECTION_S } from '../../memory/limits';
import { missionS } from '../../node/table';
import { member, memberToChange } from '../../membership/table';
import { OWN_SLOTS } from '../../wire/generated/codes';

/** What others relay of an intent slot is doubted for three rounds after a statement on it. */
const DOUBTED_MINUTES: u32 = (3 * OBJECTION_S) / 60;

/** Minutes since the newest statement of an owner; one ahead of now counts as of long ago. */
function minutesSince(ctx: usize, owner: u32): u32 {
  return (missionS(ctx) / 60 - member(ctx, owner).statementMinute) & 0xffff;
}

/** Notes a valid statement of an owner on an intent slot, as of mission second `atS`. */
export function noteStatement(ctx: usize, owner: u32, slot: u32, atS: u32): void {
  const entry = memberToChange(ctx, owner);
  const minute = <u16>(atS / 60);
  const isNewest = <u16>(minute - entry.statementMinute) < 0x8000;
  if (minutesSince(ctx, owner) >= DOUBTED_MINUTES) entry.statementSlots = 0;
  if (entry.statementSlots == 0 || isNewest) entry.statementMinute = minute;
  entry.statementSlots |= <u8>((<u32>1) << slot);
}

/**
 * Minutes since the newest statement of an owner if it signed one on this intent slot lately; else
 * DOUBTED_NEVER.
 */
export function minutesDoubted(ctx: usize, owner: u32, slot: u32): u32 {
  if (((<u32>member(ctx, owner).statementSlots >>> slot) & 1) == 0) return DOUBTED_NEVER;
  const minutes = minutesSince(ctx, owner);
  return minutes < DOUBTED_MINUTES ? minutes : DOUBTED_NEVER;
}

export const DOUBTED_NEVER: u32 = 0xffffffff;

if (OWN_SLOTS > 8) ERROR('a bit for each intent slot');
