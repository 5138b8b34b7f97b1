// Orders the platform to start and stop work, and stops at once what may not run.

import { COMMAND_BYTES_MAX } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { commandDone, commandSpace } from '../node/queues';
import { own, ownToChange } from '../intent/table';
import { StartWork, StopWork, encodeStartWork, encodeStopWork } from '../wire/generated/messages';
import { mayRun } from '../intent/own/lease';
import { roleOf } from './appraise';
import { CLAIM_SLOTS, HALT_BATTERY, REPLICATE_SLOT, ROLE_MINE, scheduleToChange, workOrderToChange } from './table';

/**
 * Orders work to start, or to go on until `untilS`, at the settled rate of a claim. With a
 * full command ring nothing changes: the next tick orders again, and the platform stops by itself
 * at the end that it was given.
 */
export function start(ctx: usize, intentSlot: u32, kind: u32, untilS: u32): void {
  const at = commandSpace(ctx);
  if (at == 0) return;
  const m = changetype<StartWork>(ctx + SCRATCH_OUT_AT);
  m.slot = intentSlot;
  m.kind = kind;
  const mine = own(ctx, intentSlot);
  m.resource = intentSlot < CLAIM_SLOTS ? mine.settledResource : 0;
  m.rate = intentSlot < CLAIM_SLOTS ? mine.settledRate : 0;
  m.untilS = untilS;
  commandDone(ctx, at, encodeStartWork(at, at + COMMAND_BYTES_MAX - 1, m));
  const t = workOrderToChange(ctx, intentSlot);
  t.untilS = untilS;
  t.rate = m.rate;
  t.resource = m.resource;
  ownToChange(ctx, intentSlot).running = 1;
}

/** Orders the work of an intent slot to stop. With a full ring as start(). */
export function stop(ctx: usize, intentSlot: u32): void {
  const at = commandSpace(ctx);
  if (at == 0) return;
  const m = changetype<StopWork>(ctx + SCRATCH_OUT_AT);
  m.slot = intentSlot;
  commandDone(ctx, at, encodeStopWork(at, at + COMMAND_BYTES_MAX - 1, m));
  ownToChange(ctx, intentSlot).running = 0;
}

/**
 * Stops at once what may not run: a lost or expired claim, mining on an empty battery or into full
 * storage. It does not plan.
 */
export function scheduleEnforce(ctx: usize): void {
  const halted = scheduleToChange(ctx).halted;
  for (let intentSlot: u32 = 0; intentSlot < CLAIM_SLOTS; intentSlot++) {
    if (own(ctx, intentSlot).running == 0) continue;
    if (!mayRun(ctx, intentSlot) || (halted != 0 && roleOf(ctx, intentSlot) == ROLE_MINE)) stop(ctx, intentSlot);
  }
  if ((halted & HALT_BATTERY) != 0 && own(ctx, REPLICATE_SLOT).running != 0) stop(ctx, REPLICATE_SLOT);
}
