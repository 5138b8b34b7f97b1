/*
 * Models the decisions of a cluster (docs/federation.md): members decide once, by quorums on their
 * digests, whether the cluster splits, although messages are lost, the cluster is partitioned and
 * members restart. README.md describes the model.
 *
 * Six members in two halves of three. Members 0 and 1 are one half, 2 and 3 the other one; 0 and 2
 * stand for two members that are always together and have two votes. Member 1 owns a unit of its
 * half. Properties: one value is decided; after the split nobody of the half grants the unit
 * without knowing a claim that settled before (INT-5), nor while a lease of the old cluster runs.
 * Messages may be lost and late without bound.
 */
#ifndef RESTARTS
#define RESTARTS 0
#endif
#ifndef LOST_CHECKPOINTS
#define LOST_CHECKPOINTS 0
#endif
/* The member that may boot without a checkpoint. */
#ifndef LOSER
#define LOSER 0
#endif
#ifndef PHASES
#define PHASES 0
#endif
#ifndef CLAIMS
#define CLAIMS 0
#endif
#define BALLOTS 2
#define MEMBERS 4
#define OWNER 1
#define SPLIT 1
#define VOID 2
#define DIGESTS 54

/* Newest ballot that each member takes part in; newest value that it knows as accepted, and its ballot. */
byte promised[MEMBERS], ballot[MEMBERS], value[MEMBERS];
/* Whether the claim of the owner is stored. */
bit knows[MEMBERS];
/* Whether the member uses its half's number, and the phase in which it began to. */
bit moved[MEMBERS];
byte movedAt[MEMBERS];
/* Booted without a checkpoint: no vote. */
bit mute[MEMBERS];
/* Members that agreed on each digest, a bit each; since the boot of a member without a checkpoint. */
byte agreed[DIGESTS];
#if LOST_CHECKPOINTS
byte since[DIGESTS];
#define SINCE(digest) since[digest]
#else
#define SINCE(digest) agreed[digest]
#endif
#ifdef M_NOT_DURABLE
/* The record in a member's checkpoint. */
byte storedPromised[MEMBERS], storedBallot[MEMBERS], storedValue[MEMBERS];
#endif
/* Value that the proposer of each ballot sent; 0 = none. */
byte sent[BALLOTS + 1];
/* Values that were decided, a bit each. */
byte decided;
bit settled;
/* Phases of the time: the switch is at the end of phase 0. A lease ends in the phase after its quorum. */
byte renewedAt, phase;
byte restarts, lost;
hidden byte place, other, kept;

#define DIGEST(i) (((promised[i] * 3 + ballot[i]) * 3 + value[i]) * 2 + knows[i])
#define VOTES_A(set) (((set) & 1) * 2 + (((set) >> 1) & 1))
#define VOTES_B(set) ((((set) >> 2) & 1) * 2 + (((set) >> 3) & 1))
#define QUORUM(set) (VOTES_A(set) + VOTES_B(set) >= 4)
#ifdef M_HALVES_UNASKED
#define DECIDES(set, v) QUORUM(set)
#else
#define DECIDES(set, v) (QUORUM(set) && ((v) == VOID || (VOTES_A(set) >= 2 && VOTES_B(set) >= 2)))
#endif
/* Ballot 1 is opened by member 3, ballot 2 by member 1. */
#define PROPOSER(b) ((b) == 1 -> 3 : 1)
#ifdef M_SETTLES_WHILE_ACCEPTED
#define MAY_SETTLE(i) true
#else
#define MAY_SETTLE(i) (value[i] != SPLIT)
#endif
#ifdef M_RENEWS_AFTER_SWITCH
#define MAY_RENEW(i) true
#else
#define MAY_RENEW(i) (value[i] != SPLIT || phase == 0)
#endif
#ifdef M_NO_HOLD
#define HOLD 0
#else
#define HOLD 2
#endif

