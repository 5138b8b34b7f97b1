// Accesses the tables of the federation: states of a summary that waits, and where its message
// lies.

import { LINE_BYTES } from '../wire/generated/codes';
import { COORDINATOR_ALLOWED } from '../memory/limits';
import { CLUSTERS_AT, DRAFT_AT, WAITING_AT } from '../memory/map';
import { clearLine, lineOf } from '../memory/guard';
import { CLUSTER_SUMMARY_BYTES_MAX } from '../wire/generated/messages';
import { Waiting } from './records';
import { WAITING_BYTES } from './accessors';

export * from './records';
export * from './accessors';

export const FREE: u32 = 0;
/** Its signature is to be made, or to be verified. */
export const UNCHECKED: u32 = 1;
/** Its signature is there; the own members get it next. */
export const SIGNED: u32 = 2;

const MESSAGE_AT: u32 = offsetof<Waiting>();
const WAITING_LINES: u32 = 3;

/** Address of the message of a summary. */
export function messageAt(entry: Waiting): usize {
  return changetype<usize>(entry) + MESSAGE_AT;
}

/** Discards what lies in a line of these tables: a summary as a whole. */
export function discardFederationLine(ctx: usize, line: u32): void {
  clearLine(ctx, line);
  if (!COORDINATOR_ALLOWED || line < lineOf(DRAFT_AT) || line >= lineOf(CLUSTERS_AT)) return;
  const first = line - ((line - lineOf(DRAFT_AT)) % WAITING_LINES);
  for (let i: u32 = 0; i < WAITING_LINES; i++) clearLine(ctx, first + i);
}

if (MESSAGE_AT + CLUSTER_SUMMARY_BYTES_MAX > WAITING_BYTES || WAITING_BYTES != WAITING_LINES * LINE_BYTES)
  ERROR('a summary fits into its three lines');
if (COORDINATOR_ALLOWED && WAITING_AT - DRAFT_AT != WAITING_BYTES) ERROR('the own summary has one place');
