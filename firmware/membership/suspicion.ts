// Suspects members that do not answer, spreads suspicions and refutes those of this node (SWIM,
// MBR-1).

import { HEALTH_MAX } from '../memory/limits';
import { ADDRESSEE_ALL, BOOTS_MAX } from '../wire/generated/codes';
import { changes } from '../memory/guard';
import { bitSet, bitGet, bitClear } from '../base/bits';
import { send, SEND_ALIVE } from '../node/outbox';
import { self } from '../node/table';
import { ageOf } from './liveness';
import { membership, hearing, suspectAt, SUSPECTS, PROBING, member, memberToChange } from './table';

/** How often a suspicion is attached to frames, and a refutation broadcast. */
export const SPREAD_TIMES: u32 = 3;
/**
 * Low bits of an incarnation that count refutations of one boot; the bits above are the number of
 * the boot.
 */
export const REFUTATION_BITS: u32 = 3;
const REFUTATION_MASK: u32 = (1 << REFUTATION_BITS) - 1;
/** Local health score above which a node suspects nobody. */
const HEALTH_DOUBT: u32 = 5;

/**
 * Suspects a member that neither this node nor its relays reached. A node that hears little itself
 * suspects nobody (local health awareness).
 */
export function suspect(ctx: usize, target: u32): void {
  const state = membership(ctx);
  if (hearing(ctx).health < HEALTH_MAX) hearing(ctx).health++;
  if (hearing(ctx).health > HEALTH_DOUBT || hearing(ctx).heartbeatsHeard == 0) return;
  bitSet(suspectAt(ctx), target);
  changes(ctx, SUSPECTS | PROBING);
  state.suspicionMember = target + 1;
  state.suspicionLeft = SPREAD_TIMES;
}

/**
 * Takes a suspicion. Of this node: it is refuted under a higher incarnation. Of another member: it
 * is spread unless this node has a newer sign of life.
 */
export function onSuspicion(ctx: usize, suspected: u32, incarnation: u32): void {
  const state = membership(ctx);
  if (suspected == self(ctx)) {
    changes(ctx, PROBING);
    // The last refutation of a boot is repeated without limit: the next number belongs to the next
    // boot.
    if (incarnation >= state.incarnation && (state.incarnation & REFUTATION_MASK) != REFUTATION_MASK)
      state.incarnation++;
    if (state.refutationsLeft == 0) send(ctx, SEND_ALIVE, ADDRESSEE_ALL, 0, 0);
    state.refutationsLeft = SPREAD_TIMES;
    return;
  }
  if (incarnation < <u32>member(ctx, suspected).incarnation || ageOf(ctx, suspected) == 0) return;
  if (bitGet(suspectAt(ctx), suspected)) return;
  bitSet(suspectAt(ctx), suspected);
  changes(ctx, SUSPECTS | PROBING);
  state.suspicionMember = suspected + 1;
  state.suspicionLeft = SPREAD_TIMES;
}

/**
 * Takes a member's own sign of life. Returns true if it shows a restart that was not known: frames
 * in flight to that member are lost.
 */
export function onAlive(ctx: usize, who: u32, incarnation: u32): bool {
  const known: u32 = member(ctx, who).incarnation;
  const restarted = known != 0 && incarnation >> REFUTATION_BITS > known >> REFUTATION_BITS;
  if (incarnation > known) memberToChange(ctx, who).incarnation = <u16>incarnation;
  clearSuspicion(ctx, who);
  if (membership(ctx).suspicionMember == who + 1 && membership(ctx).suspicionLeft != 0) {
    membership(ctx).suspicionLeft = 0;
    changes(ctx, PROBING);
  }
  return restarted;
}

export function clearSuspicion(ctx: usize, who: u32): void {
  if (!bitGet(suspectAt(ctx), who)) return;
  bitClear(suspectAt(ctx), who);
  changes(ctx, SUSPECTS);
}

if (BOOTS_MAX >= 1 << (16 - REFUTATION_BITS)) ERROR('an incarnation is sent in 16 bits');
