// Boots a context: fresh, or from a checkpoint.

import {
  BOOTS_MAX,
  CHECKPOINT_HEADER_BYTES,
  STATUS_OK,
  STATUS_MALFORMED,
  STATUS_IMPLAUSIBLE,
  STATUS_CHECKPOINT,
} from '../wire/generated/codes';
import { MEMBERS_MAX, EVENT_BYTES_MAX } from '../memory/limits';
import {
  BUCKETS_AT,
  CONTEXT_BYTES,
  GROUPS_AT,
  LINK_KEYS_AT,
  MEMBERSHIP_AT,
  NODE_AT,
  SCHEDULE_AT,
  SCRATCH_AT,
  SCRATCH_OUT_AT,
  STATEMENT_STATE_AT,
  WATCHDOG_AT,
} from '../memory/map';
import { call, changes, clearLine, giveZeroCodes, lineOf, openCall, CORE_ALL } from '../memory/guard';
import { protectionBoot } from '../protection/scrub';
import { setMission, setLocal } from '../node/clock';
import { isDistrusted } from '../membership/disagreement';
import { leaveMembers, takeNumber } from '../membership/division';
import { membershipBoot, membershipRestart } from '../membership/step';
import { intentsBoot } from '../intent/store';
import { restartOwn } from '../intent/own/lifecycle';
import { statementsRestart } from '../intent/statement/service';
import { scheduleBoot } from '../schedule/step';
import { federationRestart } from '../federation/step';
import { setPlace } from '../federation/handlers';
import { watchdogBoot } from '../watchdog/step';
import { forgetPending } from '../security/key_epoch';
import { beginCounters, acceptKey } from '../security/provision';
import {
  messageType,
  skipItem,
  TYPE_GROUP,
  TYPE_LINK_SECRET,
  TYPE_PATH_KEY,
  TYPE_PLACE,
  TYPE_ROTA,
  Config,
  decodeConfig,
  Group as GroupRecord,
  decodeGroup,
  Place,
  decodePlace,
  Rota as RotaRecord,
  decodeRota,
  Booted,
  encodeBooted,
} from '../wire/generated/messages';
import { endsWithCheck } from '../wire/check';
import { node, queues, clock, capabilityToChange, CONTEXT_MAGIC, NODE, HOT } from '../node/table';
import { eventSpace, eventDone } from '../node/queues';
import { checkCheckpoint, isCheckpointOf } from './checkpoint';
import { observeGroup } from '../intent/handlers';
import { forgetRotas, isRotaSound, setRota } from '../intent/rota';
import { advance } from './order_of_work';

/** Clock error of a configured mission time, ms. */
const CONFIGURED_ERROR_MS: u32 = 100;

/**
 * Decodes the configuration to `scratch`. Returns the address of the records after it; 0 malformed,
 * 1 implausible.
 */
function readConfig(scratch: usize, config: usize, end: usize): usize {
  const m = changetype<Config>(scratch);
  const next = decodeConfig(config, end, m);
  if (next == 0) return 0;
  return m.members > MEMBERS_MAX || m.self >= m.members || m.incarnation > BOOTS_MAX ? 1 : next;
}

/** Takes the configuration; mission time only if it is given. */
function configure(ctx: usize, m: Config, cause: u32): void {
  const state = node(ctx);
  const nowS = call(ctx).localS;
  changes(ctx, HOT | NODE);
  state.magic = CONTEXT_MAGIC;
  state.self = m.self;
  state.members = m.members;
  state.home = <u16>m.cluster;
  takeNumber(ctx);
  state.generation = m.generation;
  state.seed = m.seed;
  state.features = m.features;
  state.incarnation = m.incarnation;
  state.cause = <u8>cause;
  state.safeMode = 0;
  const able = capabilityToChange(ctx);
  able.rateMax = m.rateMax;
  able.storageKg = m.storageKg;
  able.batteryWhMax = m.batteryWh;
  able.solarW = m.solarW;
  able.baseW = m.baseW;
  able.replicateW = m.replicateW;
  able.mineWhPerKg = m.mineWhPerKg;
  able.ownerRateMax = m.ownerRateMax;
  able.stocks = 0;
  able.demands = 0;
  able.profileS = 0;
  state.timeKnown = m.timeKnown;
  state.samples = 0;
  state.muteCause = 0;
  clock(ctx).errorMs = CONFIGURED_ERROR_MS;
  clock(ctx).sampleS = nowS;
  state.bootKnown = 0;
  state.startedS = nowS;
  state.placed = 0;
  forgetRotas(ctx);
  state.periodS = nowS;
  state.checkpointS = 0;
  // The configuration gives mission time at local time zero.
  clock(ctx).offsetS = m.timeS;
  clock(ctx).offsetMs = m.timeMs;
  setMission(ctx);
}

