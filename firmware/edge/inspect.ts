// Telemetry for tests and tools: what inspect() answers (proto/schema/inspect.cddl). Judges never
// use it.

import {
  COORDINATOR_ALLOWED,
  NO_INDEX,
  REGION_CLUSTERS_MAX,
  STATEMENTS_MAX,
  TIMELINE_ENTRIES_MAX,
  WAITING_MAX,
} from '../memory/limits';
import { CODES_AT, CONTEXT_BYTES, COUNTERS_AT, COUNTER_CODES_AT, LINES, LINES_AT, TIMELINE_AT } from '../memory/map';
import { ageCountAt, call, changesProtection } from '../memory/guard';
import {
  COUNTER_COUNT,
  SLA_CLASS_FLEET,
  SLA_CLASS_NODE,
  AGE_BINS,
  COMMITMENT_BYTES,
  HISTOGRAM_BINS,
  SIGNATURE_BYTES,
  GROUPS_MAX,
  OWN_SLOTS,
} from '../wire/generated/codes';
import { clockErrorMs } from '../node/clock';
import { secondHalfAt, switchS } from '../membership/division';
import { decision, division, hearing, membership, member, readMembers } from '../membership/table';
import { intents, intent, intentIndex, own, group, rota, STATEMENT_BYTES, statement } from '../intent/table';
import { clusterOfTerm, rotaUntilS } from '../intent/rota';
import { Head, head, pending, SIGNATURE_AT } from '../security/table';
import { newestKeyEpoch, sendingKeyEpoch } from '../security/key_epoch';
import { node, queues, counterAt, counterWord, members, missionS } from '../node/table';
import { ageOf, lastLivenessTickOf } from '../membership/liveness';
import { countSilences } from '../membership/correlated';
import { coordinator, memberState } from '../membership/member_state';
import { FREE, DIGEST_AT } from '../intent/statement/table';
import { apartS } from '../convergence/step';
import { histogramAt, convergence } from '../convergence/table';
import { clusterKnown, draft, messageAt, waiting, FREE as UNOCCUPIED } from '../federation/table';
import { roundStartS } from '../membership/calendar';
import { readTimeline, scheduleToChange } from '../schedule/table';

import * as answers from '../wire/generated/answers';

/** Answers of a fixed length without arrays fit this, bytes: no one asks with less. */
const ROOM_BYTES_MIN: u32 = 64;

/**
 * Writes 32-bit words to `out`, at most `cap` bytes. Returns their number; 0 if they do not fit or
 * do not exist.
 */
export function inspectContext(ctx: usize, what: u32, index: u32, out: usize, cap: u32): u32 {
  if (cap < ROOM_BYTES_MIN) return 0;
  switch (what) {
    case answers.INSPECT_NODE:
      return inspectNode(ctx, out);
    case answers.INSPECT_MEMBER:
      return index < members(ctx) ? inspectMember(ctx, index, out) : 0;
    case answers.INSPECT_INTENT:
      return index < members(ctx) * OWN_SLOTS ? inspectIntent(ctx, index, out) : 0;
    case answers.INSPECT_OWN:
      return index < OWN_SLOTS ? inspectOwn(ctx, index, out) : 0;
    case answers.INSPECT_VIEW:
      return inspectView(ctx, out);
    case answers.INSPECT_GROUP:
      return index < GROUPS_MAX ? inspectGroup(ctx, index, out) : 0;
    case answers.INSPECT_SCHEDULE:
      return inspectSchedule(ctx, out);
    case answers.INSPECT_LAYOUT:
      return inspectLayout(out);
    case answers.INSPECT_PROTECTION:
      return inspectProtection(ctx, out, cap);
    case answers.INSPECT_STATEMENT:
      return inspectStatement(ctx, index, out, cap);
    case answers.INSPECT_CONVERGENCE:
      return inspectConvergence(ctx, out);
    case answers.INSPECT_KEYS:
      return index == 0 ? inspectPendingHead(ctx, out, cap) : index == 1 ? inspectKeys(ctx, out) : 0;
    case answers.INSPECT_SUMMARY:
      return inspectSummary(ctx, index, out, cap);
    case answers.INSPECT_CLUSTER:
      return inspectCluster(ctx, index, out);
    case answers.INSPECT_DECISION:
      return inspectDecision(ctx, out);
    case answers.INSPECT_DIVISION:
      return inspectDivision(ctx, out, cap);
    case answers.INSPECT_ROTA:
      return index < <u32>node(ctx).rotas ? inspectRota(ctx, index, out) : 0;
    default:
      return inspectList(ctx, what, index, out, cap);
  }
}

