// Renews the leases of this node when a majority agrees, or claims anew what others claim.

import { NO_INDEX } from '../../memory/limits';
import { OWN_SLOTS } from '../../wire/generated/codes';
import { changes } from '../../memory/guard';
import { missionS, self } from '../../node/table';
import { isBetweenHalves } from '../../membership/division';
import { grantedLeaseEndS } from '../../membership/lease';
import { membership, VIEW } from '../../membership/table';
import { nextInChain } from '../chain';
import { own, resourceUnit, group, resourceGroup, intent, isClaim, ownToChange, flagSlot } from '../table';
import { leaseEndS } from './lease';
import { ownIndex, claimAnew, draft, publish } from './publish';
import { emitSettled } from './settling';

/**
 * Renews the ordinary lease after a majority agreed, also one that has ended. While this node was
 * silent, others may have settled on its units from the end of its lease hold on. Their claims are
 * in the digest just agreed on, so this node ends its work where they begin, and claims anew what
 * they may work already.
 */
export function renewOwn(ctx: usize): void {
  if (isBetweenHalves(ctx)) return;
  const view = membership(ctx);
  const now = missionS(ctx);
  const until = grantedLeaseEndS(ctx);
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const mine = own(ctx, slot);
    if (mine.settledVersion == 0 || ownIndex(ctx, slot) == NO_INDEX) continue;
    const before = leaseEndS(ctx, slot);
    if (until <= before || resourceUnit(mine.settledResource) == 0 || mine.settledEndS <= now) continue;
    const promised = promisedStartS(ctx, slot, now < before ? before : 0);
    if (promised <= max<u32>(mine.settledStartS, now)) claimAnew(ctx, slot, now);
    else if (promised < mine.settledEndS) shorten(ctx, slot, promised);
  }
  if (until <= view.leaseUntilS) return;
  view.leaseUntilS = until;
  changes(ctx, VIEW);
}

/**
 * Earliest start, at or after `fromS`, of another owner's claim on the unit that an own intent slot
 * works; the own end if there is none.
 */
function promisedStartS(ctx: usize, slot: u32, fromS: u32): u32 {
  const mine = own(ctx, slot);
  let earliest = mine.settledEndS;
  let at: u32 = group(ctx, resourceGroup(mine.settledResource)).first;
  let steps: u32 = 0;
  while (at != NO_INDEX) {
    const other = intent(ctx, at);
    const same = <u32>other.owner != self(ctx) && other.resource == mine.settledResource && isClaim(other);
    if (same && other.boundS > mine.settledStartS && other.startS >= fromS && other.startS < earliest)
      earliest = other.startS;
    at = nextInChain(other, steps++);
  }
  return earliest;
}

/** Lets settled work end earlier. That needs no agreement. */
function shorten(ctx: usize, slot: u32, endS: u32): void {
  const mine = ownToChange(ctx, slot);
  const m = draft(ctx, slot);
  m.endS = endS;
  m.leaseS = mine.settledLeaseS;
  mine.settledEndS = endS;
  const version = publish(ctx, m);
  if (version != 0) mine.settledVersion = version;
  emitSettled(ctx, slot);
  flagSlot(ctx, slot);
}
