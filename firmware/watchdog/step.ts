// Windowed feeding and the escalation ladder (WDG-1, WDG-2). Works by local time alone. See README.md.

import { COMMAND_BYTES_MAX, EVENT_BYTES_MAX, ADDRESSEE_ALL, OUTBOX_MAX, COMMANDS_MAX, EVENTS_MAX, INTENTS_MAX } from "../memory/limits";
import { SCRATCH_OUT_AT } from "../memory/map";
import { edge, CONTEXT_MAGIC } from "../edge/table";
import { commandSpace, commandDone, eventSpace, eventDone } from "../edge/queues";
import { send, SEND_BEACON } from "../edge/outbox";
import { intents } from "../intent/table";
import {
  FeedWatchdog,
  encodeFeedWatchdog,
  RestartTask,
  encodeRestartTask,
  RestartRuntime,
  encodeRestartRuntime,
  ResetProcessor,
  encodeResetProcessor,
  AlternateImage,
  encodeAlternateImage,
  SafeMode,
  encodeSafeMode,
  Escalation,
  encodeEscalation,
} from "../wire/generated/messages";
import {
  watchdog,
  taskSeenAt,
  ALL_ROOMS,
  TASKS,
  NO_TASK,
  LEVEL_TASK,
  LEVEL_RUNTIME,
  LEVEL_PROCESSOR,
  LEVEL_ALTERNATE,
  LEVEL_SAFE,
} from "./table";

/** The hardware window is 30–900 s; feeding stays well inside. */
const FEED_S_MIN: u32 = 240;
/** A platform task must check in at least this often. */
const TASK_S_MAX: u32 = 900;
/** How long an ordered recovery may take before the next rung. */
const RECOVERY_S_MAX: u32 = 600;
const TASK_TRIES_MAX: u32 = 2;
const RESETS_MAX: u32 = 3;
/** An hour without trouble clears the ladder. */
const STABLE_S: u32 = 3600;
const BEACON_S: u32 = 600;

export const CAUSE_TASK: u32 = 1;
export const CAUSE_STATE: u32 = 2;
export const CAUSE_CHECKPOINT: u32 = 3;
export const CAUSE_RESETS: u32 = 4;
/** How boot() was reached: see `booted` in the schema. */
const BOOT_WATCHDOG: u32 = 2;
const BOOT_COMMANDED: u32 = 3;
const BOOT_RUNTIME: u32 = 4;

/** After boot: everybody has just checked in; a ladder that was being climbed goes on where the platform's counts say. */
export function watchdogBoot(ctx: usize, cause: u32, restored: u32, resets: u32, image: u32): void {
  const state = watchdog(ctx);
  const now = edge(ctx).localS;
  state.fedS = now;
  state.rooms = 0;
  state.level = 0;
  state.tries = 0;
  state.task = NO_TASK;
  state.orderedS = now;
  state.resets = resets;
  state.image = image;
  state.bootS = now;
  state.beaconS = 0;
  for (let task: u32 = 0; task < TASKS; task++) store<u32>(taskSeenAt(ctx, task), now);
  if (resets > RESETS_MAX) {
    escalate(ctx, image == 0 ? LEVEL_ALTERNATE : LEVEL_SAFE, CAUSE_RESETS, NO_TASK);
    return;
  }
  // A restart that was ordered from a checkpoint, and had none that verifies, did not restart the runtime: the processor is next.
  if (cause == BOOT_RUNTIME && restored == 0) escalate(ctx, LEVEL_PROCESSOR, CAUSE_CHECKPOINT, NO_TASK);
  else if (cause == BOOT_WATCHDOG || cause == BOOT_COMMANDED) state.level = LEVEL_PROCESSOR;
  else if (cause == BOOT_RUNTIME) state.level = LEVEL_RUNTIME;
}

/** Bit i of `tasks`: platform task i checked in since the last record. */
export function watchdogHealth(ctx: usize, tasks: u32): void {
  const state = watchdog(ctx);
  for (let task: u32 = 0; task < TASKS; task++) {
    if (((tasks >>> task) & 1) == 0) continue;
    store<u32>(taskSeenAt(ctx, task), edge(ctx).localS);
    if (state.level == LEVEL_TASK && state.task == task) {
      state.level = 0;
      state.tries = 0;
      state.task = NO_TASK;
    }
  }
}

export function watchdogCheckIn(ctx: usize, room: u32): void {
  const state = watchdog(ctx);
  state.rooms |= 1 << room;
}

/** The platform's word on an ordered recovery. One that failed makes way for the next rung at once. */
export function watchdogRecovery(ctx: usize, level: u32, task: u32, ok: bool): void {
  const state = watchdog(ctx);
  if (level != state.level || ok) return;
  if (level == LEVEL_TASK && state.tries < TASK_TRIES_MAX) escalate(ctx, LEVEL_TASK, CAUSE_TASK, task);
  else climb(ctx, state.cause, task);
}

/** Once per period. */
export function watchdogStep(ctx: usize): void {
  const state = watchdog(ctx);
  const now = edge(ctx).localS;
  if (edge(ctx).safeMode != 0) {
    beacon(ctx);
    feed(ctx);
    return;
  }
  if (!stateSane(ctx)) {
    if (state.level < LEVEL_RUNTIME) escalate(ctx, LEVEL_RUNTIME, CAUSE_STATE, NO_TASK);
    else if (now - state.orderedS >= RECOVERY_S_MAX) climb(ctx, CAUSE_STATE, NO_TASK);
    return;
  }
  const missing = missingTask(ctx);
  if (missing == NO_TASK) {
    if (state.level != 0 && now - state.orderedS >= STABLE_S) {
      state.level = 0;
      state.tries = 0;
      state.resets = 0;
    }
    if ((state.rooms & ALL_ROOMS) == ALL_ROOMS) feed(ctx);
    return;
  }
  tendTask(ctx, missing);
}

