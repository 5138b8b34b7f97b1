// Links the intents of a resource group in arbitration order (INT-3). The order is total and does
// not depend on when an intent arrived, so all nodes that store the same intents have the same
// chain.

import { INTENTS_MAX, NO_INDEX } from '../memory/limits';
import { invariant } from '../memory/trap';
import { fold32 } from '../base/hash';
import { INTENT_STATE_STARTED, TRAP_SITE_CHAIN, ROUND_S } from '../wire/generated/codes';
import { intent, intentSeen, intentToChange, group, groupToChange, Group, Intent, resourceGroup } from './table';

/**
 * Sets a record's place in the order: started before not started; higher priority; earlier round of
 * the claim; then a hash of (owner, nonce of the first claim, resource, round), so that no node has
 * an advantage by its number.
 */
export function setOrder(record: Intent): void {
  const round = record.claimS / ROUND_S;
  const notStarted: u32 = <u32>record.state == INTENT_STATE_STARTED ? 0 : 1;
  record.orderHigh = (notStarted << 31) | ((255 - <u32>record.priority) << 23) | (round & 0x7fffff);
  record.orderLow = fold32(fold32(fold32(<u32>record.owner, record.nonce), record.resource), round);
}

/** Whether `a` comes before `b`. */
function before(a: Intent, b: Intent): bool {
  if (a.orderHigh != b.orderHigh) return a.orderHigh < b.orderHigh;
  if (a.orderLow != b.orderLow) return a.orderLow < b.orderLow;
  if (a.owner != b.owner) return a.owner < b.owner;
  return a.slot < b.slot;
}

/**
 * Returns the record before `record` in the chain of a group, NO_INDEX if it is the first. `index`:
 * the record's own index if it is in the chain. A chain may be long, so the walk reads records that
 * this call has not checked. Its result is checked: two neighbours in order with the record between
 * them are the right place, because a chain is sorted.
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
      // The second walk checks every record: a flipped bit on the way is corrected, or the call
      // ends.
      if (checked != 0) intent(ctx, at);
      const other = intentSeen(ctx, at);
      const otherHigh = other.orderHigh;
      if (otherHigh > high || (otherHigh == high && other.orderLow >= low && !before(other, record))) break;
      previous = at;
      at = other.next;
    }
    placed = isPlace(ctx, record, index, previous, at);
  }
  invariant(placed, TRAP_SITE_CHAIN);
  return previous;
}

/** Whether the record belongs between `previous` and `at`; both are checked. */
function isPlace(ctx: usize, record: Intent, index: u32, previous: u32, at: u32): bool {
  const groupIndex = resourceGroup(record.resource);
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

/**
 * Returns the index after `record` in its chain, of which `steps` records were passed before it. A
 * chain with more records than there are has become cyclic: the call ends.
 */
// @inline
export function nextInChain(record: Intent, steps: u32): u32 {
  invariant(steps < INTENTS_MAX, TRAP_SITE_CHAIN);
  return record.next;
}

/** Invalidates the verdicts from `from` on, unless verdicts before `record` are already invalid. */
function invalidateFrom(ctx: usize, chain: Group, record: Intent, from: u32): void {
  if (<u32>chain.dirtyFrom == NO_INDEX || !before(intent(ctx, chain.dirtyFrom), record)) chain.dirtyFrom = <u16>from;
}

/** Inserts a record into its group's chain, and invalidates the verdicts from there on. */
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

/** Removes a record from its group's chain, and invalidates the verdicts after it. */
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

/** Invalidates the verdict on a record and those after it. */
export function invalidateFromRecord(ctx: usize, index: u32): void {
  const record = intent(ctx, index);
  invalidateFrom(ctx, groupToChange(ctx, resourceGroup(record.resource)), record, index);
}

/** Invalidates all verdicts of a group. */
export function invalidateGroup(ctx: usize, index: u32): void {
  const chain = groupToChange(ctx, index);
  chain.dirtyFrom = chain.first;
}
