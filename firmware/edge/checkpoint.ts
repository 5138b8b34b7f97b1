// Writes and verifies checkpoints. A checkpoint is a copy of the context after a header: magic,
// layout, size, CRC-32C. The CRC covers the codes of the lines, and each line is compared with its
// code. That takes an eighth of the time, and a bit that flipped in a line or in its code
// before or after the checkpoint was written is corrected. The codes come last, so an incomplete
// write has a wrong CRC.

import {
  CHECKPOINT_CRC_AT,
  CHECKPOINT_HEADER_BYTES,
  CODE_BYTES,
  CHECKPOINT_MAGIC,
  STATUS_OK,
  STATUS_CHECKPOINT,
} from '../wire/generated/codes';
import { PRESET, PROTECTED } from '../memory/limits';
import { CODES_AT, CONTEXT_BYTES, NODE_AT, LINES } from '../memory/map';
import { linesSound } from '../memory/guard';
import { crc32c, crcTablesDiffer, rebuildCrcEntries, CRC_ENTRIES } from '../base/crc32c';
import { CONTEXT_MAGIC, NodeState } from '../node/table';

/** Raised whenever the layout of a context changes. */
const LAYOUT: u32 = 14;
export const CHECKPOINT_BYTES: u32 = CHECKPOINT_HEADER_BYTES + CONTEXT_BYTES;

/**
 * Writes a checkpoint to `out`. Returns its length, 0 if it does not fit in `cap`. If `out` is ctx
 * − CHECKPOINT_HEADER_BYTES, the context itself is the body and nothing is copied, so that a small
 * processor needs no memory for a second context.
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

/** CRC-32C of the codes of the context at `ctx`; without protection, of the context itself. */
function checksum(ctx: usize): u32 {
  // Corrupt CRC tables would spoil a good checkpoint, or reject one.
  if (crcTablesDiffer()) rebuildCrcEntries(0, CRC_ENTRIES);
  return PROTECTED ? crc32c(ctx + CODES_AT, LINES * CODE_BYTES) : crc32c(ctx, CONTEXT_BYTES);
}

/**
 * STATUS_OK if `image` is a complete checkpoint of this layout. A flipped bit of each line or of
 * its code is corrected before the CRC of the codes is compared. A flip in the header is refused.
 */
export function checkCheckpoint(image: usize, length: u32): u32 {
  if (length != CHECKPOINT_BYTES) return STATUS_CHECKPOINT;
  if (load<u32>(image) != CHECKPOINT_MAGIC || load<u32>(image + 4) != ((LAYOUT << 8) | PRESET))
    return STATUS_CHECKPOINT;
  if (load<u32>(image + 8) != CONTEXT_BYTES) return STATUS_CHECKPOINT;
  const block = image + CHECKPOINT_HEADER_BYTES;
  return linesSound(block) && load<u32>(image + CHECKPOINT_CRC_AT) == checksum(block) ? STATUS_OK : STATUS_CHECKPOINT;
}

/** Whether the checkpoint is that of node `self` of cluster `cluster`. */
export function isCheckpointOf(image: usize, self: u32, cluster: u32): bool {
  const state = changetype<NodeState>(image + CHECKPOINT_HEADER_BYTES + NODE_AT);
  return state.magic == CONTEXT_MAGIC && state.self == self && state.home == cluster;
}
