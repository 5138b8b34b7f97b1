// Lays out one context: base, stride and count, chained; the last line is the size. There are only
// offsets, so a context can be moved.
//
//   call | scratch | LINES: core … | tables … | queues | loss counters | CODES
//
// What is valid within one call only comes first and is not protected. All else is cut into lines
// of 64 bytes, each with a code (lines.ts). The first 32 lines are the core: small, read by nearly
// every call, and tracked by a bit each (guard.ts).

import {
  CODE_BYTES,
  LINE_BYTES,
  OWN_SLOTS,
  GROUPS_MAX,
  COUNTER_COUNT,
  FRAME_BYTES_MAX,
  PATH_KEYS,
  ROTAS_MAX,
} from '../wire/generated/codes';
import { STRUCT_BYTES_MAX } from '../wire/generated/messages';
import {
  PROTECTED,
  COORDINATOR_ALLOWED,
  REGION_CLUSTERS_MAX,
  WAITING_MAX,
  PROFILES_MAX,
  MEMBERS_MAX,
  MEMBER_WORDS,
  INTENTS_MAX,
  NOTICES_MAX,
  RUMOURS_MAX,
  TIMELINE_ENTRIES_MAX,
  EVENTS_MAX,
  OUTBOX_MAX,
  BUCKETS,
  COMMANDS_MAX,
  COMMAND_STRIDE,
  EVENT_BYTES_MAX,
  DISRUPTIONS_MAX,
  COVER_PARTS_MAX,
  STATEMENTS_MAX,
  TASKS,
  WINDOWS_MAX,
  JOBS_MAX,
} from './limits';

/** Rounds up to whole lines. */
const UP: u32 = LINE_BYTES - 1;

// ---- within one call ----
export const CALL_AT: u32 = 0;
/**
 * Decoded messages are here during one call; there are two places, so that one message may be read
 * while another is written.
 */
const SCRATCH_BYTES: u32 = 256;
export const SCRATCH_AT: u32 = CALL_AT + 128;
export const SCRATCH_OUT_AT: u32 = SCRATCH_AT + SCRATCH_BYTES;
/** A frame's plain text, after its tag was verified. */
export const PLAIN_AT: u32 = SCRATCH_OUT_AT + SCRATCH_BYTES;
/** Scratch of arbitration, which is the work of a tick. */
export const INTENT_SCRATCH_AT: u32 = PLAIN_AT + FRAME_BYTES_MAX;
/**
 * The same bytes hold the first messages of a frame from their admission until they are applied: 15
 * in a flight image, 2 in a compact one. After each message are the address after its encoding, and
 * its type.
 */
export const DECODED_AT: u32 = INTENT_SCRATCH_AT;
export const DECODED_STRIDE: u32 = STRUCT_BYTES_MAX + 8;
export const DECODED_MAX: u32 = (INTENTS_MAX * 4) / DECODED_STRIDE;
/** Units of one group that are in use, while a place for a claim is sought. */
export const PLAN_UNITS_AT: u32 = (INTENT_SCRATCH_AT + INTENTS_MAX * 4 + 15) & ~15;
export const PLAN_UNITS_MAX: u32 = 256;

// ---- the core: 32 lines ----
export const LINES_AT: u32 = (PLAN_UNITS_AT + (PLAN_UNITS_MAX >> 3) + UP) & ~UP;
/** Checked with every call: the view, the summary of stored intents, who was heard, this node. */
export const MEMBERSHIP_AT: u32 = LINES_AT;
export const INTENT_STATE_AT: u32 = MEMBERSHIP_AT + 128;
/** The record of the cluster's decision, in the line that the summary of intents does not fill. */
export const DECISION_AT: u32 = INTENT_STATE_AT + 96;
/** Two bitmaps of all members share a line where they are that long. They are whole u64 words. */
export const BITMAP_BYTES: u32 = MEMBER_WORDS > 4 ? 32 : (MEMBER_WORDS * 4 + 7) & ~7;
export const MEMBER_BITMAPS_AT: u32 = DECISION_AT + 32;
export const NODE_AT: u32 = (MEMBER_BITMAPS_AT + 11 * BITMAP_BYTES + UP) & ~UP;
/** What nearly every call changes, of three modules, in one line: then one code is renewed. */
export const HOT_AT: u32 = NODE_AT + LINE_BYTES;
export const CLOCK_AT: u32 = HOT_AT;
export const QUEUES_AT: u32 = CLOCK_AT + 16;
export const HEARING_AT: u32 = QUEUES_AT + 28;
/** Checked when used. */
export const PROTECTION_AT: u32 = HOT_AT + LINE_BYTES;
export const CAPABILITY_AT: u32 = PROTECTION_AT + LINE_BYTES;
export const OUTBOX_AT: u32 = CAPABILITY_AT + LINE_BYTES;
/** Digest of each minute; then its lower half for anti-entropy, in one line. */
export const BUCKETS_AT: u32 = (OUTBOX_AT + OUTBOX_MAX * 12 + UP) & ~UP;
export const RECENTS_AT: u32 = BUCKETS_AT + BUCKETS * 8;
export const RUMOURS_AT: u32 = (RECENTS_AT + BUCKETS * 4 + UP) & ~UP;
export const OWN_AT: u32 = (RUMOURS_AT + RUMOURS_MAX * 4 + UP) & ~UP;
export const WATCHDOG_AT: u32 = (OWN_AT + OWN_SLOTS * 32 + UP) & ~UP;
export const TASKS_AT: u32 = WATCHDOG_AT + 64;
export const CONVERGENCE_AT: u32 = TASKS_AT + TASKS * 8;
export const DISRUPTIONS_AT: u32 = CONVERGENCE_AT + 48;
export const HISTOGRAM_AT: u32 = DISRUPTIONS_AT + DISRUPTIONS_MAX * 24;
export const SEEN_SILENT_AT: u32 = HISTOGRAM_AT + 4 * 16 * 2;
export const CORE_END: u32 = (SEEN_SILENT_AT + MEMBER_WORDS * 4 + UP) & ~UP;

