/* Mutation that knows steps and integers. A part of harness.c, of which it takes the states and the
   layout of steps. */

static u32 random_state;
static u32 below(u32 n) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return random_state % n;
}

/* An integer in its shortest form; its length. */
static u32 put_integer(u8 *at, u32 value) {
  if (value < 24) {
    at[0] = (u8)value;
    return 1;
  }
  if (value < 0x100) {
    at[0] = 0x18;
    at[1] = (u8)value;
    return 2;
  }
  if (value < 0x10000) {
    at[0] = 0x19;
    put16(at + 1, value);
    return 3;
  }
  at[0] = 0x1a;
  put32(at + 1, value);
  return 5;
}

static u32 boundary_value(void) {
  static const u32 values[] = {
    0, 1, 2, 3, 5, 7, 8, 9, 11, 12, 13, 16, 23, 24, 31, 32, 33, 63, 64, 127, 128, 199, 200, 255, 256, 257, 300,
    511, 512, 999, 1000, 8191, 8192, 65534, 65535, 65536, 0x10001, 0x1f0000, 0x200000, 0x7fffffff, 0x80000000u,
    0xfffffffeu, 0xffffffffu,
  };
  const u32 kind = below(4);
  if (kind == 0) return states[0].now_s + below(20000) - 8000;
  if (kind == 1) return states[STATES - 1].now_s + below(20000) - 8000;
  return values[below(sizeof values / sizeof values[0])];
}

/* Puts another integer in the place of one; the new length of the payload. */
static u32 change_integer(u8 *payload, u32 length) {
  u32 places[256], count = 0;
  for (u32 at = 0; at < length;) {
    const u8 head = payload[at];
    const u32 more = head == 0x18 ? 1 : head == 0x19 ? 2 : head == 0x1a ? 4 : 0;
    if (head < 0x1b && at + more < length) places[count++] = at;
    u32 bytes = 0;
    if (head >= 0x40 && head < 0x58) bytes = head - 0x40u;
    else if (head == 0x58 && at + 1 < length) bytes = 1u + payload[at + 1];
    at += 1 + more + bytes;
  }
  if (count == 0) return length;
  const u32 at = places[below(count)];
  const u8 head = payload[at];
  const u32 old = head == 0x18 ? 2 : head == 0x19 ? 3 : head == 0x1a ? 5 : 1;
  u8 fresh[5];
  const u32 bytes = put_integer(fresh, boundary_value());
  if (length - old + bytes > 255) return length;
  memmove(payload + at + bytes, payload + at + old, length - at - old);
  memcpy(payload + at, fresh, bytes);
  return length - old + bytes;
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned int seed) {
  random_state = seed | 1;
  u32 starts[STEPS_MAX], count = 0;
  for (size_t at = 1; at + HEAD <= size && count < STEPS_MAX;) {
    starts[count++] = (u32)at;
    at += HEAD + data[at + 3];
    if (at > size) data[starts[count - 1] + 3] = (u8)(size - starts[count - 1] - HEAD);
  }
  const u32 kind = below(8);
  if (count == 0 || kind == 0) return LLVMFuzzerMutate(data, size, max_size);
  const u32 at = starts[below(count)], length = data[at + 3];
  u8 *const payload = data + at + HEAD;
  const size_t rest = size - at - HEAD - length;
  if (kind < 5) {
    u8 changed[512];
    memcpy(changed, payload, length);
    u32 bytes = length;
    if (kind < 3) bytes = change_integer(changed, length);
    else bytes = (u32)LLVMFuzzerMutate(changed, length, 214);
    if (size - length + bytes > max_size) return size;
    memmove(payload + bytes, payload + length, rest);
    memcpy(payload, changed, bytes);
    data[at + 3] = (u8)bytes;
    return size - length + bytes;
  }
  if (kind == 5) {
    data[at + below(3)] = (u8)below(below(2) != 0 ? 256 : 16);
    return size;
  }
  if (kind == 6 && size + HEAD + length <= max_size) {
    // The step once more, before or after another.
    u8 copy[HEAD + 256];
    memcpy(copy, data + at, HEAD + length);
    const u32 to = starts[below(count)];
    memmove(data + to + HEAD + length, data + to, size - to);
    memcpy(data + to, copy, HEAD + length);
    return size + HEAD + length;
  }
  if (count > 1) {
    memmove(data + at, payload + length, rest);
    return size - HEAD - length;
  }
  data[0] = (u8)below(STATES);
  return size;
}
