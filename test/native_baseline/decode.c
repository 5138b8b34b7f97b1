/*
 * Opening a frame: CRC-32C, envelope, counter, tag, and every message decoded and checked, as checkFrame and openFrame of firmware/edge/receive.ts do it before anything is believed.
 * A reader takes the place of an item and returns the place after it, NULL if the item is not what it must be.
 */
#include "native.h"

enum { FRAME_BYTES_MIN = 48, FRAME_BYTES_MAX = 256, CRC_BYTES = 4, TAG_BYTES = 16, PROTOCOL_VERSION = 1, ADDRESSEE_ALL = 0xffff };
enum { LOSS_LENGTH, LOSS_CRC, LOSS_MALFORMED, LOSS_VERSION, LOSS_IMPLAUSIBLE };
enum { LOSS_ALGORITHM = 17, LOSS_KEY_EPOCH, LOSS_REPLAY, LOSS_STALE, LOSS_AHEAD, LOSS_TAG, LOSS_SENDER, LOSS_SELF, LOSS_CHANNEL, LOSS_FORM = 29 };
enum { CYCLE_S = 15, WINDOW_CYCLES = 64, AAD_BYTES = 33, TYPE_KEY_EPOCH_HEAD = 12, TYPE_KEY_EPOCH_PART = 13 };
enum { LEASE_ADVANCE_S_MAX = 31 * 86400, HORIZON_S_MAX = 62 * 86400, AHEAD_S_MAX = 120, SKIP_DEPTH_MAX = 4 };
#define ANY 0xffffffffu
#define INLINE static inline __attribute__((always_inline))

/* One array each: the compiler keeps their addresses apart, and a lookup is one load. */
static u32 crc_table_0[256], crc_table_1[256], crc_table_2[256], crc_table_3[256];