function inspectNode(ctx: usize, out: usize): u32 {
  const answer = changetype<answers.NodeAnswer>(out);
  answer.timeKnown = node(ctx).timeKnown;
  answer.missionS = call(ctx).missionS;
  answer.missionMs = call(ctx).missionMs;
  answer.errorMs = clockErrorMs(ctx);
  answer.safeMode = node(ctx).safeMode;
  answer.outbox = queues(ctx).outboxCount;
  answer.coordinator = coordinator(ctx);
  return answers.NODE_ANSWER_WORDS;
}

function inspectMember(ctx: usize, index: u32, out: usize): u32 {
  const answer = changetype<answers.MemberAnswer>(out);
  readMembers(ctx, members(ctx));
  countSilences(ctx);
  answer.state = memberState(ctx, index);
  answer.age = ageOf(ctx, index);
  answer.lastLivenessTick = lastLivenessTickOf(ctx, index);
  answer.incarnation = member(ctx, index).incarnation;
  answer.intentSum = member(ctx, index).intentSum;
  return answers.MEMBER_ANSWER_WORDS;
}

function inspectIntent(ctx: usize, index: u32, out: usize): u32 {
  const at = intentIndex(ctx, index >>> 3, index & 7);
  if (at == NO_INDEX) return 0;
  const record = intent(ctx, at);
  const answer = changetype<answers.IntentAnswer>(out);
  answer.version = record.version;
  answer.state = record.state;
  answer.verdict = record.verdict;
  answer.kind = record.kind;
  answer.resource = record.resource;
  answer.startS = record.startS;
  answer.endS = record.endS;
  answer.boundS = record.boundS;
  answer.rate = record.rate;
  answer.publishedS = record.publishedS;
  answer.leaseS = record.leaseS;
  return answers.INTENT_ANSWER_WORDS;
}

function inspectOwn(ctx: usize, slot: u32, out: usize): u32 {
  const mine = own(ctx, slot);
  const answer = changetype<answers.OwnAnswer>(out);
  answer.settledVersion = mine.settledVersion;
  answer.startS = mine.settledStartS;
  answer.endS = mine.settledEndS;
  answer.rate = mine.settledRate;
  answer.running = mine.running;
  return answers.OWN_ANSWER_WORDS;
}

function inspectView(ctx: usize, out: usize): u32 {
  const view = membership(ctx);
  const answer = changetype<answers.ViewAnswer>(out);
  answer.round = view.round;
  answer.digestHigh = <u32>(view.digest >> 32);
  answer.digestLow = <u32>view.digest;
  answer.quorum = view.quorum;
  answer.quorumRound = view.quorumRound;
  answer.leaseUntilS = view.leaseUntilS;
  answer.intents = intents(ctx).count;
  answer.disruptions = convergence(ctx).count;
  answer.health = hearing(ctx).health;
  answer.disagreedRounds = view.disagreedRounds;
  return answers.VIEW_ANSWER_WORDS;
}

function inspectConvergence(ctx: usize, out: usize): u32 {
  const state = convergence(ctx);
  const answer = changetype<answers.ConvergenceAnswer>(out);
  answer.open = state.count;
  answer.apartS = apartS(ctx);
  answer.lastNodeS = state.lastNodeS;
  answer.trendNodeS = state.trendNodeS;
  answer.lastClusterS = state.lastClusterS;
  answer.trendClusterS = state.trendClusterS;
  return answers.CONVERGENCE_ANSWER_WORDS;
}

function inspectGroup(ctx: usize, index: u32, out: usize): u32 {
  const chain = group(ctx, index);
  const answer = changetype<answers.GroupAnswer>(out);
  answer.kind = chain.kind;
  answer.units = chain.units;
  answer.capacity = chain.capacity;
  answer.length = chain.length;
  return answers.GROUP_ANSWER_WORDS;
}

function inspectSchedule(ctx: usize, out: usize): u32 {
  const state = scheduleToChange(ctx);
  const answer = changetype<answers.ScheduleAnswer>(out);
  answer.plans = state.plans;
  answer.operationsStep = state.operationsStep;
  answer.operationsPlan = state.operationsPlan;
  answer.shortfall = state.shortfall;
  answer.planning = state.phase != 0 ? 1 : 0;
  return answers.SCHEDULE_ANSWER_WORDS;
}

