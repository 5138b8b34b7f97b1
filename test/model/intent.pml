/*
 * Models how claims settle and how leases fence them: two owners, 0 and 1, claim one exclusive unit,
 * and the other nodes only agree. README.md in this folder says what is modelled and why the
 * abstraction is sound. The model follows firmware/intent/own and firmware/membership.
 *
 * Time has no end: at each cut of a round all times are shifted back by a round, and what is past
 * is kept at a floor, so states repeat. What crosses a border of nodes is copied in one step; a
 * message that is lost is a step that is not taken.
 */
#include "params.h"
#include "mutants.h"

/* States of a version of an intent. */
#define NONE 0
#define CLAIMED 1
#define STARTED 2
#define DONE 3
/* An end that is not reached; the version of every forgery, newer than any other. */
#define INF 255
#define FORGED 31

/* The tick and the time of the cut of the present round: all times are relative to it. */
#define ROUND (TICK * ROUND_TICKS)
#define CUT_TICK (((LEASE + 2) / ROUND_TICKS + 1) * ROUND_TICKS)
#define CUT (CUT_TICK * TICK)

byte now = CUT;
/* How far the clock of each node is ahead. */
byte ahead[N];
/* Versions as node i stores them of owner c: REC(i, c). `inDigest`: the version that the digest
 * of this round contains; `inNext`: that of the next. `later`: claimed anew, so later in order. */
byte version[N * 2], state[N * 2], published[N * 2], start[N * 2], end[N * 2], later[N * 2];
byte inDigest[N * 2], inNext[N * 2];
/* One more than the tick in which i heard c last, if c is silent for i since the cut; else 0. */
byte lastHeard[N * 2];
/* Bitmap of members that agree; whether a quorum was seen; time until a restarted node votes. */
byte agree[N], quorum[N], recovering[N], bootedInRound[N];
/* Of the owners: in how many rounds before, in a row, the other agreed; whether the newest version is
 * settled; end of the lease; time of the last statement; newest version of an earlier boot. */
byte beatenAgreed[2], works[2], lease[2], statementAt[2], bootTop[2], newest[2], justBooted[2];
/* Whether nothing is lost any more; whether somebody works. */
#ifdef LIVELY
bool healed, lively;
#endif
/* Faults that happened; one more than the node that is cut off, and the last tick before. */
byte losses, restarts, forges, partitions, cutOff, contactTick, claims[2];
byte at;


#define IN_CONTACT(i, j) (cutOff != i + 1 && cutOff != j + 1)
#define REC(i, c) ((i) * 2 + (c))
#define NOW(i) (now + ahead[i])
#define NEXT(i) (NOW(i) >= CUT + ROUND)
#define CUTOF(i) (NEXT(i) -> CUT + ROUND : CUT)
/* The begin of the first round whose cut a publication time is before, less a round. */
#define ROUND_OF(t) (((t) + LAG) / ROUND * ROUND)
#define BIT(i) (1 << (i))
#define OWN(i) (recovering[i] -> 0 : BIT(i))
#if N == 3
#define COUNT(v) ((v & 1) + ((v >> 1) & 1) + ((v >> 2) & 1))
#else
#define COUNT(v) ((v & 1) + ((v >> 1) & 1) + ((v >> 2) & 1) + ((v >> 3) & 1))
#endif
#define ISCLAIM(s) (state[s] == CLAIMED || state[s] == STARTED)
#define HOLD_MIN ((1 + LEASE) * TICK + HOLD_GUARD)
#define PAST_HOLD ((PAST + LEASE) * TICK + HOLD_GUARD)
#define HOLD(i, c) ((lastHeard[REC(i, c)] + LEASE) * TICK + HOLD_GUARD)
#define BOUND(i, c) ((lastHeard[REC(i, c)] && HOLD(i, c) < end[REC(i, c)]) -> HOLD(i, c) : end[REC(i, c)])
#define OVERLAP(i, c) (start[REC(i, 1-c)] < BOUND(i, c) && start[REC(i, c)] < BOUND(i, 1-c))
/* firmware/intent/chain.ts, before: whether the claim of 1 - c is before that of c, as i knows */
#ifdef M_STARTED_NOT_FIRST
#define FIRST(i, c) (later[REC(i, 1-c)] * 2 + 1 - c < later[REC(i, c)] * 2 + c)
#else
#define FIRST(i, c) ((state[REC(i, 1-c)] == STARTED) != (state[REC(i, c)] == STARTED) -> \
  (state[REC(i, 1-c)] == STARTED) : \
  (later[REC(i, 1-c)] * 2 + 1 - c < later[REC(i, c)] * 2 + c))
