// Feeds the hardware watchdog and recovers by an escalation ladder (WDG-1, WDG-2). Every rung has a
// time limit, so that a recovery that fails leads to the next rung.

import {
  BOOT_CAUSE_ALTERNATE_IMAGE,
  BOOT_CAUSE_POWER_ON,
  BOOT_CAUSE_RUNTIME_RESTART,
  BOOT_CAUSE_WATCHDOG,
  RECOVERY_CAUSE_CORRUPT_STATE,
  RECOVERY_CAUSE_FAILED_RECOVERY,
  RECOVERY_CAUSE_HUNG_TASK,
  RECOVERY_CAUSE_LOST_CHECKPOINT,
  RECOVERY_CAUSE_NONE,
  RECOVERY_LEVEL_ALTERNATE_IMAGE,
  RECOVERY_LEVEL_PROCESSOR_RESET,
  RECOVERY_LEVEL_RUNTIME_RESTART,
  RECOVERY_LEVEL_SAFE_MODE,
  RECOVERY_LEVEL_TASK_RESTART,
  SLA_CLASS_NODE,
  STABLE_S,
  ADDRESSEE_ALL,
} from '../wire/generated/codes';
import { COMMAND_BYTES_MAX, EVENT_BYTES_MAX, TASKS } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { call, changes } from '../memory/guard';
import { node, missionS, self, timeKnown, NODE } from '../node/table';
import { disturb } from '../convergence/step';
import { commandDone, commandSpace, eventDone, eventSpace } from '../node/queues';
import { SEND_BEACON, send } from '../node/outbox';
import {
  AlternateImage,
  Escalation,
  FeedWatchdog,
  ResetProcessor,
  RestartRuntime,
  RestartTask,
  SafeMode,
  encodeAlternateImage,
  encodeEscalation,
  encodeFeedWatchdog,
  encodeResetProcessor,
  encodeRestartRuntime,
  encodeRestartTask,
  encodeSafeMode,
} from '../wire/generated/messages';
import {
  BEACON_S,
  CAUSE_EXPIRED,
  CAUSE_MODULE,
  FEED_S,
  FEED_S_MAX,
  FEED_S_MIN,
  IMAGE_S_MAX,
  LEVEL_NONE,
  PROBATION_RECORDS_MISSED,
  PROBATION_SILENCE_S,
  RESETS_MAX,
  RESET_S_MAX,
  MODULES_ALL,
  RUNTIME_RESTART_S_MAX,
  TASK_RESTARTS_MAX,
  TASK_RESTART_S_MAX,
  TASK_SILENCE_S_MAX,
  WatchdogState,
  stateSane,
  task,
  watchdog,
} from './table';

/**
 * Starts after boot (`restored` 0) or restore (1). The cause of the start says which rung was used
 * last, because the checkpoint is older than that.
 */
export function watchdogBoot(ctx: usize, cause: u32, restored: u32, resets: u32, image: u32): void {
  const state = watchdog(ctx);
  const now = call(ctx).localS;
  const safe = state.safe;
  const before = state.level;
  memory.fill(changetype<usize>(state), 0, offsetof<WatchdogState>());
  state.resets = resets;
  state.image = image;
  state.lastFeedS = now;
  state.feedDueS = now + FEED_S_MIN;
  state.stableS = now;
  state.beaconS = now;
  for (let i: u32 = 0; i < TASKS; i++) forgive(ctx, i, now);
  if (cause == BOOT_CAUSE_POWER_ON) {
    setSafeMode(ctx, 0);
    return;
  }
  if (safe != 0) {
    state.level = RECOVERY_LEVEL_SAFE_MODE;
    state.safe = 1;
    setSafeMode(ctx, 1);
    return;
  }
  state.level = max<u32>(min<u32>(before, RECOVERY_LEVEL_ALTERNATE_IMAGE), rungOf(cause));
  if (image != 0) state.level = RECOVERY_LEVEL_ALTERNATE_IMAGE;
  // A recovery that did not bring back what it should has failed: the next rung.
  if (cause == BOOT_CAUSE_RUNTIME_RESTART && restored == 0)
    climb(ctx, RECOVERY_LEVEL_RUNTIME_RESTART, RECOVERY_CAUSE_LOST_CHECKPOINT, 0);
  else if (cause == BOOT_CAUSE_ALTERNATE_IMAGE && image == 0)
    climb(ctx, RECOVERY_LEVEL_ALTERNATE_IMAGE, RECOVERY_CAUSE_FAILED_RECOVERY, 0);
  else if (cause == BOOT_CAUSE_WATCHDOG && resets >= RESETS_MAX)
    climb(ctx, RECOVERY_LEVEL_PROCESSOR_RESET, CAUSE_EXPIRED, 0);
}

