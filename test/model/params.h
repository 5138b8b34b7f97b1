/* Parameters of the model intent.pml, each with its default. The constants of the protocol are in
 * time units and scaled down: README.md says from what. P_* are probes: places that the model must
 * reach, asserted to be unreachable. */
#ifdef P_SETTLES
#define PROBE works[0] && later[1] == 0
#endif
#ifdef P_LEASE_ENDS
#define PROBE state[0] == CLAIMED && later[0]
#endif
#ifdef P_TAKEOVER
#define PROBE WORKING(1) && start[3] && cutOff == 1
#endif
#ifdef P_HEALS
#define PROBE partitions && !cutOff && works[0] && agree[1] == 7
#endif
#ifdef P_RESTARTED_WORKS
#define PROBE restarts && works[0] && newest[0] == 3 && !later[0]
#endif
#ifdef P_OBJECTS
bool retracted;
#define PROBE works[0] && retracted && version[4] != FORGED
#endif
#ifdef P_SHORTENED
#define PROBE works[0] && end[0] != INF
#endif
#ifndef N
#define N 3
#endif
/* Time units in a liveness tick. */
#ifndef TICK
#define TICK 1
#endif
#ifdef MINUTE
/* As in the firmware: a time unit is a liveness tick. */
#define ROUND_TICKS 2
#define SILENT 7
#define LAG 1
#define LEASE 12
#else
/* Ticks in a round, and without a sign of life until a member is silent. */
#define ROUND_TICKS 2
#define SILENT 3
/* How long a round is cut before it begins, in time units. */
#define LAG 1
/* An ordinary lease, in ticks. */
#ifndef LEASE
#define LEASE 5
#endif
#endif
/* A start is in the digest of this round after the one in which it settles. */
#define START_ROUNDS 2
#ifdef M_BEATEN_ONE_ROUND
#define BEATEN_ROUNDS (START_ROUNDS - 1)
#else
#define BEATEN_ROUNDS START_ROUNDS
#endif
/* The last tick of which the lease hold is over at a cut: earlier ones are the same. */
#define PAST (CUT_TICK - LEASE - 1)
/* The lease guard, in time units: of the owner, and of those who wait. */
#ifndef GUARD
#define GUARD 1
#endif
#ifndef OWNER_GUARD
#define OWNER_GUARD GUARD
#endif
#ifndef HOLD_GUARD
#define HOLD_GUARD GUARD
#endif
/* How far ahead of now an owner takes a time from a forgery. */
#ifndef AHEAD
#define AHEAD 0
#endif
#ifndef CLOCKS
#define CLOCKS 0
#endif
#ifndef RESTARTS
#define RESTARTS 0
#endif
/* In whose name a forgery is that reaches FORGED_AT. */
#ifndef FORGED_OF
#define FORGED_OF 0
#endif
#ifndef FORGES
#define FORGES 0
#endif
#ifndef PROBE
#define PROBE false
#endif
#ifndef CLAIMS
#define CLAIMS 1
#endif
#ifndef PARTITIONS
#define PARTITIONS 0
#endif
#ifndef VERSIONS
#define VERSIONS 4
#endif
#ifndef VERSIONS_1
#define VERSIONS_1 VERSIONS
#endif
#define VERSIONS_OF(i) ((i) == 0 -> VERSIONS : VERSIONS_1)
#ifndef LOSSES
#define LOSSES 255
#endif
#ifndef WIDE
#define WIDE 0
#endif
#ifdef M_RESTARTED_VOTES
#define RECOVERY 0
#endif
#ifdef M_RECOVERY_SHORT
#define RECOVERY 2
#endif
#ifndef RECOVERY
#define RECOVERY (LEASE * TICK + 2 * GUARD + 1)
#endif
#ifdef M_RENEWED_FROM_BEFORE_BOOT
#define RENEW_AFTER_CUT 0
#else
#define RENEW_AFTER_CUT 1
#endif
#ifdef M_LEASE_FROM_CUT
#define GRANT_BACK 0
#else
#define GRANT_BACK (SILENT - 2)
#endif
#ifndef MISSES
#define MISSES 0
#endif
#ifndef QUITS
#define QUITS 0
#endif
#ifndef INSIDER
#define INSIDER 0
#endif