#endif
#define COMPETES(i, c) (ISCLAIM(REC(i, 1-c)) && OVERLAP(i, c))
#define SAME(i, j) (NEXT(i) == NEXT(j) && SAMEDIGEST(i, j))
#define SAMEDIGEST(i, j) (SAME_CLAIMS(i, j) && SAME_SILENT(i, j))
#define WORKING(i) (works[i] && NOW(i) >= start[REC(i,i)] && NOW(i) < lease[i] && (end[REC(i,i)] == INF || \
  NOW(i) + OWNER_GUARD < end[REC(i,i)]))
#define STAMP(i) (statementAt[i] >= NOW(i) -> statementAt[i] + 1 : NOW(i))

/* firmware/intent/own/settling.ts, canSettle */
#define SETTLES(i) (!works[i] && (state[REC(i,i)] == CLAIMED && newest[i] < VERSIONS_OF(i) || \
  state[REC(i,i)] == STARTED && !THIS_BOOT_RAW(i)) && \
  quorum[i] && MAJORITY(agree[i]) && IN_DIGEST(i) && THIS_BOOT(i) && STAMP_OK(i) && \
  (!COMPETES(i, i) || (NOT_BEHIND(i) && NOT_STARTED(i) && BEATEN_AGREES(i) && BEATEN_AGREED(i))))
#define THIS_BOOT_RAW(i) (version[REC(i,i)] > bootTop[i])

inline note(i) {
  if
  :: published[REC(i,i)] < CUTOF(i) + ROUND -> inNext[REC(i,i)] = version[REC(i,i)]
  :: else
  fi
}
/* firmware/intent/own/publish.ts, publish: the caller has set the content */
inline publish(i) {
  newest[i]++;
  version[REC(i,i)] = newest[i];
  published[REC(i,i)] = ROUND_OF(STAMP(i));
  note(i)
}
/* firmware/intent/own/publish.ts, claimAnew; an owner without version numbers publishes nothing */
inline claimAnew(i) {
  printf("node %d claims anew: its lease ended\n", i);
  works[i] = 0;
  if
  :: newest[i] < VERSIONS_OF(i) -> state[REC(i,i)] = CLAIMED; later[REC(i,i)] = 1; publish(i)
  :: else
  fi
}
inline finish(i) {
  works[i] = 0;
  if
  :: newest[i] < VERSIONS_OF(i) -> state[REC(i,i)] = DONE; start[REC(i,i)] = 0; end[REC(i,i)] = 0;
    later[REC(i,i)] = 0; publish(i)
  :: else
  fi
}
#define GRANTED(i) (CUTOF(i) - GRANT_BACK * TICK + LEASE * TICK - OWNER_GUARD)
/* firmware/intent/own/renewal.ts, renewOwn */
inline renew(i) {
  if
  :: works[i] && GRANTED(i) > lease[i] && RENEWAL_LOOKS(i) && ISCLAIM(REC(i,1-i)) &&
    (NOW(i) >= lease[i] || start[REC(i,1-i)] >= lease[i]) && start[REC(i,1-i)] < end[REC(i,i)] ->
       if
       :: start[REC(i,1-i)] <= start[REC(i,i)] || start[REC(i,1-i)] <= NOW(i) -> claimAnew(i)
       :: else -> end[REC(i,i)] = start[REC(i,1-i)]; if :: newest[i] < VERSIONS_OF(i) -> publish(i) :: else fi
       fi
  :: else
  fi;
  if
  :: GRANTED(i) > lease[i] -> lease[i] = GRANTED(i)
  :: else
  fi
}
inline settle(i) {
  if
#ifdef M_START_UNPUBLISHED
  :: SETTLES(i) -> works[i] = 1
#else
  :: SETTLES(i) && state[REC(i,i)] == STARTED -> printf("node %d settles an old start\n", i); works[i] = 1
  :: SETTLES(i) && state[REC(i,i)] == CLAIMED ->
     printf("node %d settles its claim and publishes the start\n", i);
     state[REC(i,i)] = STARTED; publish(i); works[i] = 1
#endif
  :: else
  fi
}
#include "reduction.h"
/* INT-5: no unit is worked by two. */
inline check() {
  tidy();
  assert(!(WORKING(0) && WORKING(1)));
  assert(!(PROBE))
}
/* a claim in the digest that waits to be settled */
#define WAITS(c) ((state[REC(c,c)] == CLAIMED && newest[c] < VERSIONS_OF(c) || state[REC(c,c)] == STARTED && \
  !THIS_BOOT_RAW(c)) && !works[c] && IN_DIGEST(c) && THIS_BOOT(c))
