// What is heard in frames of epoch 0.

import { SCRATCH_AT } from "../memory/map";
import { messageType, TYPE_EPOCH_HEAD, EpochHead, decodeEpochHead, EpochPart, decodeEpochPart } from "../wire/generated/messages";
import { onHead, onPart } from "./key_epoch";

/** Heads and parts say nothing of their sender, who may be excluded: it counts as not heard. */
export function applyKeys(ctx: usize, at: usize, end: usize): usize {
  const s: usize = ctx + SCRATCH_AT;
  if (messageType(at, end) == TYPE_EPOCH_HEAD) {
    const next = decodeEpochHead(at, end, changetype<EpochHead>(s));
    onHead(ctx, changetype<EpochHead>(s), false);
    return next;
  }
  const next = decodeEpochPart(at, end, changetype<EpochPart>(s));
  onPart(ctx, changetype<EpochPart>(s));
  return next;
}
