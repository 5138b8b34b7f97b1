// Bounds everything in the firmware: why this number, and what happens when it is reached. Sizes
// that differ between images are in preset.ts; relations between bounds are asserted at the end, at
// compile time.

export {
  PRESET,
  PROTECTED,
  CONTAINED,
  STATEMENTS_MAX,
  SCRUBBED,
  MEMBERS_MAX,
  INTENTS_MAX,
  NOTICES_MAX,
  RUMORS_MAX,
  TIMELINE_ENTRIES_MAX,
  EVENTS_MAX,
  OUTBOX_MAX,
  COVER_PARTS_MAX,
  CRC_TABLES,
  COORDINATOR_ALLOWED,
  CIPHER,
} from './preset';
import { MEMBERS_MAX, INTENTS_MAX } from './preset';

// ---- status codes (mirrored in host/engine/status.ts) ----
export const STATUS_OK: u32 = 0;
/** Shorter than a header and CRC, or longer than FRAME_BYTES_MAX. */
export const STATUS_LENGTH: u32 = 1;
export const STATUS_CRC: u32 = 2;
/** Bytes are not the deterministic CBOR that the schema says. */
export const STATUS_MALFORMED: u32 = 3;
export const STATUS_VERSION: u32 = 4;
/** Another cluster's frame, or addressed to another member. */
export const STATUS_NOT_FOR_US: u32 = 5;
/**
 * Well-formed, but its values cannot be: a member beyond the cluster, an empty interval, a time far
 * off.
 */
export const STATUS_IMPLAUSIBLE: u32 = 6;
/** The context was never booted, or its magic is gone. */
export const STATUS_NOT_BOOTED: u32 = 7;
export const STATUS_CHECKPOINT: u32 = 8;
/** Well-formed, but nothing here reads this type. */
export const STATUS_UNKNOWN_TYPE: u32 = 9;
/** Safe mode: only the beacon lives. */
export const STATUS_SAFE_MODE: u32 = 10;
/**
 * A beat turned since the last tick, whose work no frame has to wait for: tick, then give the frame
 * again.
 */
export const STATUS_TICK_FIRST: u32 = 11;
/** No key of that epoch is held, or none at all. */
export const STATUS_KEY_EPOCH: u32 = 12;
/** A frame with this counter was taken already. */
export const STATUS_REPLAY: u32 = 13;
/** Its counter is of a time long past, or of before the last boot. */
export const STATUS_STALE: u32 = 14;
/** Its counter is of a time to come, or beyond what non-volatile memory holds a reservation for. */
export const STATUS_AHEAD: u32 = 15;
/** The tag is wrong: altered, or sealed with another key. */
export const STATUS_TAG: u32 = 16;

export const FLAG_DEADLINE: u32 = 1 << 8;
export const FLAG_COMMAND: u32 = 1 << 9;
export const FLAG_EVENT: u32 = 1 << 10;

// ---- counters of what was dropped or refused (event `dropped`) ----
export const COUNTER_FRAME_LENGTH: u32 = 0;
export const COUNTER_FRAME_CRC: u32 = 1;
export const COUNTER_FRAME_MALFORMED: u32 = 2;
export const COUNTER_FRAME_VERSION: u32 = 3;
export const COUNTER_FRAME_IMPLAUSIBLE: u32 = 4;
export const COUNTER_MESSAGE_UNKNOWN: u32 = 5;
export const COUNTER_OUTBOX_FULL: u32 = 6;
export const COUNTER_EVENTS_FULL: u32 = 7;
export const COUNTER_COMMANDS_FULL: u32 = 8;
export const COUNTER_INTENTS_FULL: u32 = 9;
export const COUNTER_NOTICES_FULL: u32 = 10;
export const COUNTER_RECORD_REJECTED: u32 = 11;
export const COUNTER_CLOCK_DISAGREES: u32 = 12;
export const COUNTER_INTENT_STALE: u32 = 13;
export const COUNTER_CLAIM_UNREAD: u32 = 14;
export const COUNTER_DISRUPTIONS_FULL: u32 = 15;
export const COUNTER_EXCHANGES_FULL: u32 = 16;
/** The envelope is another algorithm's. */
export const COUNTER_FRAME_ALGORITHM: u32 = 17;
export const COUNTER_FRAME_KEY_EPOCH: u32 = 18;
export const COUNTER_FRAME_REPLAY: u32 = 19;
export const COUNTER_FRAME_STALE: u32 = 20;
export const COUNTER_FRAME_AHEAD: u32 = 21;
export const COUNTER_FRAME_TAG: u32 = 22;
/** No member has the sender's number. */
export const COUNTER_FRAME_SENDER: u32 = 23;
/** Sealed by a member, in this node's name. */
export const COUNTER_FRAME_SELF: u32 = 24;
/** A message under a key that is not for its kind. */
export const COUNTER_FRAME_CHANNEL: u32 = 25;
/**
 * Heads of epochs with a wrong signature, parts that do not open to what the head commits to, heads
 * beyond what is checked in a period.
 */