#if N == 3
#define ANYREC (recovering[0] || recovering[1] || recovering[2])
#else
#define ANYREC (recovering[0] || recovering[1] || recovering[2] || recovering[3])
#endif
/* whether anything depends on the agreement that node i knows */
#define NEEDS(i) (ANYREC || (i == 0 && (WAITS(0) || (works[0] && !quorum[0]))) || (i == 1 && (WAITS(1) || \
  (works[1] && !quorum[1]))) || \
  (i >= 2 && (WAITS(0) || WAITS(1))))
/* firmware/intent/own/lifecycle.ts, onAgreement; firmware/membership/quorum.ts, updateQuorum */
inline react(i) {
  if
  :: !quorum[i] && !bootedInRound[i] && NEEDS(i) && MAJORITY(agree[i]) ->
     quorum[i] = 1;
     if
     :: recovering[i] -> recovering[i] = 0; agree[i] = agree[i] | BIT(i)
     :: else
     fi;
     if
     :: i < 2 -> renew(i % 2)
     :: else
     fi
  :: else
  fi;
  if
  :: i < 2 -> settle(i % 2)
  :: else
  fi;
  if
  :: !NEEDS(i) -> agree[i] = OWN(i)
  :: else
  fi
}
inline put(i, j, c) {
  at = published[REC(i,c)]; version[REC(i,c)] = version[REC(j,c)]; state[REC(i,c)] = state[REC(j,c)];
  published[REC(i,c)] = (published[REC(j,c)] >= CUT -> published[REC(j,c)] : 0);
  start[REC(i,c)] = start[REC(j,c)]; end[REC(i,c)] = end[REC(j,c)]; later[REC(i,c)] = later[REC(j,c)];
  account(i, c)
}
/* firmware/intent/merge.ts, put: a version counts as of its publication, or of that of the one that
 * it replaces, `at`, if that is later. digest.ts, accountChange: news of before the cut restarts
 * agreement */