/**
 * Takes the records after the configuration: keys, place, rotas, and groups unless `groups` is
 * false. A key that is refused keeps nothing else from being taken: its status is returned in the
 * end. Records that cannot be, and rotas that are refused, end it.
 */
function takeRest(ctx: usize, at: usize, end: usize, groups: bool): u32 {
  let refused = STATUS_OK;
  while (at < end) {
    const type = messageType(at, end);
    if (type == TYPE_GROUP) {
      const m = changetype<GroupRecord>(ctx + SCRATCH_AT);
      at = decodeGroup(at, end, m);
      if (at == 0) return STATUS_MALFORMED;
      if (groups && observeGroup(ctx, m) != STATUS_OK) return STATUS_IMPLAUSIBLE;
      continue;
    }
    if (type == TYPE_PLACE) {
      const m = changetype<Place>(ctx + SCRATCH_AT);
      at = decodePlace(at, end, m);
      if (at == 0) return STATUS_MALFORMED;
      setPlace(ctx, m);
      continue;
    }
    if (type == TYPE_ROTA) {
      const m = changetype<RotaRecord>(ctx + SCRATCH_AT);
      at = decodeRota(at, end, m);
      if (at == 0) return STATUS_MALFORMED;
      if (setRota(ctx, m) != STATUS_OK) return STATUS_IMPLAUSIBLE;
      continue;
    }
    const next = skipItem(at, end);
    if (next == 0 || (type != TYPE_LINK_SECRET && type != TYPE_PATH_KEY)) return STATUS_MALFORMED;
    const status = acceptKey(ctx, type, at, next);
    if (refused == STATUS_OK) refused = status;
    at = next;
  }
  return refused;
}

/**
 * Whether the records from `at` on are whole and undamaged. A restore does without keys that it
 * refuses, but not because of a flipped bit; and never without a rota.
 */
function isRestSound(ctx: usize, at: usize, end: usize): bool {
  let rotas: u32 = 0;
  while (at < end) {
    const next = skipItem(at, end);
    if (next == 0 || !endsWithCheck(at, next)) return false;
    if (messageType(at, end) == TYPE_ROTA) {
      const m = changetype<RotaRecord>(ctx + SCRATCH_AT);
      if (decodeRota(at, end, m) == 0 || !isRotaSound(m, rotas++)) return false;
    }
    at = next;
  }
  return true;
}

/** Emits the event of a boot. */
function emitBooted(ctx: usize, restored: u32): void {
  const at = eventSpace(ctx);
  if (at == 0) return;
  const m = changetype<Booted>(ctx + SCRATCH_OUT_AT);
  m.cause = node(ctx).cause;
  m.restored = restored;
  m.incarnation = node(ctx).incarnation;
  eventDone(ctx, at, encodeBooted(at, at + EVENT_BYTES_MAX - 1, m));
}

/** Clears a context and begins a call on it. */
export function clearContext(ctx: usize, nowS: u32, nowMs: u32): void {
  memory.fill(ctx, 0, CONTEXT_BYTES);
  giveZeroCodes(ctx);
  setLocal(ctx, nowS, nowMs);
  openCall(ctx, CORE_ALL);
}

/**
 * Boots a cleared context. Returns a status; a rejected configuration leaves the context unbooted.
 */