export const COUNTER_KEY_EPOCH_FORGED: u32 = 26;
export const COUNTER_PART_FORGED: u32 = 27;
export const COUNTER_KEY_EPOCH_CHECKS: u32 = 28;
/** No envelope of ours. */
export const COUNTER_FRAME_FORM: u32 = 29;
/** Late news of an epoch beyond LATE_MAX: left to the next. */
export const COUNTER_QUOTA_LATE: u32 = 30;
/** New versions of one owner beyond its tokens: held, and not passed on. */
export const COUNTER_QUOTA_OWNER: u32 = 31;
/**
 * Claims that one owner may not make: on a slot that is not for it, or beyond what one owner may
 * draw.
 */
export const COUNTER_QUOTA_CLAIM: u32 = 32;
/** Somebody publishes in this node's name. */
export const COUNTER_IMPERSONATED: u32 = 33;
/** Two contents under one version. */
export const COUNTER_INTENT_DIFFERS: u32 = 34;
/** Made up in an owner's name, by the owner's signed word; and frames' worth of it refused. */
export const COUNTER_INTENT_FORGED: u32 = 35;
/** Signed words whose signature is not their owner's, and those for which there was no room. */
export const COUNTER_STATEMENT_FALSE: u32 = 36;
export const COUNTER_STATEMENTS_FULL: u32 = 37;
/** Published by a proven double-equivocator. */
export const COUNTER_OWNER_BARRED: u32 = 38;
/**
 * Taken only with its owner's word: it frees a unit that its owner works, or is told by others of a
 * time before the owner's last word, or of one in which the owner was silent for all.
 */
export const COUNTER_INTENT_UNSIGNED: u32 = 39;
export const COUNTERS_MAX: u32 = 40;

// ---- frames ----
export const PROTOCOL_VERSION: u32 = 1;
/**
 * Longest frame on the air, with envelope, tag and CRC-32C: 58.5 ms at 35 kbit/s. Longer frames are
 * rejected.
 */
export const FRAME_BYTES_MAX: u32 = 256;
export const CRC_BYTES: u32 = 4;
export const ADDRESSEE_ALL: u32 = 0xffff;

// ---- time (protocol constants: all members of a cluster must share them) ----
/** Interval of probes: one member every minute, O(1) frames per node and period (MBR-1). */
export const PERIOD_S: u32 = 60;
/**
 * TDMA cycle: 240 slots of 62.5 ms; 256 bytes at 35 kbit/s take 58.5 ms. Slots 200–239 are spare.
 */
export const CYCLE_S: u32 = 15;
export const CYCLE_SLOTS: u32 = 240;
/**
 * Ages are counted in liveness ticks. Within three of them, at least 10 minutes, a sign of life
 * reaches every member before its sender counts as silent.
 */
export const LIVENESS_TICK_S: u32 = 300;
export const TICKS_UNTIL_SILENT: u32 = 3;
/**
 * Liveness tick in which mission second 0 lies, so that "never heard" (tick 0) is long ago. Even,
 * because agreement rounds begin on even ticks.
 */