inline account(i, c) {
  at = (published[REC(i,c)] > at -> published[REC(i,c)] : at);
  if
  :: at < CUTOF(i) + ROUND -> inNext[REC(i,c)] = version[REC(i,c)]
  :: else
  fi;
  if
  :: at < CUTOF(i) &&
    inDigest[REC(i,c)] != version[REC(i,c)] -> inDigest[REC(i,c)] = version[REC(i,c)]; agree[i] = OWN(i)
  :: else
  fi;
  at = 0
}
/* news of before the cut reaches a connected node by then, or counts as lost */
inline arrive(i, j, c) {
  if
  :: IN_CONTACT(i, j) && version[REC(j,c)] > version[REC(i,c)] && published[REC(j,c)] <= CUT &&
    losses < LOSSES -> losses++
  :: IN_CONTACT(i, j) && version[REC(j,c)] > version[REC(i,c)] && TAKES(i, j, c) &&
    published[REC(j,c)] <= CUT -> d_step { put(i, j, c) }
  :: else
  fi
}
inline cut(i) {
#if LOSSES < 255
  if
  :: i != 0 -> arrive(i, 0, 0); arrive(i, 3 - i, 0)
  :: else
  fi;
  if
  :: i != 1 -> arrive(i, 1, 1); arrive(i, 2 - i, 1)
  :: else
  fi;
#endif
  d_step {
    if
    :: i < 2 -> beatenAgreed[i % 2] = (quorum[i] && (agree[i] & BIT(1 - i % 2)) && ISCLAIM(REC(i,i % 2)) &&
      !works[i % 2] && inDigest[REC(i,i % 2)] == version[REC(i,i % 2)] ->
        (beatenAgreed[i % 2] < BEATEN_ROUNDS -> beatenAgreed[i % 2] + 1 : BEATEN_ROUNDS) : 0);
       lease[i % 2] = (works[i % 2] -> lease[i % 2] : 0)
    :: else
    fi;
    quorum[i] = 0; bootedInRound[i] = 0;
    if
    :: recovering[i] == 1 -> recovering[i] = 0
    :: else
    fi;
    /* NOW(i) is at the new cut already, so NEXT(i) holds */
    inDigest[REC(i,0)] = inNext[REC(i,0)]; inDigest[REC(i,1)] = inNext[REC(i,1)];
    if :: published[REC(i,0)] < CUTOF(i) + ROUND -> inNext[REC(i,0)] = version[REC(i,0)] :: else fi;
    if :: published[REC(i,1)] < CUTOF(i) + ROUND -> inNext[REC(i,1)] = version[REC(i,1)] :: else fi;
    agree[i] = OWN(i)
  };
  if
  :: i != 0 -> silence(i, 0)
  :: else
  fi;
  if
  :: i != 1 -> silence(i, 1)
  :: else
  fi;
  d_step { react(i) }
}
/* lastHeard stores the tick + 1, and 0 for a member that is not silent */
inline silence(i, k) {
  if
  :: IN_CONTACT(i, k) || contactTick + SILENT > NEWCUT && !lastHeard[REC(i,k)] -> lastHeard[REC(i,k)] = 0
  :: !IN_CONTACT(i, k) && lastHeard[REC(i,k)] -> skip
  :: !IN_CONTACT(i, k) && !lastHeard[REC(i,k)] &&
    contactTick + SILENT >= NEWCUT -> lastHeard[REC(i,k)] = NEWCUT - SILENT + 1
  :: !IN_CONTACT(i, k) && !lastHeard[REC(i,k)] && (cutOff == k + 1 ||
    contactTick + SILENT < NEWCUT) -> lastHeard[REC(i,k)] = NEWCUT - SILENT
  fi
}
/* Shifts all times back by a round. */
inline rebase() {
  now = now - ROUND;
  contactTick = (contactTick > ROUND_TICKS -> contactTick - ROUND_TICKS : (contactTick -> 1 : 0));
  at = 0;
  do
  :: at < N * 2 ->
     /* the round of before the last cut matters to the owner only */
     published[at] = (published[at] >= (at == REC(0,0) || at == REC(1,1) -> CUT : CUT + ROUND) ->
       published[at] - ROUND : 0);
     start[at] = (start[at] > PAST_HOLD + ROUND -> start[at] - ROUND : (start[at] -> HOLD_MIN : 0));
     end[at] = (end[at] == INF -> INF : (end[at] > CUT + ROUND -> end[at] - ROUND : (end[at] -> 1 : 0)));
     lastHeard[at] = (lastHeard[at] -> (lastHeard[at] > ROUND_TICKS + PAST -> lastHeard[at] - ROUND_TICKS : 1) : 0);
     at++
  :: else -> break
  od;
  at = 0;
  do
  :: at < 2 ->
     lease[at] = (lease[at] > CUT + ROUND -> lease[at] - ROUND : 0);
     statementAt[at] = (statementAt[at] >= CUT + ROUND -> statementAt[at] - ROUND : (statementAt[at] -> 1 : 0));
     at++
  :: else -> break
  od;
  at = 0
}
/* firmware/intent/own/lifecycle.ts, maintainOwn */
inline maintain(i) {
  if
  :: ISCLAIM(REC(i,i)) && end[REC(i,i)] != INF && NOW(i) + OWNER_GUARD >= end[REC(i,i)] -> finish(i)
  :: else
  fi;
  justBooted[i] = 0
}
#define CUTIF(i) if :: NOW(i) == CUT + ROUND -> cut(i) :: else fi
#define COUNTDOWN(i) if :: recovering[i] > 1 -> recovering[i]-- :: else fi
#ifdef LIVELY
#define QUIET2(i, j) (!HEARS_AGREEMENT(i, j) && !HEARS_INTENT(i, j, 0) && !HEARS_INTENT(i, j, 1))
#define MAY_PASS (!healed || QUIET2(0, 1) && QUIET2(0, 2) && QUIET2(1, 0) && QUIET2(1, 2) && QUIET2(2, 0) && \
  QUIET2(2, 1) && \
  !HEARS_AGE(1, 2, 0) && !HEARS_AGE(2, 1, 0) && !HEARS_AGE(0, 2, 1) && !HEARS_AGE(2, 0, 1) && \
  !IDLE(0) && !IDLE(1) && !BEATEN(0) && !BEATEN(1) && !OLD_CLAIM(0) && !OLD_CLAIM(1))
