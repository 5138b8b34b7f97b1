/*
 * Opens a frame: CRC-32C, envelope, counter, tag, and every message decoded and checked, as
 * checkFrame and openFrame of firmware/edge/receive.ts do before anything is applied. A reader
 * takes the place of an item and returns the place after it, or NULL when the item is not as
 * expected.
 */
#include "cbor.h"
#include "native.h"

enum { AAD_BYTES = 33 };

/* Four arrays: the compiler keeps an address for each, and a lookup is one load. */
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

/* Frames begin on word boundaries: four bytes per step, as in the firmware. */
static u32 crc32c(const u8 *at, u32 length) {
  const u32 *zero = crc_table_0, *one = crc_table_1, *two = crc_table_2, *three = crc_table_3;
  /* Keeps the addresses in four registers; otherwise each lookup adds an offset to one address. */
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

/* The readers of messages begin after the message's type. */
INLINE const u8 *silent_list(const u8 *at, const u8 *end, u32 members, u32 *m, bool *plausible) {
  if ((at = items(at, end, 0, 16, m)) == NULL) return NULL;
  const u32 count = *m;
  for (u32 i = 0; i < count; i++) {
    u32 *const entry = m + 1 + 3 * i;
    if ((at = array(at, end, 3)) == NULL) return NULL;
    if ((at = uint(at, end, 0xffff, entry)) == NULL || (at = uint(at, end, ANY, entry + 1)) == NULL) return NULL;
    if ((at = uint(at, end, 255, entry + 2)) == NULL) return NULL;
    if (entry[0] >= members) *plausible = false;
    /* A list names nothing twice. */
    for (u32 j = 0; j < i; j++)
      if (m[1 + 3 * j] == entry[0]) *plausible = false;
  }
  return at;
}

INLINE const u8 *heartbeat(const u8 *at, const u8 *end, const struct node *node, const u8 *frame, u32 *m,
                           bool *plausible) {
  if ((at = uint(at, end, ANY, m)) == NULL || (at = uint(at, end, 999, m + 1)) == NULL) return NULL;
  if ((at = uint(at, end, 0xffff, m + 2)) == NULL || (at = byte_string(at, end, 75, frame, m + 3)) == NULL) return NULL;
  if ((at = uints(at, end, 3, ANY, m + 5)) == NULL) return NULL;
  if ((at = byte_string(at, end, 25, frame, m + 8)) == NULL) return NULL;
  /* A short heartbeat has no bitmaps. */
  const u32 bytes = m[9] == 0 ? 0 : (node->members + 7) / 8;
  *plausible = m[4] == bytes * 3 && m[9] == bytes;
  return at;
}

INLINE const u8 *intent(const u8 *at, const u8 *end, const struct node *node, u32 *m, bool *plausible) {
  if ((at = uint(at, end, 0xffff, m)) == NULL || (at = uint(at, end, 7, m + 1)) == NULL) return NULL;
  if ((at = uint(at, end, ANY, m + 2)) == NULL || (at = uint(at, end, 255, m + 3)) == NULL) return NULL;
  if ((at = uints(at, end, 4, ANY, m + 4)) == NULL || (at = uint(at, end, 255, m + 8)) == NULL) return NULL;
  if ((at = uint(at, end, 5, m + 9)) == NULL || m[9] == 0 || (at = uint(at, end, 255, m + 10)) == NULL) return NULL;
  if ((at = uints(at, end, 5, ANY, m + 11)) == NULL) return NULL;
  const u32 start_s = m[5], end_s = m[6], claim_s = m[11], published_s = m[12], lease_s = m[15];
  *plausible = m[0] < node->members && m[4] >> 16 < GROUPS_MAX && start_s < end_s &&
               m[3] != KIND_PLACEHOLDER && claim_s <= published_s &&
               lease_s <= published_s + LEASE_ADVANCE_S_MAX && end_s - start_s <= HORIZON_S_MAX &&
               start_s <= published_s + HORIZON_S_MAX &&
               (node->time_known == 0 || published_s <= node->mission_s + AHEAD_S_MAX);
  return at;
}

INLINE const u8 *sync_digest(const u8 *at, const u8 *end, u32 members, const u8 *frame, u32 *m, bool *plausible) {
  if ((at = uint(at, end, 255, m)) == NULL || (at = byte_string(at, end, 100, frame, m + 1)) == NULL) return NULL;
  if (m[2] == 0) return NULL;
  *plausible = m[2] == (members + 1) / 2;
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
  *plausible = m[4] < node->members &&
               (node->time_known == 0 || m[3] <= node->mission_s + AHEAD_S_MAX);
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

/* Reads a byte string of exactly `bytes` bytes. */
INLINE const u8 *bytes_of(const u8 *at, const u8 *end, u32 bytes, const u8 *frame, u32 *into) {
  at = byte_string(at, end, bytes, frame, into);
  return at != NULL && into[1] == bytes ? at : NULL;
}

/* Reads the signed part of a statement: time, digest and signature. */
INLINE const u8 *signed_part(const u8 *at, const u8 *end, const u8 *frame, u32 *m) {
  if ((at = uint(at, end, ANY, m)) == NULL || (at = bytes_of(at, end, 16, frame, m + 1)) == NULL) return NULL;
  return bytes_of(at, end, 64, frame, m + 3);
}

/* Reads owner and intent slot. */
INLINE const u8 *intent_slot(const u8 *at, const u8 *end, u32 *m) {
  return (at = uint(at, end, 0xffff, m)) == NULL ? NULL : uint(at, end, 7, m + 1);
}

INLINE const u8 *statement(const u8 *at, const u8 *end, const u8 *frame, u32 *m) {
  if ((at = intent_slot(at, end, m)) == NULL || (at = uint(at, end, ANY, m + 2)) == NULL) return NULL;
  return signed_part(at, end, frame, m + 3);
}

INLINE const u8 *proof(const u8 *at, const u8 *end, u32 members, const u8 *frame, u32 *m, bool *plausible) {
  if ((at = statement(at, end, frame, m)) == NULL || (at = signed_part(at, end, frame, m + 8)) == NULL) return NULL;
  u32 differ = 0;
  for (u32 i = 0; i < 16; i++) differ |= (u32)frame[m[4] + i] ^ frame[m[9] + i];
  *plausible = m[0] < members && m[2] != 0 && differ != 0;
  return at;
}

/*
 * Reads array length and type of a message; false when its head is malformed. A head is longer than
 * one byte only for types that are unknown here.
 */
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

/* Reads two integers, as the small messages have. */
INLINE const u8 *pair(const u8 *at, const u8 *end, u32 first, u32 second, u32 *m) {
  return (at = uint(at, end, first, m)) == NULL ? NULL : uint(at, end, second, m + 1);
}

/* Two integers, of which `member` names a member. */
INLINE const u8 *naming(const u8 *at, const u8 *end, u32 *m, const u32 *member, u32 members, bool *plausible) {
  at = pair(at, end, 0xffff, 0xffff, m);
  *plausible = *member < members;
  return at;
}

INLINE const u8 *alive(const u8 *at, const u8 *end, u32 sender, u32 *m, bool *plausible) {
  at = pair(at, end, 0xffff, 0xffff, m);
  *plausible = m[0] == sender;
  return at == NULL ? NULL : uint(at, end, 0xffff, m + 2);
}

INLINE const u8 *join(const u8 *at, const u8 *end, u32 *m) {
  at = pair(at, end, 0xffff, 255, m);
  if (at == NULL || (at = uint(at, end, 255, m + 2)) == NULL) return NULL;
  return uint(at, end, 0xffff, m + 3);
}

INLINE const u8 *isolation(const u8 *at, const u8 *end, u32 *m, bool *plausible) {
  at = pair(at, end, ANY, ANY, m);
  *plausible = m[0] < m[1];
  return at;
}

INLINE const u8 *member_statement(const u8 *at, const u8 *end, u32 members, const u8 *frame, u32 *m, bool *plausible) {
  at = statement(at, end, frame, m);
  *plausible = m[0] < members;
  return at;
}

INLINE const u8 *statement_request(const u8 *at, const u8 *end, u32 members, u32 *m, bool *plausible) {
  at = intent_slot(at, end, m);
  *plausible = m[0] < members;
  return at;
}

INLINE const u8 *alarm(const u8 *at, const u8 *end, u32 *m) {
  at = uint(at, end, 4, m);
  return at == NULL || m[0] == 0 ? NULL : pair(at, end, ANY, ANY, m + 1);
}

INLINE const u8 *beacon(const u8 *at, const u8 *end, u32 *m) {
  at = pair(at, end, 255, 0xffff, m);
  return at == NULL ? NULL : uint(at, end, ANY, m + 2);
}

/*
 * Decodes a message to `m`. Returns the place after it, NULL when it is malformed. `plausible`:
 * false when it cannot be true. `foreign`: it came under a key that is not for its type.
 */
static const u8 *check_message(struct node *node, u32 sender, u32 *m, const u8 *at, const u8 *end,
                               bool *plausible, bool *foreign) {
  u32 length, type, head;
  if (!message_head(at, end, &length, &type, &head)) return NULL;
  const u8 *const body = at + head;
  const u32 members = node->members;
  const u8 *const frame = (const u8 *)node->plain;
  *plausible = true;
  *foreign = type == TYPE_KEY_EPOCH_HEAD || type == TYPE_KEY_EPOCH_PART;
  if (*foreign) return at;
  switch (type) {
    case TYPE_PROBE:
    case TYPE_ACK:
      return length == 2 ? uint(body, end, 0xffff, m) : NULL;
    case TYPE_PROBE_REQUEST:
    case TYPE_RELAYED_ACK:
      return length == 3 ? naming(body, end, m, &m[1], members, plausible) : NULL;
    case TYPE_HEARTBEAT:
      return length == 9 ? heartbeat(body, end, node, frame, m, plausible) : NULL;
    case TYPE_SUSPICION:
      return length == 3 ? naming(body, end, m, &m[0], members, plausible) : NULL;
    case TYPE_ALIVE:
      return length == 4 ? alive(body, end, sender, m, plausible) : NULL;
    case TYPE_JOIN:
      return length == 5 ? join(body, end, m) : NULL;
    case TYPE_ISOLATION:
      return length == 3 ? isolation(body, end, m, plausible) : NULL;
    case TYPE_SILENT_LIST:
      return length == 2 ? silent_list(body, end, members, m, plausible) : NULL;
    case TYPE_INTENT:
      return length == 17 ? intent(body, end, node, m, plausible) : NULL;
    case TYPE_SYNC_DIGEST:
      return length == 3 ? sync_digest(body, end, members, frame, m, plausible) : NULL;
    case TYPE_OWNER_SUMMARY:
      return length == 4 ? owner_summary(body, end, members, m, plausible) : NULL;
    case TYPE_NOTICE:
      return length == 6 ? notice(body, end, node, m, plausible) : NULL;
    case TYPE_NOTICE_SUMMARY:
      return length == 3 ? notice_summary(body, end, m, plausible) : NULL;
    case TYPE_SINCE:
      return length == 2 ? uint(body, end, ANY, m) : NULL;
    case TYPE_STATEMENT:
      return length == 7 ? member_statement(body, end, members, frame, m, plausible) : NULL;
    case TYPE_PROOF:
      return length == 10 ? proof(body, end, members, frame, m, plausible) : NULL;
    case TYPE_STATEMENT_REQUEST:
      return length == 3 ? statement_request(body, end, members, m, plausible) : NULL;
    case TYPE_ALARM:
      return length == 4 ? alarm(body, end, m) : NULL;
    case TYPE_BEACON:
      return length == 4 ? beacon(body, end, m) : NULL;
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

/* The envelope of a frame: its sender, its counter, the key, and the ciphertext. */
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

/* Reads the envelope by comparison, not by parsing: all lengths are fixed. */
INLINE u32 read_envelope(struct node *node, const u8 *frame, u32 length, struct envelope *envelope) {
  if (word_at(frame) != 0xd08355a3u || frame[4] != 0x01) return reject(node, COUNTER_FRAME_FORM, STATUS_MALFORMED);
  if (half_at(frame + 5) != 0x1818) return reject(node, COUNTER_FRAME_ALGORITHM, STATUS_MALFORMED);
  if (half_at(frame + 7) != 0x0449 || half_at(frame + 18) != 0x0644 || frame[24] != 0xa0)
    return reject(node, COUNTER_FRAME_FORM, STATUS_MALFORMED);
  u32 body = (u32)frame[25] - 0x40u;
  u32 at = 26;
  if (body == 0x18) {
    body = frame[26];
    at = 27;
    if (body < 24) return reject(node, COUNTER_FRAME_FORM, STATUS_MALFORMED);
  } else if (body >= 24)
    return reject(node, COUNTER_FRAME_FORM, STATUS_MALFORMED);
  if (at + body + CRC_BYTES != length || body <= TAG_BYTES) return reject(node, COUNTER_FRAME_FORM, STATUS_MALFORMED);
  if (frame[9] != PROTOCOL_VERSION) return reject(node, COUNTER_FRAME_VERSION, STATUS_VERSION);
  const u32 addressee = half_at(frame + 16);
  if (half_at(frame + 10) != node->cluster) return STATUS_NOT_FOR_US;
  if (addressee != ADDRESSEE_ALL && addressee != node->self) return STATUS_NOT_FOR_US;
  const u32 sender = half_at(frame + 14);
  if (sender >= node->members) return reject(node, COUNTER_FRAME_SENDER, STATUS_IMPLAUSIBLE);
  const u32 key_epoch = half_at(frame + 12);
  const struct link_key *const key = &node->keys[key_epoch == 0 ? 0 : 1 + (key_epoch & 1)];
  if (key->present == 0 || key->key_epoch != key_epoch) return reject(node, COUNTER_FRAME_KEY_EPOCH, STATUS_KEY_EPOCH);
  *envelope = (struct envelope){sender, word_at(frame + 20), key, frame + at, body - TAG_BYTES};
  return STATUS_OK;
}

/* Checks a frame's counter: STATUS_OK when it may be accepted. */
INLINE u32 check_counter(struct node *node, u32 sender, u32 counter) {
  if (node->time_known != 0) {
    const u32 tx_slot_ms = node->self * 125 / 2;
    const u32 late = node->mission_ms < tx_slot_ms % 1000 ? 1 : 0;
    const u32 cycle = (node->mission_s + CYCLE_S - tx_slot_ms / 1000 - late) / CYCLE_S;
    if (counter > node->reserved || counter > cycle + WINDOW_CYCLES)
      return reject(node, COUNTER_FRAME_AHEAD, STATUS_AHEAD);
    if (counter + WINDOW_CYCLES <= cycle) return reject(node, COUNTER_FRAME_STALE, STATUS_STALE);
  }
  const struct peer *const peer = &node->peers[sender];
  if (counter > peer->top) return STATUS_OK;
  const u32 back = peer->top - counter;
  if (back >= WINDOW_CYCLES) return reject(node, COUNTER_FRAME_STALE, STATUS_STALE);
  const bool seen = (peer->seen[back / 32] >> back % 32 & 1) != 0;
  return seen ? reject(node, COUNTER_FRAME_REPLAY, STATUS_REPLAY) : STATUS_OK;
}

/*
 * Opens the envelope. Enc_structure: 83 68 "Encrypt0", the protected header in its byte string, 40.
 */
INLINE bool open_envelope(struct node *node, const u8 *frame, const struct envelope *envelope) {
  static const u8 head[10] = {0x83, 0x68, 'E', 'n', 'c', 'r', 'y', 'p', 't', '0'};
  u8 *const aad = (u8 *)node->message;
  for (u32 i = 0; i < 10; i++) aad[i] = head[i];
  for (u32 i = 0; i < 22; i++) aad[10 + i] = frame[2 + i];
  aad[AAD_BYTES - 1] = 0x40;
  const u32 n0 = (u32)frame[14] | (u32)frame[15] << 8;
  const u32 n2 = (u32)frame[20] | (u32)frame[21] << 8 | (u32)frame[22] << 16 | (u32)frame[23] << 24;
  u8 *const plain = (u8 *)node->plain;
  return native_open(envelope->key->key, n0, n2, aad, AAD_BYTES, envelope->body, envelope->body_bytes, plain);
}

u32 native_check_frame(struct node *node, const u8 *frame, u32 length) {
  if (length < FRAME_BYTES_MIN || length > FRAME_BYTES_MAX) return reject(node, COUNTER_FRAME_LENGTH, STATUS_LENGTH);
  if (crc32c(frame, length - CRC_BYTES) != word_at(frame + length - CRC_BYTES))
    return reject(node, COUNTER_FRAME_CRC, STATUS_CRC);
  struct envelope envelope;
  u32 status = read_envelope(node, frame, length, &envelope);
  if (status != STATUS_OK) return status;
  if (envelope.key->key_epoch != 0) status = check_counter(node, envelope.sender, envelope.counter);
  if (status != STATUS_OK) return status;
  if (!open_envelope(node, frame, &envelope)) return reject(node, COUNTER_FRAME_TAG, STATUS_TAG);
  if (envelope.sender == node->self) return reject(node, COUNTER_FRAME_SELF, STATUS_IMPLAUSIBLE);
  const u8 *const plain = (const u8 *)node->plain;
  const u8 *const end = plain + envelope.body_bytes;
  u32 heartbeats = 0, index = 0;
  for (const u8 *at = plain; at < end; index++) {
    bool plausible, foreign = false;
    u32 length_of, type, head;
    if (message_head(at, end, &length_of, &type, &head) && type == TYPE_HEARTBEAT && heartbeats++ != 0)
      return reject(node, COUNTER_FRAME_IMPLAUSIBLE, STATUS_IMPLAUSIBLE);
    u32 *const m = index < node->decoded_max ? node->decoded[index] : node->message;
    at = check_message(node, envelope.sender, m, at, end, &plausible, &foreign);
    if (foreign) return reject(node, COUNTER_FRAME_CHANNEL, STATUS_IMPLAUSIBLE);
    if (at == NULL) return reject(node, COUNTER_FRAME_MALFORMED, STATUS_MALFORMED);
    if (!plausible) return reject(node, COUNTER_FRAME_IMPLAUSIBLE, STATUS_IMPLAUSIBLE);
  }
  return STATUS_OK;
}
