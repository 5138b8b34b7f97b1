// A group's chain: its intents in arbitration order (INT-3). The order is total and says nothing of when an intent arrived, so every
// node that holds the same intents has the same chain.

import { EPOCH_S, NO_INDEX } from "../memory/limits";
import { fold32 } from "../base/hash";
import { intent, intentToChange, groupToChange, Intent, resourceGroup, STARTED } from "./table";

/**
 * Fills in the order: started before not started; higher priority; earlier claim epoch; then a hash of (owner, nonce fixed at the
 * first claim, resource, epoch salt), so that no node is favoured by its number.
 */
export function setOrder(record: Intent): void {
  const epoch = record.claimS / EPOCH_S;
  const notStarted: u32 = <u32>record.state == STARTED ? 0 : 1;
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

/** Puts a record into its group's chain; verdicts from there on are to be found anew. */
export function link(ctx: usize, index: u32): void {
  const record = intentToChange(ctx, index);
  const chain = groupToChange(ctx, resourceGroup(record.resource));
  let previous: u32 = NO_INDEX;
  let at: u32 = chain.first;
  let dirty = false;
  while (at != NO_INDEX && before(intent(ctx, at), record)) {
    if (at == <u32>chain.dirtyFrom) dirty = true;
    previous = at;
    at = intent(ctx, at).next;
  }
  record.next = <u16>at;
  if (previous == NO_INDEX) chain.first = <u16>index;
  else intentToChange(ctx, previous).next = <u16>index;
  chain.length++;
  if (!dirty) chain.dirtyFrom = <u16>index;
}

/** Takes a record out. */
export function unlink(ctx: usize, index: u32): void {
  const record = intentToChange(ctx, index);
  const chain = groupToChange(ctx, resourceGroup(record.resource));
  let previous: u32 = NO_INDEX;
  let at: u32 = chain.first;
  let dirty = false;
  while (at != index) {
    if (at == <u32>chain.dirtyFrom) dirty = true;
    previous = at;
    at = intent(ctx, at).next;
  }
  if (previous == NO_INDEX) chain.first = record.next;
  else intentToChange(ctx, previous).next = record.next;
  chain.length--;
  if (!dirty) chain.dirtyFrom = record.next;
}

/** All verdicts of a group are to be found anew. */
export function soilGroup(ctx: usize, index: u32): void {
  const chain = groupToChange(ctx, index);
  chain.dirtyFrom = chain.first;
}