#else
#define MAY_PASS true
#endif
#ifdef LIVELY
#define HEALED healed
#else
#define HEALED false
#endif
#define PARTITION(i) :: !HEALED && partitions < PARTITIONS -> d_step { \
  printf("node %d is cut off\n", i); partitions++; cutOff = i + 1; contactTick = now / TICK }
#ifdef CUT_OFF
#define PARTITIONED PARTITION(CUT_OFF)
#elif N > 3
#define PARTITIONED PARTITION(0) PARTITION(1) PARTITION(2) PARTITION(3)
#else
#define PARTITIONED PARTITION(0) PARTITION(1) PARTITION(2)
#endif
inline pass() {
#if PARTITIONS
  if
  :: true
  PARTITIONED
  fi;
#endif
  d_step {
    printf("time passes\n");
    now++;
    COUNTDOWN(0); COUNTDOWN(1); COUNTDOWN(2);
#if N > 3
    COUNTDOWN(3);
#endif
  }
  CUTIF(0); CUTIF(1); CUTIF(2);
#if N > 3
  CUTIF(3);
#endif
#if PARTITIONS
  if
  :: true
  :: cutOff -> d_step { printf("the partition heals: node %d is back\n", cutOff - 1); cutOff = 0;
    contactTick = 0 }
  fi;
#endif
  d_step {
    if
    :: now == CUT + ROUND -> rebase()
    :: else
    fi;
    maintain(0); maintain(1);
#ifdef LIVELY
    lively = WORKING(0) || WORKING(1);
#endif
    check()
  }
}
inline claim(i, s) {
  start[REC(i,i)] = s; end[REC(i,i)] = INF; state[REC(i,i)] = CLAIMED;
    later[REC(i,i)] = (version[REC(i,i)] -> 1 : 0);
  claims[i]++;
  publish(i)
}
inline forget(s) { version[s] = 0; state[s] = 0; published[s] = 0; start[s] = 0; end[s] = 0; later[s] = 0;
  inDigest[s] = 0; inNext[s] = 0 }
/* firmware/membership/step.ts, membershipRestart: each version is in the checkpoint or is not */
inline restart(i) {
  restarts++;
  agree[i] = 0; quorum[i] = 0; bootedInRound[i] = RENEW_AFTER_CUT; recovering[i] = RECOVERY;
  if
  :: i < 2 -> works[i % 2] = 0; lease[i % 2] = 0; beatenAgreed[i % 2] = 0; bootTop[i % 2] = newest[i % 2];
    justBooted[i % 2] = 1; statementAt[i % 2] = 0
  :: else
  fi;
  if
  :: forget(REC(i,0))
  :: version[REC(i,0)] -> skip
  fi;
  if
  :: forget(REC(i,1))
  :: version[REC(i,1)] -> skip
  fi;
  if
  :: i != 0 -> lastHeard[REC(i,0)] = 1
  :: skip
  fi;
  if
  :: i != 1 -> lastHeard[REC(i,1)] = 1
  :: skip
  fi;
  d_step { check() }
}

#include "actions.h"