export function bootContext(ctx: usize, config: usize, length: u32, cause: u32): u32 {
  const end = config + length;
  const m = changetype<Config>(ctx + SCRATCH_AT);
  const groups = readConfig(ctx + SCRATCH_AT, config, end);
  if (groups == 0) return STATUS_MALFORMED;
  if (groups == 1) return STATUS_IMPLAUSIBLE;
  const resets = m.resets;
  const image = m.image;
  const reserved = m.reserved;
  configure(ctx, m, cause);
  intentsBoot(ctx);
  const status = takeRest(ctx, groups, end, true);
  if (status != STATUS_OK) {
    memory.fill(ctx, 0, CONTEXT_BYTES);
    return status;
  }
  membershipBoot(ctx);
  scheduleBoot(ctx);
  watchdogBoot(ctx, cause, 0, resets, image);
  protectionBoot(ctx);
  beginCounters(ctx, reserved, 0, false);
  emitBooted(ctx, 0);
  advance(ctx);
  return STATUS_OK;
}

/**
 * Verifies a checkpoint and the configuration that ends at `end`, and copies the checkpoint to the
 * context. Returns a status. The body of the checkpoint may be this very context, so nothing is
 * written before the checkpoint is verified.
 */
export function loadCheckpoint(ctx: usize, image: usize, length: u32, config: usize, end: usize): u32 {
  const status = checkCheckpoint(image, length);
  if (status != STATUS_OK) return status;
  const m = changetype<Config>(ctx + SCRATCH_AT);
  const groups = readConfig(ctx + SCRATCH_AT, config, end);
  if (groups == 0) return STATUS_MALFORMED;
  if (groups == 1) return STATUS_IMPLAUSIBLE;
  if (!isCheckpointOf(image, m.self, m.cluster)) return STATUS_CHECKPOINT;
  if (!isRestSound(ctx, groups, end)) return STATUS_MALFORMED;
  memory.copy(ctx, image + CHECKPOINT_HEADER_BYTES, CONTEXT_BYTES);
  return STATUS_OK;
}

/** Clears the lines of the tables at offsets [from, to) of the context. */
function clearTables(ctx: usize, from: u32, to: u32): void {
  for (let line = lineOf(from); line < lineOf(to); line++) clearLine(ctx, line);
}

/**
 * Forgets what is shared with other members: the view, intents, notices and statements. Keys,
 * replay windows and this node's own statistics stay.
 */
function forgetShared(ctx: usize): void {
  clearTables(ctx, MEMBERSHIP_AT, NODE_AT);
  clearTables(ctx, BUCKETS_AT, WATCHDOG_AT);
  clearTables(ctx, GROUPS_AT, LINK_KEYS_AT);
  clearTables(ctx, STATEMENT_STATE_AT, SCHEDULE_AT);
  intentsBoot(ctx);
}

/**
 * Restores from the checkpoint that was loaded: the tables stay, what was in flight is forgotten,
 * nothing is settled. The configuration gives the time; its resource groups are ignored, because
 * notices may have changed them since. A checkpoint of a node that alone disagreed is not believed
 * about what is shared: there the node starts as without a checkpoint.
 */
export function restoreContext(ctx: usize, config: usize, end: usize, cause: u32): void {
  const m = changetype<Config>(ctx + SCRATCH_AT);
  const rest = readConfig(ctx + SCRATCH_AT, config, end);
  const resets = m.resets;
  const alternate = m.image;
  const reserved = m.reserved;
  const distrusted = isDistrusted(ctx);
  if (distrusted) forgetShared(ctx);
  configure(ctx, m, cause);
  queues(ctx).outboxCount = 0;
  queues(ctx).commandCount = 0;
  queues(ctx).eventCount = 0;
  queues(ctx).flags = 0;
  queues(ctx).due = 0;
  protectionBoot(ctx);
  forgetPending(ctx);
  // If the keys are refused, older ones of the checkpoint are used.
  takeRest(ctx, rest, end, distrusted);
  beginCounters(ctx, reserved, queues(ctx).reserved, true);
  if (distrusted) {
    membershipBoot(ctx);
    leaveMembers(ctx);
  } else membershipRestart(ctx);
  scheduleBoot(ctx);
  restartOwn(ctx);
  statementsRestart(ctx);
  federationRestart(ctx);
  watchdogBoot(ctx, cause, 1, resets, alternate);
  emitBooted(ctx, 1);
  advance(ctx);
}
