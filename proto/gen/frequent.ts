// Messages that cost most, because a node receives them most often.

/** The message of nearly every frame: its fields are read in place. */
export const MOST_FREQUENT = 'heartbeat';

/** Compared first, in this order, where a message's type is looked up. */
export const FREQUENT: readonly string[] = [MOST_FREQUENT, 'intent'];
