// Asks the platform to sign and to verify statements, one at a time, and rebroadcasts statements
// and the proof.

import { CONTAINED, NO_INDEX, STATEMENTS_MAX, COMMAND_BYTES_MAX } from '../../memory/limits';
import { ADDRESSEE_ALL } from '../../wire/generated/codes';
import { SCRATCH_OUT_AT } from '../../memory/map';
import { call } from '../../memory/guard';
import { send, SEND_STATEMENT, SEND_PROOF } from '../../node/outbox';
import { commandSpace, commandDone } from '../../node/queues';
import { timeKnown, missionS, self } from '../../node/table';
import { Sign, encodeSign, Verify, encodeVerify } from '../../wire/generated/messages';
import { statements, statementsToChange, statement, statementToChange } from '../table';
import { forgetAwaited } from './awaited';
import { confirmInMerge, isOfThisBoot, prepareOwn, broadcastOwn, signsLater } from './signing';
import { REBROADCASTS } from './store';
import { RECEIVED, UNSIGNED, VALID } from './table';

/** An answer of the platform is awaited for this long, local seconds. */
const ANSWER_S: u32 = 30;

/** Requests the next signature or verification, unless an answer is awaited. */
export function signatureStep(ctx: usize): void {
  if (!CONTAINED || !timeKnown(ctx)) return;
  const state = statements(ctx);
  if (state.ticket != 0 && call(ctx).localS - state.askedS < ANSWER_S) return;
  for (let left = state.toSign; left != 0; left &= left - 1) {
    const slot = ctz<u32>(left);
    if (!isOfThisBoot(ctx, slot) || signsLater(ctx, slot)) continue;
    const repeats: u16 = ((<u32>state.toRepeat >>> slot) & 1) != 0 ? REBROADCASTS : 0;
    // A version that is dated ahead is contradicted now, and once more when its time has come.
    if (state.forgedS <= missionS(ctx)) {
      statementsToChange(ctx).toSign &= ~(1 << slot);
      statementsToChange(ctx).toRepeat = <u16>(<u32>state.toRepeat & ~(1 << slot));
    }
    const index = prepareOwn(ctx, slot, repeats);
    if (index != NO_INDEX) ask(ctx, index, true);
    return;
  }
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) {
    const wanted: u32 = statement(ctx, i).state;
    if (wanted != RECEIVED && wanted != UNSIGNED) continue;
    ask(ctx, i, wanted == UNSIGNED);
    return;
  }
}

/** Emits the command to sign or to verify entry `index`. */
function ask(ctx: usize, index: u32, toSign: bool): void {
  const at = commandSpace(ctx);
  if (at == 0) return;
  const state = statementsToChange(ctx);
  state.ticket = index + 1;
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

/** Rebroadcasts statements and the proof, and repeats an unanswered request, once per period. */
export function statementTick(ctx: usize): void {
  if (!CONTAINED) return;
  confirmInMerge(ctx);
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) {
    const entry = statement(ctx, i);
    if (<u32>entry.state != VALID || entry.broadcastsLeft == 0) continue;
    statementToChange(ctx, i).broadcastsLeft--;
    if (<u32>entry.owner == self(ctx)) broadcastOwn(ctx, entry.slot);
    else send(ctx, SEND_STATEMENT, ADDRESSEE_ALL, entry.owner, entry.slot);
  }
  const state = statements(ctx);
  if (state.proofBroadcasts != 0 && state.proofA != 0) {
    statementsToChange(ctx).proofBroadcasts--;
    send(ctx, SEND_PROOF, ADDRESSEE_ALL, statement(ctx, state.proofA - 1).owner, 0);
  }
  signatureStep(ctx);
}

/** Restarts: no answer is awaited, because the platform may have restarted, too. */
export function statementsRestart(ctx: usize): void {
  const state = statementsToChange(ctx);
  state.ticket = 0;
  state.toSign = 0;
  state.toRepeat = 0;
  state.forgedS = 0;
  state.requestedS = 0;
  forgetAwaited(ctx);
}