export const LIVENESS_TICK_FIRST: u32 = 4;
/** Agreement round: digests are compared as of the last round's cut. */
export const ROUND_S: u32 = 600;
export const ROUND_TICKS: u32 = 2;
/** Ordinary lease, from the end of the liveness tick in which its owner was last heard (INT-5). */
export const LEASE_S: u32 = 2700;
/**
 * Owners stop this long before a lease ends and others wait this much longer, which covers clock
 * errors up to CLOCK_ERROR_MS_MAX each way.
 */
export const LEASE_GUARD_S: u32 = 30;
/** Longest lease that is extended in advance (FLT-2). */
export const LEASE_ADVANCE_S_MAX: u32 = 31 * 86400;
/**
 * A member that is silent for this long loses its vote: longer than any isolation that leases are
 * extended for (FLT-2).
 */
export const REVOKE_VOTE_S: u32 = LEASE_ADVANCE_S_MAX + 86400;
/** A node whose clock error is larger claims, grants and renews nothing (TIM-1). */
export const CLOCK_ERROR_MS_MAX: u32 = 10000;
/** Assumed bound on the relative drift of two oscillators. */
export const CLOCK_DRIFT_PPM_MAX: u32 = 50;
/** Time samples of a peer that differ by more are ignored. */
export const CLOCK_STEP_S_MAX: u32 = 120;
/** Samples that must agree before a node takes its time from them. */
export const CLOCK_SAMPLES_MIN: u32 = 3;
/**
 * A member that falls silent together with at least this many others is unreachable, not dead: a
 * partition is the likely cause.
 */
export const CORRELATED_SILENT_MIN: u32 = 3;
/**
 * Some two heartbeats a minute reach every member: a node that heard none for this long takes
 * itself to be deaf.
 */
export const HEARING_GAP_S: u32 = 150;
/**
 * For this long after a node was deaf it declares no member dead that fell silent meanwhile: that
 * member may be deaf now.
 */
export const HEARING_GAP_DOUBT_S: u32 = 1200;
/** An unreachable member that did not announce its silence becomes dead after this. */
export const UNREACHABLE_S_MAX: u32 = 2 * 86400;

// ---- keys ----
/** Keys on the path from a member's leaf to the root of a tree of 256. */
export const PATH_KEYS: u32 = 9;
/**
 * The key epoch before is accepted this long after a new one began, for members that learn of the
 * new one late.
 */
export const KEY_EPOCH_GRACE_S: u32 = 600;
/**
 * Signatures of heads that are checked in one period: each takes the platform milliseconds. Further
 * heads are discarded; they are repeated.
 */
export const KEY_EPOCH_CHECKS_MAX: u32 = 4;
/**
 * Frame counters are TDMA cycles. This many before the present one are tracked, a bit each; older
 * frames are stale.
 */
export const WINDOW_CYCLES: u32 = 64;
/**
 * A reservation is requested when less than RESERVE_CYCLES_MIN is left, and reaches RESERVE_CYCLES
 * ahead: there is one request per period of four cycles, and clocks may differ by two. After a
 * reset a node neither sends nor hears for what it had reserved.
 */
export const RESERVE_CYCLES_MIN: u32 = 6;
export const RESERVE_CYCLES: u32 = 10;

// ---- membership ----
/**
 * Boots of one board: one a day for 22 years. Versions and incarnations contain the number; a
 * configuration beyond it is refused.
 */
export const BOOTS_MAX: u32 = 8191;
export const MEMBER_WORDS: u32 = (MEMBERS_MAX + 31) >> 5;
/** Relays that are asked when a probe found no answer (SWIM's k). */
export const RELAYS: u32 = 3;
/**
 * Local health awareness: missed acks raise it; at the top a node suspects no member, because it is
 * likely to be the cause itself.
 */
export const HEALTH_MAX: u32 = 8;
/** Members that broadcast a heartbeat each period, whatever the size of the cluster. */
export const HEARTBEATS_PER_PERIOD: u32 = 2;

