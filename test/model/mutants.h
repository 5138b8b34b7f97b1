/* Switches of the mutants M_*: what each proof assumes, and the model without it. README.md has
 * their table. A few switches stand in intent.pml where they remove a statement. */
#ifdef M_MINORITY
#define MAJORITY(v) (COUNT(v) >= 1)
#else
#define MAJORITY(v) (COUNT(v) * 2 > N)
#endif

#ifdef M_CLAIMS_NOT_IN_DIGEST
#define SAME_CLAIMS(i, j) true
#else
#define SAME_CLAIMS(i, j) (inDigest[REC(i,0)] == inDigest[REC(j,0)] && inDigest[REC(i,1)] == inDigest[REC(j,1)])
#endif
#ifdef M_SILENT_NOT_IN_DIGEST
#define SAME_SILENT(i, j) true
#else
#define SAME_SILENT(i, j) (lastHeard[REC(i,0)] == lastHeard[REC(j,0)] && lastHeard[REC(i,1)] == lastHeard[REC(j,1)])
#endif
#ifdef M_LAST_NOT_IN_DIGEST
#undef SAME_SILENT
#define SAME_SILENT(i, j) (!lastHeard[REC(i,0)] == !lastHeard[REC(j,0)] && !lastHeard[REC(i,1)] == !lastHeard[REC(j,1)])
#endif

#ifdef M_STAMP_AHEAD
#define STAMP_OK(i) true
#else
#define STAMP_OK(i) (ROUND_OF(STAMP(i)) < CUTOF(i) + START_ROUNDS * ROUND)
#endif
#ifdef M_CLAIM_NOT_IN_DIGEST
#define IN_DIGEST(i) true
#else
#define IN_DIGEST(i) (inDigest[REC(i,i)] == version[REC(i,i)])
#endif
#ifdef M_OLD_BOOT_SETTLES
#define THIS_BOOT(i) true
#else
#define THIS_BOOT(i) (version[REC(i,i)] > bootTop[i])
#endif
#ifdef M_BEHIND_REFUSED
#define NOT_BEHIND(i) true
#else
#define NOT_BEHIND(i) (!FIRST(i, i))
#endif
#ifdef M_STARTED_NOT_FIRST
#define NOT_STARTED(i) true
#else
#define NOT_STARTED(i) (state[REC(i, 1-i)] != STARTED)
#endif
#ifdef M_BEATEN_DISAGREES
#define BEATEN_AGREES(i) true
#else
#define BEATEN_AGREES(i) (agree[i] & BIT(1-i))
#endif
#define BEATEN_AGREED(i) (beatenAgreed[i] >= BEATEN_ROUNDS)

/* firmware/intent/own/renewal.ts: whether a renewal looks for the claims of others. */
#ifdef M_ENDED_LEASE_RENEWED
#define RENEWAL_LOOKS(i) (NOW(i) < lease[i])
#elif defined(M_RETURN_NOT_SHORTENED)
#define RENEWAL_LOOKS(i) (NOW(i) >= lease[i])
#else
#define RENEWAL_LOOKS(i) true
#endif

/* firmware/intent/admission.ts, releasesUnit: whether node i stores a version of owner c without
 * its statement, which nobody can forge. It does if the version changes no claim, or a claim that
 * no digest contains without it, or keeps state, start and order of the claim. `l`: it is later in
 * order; `t`: its round of publication. */
#ifdef M_RELEASE_ACROSS_CUT
#define BEFORE_NEXT_CUT(i, c, t) true
#else
#define BEFORE_NEXT_CUT(i, c, t) ((t) <= published[REC(i,c)])
#endif
#define IS_YOUNG(i, c, t) (state[REC(i,c)] == CLAIMED && published[REC(i,c)] >= CUTOF(i) && BEFORE_NEXT_CUT(i, c, t))
#define ADMITS(i, c, s, from, l, t) (!ISCLAIM(REC(i,c)) || IS_YOUNG(i, c, t) || \
  (s == state[REC(i,c)] && from <= start[REC(i,c)] && l <= later[REC(i,c)]))
#ifdef M_RELEASE_OF_CLAIM
#define MUTANT_ADMITS(i, c, s, from, l, t) (state[REC(i,c)] == CLAIMED && s == DONE)
#elif defined(M_RELEASE_AFTER_WAIT)
#define MUTANT_ADMITS(i, c, s, from, l, t) (s == DONE && t == 0)
#elif defined(M_RELEASE_BY_START)
#define MUTANT_ADMITS(i, c, s, from, l, t) (s == STARTED)
#elif defined(M_RELEASE_BY_ORDER)
#define MUTANT_ADMITS(i, c, s, from, l, t) (s == CLAIMED && state[REC(i,c)] == CLAIMED)
#else
#define MUTANT_ADMITS(i, c, s, from, l, t) false
#endif
/* Whether node i stores what node j stores of owner c: a forgery has no statement, all else has. */
#if FORGES
#define TAKES(i, j, c) (version[REC(j,c)] != FORGED || \
  ADMITS(i, c, state[REC(j,c)], start[REC(j,c)], later[REC(j,c)], published[REC(j,c)]) || \
  MUTANT_ADMITS(i, c, state[REC(j,c)], start[REC(j,c)], later[REC(j,c)], published[REC(j,c)]))
#else
#define TAKES(i, j, c) true
#endif
