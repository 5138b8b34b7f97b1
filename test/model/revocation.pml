/*
 * Models the vote revocation of firmware/membership/revocation.ts and quorum.ts: two quorums share
 * a member, also while votes are revoked and given back. README.md describes the model.
 *
 * Five members, of which two are always together: member 0 stands for both and has their two votes,
 * which may be revoked and given back. Members 1, 2 and 3 have a vote each. Member 0 makes a claim
 * and member 3 another one, at any time. Property: no two quorums exist of which one agreed on a digest with the
 * first claim alone and the other on a digest with the second claim alone. Messages may be lost and
 * late without bound.
 */
#ifndef COUNTER_MAX
#define COUNTER_MAX 2
#endif
#ifndef CUTS
#define CUTS 3
#endif
#define MEMBERS 4

/* The counter of revocations of member 0, as each member knows it. */
byte counter[MEMBERS];
/* Which of the two claims each member stores: a bit each. */
byte knows[MEMBERS];
/* Whether each member counts member 0 in the numerator; in the denominator. */
bool votes[MEMBERS], inBase[MEMBERS];
bool quorum[MEMBERS];
/* Digests to which each member agreed in this round, a bit each. */
short agreed[MEMBERS];
/* Which claims were alone in the digest of a quorum: a bit each. */
byte alone;
byte cuts;

#ifdef M_COUNTERS_NOT_IN_DIGEST
#define DIGEST(i) (knows[i])
#else
#define DIGEST(i) (knows[i] + 4 * counter[i])
#endif
#define AGREED(j, i) ((agreed[j] >> DIGEST(i)) & 1)
#define AGREEING(i) (2 * votes[i] * AGREED(0, i) + AGREED(1, i) + AGREED(2, i) + AGREED(3, i))
#define MAJORITY(i) (AGREEING(i) * 2 > 3 + 2 * inBase[i])
#define AGREE(i) agreed[i] = agreed[i] | (1 << DIGEST(i))

/* Sets a counter: until the next quorum its member counts in the denominator only. */
inline change(i, value) {
  counter[i] = value;
#ifdef M_BASE_AT_ONCE
  inBase[i] = 1 - (value & 1);
  votes[i] = inBase[i]
#else
#ifndef M_CHANGED_VOTES_COUNT
  votes[i] = 0;
#endif
  inBase[i] = 1
#endif
}
#ifdef M_RAISED_WITHOUT_QUORUM
#define MAY_RAISE(i) true
#else
#define MAY_RAISE(i) quorum[i]
#endif
/* At a cut after a quorum, member 0 may count as silent for long, or as back. */
inline cut(i) {
  if
  :: MAY_RAISE(i) && counter[i] < COUNTER_MAX && i != 0 ->
     change(i, counter[i] + 1);
     printf("member %d raises the counter of member 0\n", i)
  :: true
  fi;
  quorum[i] = 0; agreed[i] = 0; AGREE(i)
}
#ifdef M_COUNTERS_FALL
#define DIFFERS(j, i) (counter[j] != counter[i])
#else
#define DIFFERS(j, i) (counter[j] > counter[i])
#endif
#define HEAR(i, j) :: DIFFERS(j, i) -> d_step { \
  printf("member %d learns from member %d the counter of member 0\n", i, j); change(i, counter[j]); AGREE(i) } \
  :: knows[j] & ~knows[i] -> d_step { \
  printf("member %d learns a claim from member %d\n", i, j); knows[i] = knows[i] | knows[j]; AGREE(i) }
#define CLAIM(i, claim) :: !(knows[i] & claim) -> d_step { \
  printf("member %d makes claim %d\n", i, claim); knows[i] = knows[i] | claim; AGREE(i) }
#define QUORUM(i) :: !quorum[i] && MAJORITY(i) -> d_step { \
  printf("member %d sees a quorum\n", i); \
  quorum[i] = 1; inBase[i] = 1 - (counter[i] & 1); votes[i] = inBase[i]; \
  alone = alone | (knows[i] == 1) | 2 * (knows[i] == 2); assert(alone != 3); assert(!(PROBE(i))) }

#ifdef P_REVOKED
#define PROBE(i) counter[i] == 1 && i == 3 && alone
#elif defined(P_GIVEN_BACK)
#define PROBE(i) counter[i] == 2 && i == 0 && alone
#else
#define PROBE(i) false
#endif

init {
  atomic {
    votes[0] = 1; votes[1] = 1; votes[2] = 1; votes[3] = 1;
    inBase[0] = 1; inBase[1] = 1; inBase[2] = 1; inBase[3] = 1;
    AGREE(0); AGREE(1); AGREE(2); AGREE(3)
  }
end: do
  :: atomic {
    if
    :: cuts < CUTS -> cuts++; printf("a round is cut\n"); cut(0); cut(1); cut(2); cut(3)
    HEAR(0, 1) HEAR(0, 2) HEAR(0, 3) HEAR(1, 0) HEAR(1, 2) HEAR(1, 3)
    HEAR(2, 0) HEAR(2, 1) HEAR(2, 3) HEAR(3, 0) HEAR(3, 1) HEAR(3, 2)
    CLAIM(0, 1) CLAIM(3, 2)
    QUORUM(0) QUORUM(1) QUORUM(2) QUORUM(3)
    fi
  }
  od
}