// ---- intents ----
export const OWN_SLOTS: u32 = 8;
export const GROUPS_MAX: u32 = 32;
/**
 * Minutes for which changes are kept apart, so that digests can be formed as of an earlier minute:
 * a round and slack.
 */
export const BUCKETS: u32 = 16;
export const BUCKET_S: u32 = 60;
/** A finished intent is kept this long, so that no member learns it anew from a late message. */
export const RETENTION_S: u32 = 1800;
/** An intent may reach this far ahead; further ahead is implausible. */
export const HORIZON_S_MAX: u32 = 62 * 86400;
/** Times that a new version is passed on with ordinary frames after its broadcast. */
export const RUMOR_COUNT: u32 = 3;
/** A member that heard an intent broadcast does not broadcast it again within this time. */
export const ECHO_S: u32 = 120;
export const NO_INDEX: u32 = 0xffff;
/**
 * Versions of one owner that are passed on at once, and one more each minute. Correct owners
 * publish some ten in a burst, and a few in an hour.
 */
export const OWNER_TOKENS_MAX: u32 = 12;
/**
 * For this long after a round's cut, news of before the cut is accepted; later only LATE_MAX times,
 * and the rest in the next round. Some three minutes are left for a majority to agree.
 */
export const LATE_FREE_S: u32 = 300;
export const LATE_MAX: u32 = 8;
/**
 * A receiver samples one version in this many: it asks the owner for its signed statement. A false
 * version sent to a hundred members is detected with 10 %.
 */
export const SAMPLED_ONE_IN: u32 = 1024;
/** Claims that one owner may have at one time on the lots, and on the depots. */
export const OWNER_CLAIMS_MAX: u32 = 2;

/**
 * Messages of anti-entropy that are processed in one frame: each may take a walk over all members.
 * Further ones are discarded; the next exchange finds the same differences.
 */
export const EXCHANGES_PER_FRAME_MAX: u32 = 6;
/**
 * Probes in one frame that are answered: each answer is sent ahead of all that waits. A member
 * sends one probe of its own a minute and one on request; the rest of a longer list is ignored.
 */
export const PROBES_PER_FRAME_MAX: u32 = 4;

// ---- edge ----
export const COMMANDS_MAX: u32 = 16;
export const COMMAND_BYTES_MAX: u32 = 32;
/** Each command has a line of its own. */
export const COMMAND_STRIDE: u32 = 64;
export const EVENT_BYTES_MAX: u32 = 64;
export const DISRUPTIONS_MAX: u32 = 4;

// ---- schedule and watchdog ----
/** Contacts known ahead: one a day for a week. A full table refuses the record. */
export const WINDOWS_MAX: u32 = 8;
/**
 * Maintenance that was assigned and is not done: more than the platform should ever owe. A full
 * table refuses the record.
 */
export const JOBS_MAX: u32 = 4;
/** Tasks of the platform: a bit each in `health`. */
export const TASKS: u32 = 8;

if (MEMBERS_MAX > 200) ERROR('TDMA gives 200 members a slot each');
if (MEMBERS_MAX * OWN_SLOTS > 0xfffe) ERROR('records are indexed by u16');
if (INTENTS_MAX >= NO_INDEX) ERROR('0xffff means no record');
if (ROUND_S != LIVENESS_TICK_S * ROUND_TICKS) ERROR('a round is a whole number of liveness ticks');
if (BUCKETS * BUCKET_S < ROUND_S + 4 * BUCKET_S) ERROR("digests as of a round's cut need its minutes kept apart");
if (PERIOD_S % CYCLE_S != 0) ERROR('a period is a whole number of TDMA cycles');
if (RESERVE_CYCLES_MIN < PERIOD_S / CYCLE_S + 2) ERROR('a reservation lasts until the next period may ask again');
if (LEASE_S < 2 * ROUND_S + LIVENESS_TICK_S) ERROR('a lease survives one round without agreement');
