// What is heard in frames of epoch 0.

import { SCRATCH_AT } from '../memory/map';
import {
  messageType,
  TYPE_KEY_EPOCH_HEAD,
  KeyEpochHead,
  decodeKeyEpochHead,
  KeyEpochPart,
  decodeKeyEpochPart,
} from '../wire/generated/messages';
import { onHead, onPart } from './key_epoch';

/** Heads and parts say nothing of their sender, who may be excluded: it counts as not heard. */
export function applyKeys(ctx: usize, at: usize, end: usize): usize {
  const s: usize = ctx + SCRATCH_AT;
  if (messageType(at, end) == TYPE_KEY_EPOCH_HEAD) {
    const next = decodeKeyEpochHead(at, end, changetype<KeyEpochHead>(s));
    onHead(ctx, changetype<KeyEpochHead>(s), false);
    return next;
  }
  const next = decodeKeyEpochPart(at, end, changetype<KeyEpochPart>(s));
  onPart(ctx, changetype<KeyEpochPart>(s));
  return next;
}
