// Defines the watchdog's bounds, rungs and causes. README.md explains the ladder.

import { RECOVERY_LEVEL_SAFE_MODE } from '../wire/generated/codes';
import { COMMANDS_MAX, EVENTS_MAX, INTENTS_MAX, MEMBERS_MAX, OUTBOX_MAX, TASKS } from '../memory/limits';
import { CONTEXT_MAGIC, node, queues } from '../node/table';
import { intents } from '../intent/table';
import { scheduleSane } from '../schedule/table';
import { watchdog } from './accessors';

export * from './records';
export * from './accessors';

export const MODULE_MEMBERSHIP: u32 = 0;
export const MODULE_INTENT: u32 = 1;
export const MODULE_SCHEDULE: u32 = 2;
export const MODULE_CONVERGENCE: u32 = 3;
export const MODULE_EDGE: u32 = 4;
export const MODULES_ALL: u32 = 31;

/**
 * The hardware window is 30–900 s (WDG-1). Feeds are inside [60, 600] s, with margin for the
 * oscillator, and aimed at its middle.
 */
export const FEED_S_MIN: u32 = 60;
export const FEED_S: u32 = 300;
export const FEED_S_MAX: u32 = 600;
/** A task that was silent for this long hangs: three telemetry periods of 300 s. */
export const TASK_SILENCE_S_MAX: u32 = 900;
/**
 * After a recovery, a task hangs that is missing in this many telemetry records in a row, over at
 * least this time.
 */
export const PROBATION_RECORDS_MISSED: u32 = 2;
export const PROBATION_SILENCE_S: u32 = 300;
/** Restarts of one task before the runtime is restarted. */
export const TASK_RESTARTS_MAX: u32 = 2;
/** Resets of the processor in a row before the alternate image is tried. */
export const RESETS_MAX: u32 = 3;
/**
 * Time limits of ordered recoveries. Two restarts of a task still leave time to feed within
 * FEED_S_MAX.
 */
export const TASK_RESTART_S_MAX: u32 = 150;
export const RUNTIME_RESTART_S_MAX: u32 = 120;
export const RESET_S_MAX: u32 = 120;
export const IMAGE_S_MAX: u32 = 180;
/** Interval of beacons in safe mode. */
export const BEACON_S: u32 = 600;

export const LEVEL_NONE: u32 = 0;

/** A module of the firmware did not check in. */
export const CAUSE_MODULE: u32 = 2;
/** The hardware watchdog expired, RESETS_MAX times in a row. */
export const CAUSE_EXPIRED: u32 = 6;

/**
 * Whether the protected state is sane: its magic, and every cursor and count within its table
 * (WDG-1).
 */
export function stateSane(ctx: usize): bool {
  const identity = node(ctx);
  if (
    identity.magic != CONTEXT_MAGIC ||
    identity.members == 0 ||
    identity.members > MEMBERS_MAX ||
    identity.self >= identity.members
  )
    return false;
  if (queues(ctx).outboxCount > OUTBOX_MAX || identity.timeKnown > 1 || identity.safeMode > 1) return false;
  if (<u32>queues(ctx).commandFirst >= COMMANDS_MAX || <u32>queues(ctx).commandCount > COMMANDS_MAX) return false;
  if (<u32>queues(ctx).eventFirst >= EVENTS_MAX || <u32>queues(ctx).eventCount > EVENTS_MAX) return false;
  if (intents(ctx).count > INTENTS_MAX) return false;
  const state = watchdog(ctx);
  if (state.level > RECOVERY_LEVEL_SAFE_MODE || state.pending > 1 || state.task >= TASKS) return false;
  return scheduleSane(ctx);
}

if (FEED_S_MIN > FEED_S || FEED_S > FEED_S_MAX) ERROR('the feed is aimed inside its window');
