// Prepares predicted silence: extends leases in advance and announces the silence (INT-5).

import { CONTACT_S_MAX, NO_INDEX } from '../../memory/limits';
import { send, SEND_ALIVE, SEND_ISOLATION } from '../../node/outbox';
import { missionS } from '../../node/table';
import { INTENT_STATE_STARTED, LEASE_ADVANCE_S_MAX, ADDRESSEE_ALL } from '../../wire/generated/codes';
import { isSplitPending } from '../../membership/division';
import { intents, own, intent, intentsToChange } from '../table';
import { ownIndex, draft, publish } from './publish';

/**
 * Own intent slots for mining are those below this. Hauls have 4 and 5; 6 and 7 are the schedule's
 * (replication, maintenance).
 */
export const MINE_SLOTS: u32 = 4;

/** Extends the leases of started work beyond the predicted silence. */
export function prepareSilence(ctx: usize): void {
  const state = intents(ctx);
  const now = missionS(ctx);
  if (now >= state.outlookUntilS || isSplitPending(ctx)) return;
  const leaseS = silenceLeaseS(ctx);
  for (let slot: u32 = 0; slot < MINE_SLOTS; slot++) {
    const index = ownIndex(ctx, slot);
    if (index == NO_INDEX || own(ctx, slot).settledVersion == 0) continue;
    const record = intent(ctx, index);
    if (
      <u32>record.state != INTENT_STATE_STARTED ||
      record.leaseS >= leaseS ||
      record.version != own(ctx, slot).settledVersion
    )
      continue;
    const m = draft(ctx, slot);
    m.leaseS = leaseS;
    if (m.endS < leaseS) m.endS = leaseS;
    publish(ctx, m);
  }
}

/** How long before a contact window it is announced, and how long after it the lease lasts. */
const CONTACT_LEAD_S: u32 = 420;
const CONTACT_MARGIN_S: u32 = 360;
const CONTACT_BACK_S: u32 = 180;

/** Announces a contact window from shortly before it, and the return from it, once per period. */
export function prepareContact(ctx: usize, startS: u32, endS: u32): void {
  const now = missionS(ctx);
  if (endS - startS > CONTACT_S_MAX) return;
  if (now >= endS && now < endS + CONTACT_BACK_S) send(ctx, SEND_ALIVE, ADDRESSEE_ALL, 0, 0);
  if (now + CONTACT_LEAD_S < startS || now >= startS) return;
  if (intents(ctx).outlookUntilS > endS) return;
  onOutlook(ctx, startS, endS, intents(ctx).outlookKind);
}

/** End of a lease that covers the predicted silence, mission second. */
function silenceLeaseS(ctx: usize): u32 {
  const longest = missionS(ctx) + LEASE_ADVANCE_S_MAX - 60;
  const state = intents(ctx);
  const isContact = state.outlookUntilS - state.outlookFromS <= CONTACT_S_MAX;
  const wanted = state.outlookUntilS + (isContact ? CONTACT_MARGIN_S : 3600);
  return wanted < longest ? wanted : longest;
}

/** Takes a prediction of the platform, and announces the silence to all. */
export function onOutlook(ctx: usize, fromS: u32, untilS: u32, kind: u32): void {
  const state = intentsToChange(ctx);
  state.outlookFromS = fromS;
  state.outlookUntilS = untilS;
  state.outlookKind = kind;
  send(ctx, SEND_ISOLATION, ADDRESSEE_ALL, 0, 0);
}
