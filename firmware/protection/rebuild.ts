// What two flipped bits in a line cost, where the line can be made anew: from the other tables of this node, or from peers.
//
//   intents       the record is let go, digests and chains are rebuilt without it, and anti-entropy brings it back; not this node's own
//   their index   rebuilt from the records
//   timeline      planned anew
//   events        the event is lost, and told as lost
//   loss counters begin anew
//
// All else is this node's own and nowhere twice: the node ends on the dying path and begins again from its checkpoint.

import { COUNTER_EVENTS_FULL, EVENTS_MAX, GROUPS_MAX, INTENTS_MAX, MEMBERS_MAX, NO_INDEX, OWN_SLOTS } from "../memory/limits";
import { COMMANDS_AT, COUNTERS_AT, EVENTS_AT, INTENTS_AT, INTENT_INDEX_AT, NOTICES_AT, SCRATCH_OUT_AT, TIMELINE_AT } from "../memory/map";
import { LINE_BYTES } from "../memory/lines";
import { lineAt, lineOf, replacesLine } from "../memory/guard";
import { counterAt, counterWord, members, queues, self } from "../edge/table";
import { countLoss } from "../edge/queues";
import { groupToChange, intentIndex, intentToChange, intentsToChange, setIntentIndex } from "../intent/table";
import { recount } from "../intent/digest";
import { tellHeld } from "../intent/hold";
import { link } from "../intent/chain";
import { scheduleRestart } from "../schedule/step";
import { Dropped, encodeDropped } from "../wire/generated/messages";

/** Lets go what stood in an uncorrectable line. False if it cannot be done without. */
export function letGo(ctx: usize, line: u32): bool {
  if (line >= lineOf(INTENTS_AT) && line < lineOf(INTENT_INDEX_AT)) return letGoIntent(ctx, line - lineOf(INTENTS_AT));
  if (line >= lineOf(INTENT_INDEX_AT) && line < lineOf(NOTICES_AT)) {
    clear(ctx, line);
    return rebuildIntents(ctx);
  }
  if (line >= lineOf(TIMELINE_AT) && line < lineOf(COMMANDS_AT)) {
    clear(ctx, line);
    scheduleRestart(ctx);
    return true;
  }
  if (line >= lineOf(EVENTS_AT) && line < lineOf(COUNTERS_AT)) return letGoEvent(ctx, line);
  // Loss counters begin anew.
  if (line < lineOf(COUNTERS_AT)) return false;
  clear(ctx, line);
  return true;
}

function clear(ctx: usize, line: u32): void {
  replacesLine(ctx, line);
  memory.fill(lineAt(ctx, line), 0, LINE_BYTES);
}

/** Another's intent, or a free record. Whose it was is known from the index, for the record cannot be believed. */
function letGoIntent(ctx: usize, index: u32): bool {
  for (let owner: u32 = 0; owner < members(ctx); owner++)
    for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
      if (intentIndex(ctx, owner, slot) != index) continue;
      if (owner == self(ctx)) return false;
      tellHeld(ctx, owner, slot, 0, 0, 0);
    }
  clear(ctx, lineOf(INTENTS_AT) + index);
  return rebuildIntents(ctx);
}

/** An event that waits is replaced by one that says so. */
function letGoEvent(ctx: usize, line: u32): bool {
  const index = line - lineOf(EVENTS_AT);
  const waiting = (index + EVENTS_MAX - <u32>queues(ctx).eventFirst) % EVENTS_MAX < <u32>queues(ctx).eventCount;
  clear(ctx, line);
  if (!waiting) return true;
  countLoss(ctx, COUNTER_EVENTS_FULL);
  const m = changetype<Dropped>(ctx + SCRATCH_OUT_AT);
  const counter = counterAt(COUNTER_EVENTS_FULL);
  m.counter = COUNTER_EVENTS_FULL;
  m.count = counterWord(ctx, counter);
  m.firstS = counterWord(ctx, counter + 4);
  const at = lineAt(ctx, line);
  store<u8>(at, <u8>(encodeDropped(at + 1, at + LINE_BYTES, m) - at - 1));
  return true;
}

/** Index, free list, chains, sums and digests from the records, all of which are sound by now or the node dies. */
function rebuildIntents(ctx: usize): bool {
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
  return true;
}
