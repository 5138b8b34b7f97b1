// Verifies signed statements of other owners, and acts on valid ones: what they contradict is
// retracted.

import { STATEMENTS_MAX, CONTAINED, NO_INDEX } from '../../memory/limits';
import { call } from '../../memory/guard';
import {
  ADDRESSEE_ALL,
  AHEAD_S_MAX,
  COUNTER_STATEMENTS_FULL,
  COUNTER_STATEMENT_FALSE,
  COUNTER_INTENT_FORGED,
} from '../../wire/generated/codes';
import { countLoss } from '../../node/queues';
import { self, timeKnown, missionS, leaveToTick, DUE_STATEMENT } from '../../node/table';
import { membership } from '../../membership/table';
import { Statement as StatementMessage } from '../../wire/generated/messages';
import { replaceByPlaceholder, retract } from '../store';
import {
  statement,
  statements,
  statementsToChange,
  statementToChange,
  Statement,
  intentIndex,
  intent,
  claimsUnit,
} from '../table';
import { noteAnswered } from './awaited';
import { contradicts } from './check';
import { noteStatement } from './recent';
import { isEquivocator, proveEquivocation } from './equivocation';
import { countUnverified, storeReceived, REBROADCASTS } from './store';
import { storeWaiting } from './waiting';
import { FREE, sameDigest, DIGEST_AT, CONTESTED, VALID, RECEIVED, IN_PROOF } from './table';

/** Statements of other owners that may wait to be verified. */
const UNVERIFIED_MAX: u32 = (STATEMENTS_MAX + 1) >>> 1;

/** Takes a received statement: it is stored to be verified. */
export function onStatement(ctx: usize, m: StatementMessage): void {
  if (
    !CONTAINED ||
    m.owner == self(ctx) ||
    isEquivocator(ctx, m.owner) ||
    !timeKnown(ctx) ||
    m.atS > missionS(ctx) + 2 * AHEAD_S_MAX
  )
    return;
  // An owner broadcasts its statements. One that it sends to this node alone may be one of two.
  let flags: u16 = call(ctx).sender == m.owner && call(ctx).addressee != ADDRESSEE_ALL ? CONTESTED : 0;
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) {
    const entry = statement(ctx, i);
    if (<u32>entry.state == FREE || <u32>entry.owner != m.owner || <u32>entry.slot != m.slot) continue;
    const same = sameDigest(changetype<usize>(entry) + DIGEST_AT, m.digestAt);
    if (entry.version == m.version && !same && m.version != 0) flags |= CONTESTED;
    else if (entry.atS >= m.atS && (<u32>entry.state == VALID || same)) return;
  }
  if (flags == 0 && countUnverified(ctx) >= UNVERIFIED_MAX) {
    countLoss(ctx, COUNTER_STATEMENTS_FULL);
    return;
  }
  storeReceived(ctx, m, flags);
}

/** Takes the platform's verdict on the signature of entry `index`. */
export function onVerified(ctx: usize, index: u32, ok: bool): void {
  if (index >= STATEMENTS_MAX || statements(ctx).ticket != index + 1 || <u32>statement(ctx, index).state != RECEIVED)
    return;
  statementsToChange(ctx).ticket = 0;
  leaveToTick(ctx, DUE_STATEMENT);
  const entry = statementToChange(ctx, index);
  if (!ok) {
    entry.state = <u8>FREE;
    countLoss(ctx, COUNTER_STATEMENT_FALSE);
    return;
  }
  entry.state = <u8>VALID;
  noteStatement(ctx, entry.owner, entry.slot, entry.atS);
  noteAnswered(ctx, entry.owner);
  actOnValid(ctx, index, entry);
  // Of a proven equivocator nothing is stored any more.
  if (<u32>entry.state == VALID && !isEquivocator(ctx, entry.owner)) storeWaiting(ctx, index);
}

/**
 * Acts on a valid statement: older ones are freed, two contents are an equivocation. A contradicted
 * record is retracted; a placeholder keeps its unit from others until the version that the
 * statement confirms arrives.
 */
function actOnValid(ctx: usize, index: u32, entry: Statement): void {
  const owner: u32 = entry.owner;
  const slot: u32 = entry.slot;
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) {
    const other = statement(ctx, i);
    if (i == index || <u32>other.state != VALID || <u32>other.owner != owner || <u32>other.slot != slot) continue;
    if (other.version != entry.version) {
      // The later statement counts. One that may be half of a proof waits for the other half.
      const earlier = other.atS < entry.atS ? i : index;
      if ((statement(ctx, earlier).flags & (IN_PROOF | CONTESTED)) == 0)
        statementToChange(ctx, earlier).state = <u8>FREE;
      continue;
    }
    if (sameDigest(changetype<usize>(other) + DIGEST_AT, changetype<usize>(entry) + DIGEST_AT))
      statementToChange(ctx, i).state = <u8>FREE;
    else if (entry.version != 0) {
      proveEquivocation(ctx, i, index);
      return;
    }
  }
  if (<u32>entry.state != VALID) return;
  const held = intentIndex(ctx, owner, slot);
  if (held != NO_INDEX && contradicts(ctx, entry, intent(ctx, held))) {
    countLoss(ctx, COUNTER_INTENT_FORGED);
    statementsToChange(ctx).forgedRound = <u16>membership(ctx).round;
    if (entry.version != 0 && claimsUnit(intent(ctx, held))) replaceByPlaceholder(ctx, held, entry.version);
    else retract(ctx, held);
  }
  if ((entry.flags & CONTESTED) != 0) statementToChange(ctx, index).broadcastsLeft = REBROADCASTS;
}
