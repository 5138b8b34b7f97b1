// Lays out the memory in which a call works. Nothing in it outlives the call: each exported
// function begins by writing what it will read, and signing clears all of it.
//
//   first byte  what
//   POINTS      points in extended coordinates (x, y, z, t: four field elements each)
//   TABLE       verification: eight odd multiples of the key. Hashing, which is over by then:
//               schedule and working variables
//   NAF         verification: the digits of both scalars
//   FIELDS      field elements that the formulas of points.ts, base.ts and power.ts need in between
//   SCALARS     numbers of 32-bit words, the products of scalar.ts among them
//   HASH        the state of SHA-512
//   INPUT       copies of key, seed, signature: aligned, and safe from an output that overlaps them

/** Ten limbs of 32 bits. */
export const FIELD_BYTES: u32 = 40;
export const POINT_BYTES: u32 = 4 * FIELD_BYTES;
/** Odd multiples 1 … 15 of the key. */
export const TABLE_POINTS: u32 = 8;
/**
 * Digits of a scalar in non-adjacent form, one signed byte each; a scalar has 253 bits, and a carry
 * may follow.
 */
export const NAF_BYTES: u32 = 256;

const POINTS: u32 = 3;
/** Eight of points.ts, three of an entry and three for its packed form, four of power.ts. */
const FIELDS: u32 = 8 + 3 + 3 + 4;
const HASH_BYTES: u32 = 64 + 128 + 16;
const SCHEDULE_BYTES: u32 = 640;
const ROUND_BYTES: u32 = 64 + 640;
const TABLE_BYTES: u32 = 1344;
const SCALAR_BYTES: u32 = 64 * 7;

export const WORKSPACE_BYTES: u32 =
  POINTS * POINT_BYTES + TABLE_BYTES + 2 * NAF_BYTES + FIELDS * FIELD_BYTES + SCALAR_BYTES + HASH_BYTES + 256;

export const WORKSPACE: usize = memory.data(WORKSPACE_BYTES, 16);

// ---- points ----
export const POINT_A: usize = WORKSPACE;
export const POINT_R: usize = POINT_A + POINT_BYTES;
export const POINT_SPARE: usize = POINT_R + POINT_BYTES;

// ---- verification's table, and hashing's ----
export const TABLE: usize = POINT_SPARE + POINT_BYTES;
export const SCHEDULE: usize = TABLE;
export const ROUNDS: usize = SCHEDULE + SCHEDULE_BYTES;

// ---- digits ----
export const NAF_KEY: usize = TABLE + TABLE_BYTES;
export const NAF_BASE: usize = NAF_KEY + NAF_BYTES;

// ---- field elements ----
export const FIELD_0: usize = NAF_BASE + NAF_BYTES;
export const FIELD_1: usize = FIELD_0 + FIELD_BYTES;
export const FIELD_2: usize = FIELD_1 + FIELD_BYTES;
export const FIELD_3: usize = FIELD_2 + FIELD_BYTES;
export const FIELD_4: usize = FIELD_3 + FIELD_BYTES;
export const FIELD_5: usize = FIELD_4 + FIELD_BYTES;
export const FIELD_6: usize = FIELD_5 + FIELD_BYTES;
export const FIELD_7: usize = FIELD_6 + FIELD_BYTES;
/** The base point's entry of this step: y + x, y − x, 2dxy; and the same packed, 24 words. */
export const ENTRY_SUM: usize = FIELD_7 + FIELD_BYTES;
export const ENTRY_DIFFERENCE: usize = ENTRY_SUM + FIELD_BYTES;
export const ENTRY_PRODUCT: usize = ENTRY_DIFFERENCE + FIELD_BYTES;
export const ENTRY_PACKED: usize = ENTRY_PRODUCT + FIELD_BYTES;
/** Used by power.ts alone. */
export const POWER_0: usize = ENTRY_PACKED + 3 * FIELD_BYTES;
export const POWER_1: usize = POWER_0 + FIELD_BYTES;
export const POWER_2: usize = POWER_1 + FIELD_BYTES;
export const POWER_3: usize = POWER_2 + FIELD_BYTES;

// ---- scalars ----
export const SCALAR_SECRET: usize = FIELD_0 + FIELDS * FIELD_BYTES;
export const SCALAR_NONCE: usize = SCALAR_SECRET + 32;
export const SCALAR_CHALLENGE: usize = SCALAR_NONCE + 32;
export const SCALAR_SHIFTED: usize = SCALAR_CHALLENGE + 32;
/** The sixteen words that are reduced. */
export const SCALAR_WIDE: usize = SCALAR_SHIFTED + 32;
export const SCALAR_HIGH: usize = SCALAR_WIDE + 64;
export const SCALAR_LOW: usize = SCALAR_HIGH + 64;
export const SCALAR_PRODUCT: usize = SCALAR_LOW + 64;
export const SCALAR_SUM: usize = SCALAR_PRODUCT + 64;

// ---- SHA-512 ----
export const HASH_STATE: usize = SCALAR_SECRET + SCALAR_BYTES;
export const HASH_BLOCK: usize = HASH_STATE + 64;
export const HASH_LENGTH: usize = HASH_BLOCK + 128;
export const DIGEST: usize = HASH_LENGTH + 16;

// ---- inputs ----
export const INPUT_KEY: usize = DIGEST + 64;
export const INPUT_SEED: usize = INPUT_KEY + 32;
export const INPUT_SIGNATURE: usize = INPUT_SEED + 32;
export const OUTPUT: usize = INPUT_SIGNATURE + 64;

if (OUTPUT - WORKSPACE + 64 > WORKSPACE_BYTES) ERROR('the workspace ends before its last field');
if (TABLE_POINTS * POINT_BYTES > TABLE_BYTES || SCHEDULE_BYTES + ROUND_BYTES > TABLE_BYTES)
  ERROR('both uses of the table fit');
if (POWER_3 + FIELD_BYTES > SCALAR_SECRET) ERROR('field elements fit');
if (SCALAR_SUM + 32 > HASH_STATE) ERROR('scalars fit');
