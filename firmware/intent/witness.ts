// Words against words (docs/insiders.md).

import { COUNTER_SPOKEN_FOR } from "../memory/limits";
import { countLoss } from "../edge/queues";

/** Somebody published in the name of this node. */
export function spokenFor(ctx: usize, slot: u32): void {
  countLoss(ctx, COUNTER_SPOKEN_FOR);
}
