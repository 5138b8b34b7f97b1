/* Reduces the states of intent.pml: sets to one value what no later step reads, and ends runs in
 * which nothing can happen any more. README.md says why no run with two workers is lost. */
#define NEWCUT (CUT_TICK + ROUND_TICKS)
#if N == 3
#define STORED_FORGERY(c) (version[c] == FORGED || version[2 + c] == FORGED || version[4 + c] == FORGED)
#else
#define STORED_FORGERY(c) (version[c] == FORGED || version[2 + c] == FORGED || version[4 + c] == FORGED || \
  version[6 + c] == FORGED)
#endif
#define IDLE(i) ((state[REC(i,i)] == NONE || state[REC(i,i)] == DONE) && claims[i] < CLAIMS && \
  newest[i] < VERSIONS_OF(i))

/* An owner that neither works nor has a version left to settle with never works again. */
#ifdef M_OLD_BOOT_SETTLES
#define SPENT(i) false
#else
#define SPENT(i) (!works[i] && newest[i] >= VERSIONS_OF(i))
#endif
#ifdef LIVELY
#define OVER false
#else
#define OVER (SPENT(0) || SPENT(1))
#endif

inline tidyOwner(c) {
  if
  :: works[c] -> beatenAgreed[c] = 0; published[REC(c,c)] = (published[REC(c,c)] < CUT -> 0 : published[REC(c,c)])
  :: else
  fi;
  lease[c] = (works[c] || quorum[c] -> lease[c] : 0);
  statementAt[c] = (statementAt[c] < NOW(c) -> 0 : statementAt[c]);
  bootTop[c] = (version[REC(c,c)] > bootTop[c] -> 0 : bootTop[c])
}
/* Whether node x, which is cut off, is alone in missing owner k: nobody shares its digest before
 * the next cut, which removes the silence, and it makes no claim before that. */
#define KNOWS(x, j, k) (j == x || j == k || !lastHeard[REC(j,k)])
#if N == 3
#define ALONE(x, k) (KNOWS(x, 0, k) && KNOWS(x, 1, k) && KNOWS(x, 2, k))
#else
#define ALONE(x, k) (KNOWS(x, 0, k) && KNOWS(x, 1, k) && KNOWS(x, 2, k) && KNOWS(x, 3, k))
#endif
#define CLAIMS_NO_MORE(x) (x >= 2 || !IDLE(x % 2) && newest[x % 2] + 1 >= VERSIONS_OF(x % 2))
#define TIDY_AGE(x, k) if \
  :: cutOff == x + 1 && lastHeard[REC(x,k)] && partitions >= PARTITIONS && restarts >= RESTARTS && ALONE(x, k) && \
     CLAIMS_NO_MORE(x) -> lastHeard[REC(x,k)] = 1 \
  :: else \
  fi
inline tidy() {
  tidyOwner(0); tidyOwner(1);
  quorum[2] = 0;
#if N > 3
  quorum[3] = 0;
#endif
#if PARTITIONS
  TIDY_AGE(0, 1); TIDY_AGE(1, 0); TIDY_AGE(2, 0); TIDY_AGE(2, 1);
#if N > 3
  TIDY_AGE(3, 0); TIDY_AGE(3, 1);
#endif
  contactTick = (contactTick && contactTick + SILENT < NEWCUT -> 1 : contactTick);
#endif
#ifdef LIVELY
  lively = lively || SPENT(0) || SPENT(1)
#else
  skip
#endif
}
