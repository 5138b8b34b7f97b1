// Messages and records about recovery.

import { STATUS_OK } from '../wire/generated/codes';
import { Beacon, Recovery } from '../wire/generated/messages';
import { watchdogRecovery } from './step';

/** Beacons of nodes in safe mode are for the ground: nothing on board changes. */
export function applyBeacon(_ctx: usize, _m: Beacon): void {}

export function observeRecovery(ctx: usize, m: Recovery): u32 {
  watchdogRecovery(ctx, m.level, m.task, m.ok != 0);
  return STATUS_OK;
}
