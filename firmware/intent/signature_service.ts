// Asks the signature service of the platform.

import { CONTAINED, NO_INDEX, STATEMENTS_MAX, COMMAND_BYTES_MAX, ADDRESSEE_ALL } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { call } from '../memory/guard';
import { send, SEND_STATEMENT, SEND_PROOF } from '../node/outbox';
import { commandSpace, commandDone } from '../node/queues';
import { timeKnown, self } from '../node/table';
import { Sign, encodeSign, Verify, encodeVerify } from '../wire/generated/messages';
import { isOfThisBoot, writeOwn, emitOwn } from './signing';
import { HEARD, UNSIGNED, VALID } from './statement_table';
import { witness, witnessToChange, statement, statementToChange } from './table';

/** An answer of the platform's service is waited for so long, local seconds. */
const ANSWER_S: u32 = 30;

/** Asks the platform's service for what is next: a signature of this node, or the verification of another's. One question at a time. */
export function witnessStep(ctx: usize): void {
  if (!CONTAINED || !timeKnown(ctx)) return;
  const state = witness(ctx);
  if (state.asked != 0 && call(ctx).localS - state.askedS < ANSWER_S) return;
  for (let left = state.disputed; left != 0; left &= left - 1) {
    const slot = ctz<u32>(left);
    if (!isOfThisBoot(ctx, slot)) continue;
    witnessToChange(ctx).disputed &= ~(1 << slot);
    const index = writeOwn(ctx, slot);
    if (index != NO_INDEX) askFor(ctx, index, true);
    return;
  }
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) {
    const wanted: u32 = statement(ctx, i).state;
    if (wanted != HEARD && wanted != UNSIGNED) continue;
    askFor(ctx, i, wanted == UNSIGNED);
    return;
  }
}

function askFor(ctx: usize, index: u32, toSign: bool): void {
  const at = commandSpace(ctx);
  if (at == 0) return;
  const state = witnessToChange(ctx);
  state.asked = index + 1;
  state.askedS = call(ctx).localS;
  const end = at + COMMAND_BYTES_MAX - 1;
  if (toSign) {
    const m = changetype<Sign>(ctx + SCRATCH_OUT_AT);
    m.ticket = index;
    commandDone(ctx, at, encodeSign(at, end, m));
  } else {
    const m = changetype<Verify>(ctx + SCRATCH_OUT_AT);
    m.ticket = index;
    commandDone(ctx, at, encodeVerify(at, end, m));
  }
}

/** Once a period: what this node gave its word on, and a proof, are told again; what the service left unanswered is asked again. */
export function witnessTick(ctx: usize): void {
  if (!CONTAINED) return;
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) {
    const entry = statement(ctx, i);
    if (<u32>entry.state != VALID || entry.left == 0) continue;
    statementToChange(ctx, i).left--;
    if (<u32>entry.owner == self(ctx)) emitOwn(ctx, entry.slot);
    else send(ctx, SEND_STATEMENT, ADDRESSEE_ALL, entry.owner, entry.slot);
  }
  const state = witness(ctx);
  if (state.proofLeft != 0 && state.proofA != 0) {
    witnessToChange(ctx).proofLeft--;
    send(ctx, SEND_PROOF, ADDRESSEE_ALL, statement(ctx, state.proofA - 1).owner, 0);
  }
  witnessStep(ctx);
}

/** After a restart: nothing is asked of a service that may have restarted, too. */
export function witnessRestart(ctx: usize): void {
  const state = witnessToChange(ctx);
  state.asked = 0;
  state.disputed = 0;
  state.falseS = 0;
  state.signedS = 0;
}
