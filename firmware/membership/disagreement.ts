// Recognises that this node alone disagrees with its cluster: others share a digest round after
// round, and nobody has the digest of this node. Its state is wrong in a way that no check sees.

import { CHECKPOINT_S, MEMBERS_MAX } from '../memory/limits';
import { DISAGREED_ROUNDS, DISAGREED_UPTIME_S, ROUND_S } from '../wire/generated/codes';
import { changes } from '../memory/guard';
import { missionS } from '../node/table';
import { othersAreMajority } from './quorum';
import { membership, PROBING } from './table';

/** What this node heard in the present round of the digests of others. */
const HEARD_NOTHING: u32 = 0;
/** Three members share a digest that is not this node's. */
const HEARD_OUTVOTED: u32 = 1;
/** A member has the digest of this node. */
const HEARD_AGREEMENT: u32 = 2;

/**
 * Rounds of disagreement from which on a checkpoint is not believed about what is shared. The older
 * of two checkpoints has as many when DISAGREED_ROUNDS are reached.
 */
const DISTRUSTED_ROUNDS: u32 = DISAGREED_ROUNDS - (2 * CHECKPOINT_S) / ROUND_S - 1;

/**
 * Notes the digest that a heartbeat has for the present round; `isOwn`: it is that of this node.
 * Two members with one digest are remembered; a member with another one takes the place of one.
 */
export function noteDigest(ctx: usize, sender: u32, digest: u32, isOwn: bool): void {
  const state = membership(ctx);
  if (state.heardDigests == HEARD_AGREEMENT || (!isOwn && state.heardDigests == HEARD_OUTVOTED)) return;
  changes(ctx, PROBING);
  const mark = <u8>(sender + 1);
  if (isOwn) state.heardDigests = <u8>HEARD_AGREEMENT;
  else if (state.otherFirst == 0 || state.otherDigest != digest) {
    if (state.otherSecond == 0) {
      state.otherDigest = digest;
      state.otherFirst = mark;
    } else state.otherSecond = 0;
  } else if (state.otherFirst != mark) {
    if (state.otherSecond == 0) state.otherSecond = mark;
    else if (state.otherSecond != mark) state.heardDigests = <u8>HEARD_OUTVOTED;
  }
}

/**
 * Counts the round that ends, at the cut of the next one. Without a majority among the others this
 * node would wait a month for its vote after it forgot what it agreed to: such a round is not
 * counted.
 */
export function countDisagreement(ctx: usize): void {
  const state = membership(ctx);
  const isAlone = state.heardDigests == HEARD_OUTVOTED && othersAreMajority(ctx);
  state.disagreedRounds = isAlone ? <u8>min<u32>(<u32>state.disagreedRounds + 1, DISAGREED_ROUNDS) : 0;
  state.heardDigests = <u8>HEARD_NOTHING;
  state.otherFirst = 0;
  state.otherSecond = 0;
  changes(ctx, PROBING);
}

/** Whether others share a digest in this round, and nobody has that of this node. */
export function isOutvoted(ctx: usize): bool {
  return <u32>membership(ctx).heardDigests == HEARD_OUTVOTED;
}

/** Whether this node alone disagreed for so long, and so long after its boot, that it restarts. */
export function disagreesAlone(ctx: usize): bool {
  const state = membership(ctx);
  return <u32>state.disagreedRounds >= DISAGREED_ROUNDS && missionS(ctx) >= state.bootS + DISAGREED_UPTIME_S;
}

/** Whether this context is a checkpoint of a node that alone disagreed when it was written. */
export function isDistrusted(ctx: usize): bool {
  return <u32>membership(ctx).disagreedRounds >= DISTRUSTED_ROUNDS;
}

if (MEMBERS_MAX > 254) ERROR('a member is remembered in a byte');
if (DISTRUSTED_ROUNDS < 6 || DISTRUSTED_ROUNDS >= DISAGREED_ROUNDS)
  ERROR('both checkpoints of a node that restarts were written while it disagreed, and for an hour');
