// Records about the schedule alone.

import { STATUS_IMPLAUSIBLE, STATUS_OK } from '../wire/generated/codes';
import { Window } from '../wire/generated/messages';
import { scheduleWindow } from './observe';

export function observeWindow(ctx: usize, m: Window): u32 {
  if (m.startS >= m.endS) return STATUS_IMPLAUSIBLE;
  scheduleWindow(ctx, m.startS, m.endS, m.energyWh);
  return STATUS_OK;
}
