// What the watchdog room remembers: layout and accessors. See README.md for the ladder.

import { COMMANDS_MAX, EVENTS_MAX, INTENTS_MAX, MEMBERS_MAX, OUTBOX_MAX, TASKS } from '../memory/limits';
import { CONTEXT_MAGIC, edge, queues } from '../node/table';
import { intents } from '../intent/table';
import { scheduleSane } from '../schedule/table';
import { watchdog } from './accessors';

export * from './records';
export * from './accessors';

export const ROOM_MEMBERSHIP: u32 = 0;
export const ROOM_INTENT: u32 = 1;
export const ROOM_SCHEDULE: u32 = 2;
export const ROOM_CONVERGENCE: u32 = 3;
export const ROOM_EDGE: u32 = 4;
export const ROOMS_ALL: u32 = 31;

/** WDG-1: the hardware window is 30–900 s; fed inside [60, 600] with margin for the oscillator, aimed at its middle. */
export const FEED_S_MIN: u32 = 60;
export const FEED_S: u32 = 300;
export const FEED_S_MAX: u32 = 600;
/** A task not heard for this long hangs. Three telemetry periods of 300 s. */
export const TASK_SILENCE_S_MAX: u32 = 900;
/** After a recovery a task that misses this many telemetry records in a row, over at least this time, hangs: it was given grace. */
export const PROBATION_RECORDS_MISSED: u32 = 2;
export const PROBATION_SILENCE_S: u32 = 300;
/** How often one task is restarted before the runtime is. */
export const TASK_RESTARTS_MAX: u32 = 2;
/** How often the processor is reset in a row before the alternate image is tried. */
export const RESETS_MAX: u32 = 3;
/** How long an ordered recovery may take. A task restart twice over still leaves time to feed within FEED_S_MAX. */
export const TASK_RESTART_S_MAX: u32 = 150;
export const RUNTIME_RESTART_S_MAX: u32 = 120;
export const RESET_S_MAX: u32 = 120;
export const IMAGE_S_MAX: u32 = 180;
/** Trouble-free for this long: the ladder is climbed down. */
export const STABLE_S: u32 = 3600;
/** Safe mode beacons this often. */
export const BEACON_S: u32 = 600;

export const LEVEL_NONE: u32 = 0;
export const LEVEL_TASK: u32 = 1;
export const LEVEL_RUNTIME: u32 = 2;
export const LEVEL_RESET: u32 = 3;
export const LEVEL_IMAGE: u32 = 4;
export const LEVEL_SAFE: u32 = 5;

export const CAUSE_NONE: u32 = 0;
/** A platform task hangs. */
export const CAUSE_TASK: u32 = 1;
/** A firmware room did not check in. */
export const CAUSE_ROOM: u32 = 2;
/** Protected state failed its check. */
export const CAUSE_STATE: u32 = 3;
/** The runtime came back without its checkpoint. */
export const CAUSE_CHECKPOINT: u32 = 4;
/** An ordered recovery failed, or nothing came of it in time. */
export const CAUSE_RECOVERY: u32 = 5;
/** The hardware watchdog bit, RESETS_MAX times in a row. */
export const CAUSE_BITTEN: u32 = 6;

/** Why the processor began, as in `booted`. */
export const BOOT_POWER_ON: u32 = 1;
export const BOOT_WATCHDOG: u32 = 2;
export const BOOT_RESET: u32 = 3;
export const BOOT_RUNTIME: u32 = 4;
export const BOOT_IMAGE: u32 = 5;

/** The check of protected state: magic, and every cursor and count within its table (WDG-1). */
export function stateSane(ctx: usize): bool {
  const node = edge(ctx);
  if (node.magic != CONTEXT_MAGIC || node.members == 0 || node.members > MEMBERS_MAX || node.self >= node.members)
    return false;
  if (queues(ctx).outboxCount > OUTBOX_MAX || node.timeKnown > 1 || node.safeMode > 1) return false;
  if (<u32>queues(ctx).commandFirst >= COMMANDS_MAX || <u32>queues(ctx).commandCount > COMMANDS_MAX) return false;
  if (<u32>queues(ctx).eventFirst >= EVENTS_MAX || <u32>queues(ctx).eventCount > EVENTS_MAX) return false;
  if (intents(ctx).count > INTENTS_MAX) return false;
  const state = watchdog(ctx);
  if (state.level > LEVEL_SAFE || state.pending > 1 || state.task >= TASKS) return false;
  return scheduleSane(ctx);
}

if (FEED_S_MIN > FEED_S || FEED_S > FEED_S_MAX) ERROR('the feed is aimed inside its window');