function inspectLayout(out: usize): u32 {
  const answer = changetype<answers.LayoutAnswer>(out);
  answer.linesAt = LINES_AT;
  answer.countersAt = COUNTERS_AT;
  answer.codesAt = CODES_AT;
  answer.counterCodesAt = COUNTER_CODES_AT;
  answer.contextBytes = CONTEXT_BYTES;
  answer.lines = LINES;
  return answers.LAYOUT_ANSWER_WORDS;
}

function inspectProtection(ctx: usize, out: usize, cap: u32): u32 {
  if (cap < answers.PROTECTION_ANSWER_WORDS * 4) return 0;
  const state = changesProtection(ctx);
  const answer = changetype<answers.ProtectionAnswer>(out);
  answer.corrected = state.corrected;
  answer.evicted = state.discarded;
  answer.cursor = state.cursor;
  answer.lines = LINES;
  answer.passes = state.passes;
  answer.beganS = state.passBeganS;
  answer.recomputed = state.recomputed;
  const ages = out + answers.PROTECTION_ANSWER_AGES_AT;
  for (let bin: u32 = 0; bin < AGE_BINS; bin++) store<u32>(ages + (bin << 2), load<u16>(ageCountAt(ctx, bin)));
  return answers.PROTECTION_ANSWER_WORDS;
}

function inspectStatement(ctx: usize, ticket: u32, out: usize, cap: u32): u32 {
  if (ticket >= STATEMENTS_MAX || cap < answers.STATEMENT_ANSWER_WORDS * 4) return 0;
  const entry = statement(ctx, ticket);
  if (<u32>entry.state == FREE) return 0;
  const answer = changetype<answers.StatementAnswer>(out);
  answer.owner = entry.owner;
  answer.slot = entry.slot;
  answer.version = entry.version;
  answer.atS = entry.atS;
  const digest = out + answers.STATEMENT_ANSWER_DIGEST_AT;
  memory.copy(digest, changetype<usize>(entry) + DIGEST_AT, STATEMENT_BYTES - DIGEST_AT);
  return answers.STATEMENT_ANSWER_WORDS;
}

function inspectPendingHead(ctx: usize, out: usize, cap: u32): u32 {
  const state = pending(ctx);
  if (state.keyEpoch == 0 || cap < answers.PENDING_HEAD_ANSWER_WORDS * 4) return 0;
  const answer = changetype<answers.PendingHeadAnswer>(out);
  answer.keyEpoch = state.keyEpoch;
  answer.startS = state.startS;
  answer.parts = state.parts;
  const head = changetype<usize>(state);
  memory.copy(out + answers.PENDING_HEAD_ANSWER_COMMITMENT_AT, head + offsetof<Head>('commitment0'), COMMITMENT_BYTES);
  memory.copy(out + answers.PENDING_HEAD_ANSWER_SIGNATURE_AT, head + SIGNATURE_AT, SIGNATURE_BYTES);
  return answers.PENDING_HEAD_ANSWER_WORDS;
}

function inspectKeys(ctx: usize, out: usize): u32 {
  const answer = changetype<answers.KeysAnswer>(out);
  answer.keyEpoch = sendingKeyEpoch(ctx);
  answer.newestKeyEpoch = newestKeyEpoch(ctx);
  answer.reserved = queues(ctx).reserved;
  answer.sentCounter = queues(ctx).sentCycle;
  answer.coverKeyEpoch = head(ctx).keyEpoch;
  answer.parts = head(ctx).partCount;
  return answers.KEYS_ANSWER_WORDS;
}

/** Index 0: the own summary; then those of other clusters that wait. */
function inspectSummary(ctx: usize, index: u32, out: usize, cap: u32): u32 {
  if (!COORDINATOR_ALLOWED || index > WAITING_MAX || cap < answers.SUMMARY_ANSWER_WORDS * 4) return 0;
  const entry = index == 0 ? draft(ctx) : waiting(ctx, index - 1);
  if (<u32>entry.state == UNOCCUPIED) return 0;
  const answer = changetype<answers.SummaryAnswer>(out);
  answer.state = entry.state;
  answer.length = entry.length;
  const message = out + answers.SUMMARY_ANSWER_MESSAGE_AT;
  memory.fill(message, 0, answers.SUMMARY_ANSWER_WORDS * 4 - answers.SUMMARY_ANSWER_MESSAGE_AT);
  memory.copy(message, messageAt(entry), entry.length);
  return answers.SUMMARY_ANSWER_WORDS;
}

