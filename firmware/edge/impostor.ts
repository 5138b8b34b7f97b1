// A frame in this node's own name that it did not send: whoever made it holds the cluster's key. Nothing of it is believed; but where it says that this node published
// what it did not, others may have believed that, and it is contradicted at once.

import { COUNTER_FRAME_SELF } from '../memory/limits';
import { SCRATCH_AT } from '../memory/map';
import { call } from '../memory/guard';
import { messageType, skipItem, TYPE_INTENT, Intent as IntentMessage, decodeIntent } from '../wire/generated/messages';
import { countLoss } from '../node/queues';
import { timeKnown } from '../node/table';
import { isMadeUpOfOwn } from '../intent/admission';
import { impersonated } from '../intent/signing';

/** Whether the messages in [at, end) say so. */
export function isImpersonated(ctx: usize, at: usize, end: usize): bool {
  return timeKnown(ctx) && call(ctx).keyEpoch != 0 && walk(ctx, at, end, false);
}

/** Gives this node's word on each of its slots that they speak of. */
export function contradict(ctx: usize, at: usize, end: usize): void {
  countLoss(ctx, COUNTER_FRAME_SELF);
  walk(ctx, at, end, true);
}

function walk(ctx: usize, at: usize, end: usize, answered: bool): bool {
  const m = changetype<IntentMessage>(ctx + SCRATCH_AT);
  let found = false;
  while (at != 0 && at < end) {
    if (messageType(at, end) != TYPE_INTENT) at = skipItem(at, end);
    else {
      at = decodeIntent(at, end, m);
      if (at == 0 || !isMadeUpOfOwn(ctx, m)) continue;
      found = true;
      if (answered) impersonated(ctx, m.slot, m.publishedS);
    }
  }
  return found;
}
