// Orders to the platform: what it starts and stops, and what must stop at once.

import { COMMAND_BYTES_MAX } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { commandDone, commandSpace } from '../node/queues';
import { own, ownToChange } from '../intent/table';
import { mayRun } from '../intent/own';
import { StartWork, StopWork, encodeStartWork, encodeStopWork } from '../wire/generated/messages';
import { roleOf } from './appraise';
import { CLAIM_SLOTS, HELD_BATTERY, REPLICATE_SLOT, ROLE_MINE, scheduleToChange, toldToChange } from './table';

/**
 * Orders work to start, or to go on until `untilS`. A full command ring leaves everything as it was: the next tick
 * orders again, and the platform stops by itself at the end that it was given.
 */
export function start(ctx: usize, slot: u32, kind: u32, resource: u32, rate: u32, untilS: u32): void {
  const at = commandSpace(ctx);
  if (at == 0) return;
  const m = changetype<StartWork>(ctx + SCRATCH_OUT_AT);
  m.slot = slot;
  m.kind = kind;
  m.resource = resource;
  m.rate = rate;
  m.untilS = untilS;
  commandDone(ctx, at, encodeStartWork(at, at + COMMAND_BYTES_MAX - 1, m));
  const t = toldToChange(ctx, slot);
  t.untilS = untilS;
  t.rate = rate;
  t.resource = resource;
  ownToChange(ctx, slot).running = 1;
}

/** Orders the work of an own slot to stop; as start() with a full ring. */
export function stop(ctx: usize, slot: u32): void {
  const at = commandSpace(ctx);
  if (at == 0) return;
  const m = changetype<StopWork>(ctx + SCRATCH_OUT_AT);
  m.slot = slot;
  commandDone(ctx, at, encodeStopWork(at, at + COMMAND_BYTES_MAX - 1, m));
  ownToChange(ctx, slot).running = 0;
}

/** Stops at once what may not run: a lost or expired claim, mining on an empty battery or into full storage. No planning. */
export function scheduleEnforce(ctx: usize): void {
  const held = scheduleToChange(ctx).held;
  for (let slot: u32 = 0; slot < CLAIM_SLOTS; slot++) {
    if (own(ctx, slot).running == 0) continue;
    if (!mayRun(ctx, slot) || (held != 0 && roleOf(ctx, slot) == ROLE_MINE)) stop(ctx, slot);
  }
  if ((held & HELD_BATTERY) != 0 && own(ctx, REPLICATE_SLOT).running != 0) stop(ctx, REPLICATE_SLOT);
}