function setSafeMode(ctx: usize, on: u32): void {
  node(ctx).safeMode = <u8>on;
  changes(ctx, NODE);
}

function rungOf(cause: u32): u32 {
  return cause == BOOT_CAUSE_RUNTIME_RESTART
    ? RECOVERY_LEVEL_RUNTIME_RESTART
    : cause == BOOT_CAUSE_ALTERNATE_IMAGE
      ? RECOVERY_LEVEL_ALTERNATE_IMAGE
      : RECOVERY_LEVEL_PROCESSOR_RESET;
}

function forgive(ctx: usize, index: u32, now: u32): void {
  const t = task(ctx, index);
  t.heardS = now;
  t.missed = 0;
  t.restarts = 0;
}

/** Accepts telemetry: bit i of `tasks` = platform task i checked in. */
export function watchdogHealth(ctx: usize, tasks: u32): void {
  const now = call(ctx).localS;
  for (let i: u32 = 0; i < TASKS; i++) {
    const t = task(ctx, i);
    if ((tasks & (1 << i)) != 0) {
      t.heardS = now;
      t.missed = 0;
    } else if (t.missed < 255) t.missed++;
  }
}

/** Notes that a module of the firmware did its periodic work. */
export function watchdogCheckIn(ctx: usize, module: u32): void {
  watchdog(ctx).modules |= 1 << module;
}

/**
 * Accepts the platform's report on an ordered recovery. A restarted task counts as checked in; a
 * failed recovery leads to the next rung at once.
 */
export function watchdogRecovery(ctx: usize, level: u32, taskIndex: u32, ok: bool): void {
  const state = watchdog(ctx);
  if (state.pending == 0 || state.safe != 0 || level != state.level) return;
  if (!ok) {
    fail(ctx, state);
    return;
  }
  if (level != RECOVERY_LEVEL_TASK_RESTART || taskIndex != state.task) return;
  const t = task(ctx, taskIndex);
  t.heardS = call(ctx).localS;
  t.missed = 0;
  state.pending = 0;
  state.stableS = call(ctx).localS;
}

/**
 * Orders a restart of the runtime for a module that asks for it, unless the ladder is in use: a
 * restart that did not help never leads to a higher rung.
 */
export function restartRuntime(ctx: usize, cause: u32): void {
  const state = watchdog(ctx);
  if (state.level == LEVEL_NONE && state.safe == 0) climb(ctx, LEVEL_NONE, cause, 0);
}

/** Judges, then escalates or feeds; once per period. */
export function watchdogStep(ctx: usize): void {
  const state = watchdog(ctx);
  const now = call(ctx).localS;
  if (state.safe != 0) {
    safeStep(ctx, state, now);
    return;
  }
  if (state.pending != 0) {
    if (state.level == RECOVERY_LEVEL_TASK_RESTART && task(ctx, state.task).heardS > state.sinceS) state.pending = 0;
    else if (now - state.sinceS >= timeoutOf(state.level)) fail(ctx, state);
    if (state.pending != 0) return;
    state.stableS = now;
  }
  const hanging = hangingTask(ctx, state, now);
  const cause = troubleOf(ctx, state, hanging, now);
  if (cause != RECOVERY_CAUSE_NONE) {
    state.stableS = now;
    act(ctx, state, cause, hanging < TASKS ? hanging : 0);
    return;
  }
  if (state.level != LEVEL_NONE && now - state.stableS >= STABLE_S) calm(ctx, state);
  feed(ctx, state, now, MODULES_ALL);
}

function timeoutOf(level: u32): u32 {
  if (level == RECOVERY_LEVEL_TASK_RESTART) return TASK_RESTART_S_MAX;
  if (level == RECOVERY_LEVEL_RUNTIME_RESTART) return RUNTIME_RESTART_S_MAX;
  return level == RECOVERY_LEVEL_PROCESSOR_RESET ? RESET_S_MAX : IMAGE_S_MAX;
}

/**
 * Returns the first task that hangs; TASKS = none. On probation, telemetry without the task is
 * enough before its silence is.
 */