function inspectCluster(ctx: usize, index: u32, out: usize): u32 {
  if (index >= REGION_CLUSTERS_MAX || clusterKnown(ctx, index).round == 0) return 0;
  const known = clusterKnown(ctx, index);
  const answer = changetype<answers.ClusterAnswer>(out);
  answer.cluster = known.cluster;
  answer.round = known.round;
  answer.sequence = known.sequence;
  answer.asOfS = roundStartS(known.round) + known.roundS;
  answer.live = known.live;
  answer.generations = known.generations;
  answer.hash = known.hash;
  return answers.CLUSTER_ANSWER_WORDS;
}

function inspectDecision(ctx: usize, out: usize): u32 {
  const record = decision(ctx);
  if (record.number == 0) return 0;
  const answer = changetype<answers.DecisionAnswer>(out);
  answer.number = record.number;
  answer.promised = record.promised;
  answer.accepted = record.accepted;
  answer.kind = record.kind;
  answer.contentHigh = record.contentHigh;
  answer.contentLow = record.contentLow;
  answer.size = record.size;
  answer.agreed = record.agreed;
  answer.decided = record.decided;
  return answers.DECISION_ANSWER_WORDS;
}

function inspectDivision(ctx: usize, out: usize, cap: u32): u32 {
  const split = division(ctx);
  if (split.number == 0 || cap < answers.DIVISION_ANSWER_WORDS * 4) return 0;
  const answer = changetype<answers.DivisionAnswer>(out);
  answer.moved = node(ctx).half != 0 ? 1 : 0;
  answer.cluster = node(ctx).cluster;
  answer.home = node(ctx).home;
  answer.switchS = switchS(ctx);
  answer.groups = split.groups;
  answer.divided = split.divided;
  memory.copy(out + answers.DIVISION_ANSWER_MEMBERS_AT, secondHalfAt(split), 28);
  return answers.DIVISION_ANSWER_WORDS;
}

function inspectRota(ctx: usize, index: u32, out: usize): u32 {
  const entry = rota(ctx, index);
  const answer = changetype<answers.RotaAnswer>(out);
  answer.group = entry.resource >>> 16;
  answer.unit = entry.resource & 0xffff;
  answer.cluster = clusterOfTerm(entry, missionS(ctx));
  answer.oursUntilS = rotaUntilS(ctx, entry, missionS(ctx));
  return answers.ROTA_ANSWER_WORDS;
}

function inspectList(ctx: usize, what: u32, index: u32, out: usize, cap: u32): u32 {
  if (what == answers.INSPECT_COUNTERS) {
    if (cap < answers.COUNTERS_ANSWER_WORDS * 4) return 0;
    for (let counter: u32 = 0; counter < COUNTER_COUNT; counter++) {
      store<u32>(out + (counter << 3), counterWord(ctx, counterAt(counter)));
      store<u32>(out + (counter << 3), counterWord(ctx, counterAt(counter) + 4), 4);
    }
    return answers.COUNTERS_ANSWER_WORDS;
  }
  if (what == answers.INSPECT_HISTOGRAM) {
    if (index < SLA_CLASS_NODE || index > SLA_CLASS_FLEET) return 0;
    for (let bin: u32 = 0; bin < HISTOGRAM_BINS; bin++)
      store<u32>(out + (bin << 2), load<u16>(histogramAt(ctx, index, bin)));
    return answers.HISTOGRAM_ANSWER_WORDS;
  }
  if (what == answers.INSPECT_TIMELINE) {
    if (cap < TIMELINE_ENTRIES_MAX * 4) return 0;
    readTimeline(ctx);
    for (let entry: u32 = 0; entry < TIMELINE_ENTRIES_MAX; entry++)
      store<u32>(out + (entry << 2), load<u8>(ctx + TIMELINE_AT + entry));
    return TIMELINE_ENTRIES_MAX;
  }
  return 0;
}

if (answers.COUNTERS_ANSWER_WORDS != COUNTER_COUNT * 2) ERROR('the answer has two words for each loss counter');
if (answers.PROTECTION_ANSWER_WORDS * 4 - answers.PROTECTION_ANSWER_AGES_AT != AGE_BINS * 4)
  ERROR('the answer has a word for each bin of ages');
if (answers.HISTOGRAM_ANSWER_WORDS != HISTOGRAM_BINS) ERROR('the answer has a word for each bin');
if (answers.STATEMENT_ANSWER_WORDS != STATEMENT_BYTES / 4) ERROR('the answer has what stands in the table');
