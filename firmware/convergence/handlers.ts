// Messages about convergence.

import { Alarm } from '../wire/generated/messages';

/** Alarms of others are for the ground: nothing on board changes. */
export function applyAlarm(_ctx: usize, _m: Alarm): void {}
