// What two flipped bits in a line cost, where the line can be made anew: from the other tables of this node, or from peers.
//
//   intents       the record is let go, digests and chains are rebuilt without it, and anti-entropy brings it back; not this node's own
//   their index   rebuilt from the records
//   timeline      planned anew
//   events        the event is lost, and told as lost
//   loss counters begin anew
//
// All else is this node's own and nowhere twice: the node ends on the crash recovery and begins again from its checkpoint.

import { EVENTS_MAX, GROUPS_MAX, INTENTS_MAX, MEMBERS_MAX, NO_INDEX, OWN_SLOTS } from '../memory/limits';
import {
  COMMANDS_AT,
  COUNTERS_AT,
  EVENTS_AT,
  INTENTS_AT,
  INTENT_INDEX_AT,
  NOTICES_AT,
  TIMELINE_AT,
} from '../memory/map';
import { LINE_BYTES } from '../memory/lines';
import { lineAt, lineOf, replacesLine } from '../memory/guard';
import { members, queues, self } from '../node/table';
import { groupToChange, intentIndex, intentToChange, intentsToChange, setIntentIndex } from '../intent/table';
import { recount } from '../intent/digest';
import { emitStored } from '../intent/store';
import { link } from '../intent/chain';
import { scheduleRestart } from '../schedule/step';
import { writeUpset, OUTCOME_DROPPED } from './report';

export const KEPT: u32 = 0;
const LET_GO: u32 = 1;
export const LET_GO_AND_TOLD: u32 = 2;

/** Lets go what stood in an uncorrectable line; KEPT if it cannot be done without. */
export function letGo(ctx: usize, line: u32): u32 {
  if (line >= lineOf(INTENTS_AT) && line < lineOf(INTENT_INDEX_AT)) return letGoIntent(ctx, line - lineOf(INTENTS_AT));
  if (line >= lineOf(INTENT_INDEX_AT) && line < lineOf(NOTICES_AT)) {
    clear(ctx, line);
    return rebuildIntents(ctx);
  }
  if (line >= lineOf(TIMELINE_AT) && line < lineOf(COMMANDS_AT)) {
    clear(ctx, line);
    scheduleRestart(ctx);
    return LET_GO;
  }
  if (line >= lineOf(EVENTS_AT) && line < lineOf(COUNTERS_AT)) return letGoEvent(ctx, line);
  // Loss counters begin anew.
  if (line < lineOf(COUNTERS_AT)) return KEPT;
  clear(ctx, line);
  return LET_GO;
}

function clear(ctx: usize, line: u32): void {
  replacesLine(ctx, line);
  memory.fill(lineAt(ctx, line), 0, LINE_BYTES);
}

/** Another's intent, or a free record. Whose it was is known from the index, for the record cannot be believed. */
function letGoIntent(ctx: usize, index: u32): u32 {
  for (let owner: u32 = 0; owner < members(ctx); owner++)
    for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
      if (intentIndex(ctx, owner, slot) != index) continue;
      if (owner == self(ctx)) return KEPT;
      emitStored(ctx, owner, slot, 0, 0, 0);
    }
  clear(ctx, lineOf(INTENTS_AT) + index);
  return rebuildIntents(ctx);
}

/** An event that waits is replaced by one that tells it. */
function letGoEvent(ctx: usize, line: u32): u32 {
  const index = line - lineOf(EVENTS_AT);
  const waiting = (index + EVENTS_MAX - <u32>queues(ctx).eventFirst) % EVENTS_MAX < <u32>queues(ctx).eventCount;
  clear(ctx, line);
  if (!waiting) return LET_GO;
  writeUpset(ctx, lineAt(ctx, line) + 1, line, OUTCOME_DROPPED, 0, 1);
  return LET_GO_AND_TOLD;
}

/** Index, free list, chains, sums and digests from the records, all of which are sound by now or the node dies. */
function rebuildIntents(ctx: usize): u32 {
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
  recount(ctx);
  return LET_GO;
}
