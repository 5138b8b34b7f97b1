// Messages and records about keys and counters. Key frames do not prove liveness: their sender may
// be revoked.

import { STATUS_IMPLAUSIBLE, STATUS_OK } from '../wire/generated/codes';
import { CountersReserved, KeyEpochChecked, KeyEpochHead, KeyEpochPart } from '../wire/generated/messages';
import { onReserved } from './counters';
import { onHead, onKeyEpochChecked, onPart } from './key_epoch';

export function applyKeyEpochHead(ctx: usize, m: KeyEpochHead): void {
  onHead(ctx, m, false);
}

export function applyKeyEpochPart(ctx: usize, m: KeyEpochPart): void {
  onPart(ctx, m);
}

export function observeKeyEpochHead(ctx: usize, m: KeyEpochHead): u32 {
  return onHead(ctx, m, true) ? STATUS_OK : STATUS_IMPLAUSIBLE;
}

export function observeKeyEpochPart(ctx: usize, m: KeyEpochPart): u32 {
  return onPart(ctx, m) ? STATUS_OK : STATUS_IMPLAUSIBLE;
}

export function observeCountersReserved(ctx: usize, m: CountersReserved): u32 {
  return onReserved(ctx, m.cycle);
}

export function observeKeyEpochChecked(ctx: usize, m: KeyEpochChecked): u32 {
  onKeyEpochChecked(ctx, m.keyEpoch, m.ok != 0);
  return STATUS_OK;
}
