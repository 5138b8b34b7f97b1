// Settles claims of this node.

import { INTENT_STATE_CLAIMED, INTENT_STATE_STARTED, VERDICT_REFUSED, VERSION_BITS } from '../wire/generated/codes';
import { OWN_SLOTS, NO_INDEX, EVENT_BYTES_MAX } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { bitGet } from '../base/bits';
import { clockTrusted } from '../node/clock';
import { eventSpace, eventDone } from '../node/queues';
import { edge } from '../node/table';
import { roundCutS } from '../membership/calendar';
import { majorityAgrees } from '../membership/quorum';
import { membership, agreeAt, agreedBeforeAt } from '../membership/table';
import { Settled, encodeSettled } from '../wire/generated/messages';
import { verdictOf, boundOf, isClaim } from './arbitration';
import { ownIndex, draft, publish } from './publish';
import {
  intents,
  intent,
  own,
  intentsToChange,
  resourceUnit,
  group,
  resourceGroup,
  ownToChange,
  flagSlot,
} from './table';

export function settleOwn(ctx: usize): void {
  const state = intents(ctx);
  if (state.unsettled == 0 || membership(ctx).quorum == 0 || !majorityAgrees(ctx) || !clockTrusted(ctx)) return;
  let left: u32 = 0;
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const index = ownIndex(ctx, slot);
    if (index == NO_INDEX || intent(ctx, index).version == own(ctx, slot).settledVersion) continue;
    if (verdictOf(ctx, index) != VERDICT_REFUSED && canSettle(ctx, index)) settle(ctx, slot, index);
    else left = 1;
  }
  intentsToChange(ctx).unsettled = left;
}

function canSettle(ctx: usize, index: u32): bool {
  const view = membership(ctx);
  const record = intent(ctx, index);
  if (record.publishedS >= roundCutS(view.round)) return false;
  // What an earlier boot published it may have taken back where this one cannot know: claimed anew, it says so to all.
  if (record.version >>> VERSION_BITS != edge(ctx).incarnation) return false;
  if (resourceUnit(record.resource) == 0) return true;
  const twice = view.previousRound + 1 == view.round && record.publishedS < roundCutS(view.previousRound);
  let ranksHigher = true;
  let at: u32 = group(ctx, resourceGroup(record.resource)).first;
  while (at != NO_INDEX) {
    const other = intent(ctx, at);
    if (at == index) ranksHigher = false;
    else if (
      other.resource == record.resource &&
      isClaim(other) &&
      other.startS < record.endS &&
      record.startS < boundOf(ctx, other)
    ) {
      // Refused here for something newer than the cut, it may be accepted, and settled, elsewhere.
      if (ranksHigher) return false;
      // It may have begun: it keeps the unit until it ends or says otherwise.
      if (<u32>other.state == INTENT_STATE_STARTED) return false;
      if (!twice || !bitGet(agreeAt(ctx), other.owner) || !bitGet(agreedBeforeAt(ctx), other.owner)) return false;
    }
    at = other.next;
  }
  return true;
}

function settle(ctx: usize, slot: u32, index: u32): void {
  const record = intent(ctx, index);
  const mine = ownToChange(ctx, slot);
  let settled = record.version;
  if (<u32>record.state == INTENT_STATE_CLAIMED) {
    // From now on it may run: that is a fact for all, published before anything moves.
    const m = draft(ctx, slot);
    m.state = INTENT_STATE_STARTED;
    settled = publish(ctx, m);
    if (settled == 0) return;
  }
  mine.settledStartS = record.startS;
  mine.settledEndS = record.endS;
  mine.settledRate = record.rate;
  mine.settledResource = record.resource;
  mine.settledLeaseS = record.leaseS;
  mine.settledVersion = settled;
  emitSettled(ctx, slot);
  flagSlot(ctx, slot);
}

export function emitSettled(ctx: usize, slot: u32): void {
  const at = eventSpace(ctx);
  if (at == 0) return;
  const mine = own(ctx, slot);
  const e = changetype<Settled>(ctx + SCRATCH_OUT_AT);
  e.slot = slot;
  e.version = mine.settledVersion;
  e.startS = mine.settledStartS;
  e.endS = mine.settledEndS;
  e.rate = mine.settledRate;
  eventDone(ctx, at, encodeSettled(at, at + EVENT_BYTES_MAX - 1, e));
}
