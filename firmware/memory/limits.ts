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
  RUMOURS_MAX,
  TIMELINE_ENTRIES_MAX,
  EVENTS_MAX,
  OUTBOX_MAX,
  COVER_PARTS_MAX,
  CRC_TABLES,
  COORDINATOR_ALLOWED,
  REGION_CLUSTERS_MAX,
  WAITING_MAX,
  PROFILES_MAX,
  CIPHER,
  FRAMES_CHECKED,
} from './preset';
import { MEMBERS_MAX, INTENTS_MAX } from './preset';
import {
  AHEAD_S_MAX,
  CLUSTER_MEMBERS_MAX,
  CUT_LAG_S,
  CYCLE_S,
  LEASE_ADVANCE_S_MAX,
  LEASE_GUARD_S,
  LEASE_S,
  LIVENESS_TICK_FIRST,
  LIVENESS_TICK_S,
  OWN_SLOTS,
  ROUND_S,
} from '../wire/generated/codes';

// ---- time (protocol constants: all members of a cluster must share them) ----
/** Interval of probes: one member every minute, O(1) frames per node and period (MBR-1). */
export const PERIOD_S: u32 = 60;
/**
 * Liveness ticks without a sign of life after which a member counts as silent. A sign of life has
 * at least 6 minutes to reach every member.
 */
export const TICKS_UNTIL_SILENT: u32 = 7;
/** Liveness ticks in an agreement round. */
export const ROUND_TICKS: u32 = 2;
/**
 * A start is published before the cut of the round that follows so many rounds after the one in
 * which it settles. A claim settles against a competitor that agreed in one round more.
 */
export const START_ROUNDS: u32 = 2;
/**
 * Members that come back are counted in windows of so many rounds, at least ten minutes: parts that
 * were apart need two windows to exchange what each of them stores.
 */
export const MERGE_ROUNDS: u32 = (600 + ROUND_S - 1) / ROUND_S;
/**
 * A member that is silent for this long loses its vote: longer than any isolation that leases are
 * extended for (FLT-2).
 */
export const REVOKE_VOTE_S: u32 = LEASE_ADVANCE_S_MAX + 86400;
/** An announced silence of at most this long is a contact window: it is bridged, seconds. */
export const CONTACT_S_MAX: u32 = 900;
/**
 * An owner in contact objects within this time to a version that was forged in its name, seconds.
 */
export const OBJECTION_S: u32 = 600;
/** A node whose clock error is larger claims, grants and renews nothing (TIM-1). */
export const CLOCK_ERROR_MS_MAX: u32 = 10000;
/** Assumed bound on the relative drift of two oscillators. */
export const CLOCK_DRIFT_PPM_MAX: u32 = 50;
/** Time samples of a peer that differ by more are ignored. */
export const CLOCK_STEP_S_MAX: u32 = 60;
/** Samples that must agree before a node takes its time from them. */
export const CLOCK_SAMPLES_MIN: u32 = 3;
/**
 * A member that falls silent together with at least this many others is unreachable, not dead: a
 * partition is the likely cause.
 */
export const CORRELATED_SILENT_MIN: u32 = 3;
/**
 * Some 14 heartbeats a minute reach every member: a node that heard none for this long takes
 * itself to be deaf.
 */
export const HEARING_GAP_S: u32 = 60;
/**
 * For this long after a node was deaf, for longer than a contact window, it declares no member dead
 * that fell silent meanwhile: that member may be deaf now.
 */
export const HEARING_GAP_DOUBT_S: u32 = 180;
/** An unreachable member that did not announce its silence becomes dead after this. */
export const UNREACHABLE_S_MAX: u32 = 2 * 86400;

// ---- decisions of the cluster (docs/federation.md) ----
/** A try of a decision begins every two hours: a later ballot is later by a try at least. */
export const TRY_S: u32 = 7200;
/**
 * Records of decisions change in the first WINDOW_S of each CHANGE_S only. A change costs the
 * agreement of some rounds; so between two windows a quorum renews the leases, whatever is said.
 * A coordinator opens and proposes in the first ACT_S: what is left is for those who missed it.
 */
export const CHANGE_S: u32 = 1200;
export const WINDOW_S: u32 = 240;
export const ACT_S: u32 = 120;

// ---- checkpoints ----
/**
 * Interval of checkpoints, local seconds. What changed since the last one must come back from
 * peers, and until then a restarted node agrees with nobody.
 */
export const CHECKPOINT_S: u32 = 900;

// ---- keys ----
/**
 * Signatures of heads that are checked in one period: each takes the platform milliseconds. Further
 * heads are discarded; they are repeated.
 */
export const KEY_EPOCH_CHECKS_MAX: u32 = 4;
/**
 * A reservation reaches so many cycles ahead, and is requested each period of four cycles: clocks
 * may differ by two. After a reset a node neither sends nor hears for what it had reserved.
 */
export const RESERVE_CYCLES: u32 = 6;

// ---- radio ----
/** Air time of bytes on the cluster's channel of 35 kbit/s: 35 bytes take this many ms. */
export const AIR_MS_PER_35_BYTES: u32 = 8;
/**
 * A frame begins this late in its TDMA slot at the latest, ms: a heartbeat and one message still
 * end within it. A platform that calls later sends in the next cycle.
 */
export const TX_DELAY_MS_MAX: u32 = 25;

