// Works once a period: profiles, the own summary, foreign ones (FLT-1).

import { COORDINATOR_ALLOWED } from '../memory/limits';
import { NOTHING_TO_SEND } from '../node/outbox';
import { decisionStep } from './decisions';
import { forgetOrder } from './order';
import { forgetReceivedSplit, splitStep } from './split';
import { composeWhenDue, draftRestart, signDraft } from './draft';
import { clearOldProfiles, reportProfile } from './profiles';
import { shareNext, verifyNext, waitingRestart } from './reception';
import { draft, messageAt, waiting, waitingToChange, FREE, SIGNED } from './table';

/** Does the period's work of a node that has a place in the federation. */
export function federationStep(ctx: usize): void {
  reportProfile(ctx);
  decisionStep(ctx);
  splitStep(ctx);
  if (!COORDINATOR_ALLOWED) return;
  clearOldProfiles(ctx);
  signDraft(ctx);
  composeWhenDue(ctx);
  shareNext(ctx);
  verifyNext(ctx);
}

/**
 * Copies a summary into a frame: the own one, or the foreign one in place `which` - 1, which is
 * free then. Returns the address after it, or NOTHING_TO_SEND.
 */
export function composeSummary(ctx: usize, at: usize, which: u32): usize {
  if (!COORDINATOR_ALLOWED) return NOTHING_TO_SEND;
  const entry = which == 0 ? draft(ctx) : waiting(ctx, which - 1);
  if (<u32>entry.state != SIGNED) return NOTHING_TO_SEND;
  memory.copy(at, messageAt(entry), entry.length);
  if (which != 0) waitingToChange(ctx, which - 1).state = <u8>FREE;
  return at + entry.length;
}

/** Restarts from a checkpoint: what was in flight is forgotten. What is known of clusters stays. */
export function federationRestart(ctx: usize): void {
  forgetReceivedSplit(ctx);
  if (!COORDINATOR_ALLOWED) return;
  forgetOrder(ctx);
  draftRestart(ctx);
  waitingRestart(ctx);
}