/* Checks what half 0 may do: member 0 alone is its majority. */
inline checkHalf() {
  assert(!(settled && moved[0] && !mute[0] && !knows[0]));
  assert(!(moved[0] && !mute[0] && phase >= movedAt[0] + HOLD && settled && renewedAt + 1 >= phase))
}
/* Ends a step: member i agrees with its digest, and digests that nobody can have any more are forgotten. */
inline tidy(i) {
  if
  :: !mute[i] && !moved[i] ->
     agreed[DIGEST(i)] = agreed[DIGEST(i)] | (1 << i); SINCE(DIGEST(i)) = SINCE(DIGEST(i)) | (1 << i)
  :: else
  fi;
#if !LOST_CHECKPOINTS && !defined(M_NOT_DURABLE)
  place = 0;
  do
  :: place < DIGESTS ->
     if
     :: agreed[place] != 0 ->
        other = 0; kept = 0;
        do
        :: other < MEMBERS ->
           if
           :: !moved[other] && promised[other] <= place / 18 && ballot[other] <= (place / 6) % 3 &&
              (ballot[other] < (place / 6) % 3 || value[other] == (place / 2) % 3) && knows[other] <= place % 2 ->
              kept = 1; break
           :: else -> other++
           fi
        :: else -> break
        od;
        if :: !kept -> agreed[place] = 0 :: else fi
     :: else
     fi;
     place++
  :: else -> break
  od;
#endif
  place = 0; other = 0; kept = 0
}

#define OPEN(b) :: promised[PROPOSER(b)] < b && !mute[PROPOSER(b)] && !moved[PROPOSER(b)] -> d_step { \
  printf("member %d opens ballot %d\n", PROPOSER(b), b); promised[PROPOSER(b)] = b; tidy(PROPOSER(b)) }
/* The proposer saw a quorum that promised: it proposes what was accepted, else what it likes. */
#ifdef M_VALUE_CHOSEN_ANEW
#define FREE(i) true
#else
#define FREE(i) (value[i] == 0)
#endif
#ifdef M_PROMISES_UNASKED
#define PROMISED(b) true
#else
#define PROMISED(b) QUORUM(agreed[DIGEST(PROPOSER(b))])
#endif
#define SEND(b, v) :: sent[b] == 0 && promised[PROPOSER(b)] == b && ballot[PROPOSER(b)] < b && PROMISED(b) && \
  !moved[PROPOSER(b)] && (FREE(PROPOSER(b)) || value[PROPOSER(b)] == v) -> d_step { \
  printf("member %d proposes value %d in ballot %d\n", PROPOSER(b), v, b); sent[b] = v }
#ifdef M_OLD_BALLOT
#define NOT_OLDER(i, b) (ballot[i] < b)
#else
#define NOT_OLDER(i, b) (promised[i] <= b && ballot[i] < b)
#endif
#define ACCEPT(i, b) :: sent[b] != 0 && !moved[i] && NOT_OLDER(i, b) -> d_step { \
  printf("member %d accepts value %d of ballot %d\n", i, sent[b], b); \
  ballot[i] = b; value[i] = sent[b]; promised[i] = b; tidy(i) }
#define HEAR(i, j) \
  :: !moved[i] && !moved[j] && (promised[j] > promised[i] || ballot[j] > ballot[i] || knows[j] > knows[i]) -> d_step { \
  printf("member %d learns what member %d has\n", i, j); \
  if :: promised[j] > promised[i] -> promised[i] = promised[j] :: else fi; \
  if :: ballot[j] > ballot[i] -> ballot[i] = ballot[j]; value[i] = value[j] :: else fi; \
  knows[i] = knows[i] | knows[j]; tidy(i) } \
  :: moved[j] && !moved[i] -> d_step { printf("member %d moves after member %d\n", i, j); \
  moved[i] = 1; movedAt[i] = phase; checkHalf(); tidy(i) }
/* A quorum whose digest has an accepted value in the ballot that it promised decides that value. */
#ifdef M_LEARNT_DECIDES
#define IN_BALLOT(i) true
#else
#define IN_BALLOT(i) (ballot[i] == promised[i])
#endif
#define DECIDE(i) :: !moved[i] && !mute[i] && value[i] != 0 && IN_BALLOT(i) && \
  DECIDES(agreed[DIGEST(i)], value[i]) && (!(decided & value[i]) || value[i] == SPLIT) -> d_step { \
  printf("member %d sees value %d decided\n", i, value[i]); \
  decided = decided | value[i]; assert(decided != 3); assert(!(PROBE)); \
  if :: value[i] == SPLIT -> moved[i] = 1; movedAt[i] = phase; checkHalf() :: else fi; tidy(i) }
