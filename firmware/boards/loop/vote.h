/* Keeps the loop's state three times over while it sleeps: an upset in one copy is outvoted. */
#ifndef HELIOGRAPH_VOTE_H
#define HELIOGRAPH_VOTE_H

#include "types.h"

/* Makes each of the three what two of them are, bit by bit. Returns 1 if they differed. */
static inline u32 vote(u32 *one, u32 *two, u32 *three, u32 words) {
  u32 unlike = 0;
  for (u32 i = 0; i < words; i++) {
    const u32 right = (one[i] & two[i]) | (one[i] & three[i]) | (two[i] & three[i]);
    unlike |= (one[i] ^ right) | (two[i] ^ right) | (three[i] ^ right);
    one[i] = right;
    two[i] = right;
    three[i] = right;
  }
  return unlike != 0;
}

static inline void copy_twice(const u32 *from, u32 *two, u32 *three, u32 words) {
  for (u32 i = 0; i < words; i++) {
    two[i] = from[i];
    three[i] = from[i];
  }
}

#endif
