/* Steps of the model intent.pml, each with the condition under which it is possible. Every step
 * prints what happens, so that a trail reads as sentences. */
#define HEARS_AGREEMENT(i, j) (IN_CONTACT(i, j) && NEEDS(i) && SAME(i, j) && (agree[j] & ~agree[i]))
#define HEARTBEAT(i, j) :: HEARS_AGREEMENT(i, j) -> d_step { \
  printf("node %d hears the agreement that node %d knows\n", i, j); agree[i] = agree[i] | agree[j]; react(i); \
    check() }
#define HEARS_INTENT(i, j, c) (IN_CONTACT(i, j) && version[REC(j,c)] > version[REC(i,c)] && \
  (i != c || version[REC(j,c)] <= bootTop[c]) && TAKES(i, j, c))
#define INTENT(i, j, c) :: HEARS_INTENT(i, j, c) -> d_step { \
  printf("node %d hears from node %d the intent of node %d\n", i, j, c); put(i, j, c); react(i); check() }
#define LATE(i, k) :: IN_CONTACT(i, k) && lastHeard[REC(i,k)] -> d_step { \
  printf("node %d learns late that node %d was alive at the cut\n", i, k); \
  lastHeard[REC(i,k)] = 0; agree[i] = OWN(i); react(i); check() }
#define HEARS_AGE(i, j, k) (IN_CONTACT(i, j) && NEXT(i) == NEXT(j) && lastHeard[REC(i,k)] && \
  (!lastHeard[REC(j,k)] || lastHeard[REC(j,k)] > lastHeard[REC(i,k)]))
#define AGE(i, j, k) :: HEARS_AGE(i, j, k) -> d_step { \
  printf("node %d learns from node %d when node %d was heard last\n", i, j, k); \
  lastHeard[REC(i,k)] = lastHeard[REC(j,k)]; agree[i] = OWN(i); react(i); check() }
#define CLAIM(i) \
  :: IDLE(i) -> d_step { printf("node %d claims the unit from now on\n", i); claim(i, 0) } \
  :: IDLE(i) && lastHeard[REC(i,1-i)] && ISCLAIM(REC(i,1-i)) && HOLD(i,1-i) > NOW(i) -> d_step { \
    printf("node %d claims the unit from the end of the lease hold on\n", i); claim(i, HOLD(i,1-i)) }
#ifdef M_RELEASE_BY_START
#define CLAIM_BEFORE(i) :: IDLE(i) && ISCLAIM(REC(i,1-i)) && start[REC(i,1-i)] > NOW(i) -> d_step { \
  printf("node %d claims the unit until the start that it knows\n", i); claim(i, 0); \
    end[REC(i,i)] = start[REC(i,1-i)] }
#else
#define CLAIM_BEFORE(i)
#endif
#define BEATEN(i) (ISCLAIM(REC(i,i)) && COMPETES(i, i) && FIRST(i, i) && newest[i] < VERSIONS_OF(i) && \
  !(WORKING(i) && state[REC(i,1-i)] == STARTED))
#define GIVE_UP(i) :: BEATEN(i) -> d_step { printf("node %d gives up its beaten claim\n", i); finish(i) }
#define QUIT(i) :: ISCLAIM(REC(i,i)) && newest[i] < VERSIONS_OF(i) -> d_step { \
  printf("node %d withdraws its claim\n", i); finish(i) }
#ifdef M_NOT_RECLAIMED
#define OLD_CLAIM(i) false
#else
#define OLD_CLAIM(i) (ISCLAIM(REC(i,i)) && version[REC(i,i)] <= bootTop[i] && !justBooted[i] && \
  newest[i] < VERSIONS_OF(i))
#endif
#define RECLAIM(i) :: OLD_CLAIM(i) -> d_step { \
  printf("node %d claims anew what an earlier boot had claimed\n", i); state[REC(i,i)] = CLAIMED; publish(i) }
#define RESTART(i) :: !HEALED && restarts < RESTARTS -> printf("node %d restarts\n", i); restart(i)
#define FORGE(i, c, s, from, l, t) :: !HEALED && forges < FORGES && (ADMITS(i, c, s, from, l, t) || \
  MUTANT_ADMITS(i, c, s, from, l, t)) -> d_step { \
  printf("a forged version in the name of node %d reaches node %d (state %d)\n", c, i, s); \
  forges++; at = published[REC(i,c)]; version[REC(i,c)] = FORGED; state[REC(i,c)] = s; \
  published[REC(i,c)] = t; start[REC(i,c)] = from; \
  end[REC(i,c)] = (s == DONE -> 0 : INF); later[REC(i,c)] = l; account(i, c); react(i); check() }
/* What the insider forges for node i in the name of owner c: dated back, and of now. */
#define FORGERIES(i, c) FORGE(i, c, DONE, 0, 0, 0) FORGE(i, c, DONE, 0, 0, ROUND_OF(NOW(i))) \
  FORGE(i, c, CLAIMED, 0, 1, 0) FORGE(i, c, CLAIMED, 0, 1, ROUND_OF(NOW(i))) \
  FORGE(i, c, STARTED, 0, 0, 0) FORGE(i, c, STARTED, 0, 0, ROUND_OF(NOW(i)))
#define MOVES_STAMP(c) (ROUND_OF(NOW(c) + AHEAD + 1) > ROUND_OF(NOW(c)))
#define OBJECT(c) :: !statementAt[c] && MOVES_STAMP(c) && (forges < FORGES || STORED_FORGERY(c)) -> d_step { \
  if :: STORED_FORGERY(c) -> skip :: else -> forges++ fi; \
  printf("node %d hears a forged version in its name and signs a statement\n", c); \
  statementAt[c] = NOW(c) + AHEAD; react(c); check() }
#define REFUTED(i, c) (version[REC(i,c)] == FORGED && version[REC(c,c)] && IN_CONTACT(i, c))
#ifdef P_OBJECTS
#define NOTE_RETRACTED retracted = 1
#else
#define NOTE_RETRACTED skip
#endif
#define STATEMENT(i, c) :: REFUTED(i, c) -> d_step { \
  printf("node %d retracts the forged version on the statement of node %d\n", i, c); put(i, c, c); NOTE_RETRACTED; \
  if :: inDigest[REC(i,c)] != inDigest[REC(c,c)] -> inDigest[REC(i,c)] = inDigest[REC(c,c)]; agree[i] = OWN(i) \
     :: else fi; \
  inNext[REC(i,c)] = inNext[REC(c,c)]; react(i); check() }
#ifdef M_RETRACTED_TO_NOTHING
/* The forgery is removed, and the owner's version is not back yet. */
#define RETRACT(i, c) :: version[REC(i,c)] == FORGED -> d_step { \
  printf("node %d retracts the forged version of node %d and stores none\n", i, c); \
  version[REC(i,c)] = 0; state[REC(i,c)] = NONE; published[REC(i,c)] = 0; start[REC(i,c)] = 0; \
  end[REC(i,c)] = 0; later[REC(i,c)] = 0; inNext[REC(i,c)] = 0; react(i); check() }
#else
#define RETRACT(i, c)
#endif
#define LIE(i) :: agree[i] != (1 << N) - 1 -> d_step { \
  printf("node %d hears the lie that all agree\n", i); agree[i] = (1 << N) - 1; react(i); check() }
#define LIE_AGE(i, k) :: lastHeard[REC(i,k)] -> d_step { \
  printf("node %d hears the lie that node %d was heard\n", i, k); lastHeard[REC(i,k)] = 0; agree[i] = OWN(i); \
    react(i); check() }