#define OLD_QUORUM (!moved[OWNER] && !mute[OWNER] && knows[OWNER] && QUORUM(agreed[DIGEST(OWNER)]))
#define OWN :: CLAIMS && !knows[OWNER] && !moved[OWNER] -> d_step { \
  printf("member 1 claims the unit\n"); knows[OWNER] = 1; tidy(OWNER) } \
  :: !settled && OLD_QUORUM && MAY_SETTLE(OWNER) -> d_step { \
  printf("the claim settles\n"); settled = 1; renewedAt = phase; checkHalf() } \
  :: settled && renewedAt < phase && OLD_QUORUM && MAY_RENEW(OWNER) -> d_step { \
  printf("member 1 renews its lease\n"); renewedAt = phase; checkHalf() }
#ifdef M_NOT_DURABLE
#define RESTART(i) :: restarts < RESTARTS -> d_step { printf("member %d restarts\n", i); restarts++; \
  promised[i] = storedPromised[i]; ballot[i] = storedBallot[i]; value[i] = storedValue[i]; moved[i] = 0; tidy(i) } \
  :: restarts < RESTARTS && storedPromised[i] < promised[i] -> d_step { printf("member %d stores a checkpoint\n", i); \
  storedPromised[i] = promised[i]; storedBallot[i] = ballot[i]; storedValue[i] = value[i] }
#else
/* What a member agreed to is in its checkpoints; only that it moved is forgotten. */
#define RESTART(i) :: restarts < RESTARTS && moved[i] -> d_step { \
  printf("member %d restarts\n", i); restarts++; moved[i] = 0; movedAt[i] = 0; tidy(i) }
#endif
#if LOST_CHECKPOINTS
#ifdef M_VOTE_BY_TIME
#define VOTE_LOST 0
#else
#define VOTE_LOST 1
#endif
#define LOSE(i) :: lost < LOST_CHECKPOINTS -> d_step { printf("member %d boots without a checkpoint\n", i); lost++; \
  place = 0; do :: place < DIGESTS -> since[place] = 0; place++ :: else -> break od; \
  promised[i] = 0; ballot[i] = 0; value[i] = 0; moved[i] = 0; movedAt[i] = 0; knows[i] = 0; mute[i] = VOTE_LOST; \
  tidy(i) } \
  :: mute[i] && QUORUM(SINCE(DIGEST(i)) & ~(1 << i)) -> d_step { \
  printf("member %d gets its vote back\n", i); mute[i] = 0; tidy(i) }
#else
#define LOSE(i)
#endif

/* Time passes: agreement of rounds before counts no more. */
#define PASS :: phase < PHASES -> d_step { printf("time passes\n"); phase++; \
  place = 0; do :: place < DIGESTS -> agreed[place] = 0; place++ :: else -> break od; \
  tidy(0); tidy(1); tidy(2); tidy(3); checkHalf() }

#ifdef P_SECOND_BALLOT
#define PROBE (decided & SPLIT) && promised[2] == 2
#elif defined(P_VOID)
#define PROBE decided & VOID
#else
#define PROBE false
#endif

init {
  d_step { tidy(0); tidy(1); tidy(2); tidy(3) }
end: do
  :: atomic {
    if
    OPEN(1) OPEN(2)
    SEND(1, SPLIT) SEND(2, SPLIT) SEND(2, VOID)
    ACCEPT(0, 1) ACCEPT(1, 1) ACCEPT(2, 1) ACCEPT(3, 1) ACCEPT(0, 2) ACCEPT(1, 2) ACCEPT(2, 2) ACCEPT(3, 2)
    HEAR(0, 1) HEAR(0, 2) HEAR(0, 3) HEAR(1, 0) HEAR(1, 2) HEAR(1, 3)
    HEAR(2, 0) HEAR(2, 1) HEAR(2, 3) HEAR(3, 0) HEAR(3, 1) HEAR(3, 2)
    DECIDE(0) DECIDE(1) DECIDE(2) DECIDE(3)
    OWN
    RESTART(0) RESTART(1) RESTART(2) RESTART(3)
    LOSE(LOSER)
    PASS
    fi
  }
  od
}
