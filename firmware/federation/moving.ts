// Moves this node to its half of a cluster that was split: number, key, view, units and own work
// (docs/federation.md, Split).

import { CHECKPOINT_S, EVENT_BYTES_MAX, MEMBER_WORDS, NO_INDEX } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { call, changes } from '../memory/guard';
import { GROUPS_MAX, INTENT_STATE_WITHDRAWN, OWN_SLOTS } from '../wire/generated/codes';
import { encodeMoved, Moved } from '../wire/generated/messages';
import { isInSecondHalf, node, NODE } from '../node/table';
import { eventDone, eventSpace } from '../node/queues';
import { closeSplitRecord } from '../membership/decision';
import { elsewhereWord, isForeign, isWholeGroup, leaveMembers, shareOf, takeHalf } from '../membership/division';
import { membership, VIEW } from '../membership/table';
import { digestOfMembers, subtractFromDigest } from '../membership/view';
import { seenSilentAt, setSeenSilent } from '../convergence/table';
import { invalidateAll } from '../intent/arbitration';
import { discardNoticesOnGroup } from '../intent/notice';
import { finish, ownIndex } from '../intent/own/publish';
import { group, groupToChange, intent, intentsToChange, resourceGroup, resourceUnit } from '../intent/table';
import { deriveHalfKeys } from '../security/key_epoch';

/** Moves this node to its half, once the split is decided and the time of the switch has come. */
export function moveToHalf(ctx: usize): void {
  changes(ctx, NODE | VIEW);
  takeHalf(ctx);
  leaveMembers(ctx);
  closeSplitRecord(ctx);
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    const offset = word << 2;
    setSeenSilent(ctx, offset, load<u32>(seenSilentAt(ctx) + offset) & ~elsewhereWord(ctx, word));
  }
  const view = membership(ctx);
  view.quorum = 0;
  subtractFromDigest(ctx, view.memberDigest - digestOfMembers(ctx));
  if (isInSecondHalf(ctx)) deriveHalfKeys(ctx);
  divideGroups(ctx);
  invalidateAll(ctx);
  intentsToChange(ctx).nextEvictionS = 0;
  leaveForeignUnits(ctx);
  emitMoved(ctx);
  // The next period asks for a checkpoint: a restart must not bring the old number back.
  node(ctx).checkpointS = call(ctx).localS - CHECKPOINT_S;
}

/** Takes this half's share of each group. Notices on what is not wholly its own are discarded. */
function divideGroups(ctx: usize): void {
  for (let g: u32 = 0; g < GROUPS_MAX; g++) {
    if (group(ctx, g).kind == 0 || isWholeGroup(ctx, g)) continue;
    discardNoticesOnGroup(ctx, g);
    const entry = groupToChange(ctx, g);
    entry.surveyed = shareOf(ctx, g, entry.surveyed);
    entry.capacity = entry.surveyed;
  }
}

/** Withdraws own claims on units that went to the other half: their work stops at once. */
function leaveForeignUnits(ctx: usize): void {
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const index = ownIndex(ctx, slot);
    if (index == NO_INDEX) continue;
    const resource = intent(ctx, index).resource;
    if (isForeign(ctx, resourceGroup(resource), resourceUnit(resource))) finish(ctx, slot, INTENT_STATE_WITHDRAWN);
  }
}

function emitMoved(ctx: usize): void {
  const at = eventSpace(ctx);
  if (at == 0) return;
  const m = changetype<Moved>(ctx + SCRATCH_OUT_AT);
  m.cluster = node(ctx).cluster;
  m.home = node(ctx).home;
  eventDone(ctx, at, encodeMoved(at, at + EVENT_BYTES_MAX - 1, m));
}