init {
  atomic {
    d_step { do :: at < N -> agree[at] = BIT(at); at++ :: else -> break od; at = 0 }
#ifdef FAST
    ahead[FAST] = 1;
#elif CLOCKS
    if :: skip :: ahead[0] = 1 :: ahead[1] = 1 :: ahead[2] = 1 :: ahead[0] = 1; ahead[1] = 1 :: ahead[0] = 1;
      ahead[2] = 1 :: ahead[1] = 1; ahead[2] = 1 fi
#endif
  }
endSpent: do
  :: atomic { !OVER ->
    if
    :: MAY_PASS -> pass()
    HEARTBEAT(0, 1) HEARTBEAT(0, 2) HEARTBEAT(1, 0) HEARTBEAT(1, 2) HEARTBEAT(2, 0) HEARTBEAT(2, 1)
    INTENT(0, 1, 0) INTENT(0, 2, 0) INTENT(0, 1, 1) INTENT(0, 2, 1)
    INTENT(1, 0, 0) INTENT(1, 2, 0) INTENT(1, 0, 1) INTENT(1, 2, 1)
    INTENT(2, 0, 0) INTENT(2, 1, 0) INTENT(2, 0, 1) INTENT(2, 1, 1)
    AGE(1, 2, 0) AGE(2, 1, 0) AGE(0, 2, 1) AGE(2, 0, 1)
#if N > 3
    HEARTBEAT(0, 3) HEARTBEAT(1, 3) HEARTBEAT(2, 3) HEARTBEAT(3, 0) HEARTBEAT(3, 1) HEARTBEAT(3, 2)
    INTENT(0, 3, 0) INTENT(0, 3, 1) INTENT(1, 3, 0) INTENT(1, 3, 1) INTENT(2, 3, 0) INTENT(2, 3, 1)
    INTENT(3, 0, 0) INTENT(3, 1, 0) INTENT(3, 2, 0) INTENT(3, 0, 1) INTENT(3, 1, 1) INTENT(3, 2, 1)
    AGE(1, 3, 0) AGE(2, 3, 0) AGE(3, 1, 0) AGE(3, 2, 0) AGE(0, 3, 1) AGE(2, 3, 1) AGE(3, 0, 1) AGE(3, 2, 1)
#endif
#if WIDE
    LATE(0, 1) LATE(1, 0) LATE(2, 0) LATE(2, 1)
#endif
    CLAIM(0) CLAIM(1) CLAIM_BEFORE(1) GIVE_UP(0) GIVE_UP(1)
#if QUITS
    QUIT(0) QUIT(1)
#endif
#if RESTARTS
#ifdef RESTARTED
    RESTART(RESTARTED)
#else
    RESTART(0) RESTART(1) RESTART(2)
#endif
#ifndef M_NOT_RECLAIMED
    RECLAIM(0) RECLAIM(1)
#endif
#endif
#if INSIDER
#ifdef M_RELEASE_BY_START
    FORGE(2, 0, STARTED, NOW(2) + 2 * ROUND, 0, 0)
#endif
#if FORGES
#ifdef FORGED_AT
    FORGERIES(FORGED_AT, FORGED_OF)
#else
    FORGERIES(1, 0) FORGERIES(2, 0) FORGERIES(0, 1) FORGERIES(2, 1)
#endif
    RETRACT(1, 0) RETRACT(2, 0) RETRACT(0, 1) RETRACT(2, 1)
#endif
#if N > 3
    STATEMENT(3, 0) STATEMENT(3, 1)
#endif
    OBJECT(0) OBJECT(1) STATEMENT(1, 0) STATEMENT(2, 0) STATEMENT(0, 1) STATEMENT(2, 1)
#endif
#ifdef M_LIES_ABOUT_AGREEMENT
    LIE(0) LIE(1)
#endif
#ifdef LIES_ABOUT_AGES
    LIE_AGE(1, 0) LIE_AGE(2, 0) LIE_AGE(0, 1) LIE_AGE(2, 1)
#endif
#ifdef LIVELY
    :: !healed && !cutOff -> d_step { printf("all is healed: from now on nothing is lost\n"); healed = 1 }
#endif
    fi
  }
  od
}
#ifdef LIVELY
/* On a healed network somebody works the unit again and again. */
ltl somebodyWorks { []<>(!healed || lively) }
#endif
