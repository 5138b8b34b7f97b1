// Keeps versions that wait until their owner's statement has been verified. A release comes in one
// frame with its statement, and the platform's verdict comes later: without this the version would
// have to be sent again while the ring still has the statement.
//
// A version waits in a free record of the store, one for each entry of the ring: the last records,
// which are allocated last. There it is no intent. It is taken only if the statement confirms its
// digest, so what else was written there does no harm.

import { INTENTS_MAX, NO_INDEX, RUMOUR_COUNT, STATEMENTS_MAX } from '../../memory/limits';
import { SCRATCH_AT } from '../../memory/map';
import { Intent as IntentMessage } from '../../wire/generated/messages';
import { GREATER_CONTENT, put, relationOf } from '../merge';
import { takeOwnerToken } from '../quota';
import { startRumour } from '../rumour';
import { intent, intentToChange, Intent, statement } from '../table';
import { fillRecord, toMessage } from '../version';
import { CONFIRMED, statementVerdict } from './check';
import { RECEIVED } from './table';

/** The record in which the version of an entry of the ring waits. */
function placeOf(entry: u32): u32 {
  return INTENTS_MAX - 1 - entry;
}

/** Keeps a version that needs a statement, if that statement is about to be verified. */
export function keepWaiting(ctx: usize, m: IntentMessage): void {
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) {
    const entry = statement(ctx, i);
    if (<u32>entry.state != RECEIVED || <u32>entry.owner != m.owner || <u32>entry.slot != m.slot) continue;
    if (entry.version != m.version || intent(ctx, placeOf(i)).state != 0) continue;
    const record = intentToChange(ctx, placeOf(i));
    fillRecord(record, m);
    // A free record has state 0.
    record.verdict = <u8>m.state;
    record.state = 0;
    return;
  }
}

/** Stores the version that waited for entry `i` of the ring, which is valid now. */
export function storeWaiting(ctx: usize, i: u32): void {
  const entry = statement(ctx, i);
  const record = intent(ctx, placeOf(i));
  if (record.state != 0 || record.verdict == 0 || !isOf(record, entry.owner, entry.slot, entry.version)) return;
  const m = changetype<IntentMessage>(ctx + SCRATCH_AT);
  toMessage(record, m);
  m.state = record.verdict;
  intentToChange(ctx, placeOf(i)).verdict = 0;
  if (statementVerdict(ctx, m) != CONFIRMED || relationOf(ctx, m) < GREATER_CONTENT) return;
  const index = put(ctx, m);
  if (index != NO_INDEX && takeOwnerToken(ctx, m.owner)) startRumour(ctx, index, RUMOUR_COUNT);
}

function isOf(record: Intent, owner: u32, slot: u32, version: u32): bool {
  return <u32>record.owner == owner && <u32>record.slot == slot && record.version == version;
}

if (INTENTS_MAX < 2 * STATEMENTS_MAX) ERROR('the store has room for versions that wait');
