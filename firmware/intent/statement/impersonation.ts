// Handles frames in this node's own name that it did not send. Whoever made such a frame has the
// cluster's key, so nothing of it is stored. But if it contains versions that this node never
// published, others may have stored them, and this node contradicts them at once.

import { COUNTER_FRAME_SELF, COUNTER_QUOTA_CLAIM } from '../../wire/generated/codes';
import { SCRATCH_AT } from '../../memory/map';
import { call } from '../../memory/guard';
import { countLoss } from '../../node/queues';
import { timeKnown, self } from '../../node/table';
import {
  Intent as IntentMessage,
  messageType,
  TYPE_INTENT,
  skipItem,
  decodeIntent,
} from '../../wire/generated/messages';
import { plausibilityOf, BEYOND_SLOT, PLAUSIBLE, mayBeOwn } from '../admission';
import { reportImpersonation } from './signing';

/**
 * Looks for forged versions among the messages in [at, end), and counts claims that no intent slot
 * may make.
 */
export function findForgedVersions(ctx: usize, at: usize, end: usize): bool {
  return timeKnown(ctx) && call(ctx).keyEpoch != 0 && walk(ctx, at, end, false);
}

/**
 * Requests a statement on each intent slot of this node that has a forged version among the
 * messages in [at, end).
 */
export function contradict(ctx: usize, at: usize, end: usize): void {
  countLoss(ctx, COUNTER_FRAME_SELF);
  walk(ctx, at, end, true);
}

function walk(ctx: usize, at: usize, end: usize, answers: bool): bool {
  const m = changetype<IntentMessage>(ctx + SCRATCH_AT);
  let found = false;
  while (at != 0 && at < end) {
    if (messageType(at, end) != TYPE_INTENT) {
      at = skipItem(at, end);
      continue;
    }
    at = decodeIntent(at, end, m);
    if (at == 0 || m.owner != self(ctx)) continue;
    const plausibility = plausibilityOf(ctx, m);
    if (plausibility == BEYOND_SLOT) countLoss(ctx, COUNTER_QUOTA_CLAIM);
    if (plausibility != PLAUSIBLE || mayBeOwn(ctx, m)) continue;
    found = true;
    if (answers) reportImpersonation(ctx, m.slot, m.publishedS);
  }
  return found;
}
