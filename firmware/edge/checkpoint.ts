// A checkpoint is a copy of the block behind a header: magic, layout, size, CRC-32C. Restoring verifies all four before it takes anything in. The CRC covers
// the codes of the lines and each line is held against its code: that takes an eighth of the time, and what had
// flipped in a line before the checkpoint was written, or in its memory, is still corrected. The codes stand last: a write that was cut has not their CRC.

import { CHECKPOINT_CRC_AT, CHECKPOINT_HEADER_BYTES, CODE_BYTES } from '../wire/generated/codes';
import { PRESET, PROTECTED, STATUS_OK, STATUS_CHECKPOINT } from '../memory/limits';
import { CODES_AT, CONTEXT_BYTES, EDGE_AT, LINES } from '../memory/map';
import { linesSound } from '../memory/guard';
import { crc32c, crcTablesDiffer, rebuildCrcEntries, CRC_ENTRIES } from '../base/crc32c';
import { CONTEXT_MAGIC, EdgeState } from '../node/table';

/** Raised whenever the layout of a context changes. */
const LAYOUT: u32 = 2;
export const CHECKPOINT_BYTES: u32 = CHECKPOINT_HEADER_BYTES + CONTEXT_BYTES;
/** 'HCKP' */
const CHECKPOINT_MAGIC: u32 = 0x48434b50;

/**
 * Writes a checkpoint to `out`. Returns its length, 0 if it does not fit in `cap`. `out` may be ctx − CHECKPOINT_HEADER_BYTES: then the block itself is
 * the checkpoint's body and nothing is copied, so that a small part needs no room for two.
 */
export function writeCheckpoint(ctx: usize, out: usize, cap: u32): u32 {
  if (cap < CHECKPOINT_BYTES) return 0;
  store<u32>(out, CHECKPOINT_MAGIC);
  store<u32>(out + 4, (LAYOUT << 8) | PRESET);
  store<u32>(out + 8, CONTEXT_BYTES);
  memory.copy(out + CHECKPOINT_HEADER_BYTES, ctx, CONTEXT_BYTES);
  store<u32>(out + CHECKPOINT_CRC_AT, checksum(out + CHECKPOINT_HEADER_BYTES));
  return CHECKPOINT_BYTES;
}

/** CRC-32C over what vouches for the block at `ctx`: the codes; without protection the block itself. */
function checksum(ctx: usize): u32 {
  // Tables that are wrong would spoil a good checkpoint, or refuse one.
  if (crcTablesDiffer()) rebuildCrcEntries(0, CRC_ENTRIES);
  return PROTECTED ? crc32c(ctx + CODES_AT, LINES * CODE_BYTES) : crc32c(ctx, CONTEXT_BYTES);
}

/** STATUS_OK if `image` is a whole checkpoint of this build's layout. Single flipped bits of its lines are corrected in place. */
export function checkCheckpoint(image: usize, length: u32): u32 {
  if (length != CHECKPOINT_BYTES) return STATUS_CHECKPOINT;
  if (load<u32>(image) != CHECKPOINT_MAGIC || load<u32>(image + 4) != ((LAYOUT << 8) | PRESET))
    return STATUS_CHECKPOINT;
  if (load<u32>(image + 8) != CONTEXT_BYTES) return STATUS_CHECKPOINT;
  const block = image + CHECKPOINT_HEADER_BYTES;
  return load<u32>(image + CHECKPOINT_CRC_AT) == checksum(block) && linesSound(block) ? STATUS_OK : STATUS_CHECKPOINT;
}

/** True if the checkpoint is that of node `self` of cluster `cluster`. */
export function isCheckpointOf(image: usize, self: u32, cluster: u32): bool {
  const state = changetype<EdgeState>(image + CHECKPOINT_HEADER_BYTES + EDGE_AT);
  return state.magic == CONTEXT_MAGIC && state.self == self && state.cluster == cluster;
}