// ---- membership ----
export const MEMBER_WORDS: u32 = (MEMBERS_MAX + 31) >> 5;
/** Relays that are asked when a probe found no answer (SWIM's k). */
export const RELAYS: u32 = 3;
/**
 * Local health awareness: missed acks raise it; at the top a node suspects no member, because it is
 * likely to be the cause itself.
 */
export const HEALTH_MAX: u32 = 8;

/**
 * A lease that ends within this time needs no checkpoint, seconds: a restarted node has no vote for
 * that long. It bridges a contact window that was announced.
 */
export const SHORT_LEASE_S_MAX: u32 = 1240;

// ---- intents ----
/**
 * Minutes for which changes are kept apart, so that digests can be formed as of an earlier minute:
 * a round and slack.
 */
export const BUCKETS: u32 = 16;
export const BUCKET_S: u32 = 60;
/** Buckets are open this many minutes ahead: a publisher's clock may be ahead of this node's. */
export const AHEAD_MINUTES: u32 = AHEAD_S_MAX / BUCKET_S + 1;
/**
 * A trusted clock admits what is dated this far ahead of it, seconds: the errors of two trusted
 * clocks. What lies further ahead comes again by anti-entropy.
 */
export const AHEAD_TRUSTED_S: u32 = (2 * CLOCK_ERROR_MS_MAX) / 1000;
/**
 * A finished intent is kept for three rounds, so that no member learns it anew from a late message.
 */
export const RETENTION_S: u32 = 1800;
/** Times that a new version is passed on with ordinary frames after its broadcast. */
export const RUMOUR_COUNT: u32 = 3;
/** A member that heard an intent broadcast does not broadcast it again within this time. */
export const BROADCAST_PAUSE_S: u32 = 120;
export const NO_INDEX: u32 = 0xffff;
/**
 * Versions of one owner that are passed on at once, and one more each minute. Correct owners
 * publish some ten in a burst, and a few in an hour.
 */
export const OWNER_TOKENS_MAX: u32 = 12;
/**
 * For this long after a round began, news of before its cut is accepted; later only LATE_MAX times,
 * and the rest in the next round. A minute is left for a majority to agree.
 */
export const LATE_FREE_S: u32 = ROUND_S / 2;
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

// ---- federation ----
/**
 * A summary is composed in each hour, and another one after so much time if its figures moved,
 * seconds.
 */
export const SUMMARY_S_MIN: u32 = 600;
/** A member sends its profile this often, seconds. */
export const PROFILE_S: u32 = 3600;

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

if (MEMBERS_MAX > CLUSTER_MEMBERS_MAX) ERROR('TDMA gives 200 members a slot each');
if (MEMBERS_MAX * OWN_SLOTS > 0xfffe) ERROR('records are indexed by u16');
if (INTENTS_MAX >= NO_INDEX) ERROR('0xffff means no record');
if (ROUND_S != LIVENESS_TICK_S * ROUND_TICKS) ERROR('a round is a whole number of liveness ticks');
if (LIVENESS_TICK_FIRST % ROUND_TICKS != 0) ERROR('a round begins with the mission');
if (ROUND_S % BUCKET_S != 0) ERROR('a round is cut at the begin of a minute');
if (CUT_LAG_S % BUCKET_S != 0 || CUT_LAG_S >= ROUND_S) ERROR('a cut is the begin of a minute of the round before');
if (BUCKETS * BUCKET_S < ROUND_S + CUT_LAG_S + (AHEAD_MINUTES + 1) * BUCKET_S)
  ERROR("digests as of a round's cut need its minutes kept apart");
if (AHEAD_S_MAX * 2 > ROUND_S) ERROR('what is dated ahead lies ahead of one cut at most, and briefly');
if (AHEAD_TRUSTED_S > AHEAD_S_MAX) ERROR('a trusted clock admits no more than any clock');
if (CLOCK_STEP_S_MAX > AHEAD_S_MAX) ERROR('versions of a member whose heartbeats count can be true');
if (LATE_FREE_S + AHEAD_TRUSTED_S + LIVENESS_TICK_S / 2 > ROUND_S) ERROR('a majority needs time to agree on late news');
if (RETENTION_S < 2 * ROUND_S + LIVENESS_TICK_S) ERROR('a finished intent is in the digests of two rounds');
if (CLOCK_ERROR_MS_MAX * 2 > LEASE_GUARD_S * 1000) ERROR('the guard covers the errors of two trusted clocks');
if (PERIOD_S % CYCLE_S != 0) ERROR('a period is a whole number of TDMA cycles');
if (RESERVE_CYCLES < PERIOD_S / CYCLE_S + 2) ERROR('a reservation lasts until the next period may ask again');
if (LEASE_S < (TICKS_UNTIL_SILENT - 2) * LIVENESS_TICK_S + LEASE_GUARD_S + CLOCK_ERROR_MS_MAX / 1000 + 3 * ROUND_S)
  ERROR('a lease survives a round without agreement');
if ((LEASE_S + LEASE_GUARD_S) % LIVENESS_TICK_S != LIVENESS_TICK_S - 15)
  ERROR('all see the end of a lease hold in one minute');
if (START_ROUNDS * ROUND_S < ROUND_S + CUT_LAG_S) ERROR('a start is published before its cut');
if (SHORT_LEASE_S_MAX < LEASE_S) ERROR('a restarted node waits for ordinary leases');
