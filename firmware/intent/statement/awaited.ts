// Remembers whose statement is awaited: a version of that owner released a unit without one.
//
// An owner in contact answers within a minute: it objects, or it confirms. One that is heard and
// does not answer for ten minutes cannot sign, or is Byzantine itself. Its versions are then stored
// without a statement, or members that heard different ones would never agree again. The time is
// counted from the first refusal here, by this node's own clock: no sender can date it back.

import { OBJECTION_S } from '../../memory/limits';
import { call } from '../../memory/guard';
import { countLoss } from '../../node/queues';
import { ageOf } from '../../membership/liveness';
import { COUNTER_STATEMENTS_FULL } from '../../wire/generated/codes';
import { statements, statementsToChange, StatementState } from '../table';

/** An owner that is heard objects within this time, minutes. */
const ANSWER_MINUTES: u32 = OBJECTION_S / 60;
/** An owner counts as heard for so many liveness ticks after a sign of life. */
const HEARD_TICKS: u32 = 3;
/** After this the wait is forgotten, minutes: the next refusal begins a new one. */
const FORGOTTEN_MINUTES: u32 = 3 * ANSWER_MINUTES;
/** Owners whose statements are awaited at one time. A further one waits until an entry is free. */
const AWAITED_MAX: u32 = 4;

/** An entry has the owner plus one above, and the local minute of the first refusal below. */
function entryOf(state: StatementState, i: u32): u32 {
  return load<u32>(changetype<usize>(state) + offsetof<StatementState>('awaited0') + (i << 2));
}

function setEntry(ctx: usize, i: u32, entry: u32): void {
  store<u32>(changetype<usize>(statementsToChange(ctx)) + offsetof<StatementState>('awaited0') + (i << 2), entry);
}

/** Minutes since the first refusal of an entry. */
function minutesOf(ctx: usize, entry: u32): u32 {
  return (call(ctx).localS / 60 - entry) & 0xffff;
}

/**
 * Whether an owner's releases are stored without a statement: it was heard a moment ago, and has
 * not answered in time.
 */
export function leavesUnsigned(ctx: usize, owner: u32): bool {
  if (ageOf(ctx, owner) >= HEARD_TICKS) return false;
  const state = statements(ctx);
  for (let i: u32 = 0; i < AWAITED_MAX; i++) {
    const entry = entryOf(state, i);
    if (entry >>> 16 != owner + 1) continue;
    const minutes = minutesOf(ctx, entry);
    return minutes > ANSWER_MINUTES && minutes <= FORGOTTEN_MINUTES;
  }
  return false;
}

/**
 * Notes that a release of an owner was refused. Returns for how many minutes its statement has been
 * awaited.
 */
export function awaitStatement(ctx: usize, owner: u32): u32 {
  const state = statements(ctx);
  let free = AWAITED_MAX;
  for (let i: u32 = 0; i < AWAITED_MAX; i++) {
    const entry = entryOf(state, i);
    const isOver = entry == 0 || minutesOf(ctx, entry) > FORGOTTEN_MINUTES;
    if (!isOver && entry >>> 16 == owner + 1) return minutesOf(ctx, entry);
    if (isOver) free = i;
  }
  if (free == AWAITED_MAX) countLoss(ctx, COUNTER_STATEMENTS_FULL);
  else setEntry(ctx, free, ((owner + 1) << 16) | ((call(ctx).localS / 60) & 0xffff));
  return 0;
}

/** Notes a valid statement of an owner: it signs, so it is awaited anew for what it publishes. */
export function noteAnswered(ctx: usize, owner: u32): void {
  for (let i: u32 = 0; i < AWAITED_MAX; i++) if (entryOf(statements(ctx), i) >>> 16 == owner + 1) setEntry(ctx, i, 0);
}

/** Forgets whose statements are awaited: the local clock begins anew. */
export function forgetAwaited(ctx: usize): void {
  for (let i: u32 = 0; i < AWAITED_MAX; i++) setEntry(ctx, i, 0);
}

if (offsetof<StatementState>('awaited3') - offsetof<StatementState>('awaited0') != (AWAITED_MAX - 1) * 4)
  ERROR('entries follow each other');
