/*
 * Declares the native baseline: two hot operations of the firmware in hand-written C, to measure
 * the cost of compiling by way of WebAssembly. Same tables, same algorithm, same checks, same
 * results (test/board/native_baseline.test.ts compares them on thousands of inputs); no linear
 * memory, no bounds checks, pointers instead of offsets.
 */
#ifndef HELIOGRAPH_NATIVE_H
#define HELIOGRAPH_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codes.h"

#include "codes.h"
#include "types.h"

enum { RECORDS_MAX = 800, NOTICES_MAX = 64, LOSSES_MAX = 32, MESSAGE_WORDS = 64 };
/* Messages of a frame that are kept once decoded, and words of each. */
enum { DECODED_MAX = 15, DECODED_WORDS = 49 };
enum { LINK_KEYS = 3, KEY_WORDS = 8, PLAIN_BYTES = 256 };
enum { NO_RECORD = 0xffff, UNIT_LISTS = 32, LEAVES_MAX = 1024 };

/* A stored intent, as in firmware/intent/table.ts. */
struct record {
  u32 start_s;
  u32 end_s;
  u32 bound_s;
  u32 rate;
  u32 resource;
  u16 next;
  u8 state;
  u8 verdict;
  u32 order_high;
  u32 order_low;
  u16 owner;
  u8 slot;
  u8 kind;
  u32 version;
  u32 claim_s;
  u32 published_s;
  u32 nonce;
  u32 read;
  u32 lease_s;
  u8 priority;
  u8 generation;
  u16 last_broadcast;
};

struct group {
  u32 kind;
  u32 units;
  u32 capacity;
  u32 load_kg;
  u16 first;
  u16 dirty_from;
  u16 length;
};

struct notice {
  u16 group;
  u16 unit;
  u32 capacity;
  u32 observed_s;
  u16 observer;
};

struct loss {
  u32 count;
  u32 first_s;
};

struct link_key {
  u32 key[KEY_WORDS];
  u32 present;
  u32 key_epoch;
};

/* Frames of a member that were accepted: bit i of `seen` stands for counter top - i. */
struct peer {
  u32 top;
  u32 seen[2];
};

struct node {
  u32 self;
  u32 members;
  u32 cluster;
  u32 time_known;
  u32 mission_s;
  u32 mission_ms;
  u32 local_s;
  u32 local_ms;
  u32 offset_s;
  u32 offset_ms;
  u32 reserved;
  u32 notice_count;
  struct link_key keys[LINK_KEYS];
  struct peer peers[CLUSTER_MEMBERS_MAX];
  struct loss losses[LOSSES_MAX];
  /*
   * A message that has no place below, while it is checked. Before that, the bytes that the tag
   * covers besides the text.
   */
  u32 message[MESSAGE_WORDS];
  u32 plain[PLAIN_BYTES / 4];
  u32 silent[(CLUSTER_MEMBERS_MAX + 31) / 32];
  u32 last_liveness_tick[CLUSTER_MEMBERS_MAX];
  struct group groups[GROUPS_MAX];
  struct notice notices[NOTICES_MAX];
  struct record records[RECORDS_MAX];
  u16 index[CLUSTER_MEMBERS_MAX * OWN_SLOTS];
  /*
   * Accepted records while a group is walked: in chains by their units, and the summed rate of all.
   * If that exceeds the capacity: starts of the claims, sorted, and a tree of the use over them.
   */
  u16 first_of_unit[UNIT_LISTS + 1];
  u16 next_of_unit[RECORDS_MAX];
  u64 rate;
  u32 starts[RECORDS_MAX];
  u32 start_count;
  u32 leaves;
  u32 peak;
  s32 tree[2 * LEAVES_MAX];
  /*
   * The first messages of a frame: fields in the order of the schema, arrays after them; a byte
   * string is its place in the plain text and its length.
   */
  u32 decoded[DECODED_MAX][DECODED_WORDS];
  /* How many of them the image has: fewer when it is compact. */
  u32 decoded_max;
};

/*
 * Checks a whole frame, as checkFrame and openFrame of firmware/edge/receive.ts. Returns a status.
 */
u32 native_check_frame(struct node *node, const u8 *frame, u32 length);
/* Returns the verdict on an intent, after all that come before it, as `verdict` of the image. */
u32 native_verdict(struct node *node, u32 owner, u32 slot, u32 now_s, u32 now_ms);
/*
 * Decrypts `length` bytes, which the tag follows. False when the tag is not that of key, nonce
 * (n0, 0, n2), aad and text: `out` is then not written.
 */
bool native_open(const u32 *key, u32 n0, u32 n2, const u8 *aad, u32 aad_bytes, const u8 *text, u32 length, u8 *out);
/* Fills the tables of the CRC; to be called once. */
void native_start(void);

#endif
