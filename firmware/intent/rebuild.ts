// Rebuilds what is derived from the records of intents: index, free list, chains, sums and digests
// (RAD-1).

import { EVENT_BYTES_MAX, INTENTS_MAX, MEMBERS_MAX, NO_INDEX } from '../memory/limits';
import { GROUPS_MAX, OWN_SLOTS } from '../wire/generated/codes';
import { INTENTS_AT, SCRATCH_OUT_AT } from '../memory/map';
import { clearLine, lineOf } from '../memory/guard';
import { members, self } from '../node/table';
import { eventDone, eventSpace } from '../node/queues';
import { Stored, encodeStored } from '../wire/generated/messages';
import { noteForgotten, othersAreMajority } from '../membership/quorum';
import { link } from './chain';
import { recomputeDigests } from './digest';
import { groupToChange, intent, intentIndex, intentToChange, intentsToChange, setIntentIndex } from './table';

/**
 * Evicts record `index`, which cannot be read, or clears it if it is free. The index names its
 * owner, as the record cannot. False if the node must restart instead, and nothing is changed: the
 * intent is this node's own, which nobody else could bring back, or no majority can be without this
 * node, which has no vote for having forgotten an intent.
 */
export function evictUnreadable(ctx: usize, index: u32): bool {
  let isStored = false;
  for (let owner: u32 = 0; owner < members(ctx); owner++)
    for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
      if (intentIndex(ctx, owner, slot) != index) continue;
      if (owner == self(ctx) || !othersAreMajority(ctx)) return false;
      emitEvicted(ctx, owner, slot);
      isStored = true;
    }
  clearLine(ctx, lineOf(INTENTS_AT) + index);
  if (isStored) {
    rebuildIntents(ctx);
    noteForgotten(ctx);
  } else rebuildFreeList(ctx);
  return true;
}

/** Links the free records anew. What is stored, and what was agreed on, stays as it is. */
function rebuildFreeList(ctx: usize): void {
  let free: u32 = NO_INDEX;
  for (let i = INTENTS_MAX; i > 0; i--) {
    if (intent(ctx, i - 1).state != 0) continue;
    if (<u32>intent(ctx, i - 1).next != free) intentToChange(ctx, i - 1).next = <u16>free;
    free = i - 1;
  }
  intentsToChange(ctx).free = free;
}

/** Emits the event that an intent is no longer stored; its version is unknown. */
function emitEvicted(ctx: usize, owner: u32, slot: u32): void {
  const at = eventSpace(ctx);
  if (at == 0) return;
  const m = changetype<Stored>(ctx + SCRATCH_OUT_AT);
  m.owner = owner;
  m.slot = slot;
  m.version = 0;
  m.state = 0;
  m.publishedS = 0;
  eventDone(ctx, at, encodeStored(at, at + EVENT_BYTES_MAX - 1, m));
}

/**
 * Rebuilds all that follows from the records. Each record is checked first; if one cannot be
 * corrected the call traps.
 */
export function rebuildIntents(ctx: usize): void {
  const state = intentsToChange(ctx);
  for (let owner: u32 = 0; owner < MEMBERS_MAX; owner++)
    for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) setIntentIndex(ctx, owner, slot, NO_INDEX);
  for (let g: u32 = 0; g < GROUPS_MAX; g++) {
    const chain = groupToChange(ctx, g);
    chain.first = <u16>NO_INDEX;
    chain.dirtyFrom = <u16>NO_INDEX;
    chain.length = 0;
  }
  state.count = 0;
  state.free = NO_INDEX;
  for (let i = INTENTS_MAX; i > 0; i--) {
    const record = intentToChange(ctx, i - 1);
    if (record.state == 0) {
      record.next = <u16>state.free;
      state.free = i - 1;
      continue;
    }
    state.count++;
    setIntentIndex(ctx, record.owner, record.slot, i - 1);
    link(ctx, i - 1);
  }
  recomputeDigests(ctx);
}
