// Merges versions into the store (INT-4): the merge is commutative, associative and idempotent.

import { NO_INDEX, RETENTION_S, COUNTER_INTENTS_FULL, CONTAINED, COUNTER_INTENT_DIFFERS } from '../memory/limits';
import { bitGet } from '../base/bits';
import { countLoss } from '../node/queues';
import { self, missionS } from '../node/table';
import { roundCutS } from '../membership/calendar';
import { noteExtendedLease } from '../membership/quorum';
import { membership, silentAt } from '../membership/table';
import { Intent as IntentMessage } from '../wire/generated/messages';
import { canBeOurs } from './admission';
import { boundOf } from './arbitration';
import { unlink, link } from './chain';
import { contentHash, account, accountOwner } from './digest';
import { differs } from './equivocation';
import { invalidateHigherSlots } from './quota';
import { impersonated } from './signing';
import { emitStored } from './store';
import { intents, intentIndex, intent, intentsToChange, setIntentIndex, intentToChange } from './table';
import { markOfMessage, markOf, fill } from './version';

/** Takes in a version that was heard of. Returns its record, or NO_INDEX if it is not newer than what is held, false, over, or there is no room. */
export function hold(ctx: usize, m: IntentMessage): u32 {
  if (m.owner == self(ctx) && !canBeOurs(ctx, m)) {
    impersonated(ctx, m.slot, m.publishedS);
    return NO_INDEX;
  }
  return take(ctx, m);
}

/** Over for so long that nobody keeps it: taking it in again would only bring it round once more. */
function isOver(ctx: usize, m: IntentMessage): bool {
  const epoch = membership(ctx).round;
  return epoch != 0 && m.endS + RETENTION_S <= roundCutS(epoch);
}

/** Takes in a version, this node's own or one that can be true. Returns as hold(). */
export function take(ctx: usize, m: IntentMessage): u32 {
  if (isOver(ctx, m)) return NO_INDEX;
  const state = intents(ctx);
  let index = intentIndex(ctx, m.owner, m.slot);
  const mark = markOfMessage(m);
  let delta = contentHash(m.owner, m.slot, m.version, mark);
  let leaseS: u32 = 0;
  if (index != NO_INDEX) {
    const record = intent(ctx, index);
    if (m.version < record.version) return NO_INDEX;
    const held = markOf(record);
    if (m.version == record.version && !isGreaterContent(ctx, m, mark, held)) return NO_INDEX;
    leaseS = record.leaseS;
    delta -= contentHash(m.owner, m.slot, record.version, held);
    unlink(ctx, index);
  } else {
    index = state.free;
    if (index == NO_INDEX) {
      countLoss(ctx, COUNTER_INTENTS_FULL);
      return NO_INDEX;
    }
    state.free = intent(ctx, index).next;
    state.count++;
    intentsToChange(ctx);
    setIntentIndex(ctx, m.owner, m.slot, index);
  }
  const record = intentToChange(ctx, index);
  fill(record, m);
  record.boundS = boundOf(ctx, record);
  if (bitGet(silentAt(ctx), m.owner) && record.boundS < state.nextDropS) intentsToChange(ctx).nextDropS = record.boundS;
  link(ctx, index);
  if (m.leaseS > leaseS && m.leaseS > missionS(ctx)) noteExtendedLease(ctx);
  account(ctx, m.publishedS, delta);
  accountOwner(ctx, m.owner, delta);
  invalidateHigherSlots(ctx, m.owner, m.slot);
  emitStored(ctx, m.owner, m.slot, m.version, m.state, m.publishedS);
  return index;
}

/** Whether the other content under a version that is held takes its place: the greater mark does, everywhere alike. */
function isGreaterContent(ctx: usize, m: IntentMessage, mark: u32, held: u32): bool {
  if (!CONTAINED || mark == held) return false;
  countLoss(ctx, COUNTER_INTENT_DIFFERS);
  differs(ctx, m.owner, m.slot, m.version, m.publishedS);
  return m.owner != self(ctx) && mark > held;
}
