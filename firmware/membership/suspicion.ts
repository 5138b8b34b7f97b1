// Suspects silent members, spreads and refutes suspicions (SWIM).

import { HEALTH_MAX, ADDRESSEE_ALL, BOOTS_MAX } from '../memory/limits';
import { changes } from '../memory/guard';
import { bitSet, bitGet, bitClear } from '../base/bits';
import { send, SEND_ALIVE } from '../node/outbox';
import { self } from '../node/table';
import { ageOf } from './liveness';
import { membership, hearing, suspectAt, HEARD_LONG_AGO, PROBING, member, memberToChange } from './table';

/** Times a suspicion is attached to frames, and a refutation broadcast. */
export const TELL_TIMES: u32 = 3;
/** A boot counts as this many refutations (as a power of two), so that a restarted member speaks with a higher incarnation. */
export const REFUTATION_BITS: u32 = 3;
const REFUTATION_MASK: u32 = (1 << REFUTATION_BITS) - 1;
/** Above this a node doubts itself and suspects nobody. */
const HEALTH_DOUBT: u32 = 5;

/** Neither we nor our relays got through. A node that hears little itself suspects nobody (local health awareness). */
export function suspect(ctx: usize, target: u32): void {
  const state = membership(ctx);
  if (hearing(ctx).health < HEALTH_MAX) hearing(ctx).health++;
  if (hearing(ctx).health > HEALTH_DOUBT || hearing(ctx).heartbeatsHeard == 0) return;
  bitSet(suspectAt(ctx), target);
  changes(ctx, HEARD_LONG_AGO | PROBING);
  state.rumorMember = target + 1;
  state.rumorLeft = TELL_TIMES;
}

/** A rumour that somebody is silent. About us: refuted under a higher incarnation. About another: passed on unless we know better. */
export function onSuspicion(ctx: usize, suspected: u32, incarnation: u32): void {
  const state = membership(ctx);
  if (suspected == self(ctx)) {
    changes(ctx, PROBING);
    // The last refutation of a boot is repeated for ever: the next number is that of a restart.
    if (incarnation >= state.incarnation && (state.incarnation & REFUTATION_MASK) != REFUTATION_MASK)
      state.incarnation++;
    if (state.refuteLeft == 0) send(ctx, SEND_ALIVE, ADDRESSEE_ALL, 0, 0);
    state.refuteLeft = TELL_TIMES;
    return;
  }
  if (incarnation < <u32>member(ctx, suspected).incarnation || ageOf(ctx, suspected) == 0) return;
  if (bitGet(suspectAt(ctx), suspected)) return;
  bitSet(suspectAt(ctx), suspected);
  changes(ctx, HEARD_LONG_AGO | PROBING);
  state.rumorMember = suspected + 1;
  state.rumorLeft = TELL_TIMES;
}

/** A member speaks for itself. Returns true if it is a restart that we had not heard of: it lost what was in flight. */
export function onAlive(ctx: usize, who: u32, incarnation: u32): bool {
  const known: u32 = member(ctx, who).incarnation;
  const restarted = known != 0 && incarnation >> REFUTATION_BITS > known >> REFUTATION_BITS;
  if (incarnation > known) memberToChange(ctx, who).incarnation = <u16>incarnation;
  clearSuspicion(ctx, who);
  if (membership(ctx).rumorMember == who + 1 && membership(ctx).rumorLeft != 0) {
    membership(ctx).rumorLeft = 0;
    changes(ctx, PROBING);
  }
  return restarted;
}

export function clearSuspicion(ctx: usize, who: u32): void {
  if (!bitGet(suspectAt(ctx), who)) return;
  bitClear(suspectAt(ctx), who);
  changes(ctx, HEARD_LONG_AGO);
}

if (BOOTS_MAX >= 1 << (16 - REFUTATION_BITS)) ERROR('an incarnation is told in 16 bits');