function hangingTask(ctx: usize, state: WatchdogState, now: u32): u32 {
  for (let i: u32 = 0; i < TASKS; i++) {
    const t = task(ctx, i);
    const silentS = now - t.heardS;
    if (silentS >= TASK_SILENCE_S_MAX) return i;
    if (state.level == LEVEL_NONE) continue;
    if (<u32>t.missed >= PROBATION_RECORDS_MISSED && silentS >= PROBATION_SILENCE_S) return i;
  }
  return TASKS;
}

function troubleOf(ctx: usize, state: WatchdogState, hanging: u32, now: u32): u32 {
  if (!stateSane(ctx)) return RECOVERY_CAUSE_CORRUPT_STATE;
  if (hanging < TASKS) return RECOVERY_CAUSE_HUNG_TASK;
  const unfedS = now - state.lastFeedS;
  if (unfedS > FEED_S_MAX || (unfedS >= FEED_S && state.modules != MODULES_ALL)) return CAUSE_MODULE;
  return RECOVERY_CAUSE_NONE;
}

/**
 * Restarts the task that is the cause, while it has tries left; otherwise takes the rung above the
 * one used last.
 */
function act(ctx: usize, state: WatchdogState, cause: u32, taskIndex: u32): void {
  if (
    cause == RECOVERY_CAUSE_HUNG_TASK &&
    state.level <= RECOVERY_LEVEL_TASK_RESTART &&
    <u32>task(ctx, taskIndex).restarts < TASK_RESTARTS_MAX
  ) {
    restartTask(ctx, state, taskIndex);
    return;
  }
  climb(ctx, max<u32>(state.level, RECOVERY_LEVEL_TASK_RESTART), cause, taskIndex);
}

/**
 * Handles the failure of the pending recovery: a task is restarted again while it has tries left;
 * otherwise the next rung is taken.
 */
function fail(ctx: usize, state: WatchdogState): void {
  if (state.level == RECOVERY_LEVEL_TASK_RESTART && <u32>task(ctx, state.task).restarts < TASK_RESTARTS_MAX) {
    restartTask(ctx, state, state.task);
    return;
  }
  climb(
    ctx,
    state.level,
    state.level == RECOVERY_LEVEL_TASK_RESTART ? RECOVERY_CAUSE_HUNG_TASK : RECOVERY_CAUSE_FAILED_RECOVERY,
    state.task,
  );
}

function restartTask(ctx: usize, state: WatchdogState, taskIndex: u32): void {
  order(ctx, state, RECOVERY_LEVEL_TASK_RESTART, RECOVERY_CAUSE_HUNG_TASK, taskIndex);
  task(ctx, taskIndex).restarts++;
  const silentS = call(ctx).localS - task(ctx, taskIndex).heardS;
  if (timeKnown(ctx)) disturb(ctx, SLA_CLASS_NODE, missionS(ctx) - silentS, self(ctx), 0);
  const at = commandSpace(ctx);
  if (at == 0) return;
  const m = changetype<RestartTask>(ctx + SCRATCH_OUT_AT);
  m.task = taskIndex;
  commandDone(ctx, at, encodeRestartTask(at, at + COMMAND_BYTES_MAX - 1, m));
}

/**
 * Orders the recovery that comes after `failed`. Resets are repeated up to RESETS_MAX, then the
 * alternate image, then safe mode.
 */
function climb(ctx: usize, failed: u32, cause: u32, taskIndex: u32): void {
  const state = watchdog(ctx);
  let level =
    failed < RECOVERY_LEVEL_RUNTIME_RESTART
      ? RECOVERY_LEVEL_RUNTIME_RESTART
      : failed < RECOVERY_LEVEL_PROCESSOR_RESET
        ? RECOVERY_LEVEL_PROCESSOR_RESET
        : failed;
  if (failed == RECOVERY_LEVEL_ALTERNATE_IMAGE) level = RECOVERY_LEVEL_SAFE_MODE;
  if (level == RECOVERY_LEVEL_PROCESSOR_RESET && state.resets >= RESETS_MAX) level = RECOVERY_LEVEL_ALTERNATE_IMAGE;
  if (level == RECOVERY_LEVEL_ALTERNATE_IMAGE && state.image != 0) level = RECOVERY_LEVEL_SAFE_MODE;
  order(ctx, state, level, cause, taskIndex);
  if (level == RECOVERY_LEVEL_RUNTIME_RESTART) commandRuntime(ctx, cause);
  else if (level == RECOVERY_LEVEL_PROCESSOR_RESET) commandReset(ctx, state, cause);
  else if (level == RECOVERY_LEVEL_ALTERNATE_IMAGE) commandImage(ctx, cause);
  else enterSafe(ctx, state, cause);
}