/** A task is silent: restart it, at most twice, then climb. Feeding goes on for rungs that need this runtime to order the next. */
function tendTask(ctx: usize, task: u32): void {
  const state = watchdog(ctx);
  const waited = edge(ctx).localS - state.orderedS;
  if (state.level == 0 || (state.level > LEVEL_TASK && state.tries == 0)) {
    if (state.level == 0) escalate(ctx, LEVEL_TASK, CAUSE_TASK, task);
    else climb(ctx, CAUSE_TASK, task);
  } else if (waited >= RECOVERY_S_MAX) {
    if (state.level == LEVEL_TASK && state.tries < TASK_TRIES_MAX) escalate(ctx, LEVEL_TASK, CAUSE_TASK, task);
    else climb(ctx, CAUSE_TASK, task);
  }
}

/** The task that has been silent too long, lowest first; NO_TASK = none. */
function missingTask(ctx: usize): u32 {
  for (let task: u32 = 0; task < TASKS; task++)
    if (edge(ctx).localS - load<u32>(taskSeenAt(ctx, task)) > TASK_S_MAX) return task;
  return NO_TASK;
}

/** WDG-1: what must hold of the protected state before anything is fed. */
export function stateSane(ctx: usize): bool {
  const state = edge(ctx);
  return (
    state.magic == CONTEXT_MAGIC &&
    state.self < state.members &&
    state.outboxCount <= OUTBOX_MAX &&
    state.commandCount <= COMMANDS_MAX &&
    state.eventCount <= EVENTS_MAX &&
    intents(ctx).count <= INTENTS_MAX
  );
}

function climb(ctx: usize, cause: u32, task: u32): void {
  const state = watchdog(ctx);
  let level = state.level + 1;
  // Resets are bounded; the alternate image is tried once.
  if (state.level == LEVEL_PROCESSOR && state.resets < RESETS_MAX) level = LEVEL_PROCESSOR;
  if (level == LEVEL_ALTERNATE && state.image != 0) level = LEVEL_SAFE;
  if (level > LEVEL_SAFE) level = LEVEL_SAFE;
  escalate(ctx, level, cause, task);
}

/** Orders a rung of the ladder and says so. */
function escalate(ctx: usize, level: u32, cause: u32, task: u32): void {
  const state = watchdog(ctx);
  state.tries = level == state.level ? state.tries + 1 : 1;
  state.level = level;
  state.cause = cause;
  state.task = task;
  state.orderedS = edge(ctx).localS;
  if (level == LEVEL_PROCESSOR) state.resets++;
  if (level == LEVEL_SAFE) edge(ctx).safeMode = 1;
  order(ctx, level, cause, task);
  const at = eventSpace(ctx);
  if (at == 0) return;
  const m = changetype<Escalation>(ctx + SCRATCH_OUT_AT);
  m.level = level;
  m.cause = cause;
  m.task = task;
  eventDone(ctx, at, encodeEscalation(at, at + EVENT_BYTES_MAX - 1, m));
}

function order(ctx: usize, level: u32, cause: u32, task: u32): void {
  const at = commandSpace(ctx);
  if (at == 0) return;
  const end = at + COMMAND_BYTES_MAX - 1;
  const scratch: usize = ctx + SCRATCH_OUT_AT;
  if (level == LEVEL_TASK) {
    changetype<RestartTask>(scratch).task = task;
    commandDone(ctx, at, encodeRestartTask(at, end, changetype<RestartTask>(scratch)));
  } else if (level == LEVEL_RUNTIME) {
    changetype<RestartRuntime>(scratch).cause = cause;
    commandDone(ctx, at, encodeRestartRuntime(at, end, changetype<RestartRuntime>(scratch)));
  } else if (level == LEVEL_PROCESSOR) {
    changetype<ResetProcessor>(scratch).cause = cause;
    changetype<ResetProcessor>(scratch).count = watchdog(ctx).resets;
    commandDone(ctx, at, encodeResetProcessor(at, end, changetype<ResetProcessor>(scratch)));
  } else if (level == LEVEL_ALTERNATE) {
    changetype<AlternateImage>(scratch).cause = cause;
    commandDone(ctx, at, encodeAlternateImage(at, end, changetype<AlternateImage>(scratch)));
  } else {
    changetype<SafeMode>(scratch).cause = cause;
    commandDone(ctx, at, encodeSafeMode(at, end, changetype<SafeMode>(scratch)));
  }
}

function feed(ctx: usize): void {
  const state = watchdog(ctx);
  const now = edge(ctx).localS;
  if (now - state.fedS < FEED_S_MIN) return;
  const at = commandSpace(ctx);
  if (at == 0) return;
  state.fedS = now;
  state.rooms = 0;
  const m = changetype<FeedWatchdog>(ctx + SCRATCH_OUT_AT);
  m.sequence = ++state.sequence & 0xffff;
  commandDone(ctx, at, encodeFeedWatchdog(at, at + COMMAND_BYTES_MAX - 1, m));
}

/** Safe mode still says so. */
function beacon(ctx: usize): void {
  const state = watchdog(ctx);
  const now = edge(ctx).localS;
  if (state.beaconS != 0 && now - state.beaconS < BEACON_S) return;
  state.beaconS = now;
  send(ctx, SEND_BEACON, ADDRESSEE_ALL, state.cause, state.resets);
}