// ---- tables, one or more records to a line ----
export const GROUPS_AT: u32 = CORE_END;
export const MEMBERS_AT: u32 = (GROUPS_AT + GROUPS_MAX * 32 + UP) & ~UP;
export const INTENTS_AT: u32 = (MEMBERS_AT + MEMBERS_MAX * 32 + UP) & ~UP;
export const INTENT_INDEX_AT: u32 = INTENTS_AT + INTENTS_MAX * LINE_BYTES;
export const NOTICES_AT: u32 = (INTENT_INDEX_AT + MEMBERS_MAX * OWN_SLOTS * 2 + UP) & ~UP;
/**
 * A line for each link key; two path keys to a line; heads of key epochs; a line for each part of a
 * cover; four senders' replay windows to a line.
 */
export const LINK_KEYS_AT: u32 = (NOTICES_AT + NOTICES_MAX * 16 + UP) & ~UP;
export const PATH_KEYS_AT: u32 = LINK_KEYS_AT + 3 * LINE_BYTES;
export const HEAD_AT: u32 = (PATH_KEYS_AT + PATH_KEYS * 32 + UP) & ~UP;
export const PENDING_AT: u32 = HEAD_AT + 2 * LINE_BYTES;
export const PARTS_AT: u32 = PENDING_AT + 2 * LINE_BYTES;
export const PEERS_AT: u32 = PARTS_AT + COVER_PARTS_MAX * LINE_BYTES;
/**
 * The split of the cluster, and one that was received and waits for the tick. A node that distrusts
 * what is shared does not forget them.
 */
export const DIVISION_AT: u32 = (PEERS_AT + MEMBERS_MAX * 16 + UP) & ~UP;
export const RECEIVED_SPLIT_AT: u32 = DIVISION_AT + LINE_BYTES;
/** Two rotas to a line: they come with each boot. */
export const ROTAS_AT: u32 = RECEIVED_SPLIT_AT + LINE_BYTES;
export const STATEMENT_STATE_AT: u32 = (ROTAS_AT + ROTAS_MAX * 32 + UP) & ~UP;
export const STATEMENTS_AT: u32 = STATEMENT_STATE_AT + LINE_BYTES;
export const SCHEDULE_AT: u32 = (STATEMENTS_AT + STATEMENTS_MAX * 96 + UP) & ~UP;
export const WORK_AT: u32 = SCHEDULE_AT + 192;
export const WORK_ORDERS_AT: u32 = WORK_AT + OWN_SLOTS * 32;
export const WINDOW_AT: u32 = WORK_ORDERS_AT + OWN_SLOTS * 16;
export const JOB_AT: u32 = WINDOW_AT + WINDOWS_MAX * 16;
export const FINISHED_AT: u32 = JOB_AT + JOBS_MAX * 32;
/**
 * Ten bytes per timeline entry: its activity in the plan and in the draft, the energy needed and
 * the mass allowed.
 */
export const TIMELINE_AT: u32 = (FINISHED_AT + OWN_SLOTS * 4 + UP) & ~UP;
/**
 * State of the federation; the own summary; foreign ones that wait; four clusters to a line; eight
 * profiles to a line.
 */
export const FEDERATION_AT: u32 = (TIMELINE_AT + TIMELINE_ENTRIES_MAX * 10 + UP) & ~UP;
export const DRAFT_AT: u32 = FEDERATION_AT + (COORDINATOR_ALLOWED ? LINE_BYTES : 0);
export const WAITING_AT: u32 = DRAFT_AT + (COORDINATOR_ALLOWED ? 192 : 0);
export const CLUSTERS_AT: u32 = WAITING_AT + WAITING_MAX * 192;
export const PROFILES_AT: u32 = (CLUSTERS_AT + REGION_CLUSTERS_MAX * 16 + UP) & ~UP;
export const COMMANDS_AT: u32 = (PROFILES_AT + PROFILES_MAX * 8 + UP) & ~UP;
export const EVENTS_AT: u32 = COMMANDS_AT + COMMANDS_MAX * COMMAND_STRIDE;
/** Last, so that a hash can omit them. */
export const COUNTERS_AT: u32 = EVENTS_AT + EVENTS_MAX * EVENT_BYTES_MAX;
const LINES_END: u32 = (COUNTERS_AT + COUNTER_COUNT * 8 + UP) & ~UP;

// ---- codes, in the order of the lines ----
export const LINES: u32 = (LINES_END - LINES_AT) / LINE_BYTES;
export const CODES_AT: u32 = LINES_END;
export const COUNTER_CODES_AT: u32 = PROTECTED
  ? CODES_AT + ((COUNTERS_AT - LINES_AT) / LINE_BYTES) * CODE_BYTES
  : CODES_AT;
export const CONTEXT_BYTES: u32 = PROTECTED ? (CODES_AT + LINES * CODE_BYTES + 15) & ~15 : CODES_AT;

/** A flight context has at most 104 KiB; a compact one leaves room for static data in 32 KiB. */
if (INTENTS_MAX >= 800 && CONTEXT_BYTES > 106496) ERROR('a flight context is at most 104 KiB');
if (INTENTS_MAX == 128 && CONTEXT_BYTES > 26624) ERROR('a compact context leaves 6 KiB for constants');
if ((CORE_END - LINES_AT) / LINE_BYTES > 32) ERROR('a bit for each line of the core');
if (EVENT_BYTES_MAX != LINE_BYTES) ERROR('an event has a line of its own');
