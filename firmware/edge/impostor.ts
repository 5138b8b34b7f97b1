// A frame that opens, and that this node did not send, in its own name: whoever made it holds the cluster's key. It is refused like any other, but what it says that this
// node published is contradicted at once; the others may have believed it.

import { SCRATCH_AT } from "../memory/map";
import { call } from "../memory/guard";
import { hearOfOwn } from "../intent/hold";
import { messageType, skipItem, TYPE_INTENT, Intent as IntentMessage, decodeIntent } from "../wire/generated/messages";
import { self, timeKnown } from "./table";

/** The messages in [at, end). */
export function hearImpostor(ctx: usize, at: usize, end: usize): void {
  if (!timeKnown(ctx) || call(ctx).epoch == 0) return;
  const m = changetype<IntentMessage>(ctx + SCRATCH_AT);
  while (at != 0 && at < end) {
    if (messageType(at, end) != TYPE_INTENT) at = skipItem(at, end);
    else {
      at = decodeIntent(at, end, m);
      if (at != 0 && m.owner == self(ctx)) hearOfOwn(ctx, m);
    }
  }
}