/** Records a rung taken and reports it. */
function order(ctx: usize, state: WatchdogState, level: u32, cause: u32, taskIndex: u32): void {
  state.level = level;
  state.pending = 1;
  state.cause = cause;
  state.task = taskIndex;
  state.sinceS = call(ctx).localS;
  const at = eventSpace(ctx);
  if (at == 0) return;
  const m = changetype<Escalation>(ctx + SCRATCH_OUT_AT);
  m.level = level;
  m.cause = cause;
  m.task = taskIndex;
  eventDone(ctx, at, encodeEscalation(at, at + EVENT_BYTES_MAX - 1, m));
}

function commandRuntime(ctx: usize, cause: u32): void {
  const at = commandSpace(ctx);
  if (at == 0) return;
  const m = changetype<RestartRuntime>(ctx + SCRATCH_OUT_AT);
  m.cause = cause;
  commandDone(ctx, at, encodeRestartRuntime(at, at + COMMAND_BYTES_MAX - 1, m));
}

/**
 * Orders a reset and counts it, even if it does not happen: otherwise a reset that fails would be
 * ordered for ever.
 */
function commandReset(ctx: usize, state: WatchdogState, cause: u32): void {
  state.resets++;
  const at = commandSpace(ctx);
  if (at == 0) return;
  const m = changetype<ResetProcessor>(ctx + SCRATCH_OUT_AT);
  m.cause = cause;
  m.count = state.resets;
  commandDone(ctx, at, encodeResetProcessor(at, at + COMMAND_BYTES_MAX - 1, m));
}

function commandImage(ctx: usize, cause: u32): void {
  const at = commandSpace(ctx);
  if (at == 0) return;
  const m = changetype<AlternateImage>(ctx + SCRATCH_OUT_AT);
  m.cause = cause;
  commandDone(ctx, at, encodeAlternateImage(at, at + COMMAND_BYTES_MAX - 1, m));
}

/**
 * Enters safe mode, the last rung: nothing is claimed or run any more, the platform stops all work,
 * the beacon goes on.
 */
function enterSafe(ctx: usize, state: WatchdogState, cause: u32): void {
  state.safe = 1;
  state.pending = 0;
  state.beaconS = call(ctx).localS;
  setSafeMode(ctx, 1);
  send(ctx, SEND_BEACON, ADDRESSEE_ALL, cause, 0);
  const at = commandSpace(ctx);
  if (at == 0) return;
  const m = changetype<SafeMode>(ctx + SCRATCH_OUT_AT);
  m.cause = cause;
  commandDone(ctx, at, encodeSafeMode(at, at + COMMAND_BYTES_MAX - 1, m));
}

/**
 * Works in safe mode: sends beacons, and feeds as long as the state is sane, because a reset would
 * try nothing new.
 */
function safeStep(ctx: usize, state: WatchdogState, now: u32): void {
  setSafeMode(ctx, 1);
  if (now - state.beaconS >= BEACON_S) {
    state.beaconS = now;
    send(ctx, SEND_BEACON, ADDRESSEE_ALL, state.cause, 0);
  }
  if (stateSane(ctx)) feed(ctx, state, now, 0);
}

/** Leaves the ladder after a stable hour: all counts begin at zero. */
function calm(ctx: usize, state: WatchdogState): void {
  state.level = LEVEL_NONE;
  state.cause = RECOVERY_CAUSE_NONE;
  state.resets = 0;
  for (let i: u32 = 0; i < TASKS; i++) task(ctx, i).restarts = 0;
}

/**
 * Feeds if it is due, inside the window, and if all `modules` checked in since the last feed
 * (WDG-1).
 */
function feed(ctx: usize, state: WatchdogState, now: u32, modules: u32): void {
  const unfedS = now - state.lastFeedS;
  if (now < state.feedDueS || unfedS < FEED_S_MIN || (state.modules & modules) != modules) return;
  const at = commandSpace(ctx);
  if (at == 0) return;
  state.sequence = (state.sequence + 1) & 0xffff;
  const m = changetype<FeedWatchdog>(ctx + SCRATCH_OUT_AT);
  m.sequence = state.sequence;
  commandDone(ctx, at, encodeFeedWatchdog(at, at + COMMAND_BYTES_MAX - 1, m));
  state.lastFeedS = now;
  state.feedDueS = now + FEED_S;
  state.modules = 0;
}
