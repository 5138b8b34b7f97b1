// Settles claims of this node: decides when a claim may run (INT-3, INT-5).
//
// A claim on an exclusive unit settles when a majority of the base agrees on a digest that contains
// it (it was published before the round's cut), arbitration accepts it, and every competitor that
// it wins over agreed in this round and the two before. Then the competitor knew the claim in the
// first of them; had the competitor started, its start would be in the present digest. README.md
// has the proof.

import { NO_INDEX, EVENT_BYTES_MAX, START_ROUNDS } from '../../memory/limits';
import { SCRATCH_OUT_AT } from '../../memory/map';
import { bitGet } from '../../base/bits';
import { clockTrusted } from '../../node/clock';
import { eventSpace, eventDone } from '../../node/queues';
import { node } from '../../node/table';
import { roundCutS } from '../../membership/calendar';
import { isSplitPending } from '../../membership/division';
import { majorityAgrees } from '../../membership/quorum';
import { membership, agreeAt, agreedTwiceAt } from '../../membership/table';
import { nextInChain } from '../chain';
import {
  VERDICT_REFUSED,
  VERSION_BITS,
  INTENT_STATE_STARTED,
  INTENT_STATE_CLAIMED,
  OWN_SLOTS,
} from '../../wire/generated/codes';
import { Settled, encodeSettled } from '../../wire/generated/messages';
import { verdictOf, boundOf } from '../arbitration';
import { publicationTimeS } from '../statement/signing';
import {
  intents,
  intent,
  own,
  intentsToChange,
  resourceUnit,
  group,
  resourceGroup,
  isClaim,
  ownToChange,
  flagSlot,
} from '../table';
import { ownIndex, draft, publish } from './publish';

/** Settles what can be settled while a majority agrees and the clock is trusted. */
export function settleOwn(ctx: usize): void {
  const state = intents(ctx);
  if (state.unsettled == 0 || membership(ctx).quorum == 0 || !majorityAgrees(ctx) || !clockTrusted(ctx)) return;
  let unsettled: u32 = 0;
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const index = ownIndex(ctx, slot);
    if (index == NO_INDEX || intent(ctx, index).version == own(ctx, slot).settledVersion) continue;
    if (verdictOf(ctx, index) != VERDICT_REFUSED && canSettle(ctx, index)) settle(ctx, slot, index);
    else unsettled = 1;
  }
  intentsToChange(ctx).unsettled = unsettled;
}

/** Whether an accepted claim of this node may settle. */
function canSettle(ctx: usize, index: u32): bool {
  const view = membership(ctx);
  const record = intent(ctx, index);
  if (record.publishedS >= roundCutS(view.round)) return false;
  // The start must be in the digest of that round: competitors rely on it.
  if (publicationTimeS(ctx, record.slot) >= roundCutS(view.round + START_ROUNDS)) return false;
  // An earlier boot may have withdrawn its claim after the checkpoint, unknown to this boot. It is
  // claimed anew first.
  if (record.version >>> VERSION_BITS != node(ctx).incarnation) return false;
  if (resourceUnit(record.resource) == 0) return true;
  if (isSplitPending(ctx)) return false;
  const wasInCuts = record.publishedS < roundCutS(view.round - START_ROUNDS);
  let isBefore = true;
  let at: u32 = group(ctx, resourceGroup(record.resource)).first;
  let steps: u32 = 0;
  while (at != NO_INDEX) {
    const other = intent(ctx, at);
    if (at == index) isBefore = false;
    else if (
      other.resource == record.resource &&
      isClaim(other) &&
      other.startS < record.endS &&
      record.startS < boundOf(ctx, other)
    ) {
      // A competitor earlier in the order that is refused here, for news after the cut, may have
      // settled elsewhere.
      if (isBefore) return false;
      // A started competitor keeps the unit until it ends or gives it up.
      if (<u32>other.state == INTENT_STATE_STARTED) return false;
      if (!wasInCuts || !bitGet(agreeAt(ctx), other.owner) || !bitGet(agreedTwiceAt(ctx), other.owner)) return false;
    }
    at = nextInChain(other, steps++);
  }
  return true;
}

/** Settles a claim. A fresh one is published as started before anything moves. */
function settle(ctx: usize, slot: u32, index: u32): void {
  const record = intent(ctx, index);
  const mine = ownToChange(ctx, slot);
  let settled = record.version;
  if (<u32>record.state == INTENT_STATE_CLAIMED) {
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

/** Emits the event of a settled claim. */
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