void native_start(void) {
  for (u32 i = 0; i < 256; i++) {
    u32 crc = i;
    for (u32 bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    crc_table_0[i] = crc;
  }
  for (u32 i = 0; i < 256; i++) {
    crc_table_1[i] = crc_table_0[i] >> 8 ^ crc_table_0[crc_table_0[i] & 255];
    crc_table_2[i] = crc_table_1[i] >> 8 ^ crc_table_0[crc_table_1[i] & 255];
    crc_table_3[i] = crc_table_2[i] >> 8 ^ crc_table_0[crc_table_2[i] & 255];
  }
}

/* Frames lie on word boundaries: four bytes a step, as in the firmware. */
static u32 crc32c(const u8 *at, u32 length) {
  const u32 *zero = crc_table_0, *one = crc_table_1, *two = crc_table_2, *three = crc_table_3;
  /* Four registers hold the addresses: else they are made of one, by an addition for each lookup. */
  __asm__("" : "+r"(zero), "+r"(one), "+r"(two), "+r"(three));
  u32 crc = ANY;
  const u8 *const end = at + length;
  for (const u8 *const words_end = at + (length & ~3u); at < words_end; at += 4) {
    const u32 word = *(const u32 *)(const void *)at;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    crc = three[(crc ^ word >> 24) & 255] ^ two[(crc >> 8 ^ word >> 16) & 255] ^ one[(crc >> 16 ^ word >> 8) & 255] ^
          zero[(crc >> 24 ^ word) & 255];
#else
    crc ^= word;
    crc = three[crc & 255] ^ two[crc >> 8 & 255] ^ one[crc >> 16 & 255] ^ zero[crc >> 24];
#endif
  }
  while (at < end) crc = zero[(crc ^ *at++) & 255] ^ crc >> 8;
  return ~crc;
}

INLINE u32 word_at(const u8 *at) {
  return (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | at[3];
}

/* An integer with more bytes than one. */
static __attribute__((noinline)) const u8 *long_uint(const u8 *at, const u8 *end, u32 max, u32 *into) {
  if (at >= end) return NULL;
  const u32 room = (u32)(end - at);
  u32 value = at[0];
  u32 bytes = 1;
  if (value == 0x1a) {
    if (room < 5 || (value = word_at(at + 1)) < 0x10000) return NULL;
    bytes = 5;
  } else if (value == 0x19) {
    if (room < 3 || (value = (u32)at[1] << 8 | at[2]) < 0x100) return NULL;
    bytes = 3;
  } else if (value == 0x18) {
    if (room < 2 || (value = at[1]) < 24) return NULL;
    bytes = 2;
  } else if (value > 0x18)
    return NULL;
  if (value > max) return NULL;
  *into = value;
  return at + bytes;
}

INLINE const u8 *uint(const u8 *at, const u8 *end, u32 max, u32 *into) {
  if (at < end && *at < 24 && *at <= max) {
    *into = *at;
    return at + 1;
  }
  return long_uint(at, end, max, into);
}

/* A run of integers of any size up to `max`: most fields are that. */
INLINE const u8 *uints(const u8 *at, const u8 *end, u32 count, u32 max, u32 *into) {
  for (u32 i = 0; i < count; i++)
    if ((at = uint(at, end, max, into + i)) == NULL) return NULL;
  return at;
}

INLINE const u8 *byte_string(const u8 *at, const u8 *end, u32 max, const u8 *frame, u32 *into) {
  if (at >= end) return NULL;
  const u32 room = (u32)(end - at);
  u32 length = (u32)*at++ - 0x40u;
  u32 head = 1;
  if (length >= 24) {
    if (length != 0x18 || room < 2 || (length = *at++) < 24) return NULL;
    head = 2;
  }
  if (length > max || room - head < length) return NULL;
  into[0] = (u32)(at - frame);
  into[1] = length;
  return at + length;
}

/* The head of an array of min..max items. */
INLINE const u8 *items(const u8 *at, const u8 *end, u32 min, u32 max, u32 *count) {
  if (at >= end) return NULL;
  const u32 length = (u32)*at - 0x80u;
  if (length < min || length > max) return NULL;
  *count = length;
  return at + 1;
}

INLINE const u8 *array(const u8 *at, const u8 *end, u32 length) {
  return at < end && *at == (0x80u | length) ? at + 1 : NULL;
}

/* Bytes of a head, 0 if it is cut off, reserved or longer than needed. */
INLINE u32 head_bytes(const u8 *at, const u8 *end) {
  const u32 info = *at & 0x1fu;
  const u32 room = (u32)(end - at);
  if (info < 24) return 1;
  if (info == 24) return room >= 2 && at[1] >= 24 ? 2 : 0;
  if (info == 25) return room >= 3 && at[1] != 0 ? 3 : 0;
  if (info == 26) return room >= 5 && (at[1] | at[2]) != 0 ? 5 : 0;
  if (info == 27) return room >= 9 && word_at(at + 1) != 0 ? 9 : 0;
  return 0;
}

INLINE u32 head_argument(const u8 *at, u32 bytes) {
  if (bytes == 1) return *at & 0x1fu;
  if (bytes == 2) return at[1];
  if (bytes == 3) return (u32)at[1] << 8 | at[2];
  return word_at(at + 1);
}

/* The item of a later version is passed over, whatever it is. */
static __attribute__((noinline)) const u8 *skip_item(const u8 *at, const u8 *end) {
  u32 open[SKIP_DEPTH_MAX];
  u32 depth = 0;
  for (;;) {
    if (at >= end) return NULL;
    const u32 first = *at;
    const u32 major = first >> 5;
    const u32 bytes = head_bytes(at, end);
    if (bytes == 0 || major == 3 || (major == 7 && (first < 0xf4 || first > 0xf6))) return NULL;
    u32 inner = 0;
    if (major == 2 || major == 4 || major == 5) {
      const u32 argument = bytes == 9 ? ANY : head_argument(at, bytes);
      if (argument > (u32)(end - at) || argument > 0x7fff) return NULL;
      if (major == 2) at += argument;
      else inner = major == 5 ? argument * 2 : argument;
    } else if (major == 6) inner = 1;
    at += bytes;
    if (at > end) return NULL;
    if (major >= 4 && major <= 6) {
      if (depth == SKIP_DEPTH_MAX) return NULL;
      open[depth++] = inner;
    }
    while (depth > 0 && open[depth - 1] == 0) depth--;
    if (depth == 0) return at;
    open[depth - 1]--;
  }
}

/* `at` is behind the type of each message; `length` is that of its array. */
INLINE const u8 *gone_list(const u8 *at, const u8 *end, u32 members, u32 *m, bool *plausible) {
  if ((at = items(at, end, 0, 16, m)) == NULL) return NULL;
  const u32 count = *m;
  for (u32 i = 0; i < count; i++) {
    u32 *const entry = m + 1 + 3 * i;
    if ((at = array(at, end, 3)) == NULL) return NULL;
    if ((at = uint(at, end, 0xffff, entry)) == NULL || (at = uint(at, end, ANY, entry + 1)) == NULL) return NULL;
    if ((at = uint(at, end, 255, entry + 2)) == NULL) return NULL;
    if (entry[0] >= members) *plausible = false;
    /* Nothing is named twice in one list. */
    for (u32 j = 0; j < i; j++)
      if (m[1 + 3 * j] == entry[0]) *plausible = false;
  }
  return at;
}

INLINE const u8 *heartbeat(const u8 *at, const u8 *end, const struct node *node, const u8 *frame, u32 *m, bool *plausible) {
  if ((at = uint(at, end, ANY, m)) == NULL || (at = uint(at, end, 999, m + 1)) == NULL) return NULL;
  if ((at = uint(at, end, 0xffff, m + 2)) == NULL || (at = byte_string(at, end, 50, frame, m + 3)) == NULL) return NULL;
  if ((at = uints(at, end, 3, ANY, m + 5)) == NULL || (at = byte_string(at, end, 25, frame, m + 8)) == NULL) return NULL;
  const u32 bytes = (node->members + 7) / 8;
  *plausible = m[4] == bytes * 2 && m[9] == bytes;
  return at;
}

INLINE const u8 *intent(const u8 *at, const u8 *end, const struct node *node, u32 *m, bool *plausible) {
  if ((at = uint(at, end, 0xffff, m)) == NULL || (at = uint(at, end, 7, m + 1)) == NULL) return NULL;
  if ((at = uint(at, end, ANY, m + 2)) == NULL || (at = uint(at, end, 255, m + 3)) == NULL) return NULL;
  if ((at = uints(at, end, 4, ANY, m + 4)) == NULL || (at = uint(at, end, 255, m + 8)) == NULL) return NULL;
  if ((at = uint(at, end, 5, m + 9)) == NULL || m[9] == 0 || (at = uint(at, end, 255, m + 10)) == NULL) return NULL;
  if ((at = uints(at, end, 5, ANY, m + 11)) == NULL) return NULL;
  const u32 start_s = m[5], end_s = m[6], claim_s = m[11], published_s = m[12], lease_s = m[15];
  *plausible = m[0] < node->members && m[4] >> 16 < GROUPS_MAX && start_s < end_s && claim_s <= published_s &&
               lease_s <= published_s + LEASE_ADVANCE_S_MAX && end_s - start_s <= HORIZON_S_MAX &&
               start_s <= published_s + HORIZON_S_MAX &&
               (node->time_known == 0 || published_s <= node->mission_s + AHEAD_S_MAX);
  return at;
}

INLINE const u8 *sync_digest(const u8 *at, const u8 *end, u32 members, u32 *m, bool *plausible) {
  if ((at = uints(at, end, 2, 0xffff, m)) == NULL || (at = items(at, end, 1, 16, m + 2)) == NULL) return NULL;
  const u32 count = m[2];
  for (u32 i = 0; i < count; i++)
    if ((at = uint(at, end, ANY, m + 3 + i)) == NULL) return NULL;
  *plausible = m[1] >= 1 && m[1] <= members && m[0] < members;
  return at;
}

INLINE const u8 *owner_summary(const u8 *at, const u8 *end, u32 members, u32 *m, bool *plausible) {
  if ((at = uint(at, end, 0xffff, m)) == NULL || (at = uint(at, end, 1, m + 1)) == NULL) return NULL;
  if ((at = items(at, end, 0, 8, m + 2)) == NULL) return NULL;
  const u32 count = m[2];
  u32 seen = 0;
  bool twice = false;
  for (u32 i = 0; i < count; i++) {
    u32 *const entry = m + 3 + 2 * i;
    if ((at = array(at, end, 2)) == NULL || (at = uint(at, end, 7, entry)) == NULL) return NULL;
    if ((at = uint(at, end, ANY, entry + 1)) == NULL) return NULL;
    twice = twice || (seen >> entry[0] & 1u) != 0;
    seen |= 1u << entry[0];
  }
  *plausible = m[0] < members && !twice;
  return at;
}

INLINE const u8 *notice(const u8 *at, const u8 *end, const struct node *node, u32 *m, bool *plausible) {
  if ((at = uint(at, end, 31, m)) == NULL || (at = uint(at, end, 0xffff, m + 1)) == NULL) return NULL;
  if ((at = uints(at, end, 2, ANY, m + 2)) == NULL || (at = uint(at, end, 0xffff, m + 4)) == NULL) return NULL;
  *plausible = m[4] < node->members && (node->time_known == 0 || m[3] <= node->mission_s + AHEAD_S_MAX);
  return at;
}

INLINE const u8 *notice_summary(const u8 *at, const u8 *end, u32 *m, bool *plausible) {
  if ((at = uint(at, end, 1, m)) == NULL || (at = items(at, end, 0, 12, m + 1)) == NULL) return NULL;
  const u32 count = m[1];
  for (u32 i = 0; i < count; i++) {
    u32 *const entry = m + 2 + 3 * i;
    if ((at = array(at, end, 3)) == NULL || (at = uint(at, end, 31, entry)) == NULL) return NULL;
    if ((at = uint(at, end, 0xffff, entry + 1)) == NULL || (at = uint(at, end, ANY, entry + 2)) == NULL) return NULL;
    for (u32 j = 0; j < i; j++)
      if (m[2 + 3 * j] == entry[0] && m[3 + 3 * j] == entry[1]) *plausible = false;
  }
  return at;
}

/* Exactly `bytes` of them. */
INLINE const u8 *bytes_of(const u8 *at, const u8 *end, u32 bytes, const u8 *frame, u32 *into) {
  at = byte_string(at, end, bytes, frame, into);
  return at != NULL && into[1] == bytes ? at : NULL;
}

/* A signed word on a slot: when, what, and the signature. */
INLINE const u8 *word_of(const u8 *at, const u8 *end, const u8 *frame, u32 *m) {
  if ((at = uint(at, end, ANY, m)) == NULL || (at = bytes_of(at, end, 16, frame, m + 1)) == NULL) return NULL;
  return bytes_of(at, end, 64, frame, m + 3);
}

INLINE const u8 *slot_of(const u8 *at, const u8 *end, u32 *m) {
  return (at = uint(at, end, 0xffff, m)) == NULL ? NULL : uint(at, end, 7, m + 1);
}

INLINE const u8 *statement(const u8 *at, const u8 *end, const u8 *frame, u32 *m) {
  if ((at = slot_of(at, end, m)) == NULL || (at = uint(at, end, ANY, m + 2)) == NULL) return NULL;
  return word_of(at, end, frame, m + 3);
}

INLINE const u8 *proof(const u8 *at, const u8 *end, u32 members, const u8 *frame, u32 *m, bool *plausible) {
  if ((at = statement(at, end, frame, m)) == NULL || (at = word_of(at, end, frame, m + 8)) == NULL) return NULL;
  u32 differ = 0;
  for (u32 i = 0; i < 16; i++) differ |= (u32)frame[m[4] + i] ^ frame[m[9] + i];
  *plausible = m[0] < members && m[2] != 0 && differ != 0;
  return at;
}

/* Array length and type of a message; false if there is no such head. A head may be longer than one byte only for types that are unknown here. */
INLINE bool message_head(const u8 *at, const u8 *end, u32 *length, u32 *type, u32 *head) {
  const u32 first = *at;
  if (first <= 0x80 || first > 0x9a) return false;
  const u32 bytes = head_bytes(at, end);
  if (bytes == 0 || at + bytes >= end || at[bytes] > 0x1a) return false;
  const u32 type_bytes = head_bytes(at + bytes, end);
  if (type_bytes == 0) return false;
  *length = bytes == 1 ? first & 0x1fu : ANY;
  *type = head_argument(at + bytes, type_bytes);
  *head = bytes + type_bytes;
  return *type <= 0x7fffffff;
}

/* Two or three integers and one condition: the small messages. */
INLINE const u8 *pair(const u8 *at, const u8 *end, u32 first, u32 second, u32 *m) {
  return (at = uint(at, end, first, m)) == NULL ? NULL : uint(at, end, second, m + 1);
}

/* Place after a message, NULL if malformed; `plausible` is false if it cannot be true, `foreign` if it comes under a key that is not for its kind. */
static const u8 *check_message(struct node *node, u32 sender, const u8 *frame, const u8 *at, const u8 *end, bool *plausible, bool *foreign) {
  u32 length, type, head;
  if (!message_head(at, end, &length, &type, &head)) return NULL;
  const u8 *const body = at + head;
  const u32 members = node->members;
  u32 *const m = node->message;
  *plausible = true;
  *foreign = type == TYPE_KEY_EPOCH_HEAD || type == TYPE_KEY_EPOCH_PART;
  if (*foreign) return at;
#define HAS(count) \
  if (length != (count)) return NULL
  switch (type) {
    case 1:
    case 2:
      HAS(2);
      return uint(body, end, 0xffff, m);
    case 3:
    case 5:
      HAS(3);
      at = pair(body, end, 0xffff, 0xffff, m);
      *plausible = m[1] < members;
      return at;
    case 4:
      HAS(9);
      return heartbeat(body, end, node, frame, m, plausible);
    case 6:
      HAS(3);
      at = pair(body, end, 0xffff, 0xffff, m);
      *plausible = m[0] < members;
      return at;
    case 7:
      HAS(3);
      at = pair(body, end, 0xffff, 0xffff, m);
      *plausible = m[0] == sender;
      return at;
    case 8:
      HAS(4);
      at = pair(body, end, 0xffff, 255, m);
      return at == NULL ? NULL : uint(at, end, 255, m + 2);
    case 10:
      HAS(3);
      at = pair(body, end, ANY, ANY, m);
      *plausible = m[0] < m[1];
      return at;
    case 11:
      HAS(2);
      return gone_list(body, end, members, m, plausible);
    case 16:
      HAS(17);
      return intent(body, end, node, m, plausible);
    case 17:
      HAS(4);
      return sync_digest(body, end, members, m, plausible);
    case 18:
      HAS(4);
      return owner_summary(body, end, members, m, plausible);
    case 19:
      HAS(6);
      return notice(body, end, node, m, plausible);
    case 20:
      HAS(3);
      return notice_summary(body, end, m, plausible);
    case 21:
      HAS(2);
      return uint(body, end, ANY, m);
    case 22:
      HAS(7);
      at = statement(body, end, frame, m);
      *plausible = m[0] < members;
      return at;
    case 23:
      HAS(10);
      return proof(body, end, members, frame, m, plausible);
    case 24:
      HAS(3);
      at = slot_of(body, end, m);
      *plausible = m[0] < members;
      return at;
    case 97:
      HAS(4);
      at = uint(body, end, 4, m);
      return at == NULL || m[0] == 0 ? NULL : pair(at, end, ANY, ANY, m + 1);
    case 98:
      HAS(4);
      at = pair(body, end, 255, 0xffff, m);
      return at == NULL ? NULL : uint(at, end, ANY, m + 2);
    default:
      return type >= 128 ? NULL : skip_item(at, end);
  }
}

static u32 reject(struct node *node, u32 loss, u32 status) {
  struct loss *const entry = &node->losses[loss];
  if (entry->count == 0) entry->first_s = node->local_s;
  if (entry->count != ANY) entry->count++;
  return status;
}

/* The envelope of a frame. */
struct envelope {
  u32 sender;
  u32 counter;
  const struct link_key *key;
  const u8 *body;
  u32 body_bytes;
};

INLINE u32 half_at(const u8 *at) {
  return (u32)at[0] << 8 | at[1];
}

/* All lengths are fixed: it is compared rather than parsed. */
INLINE u32 read_envelope(struct node *node, const u8 *frame, u32 length, struct envelope *envelope) {
  if (word_at(frame) != 0xd08355a3u || frame[4] != 0x01) return reject(node, LOSS_FORM, STATUS_MALFORMED);
  if (half_at(frame + 5) != 0x1818) return reject(node, LOSS_ALGORITHM, STATUS_MALFORMED);
  if (half_at(frame + 7) != 0x0449 || half_at(frame + 18) != 0x0644 || frame[24] != 0xa0) return reject(node, LOSS_FORM, STATUS_MALFORMED);
  u32 body = (u32)frame[25] - 0x40u;
  u32 at = 26;
  if (body == 0x18) {
    body = frame[26];
    at = 27;
    if (body < 24) return reject(node, LOSS_FORM, STATUS_MALFORMED);
  } else if (body >= 24)
    return reject(node, LOSS_FORM, STATUS_MALFORMED);
  if (at + body + CRC_BYTES != length || body <= TAG_BYTES) return reject(node, LOSS_FORM, STATUS_MALFORMED);
  if (frame[9] != PROTOCOL_VERSION) return reject(node, LOSS_VERSION, STATUS_VERSION);
  const u32 addressee = half_at(frame + 16);
  if (half_at(frame + 10) != node->cluster || (addressee != ADDRESSEE_ALL && addressee != node->self)) return STATUS_NOT_FOR_US;
  const u32 sender = half_at(frame + 14);
  if (sender >= node->members) return reject(node, LOSS_SENDER, STATUS_IMPLAUSIBLE);
  const u32 epoch = half_at(frame + 12);
  const struct link_key *const key = &node->keys[epoch == 0 ? 0 : 1 + (epoch & 1)];
  if (key->present == 0 || key->epoch != epoch) return reject(node, LOSS_KEY_EPOCH, STATUS_KEY_EPOCH);
  *envelope = (struct envelope){sender, word_at(frame + 20), key, frame + at, body - TAG_BYTES};
  return STATUS_OK;
}

/* Whether a frame with this counter may be taken. */
INLINE u32 check_counter(struct node *node, u32 sender, u32 counter) {
  if (node->time_known != 0) {
    const u32 slot_ms = node->self * 125 / 2;
    const u32 late = node->mission_ms < slot_ms % 1000 ? 1 : 0;
    const u32 cycle = (node->mission_s + CYCLE_S - slot_ms / 1000 - late) / CYCLE_S;
    if (counter > node->reserved || counter > cycle + WINDOW_CYCLES) return reject(node, LOSS_AHEAD, STATUS_AHEAD);
    if (counter + WINDOW_CYCLES <= cycle) return reject(node, LOSS_STALE, STATUS_STALE);
  }
  const struct peer *const peer = &node->peers[sender];
  if (counter > peer->top) return STATUS_OK;
  const u32 back = peer->top - counter;
  if (back >= WINDOW_CYCLES) return reject(node, LOSS_STALE, STATUS_STALE);
  return (peer->seen[back / 32] >> back % 32 & 1) != 0 ? reject(node, LOSS_REPLAY, STATUS_REPLAY) : (u32)STATUS_OK;
}

/* Enc_structure: 83 68 "Encrypt0", the protected header in its byte string, 40. */
INLINE bool open_envelope(struct node *node, const u8 *frame, const struct envelope *envelope) {
  static const u8 head[10] = {0x83, 0x68, 'E', 'n', 'c', 'r', 'y', 'p', 't', '0'};
  u8 *const aad = (u8 *)node->message;
  for (u32 i = 0; i < 10; i++) aad[i] = head[i];
  for (u32 i = 0; i < 22; i++) aad[10 + i] = frame[2 + i];
  aad[AAD_BYTES - 1] = 0x40;
  const u32 n0 = (u32)frame[14] | (u32)frame[15] << 8;
  const u32 n2 = (u32)frame[20] | (u32)frame[21] << 8 | (u32)frame[22] << 16 | (u32)frame[23] << 24;
  return native_open(envelope->key->key, n0, n2, aad, AAD_BYTES, envelope->body, envelope->body_bytes, (u8 *)node->plain);
}

u32 native_check_frame(struct node *node, const u8 *frame, u32 length) {
  if (length < FRAME_BYTES_MIN || length > FRAME_BYTES_MAX) return reject(node, LOSS_LENGTH, STATUS_LENGTH);
  if (crc32c(frame, length - CRC_BYTES) != word_at(frame + length - CRC_BYTES)) return reject(node, LOSS_CRC, STATUS_CRC);
  struct envelope envelope;
  u32 status = read_envelope(node, frame, length, &envelope);
  if (status != STATUS_OK) return status;
  if (envelope.key->epoch != 0 && (status = check_counter(node, envelope.sender, envelope.counter)) != STATUS_OK) return status;
  if (!open_envelope(node, frame, &envelope)) return reject(node, LOSS_TAG, STATUS_TAG);
  if (envelope.sender == node->self) return reject(node, LOSS_SELF, STATUS_IMPLAUSIBLE);
  const u8 *const plain = (const u8 *)node->plain;
  const u8 *const end = plain + envelope.body_bytes;
  u32 heartbeats = 0;
  for (const u8 *at = plain; at < end;) {
    bool plausible, foreign = false;
    u32 length_of, type, head;
    if (message_head(at, end, &length_of, &type, &head) && type == 4 && heartbeats++ != 0) return reject(node, LOSS_IMPLAUSIBLE, STATUS_IMPLAUSIBLE);
    at = check_message(node, envelope.sender, plain, at, end, &plausible, &foreign);
    if (foreign) return reject(node, LOSS_CHANNEL, STATUS_IMPLAUSIBLE);
    if (at == NULL) return reject(node, LOSS_MALFORMED, STATUS_MALFORMED);
    if (!plausible) return reject(node, LOSS_IMPLAUSIBLE, STATUS_IMPLAUSIBLE);
  }
  return STATUS_OK;
}
