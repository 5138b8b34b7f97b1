// A group's chain: its intents in arbitration order (INT-3). The order is total and says nothing of when an intent arrived, so every
// node that holds the same intents has the same chain.

import { INTENT_STATE_STARTED, TRAP_SITE_CHAIN } from '../wire/generated/codes';
import { ROUND_S, INTENTS_MAX, NO_INDEX } from '../memory/limits';
import { invariant } from '../memory/trap';
import { fold32 } from '../base/hash';
import { intent, intentSeen, intentToChange, group, groupToChange, Group, Intent, resourceGroup } from './table';

/**
 * Fills in the order: started before not started; higher priority; earlier claim epoch; then a hash of (owner, nonce fixed at the
 * first claim, resource, epoch salt), so that no node is favoured by its number.
 */
export function setOrder(record: Intent): void {
  const epoch = record.claimS / ROUND_S;
  const notStarted: u32 = <u32>record.state == INTENT_STATE_STARTED ? 0 : 1;
  record.orderHigh = (notStarted << 31) | ((255 - <u32>record.priority) << 23) | (epoch & 0x7fffff);
  record.orderLow = fold32(fold32(fold32(<u32>record.owner, record.nonce), record.resource), epoch);
}

/** Whether a stands before b. */
function before(a: Intent, b: Intent): bool {
  if (a.orderHigh != b.orderHigh) return a.orderHigh < b.orderHigh;
  if (a.orderLow != b.orderLow) return a.orderLow < b.orderLow;
  if (a.owner != b.owner) return a.owner < b.owner;
  return a.slot < b.slot;
}

/**
 * The record of `group`'s chain that stands right before `record` (`index` itself if it is in the chain), NO_INDEX if none does. The walk passes records that were not checked
 * in this call, for a chain may be long; what it finds is checked: two neighbours in order, with the record between them, are the place, for a chain is sorted.
 */
function previousOf(ctx: usize, record: Intent, index: u32, groupIndex: u32): u32 {
  const high = record.orderHigh;
  const low = record.orderLow;
  let previous = NO_INDEX;
  let placed = false;
  for (let checked: u32 = 0; checked < 2 && !placed; checked++) {
    previous = NO_INDEX;
    let at: u32 = group(ctx, groupIndex).first;
    for (let steps = INTENTS_MAX; steps != 0 && at < INTENTS_MAX && at != index; steps--) {
      // Where something on the way is not what it was, every record is checked, and corrected or the call ends.
      if (checked != 0) intent(ctx, at);
      const other = intentSeen(ctx, at);
      const otherHigh = other.orderHigh;
      if (otherHigh > high || (otherHigh == high && other.orderLow >= low && !before(other, record))) break;
      previous = at;
      at = other.next;
    }
    placed = isPlace(ctx, record, index, groupIndex, previous, at);
  }
  invariant(placed, TRAP_SITE_CHAIN);
  return previous;
}

function isPlace(ctx: usize, record: Intent, index: u32, groupIndex: u32, previous: u32, at: u32): bool {
  if (previous != NO_INDEX) {
    const left = intent(ctx, previous);
    if (left.state == 0 || resourceGroup(left.resource) != groupIndex || <u32>left.next != at || !before(left, record))
      return false;
  } else if (<u32>group(ctx, groupIndex).first != at) return false;
  if (index != NO_INDEX) return at == index;
  if (at == NO_INDEX) return true;
  if (at >= INTENTS_MAX) return false;
  const right = intent(ctx, at);
  return right.state != 0 && resourceGroup(right.resource) == groupIndex && !before(right, record);
}

/** Verdicts from `from` on are to be found anew, unless they are already from before `record` on. */
function invalidateFrom(ctx: usize, chain: Group, record: Intent, from: u32): void {
  if (<u32>chain.dirtyFrom == NO_INDEX || !before(intent(ctx, chain.dirtyFrom), record)) chain.dirtyFrom = <u16>from;
}

/** Puts a record into its group's chain; verdicts from there on are to be found anew. */
export function link(ctx: usize, index: u32): void {
  const record = intentToChange(ctx, index);
  const groupIndex = resourceGroup(record.resource);
  const chain = groupToChange(ctx, groupIndex);
  const previous = previousOf(ctx, record, NO_INDEX, groupIndex);
  if (previous == NO_INDEX) {
    record.next = chain.first;
    chain.first = <u16>index;
  } else {
    const left = intentToChange(ctx, previous);
    record.next = left.next;
    left.next = <u16>index;
  }
  chain.length++;
  invalidateFrom(ctx, chain, record, index);
}

/** Takes a record out. */
export function unlink(ctx: usize, index: u32): void {
  const record = intentToChange(ctx, index);
  const groupIndex = resourceGroup(record.resource);
  const chain = groupToChange(ctx, groupIndex);
  const previous = previousOf(ctx, record, index, groupIndex);
  if (previous == NO_INDEX) chain.first = record.next;
  else intentToChange(ctx, previous).next = record.next;
  chain.length--;
  invalidateFrom(ctx, chain, record, record.next);
}

/** The verdict on a record of a chain, and those after it, are to be found anew. */
export function invalidateFromRecord(ctx: usize, index: u32): void {
  const record = intent(ctx, index);
  invalidateFrom(ctx, groupToChange(ctx, resourceGroup(record.resource)), record, index);
}

/** All verdicts of a group are to be found anew. */
export function invalidateGroup(ctx: usize, index: u32): void {
  const chain = groupToChange(ctx, index);
  chain.dirtyFrom = chain.first;
}
