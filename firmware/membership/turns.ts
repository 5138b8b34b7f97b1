// Decides who broadcasts heartbeats, and when. Agreement is collected at the begin of a round: each
// member reports to one of those that broadcast in the next TDMA cycle, and others pass it on in
// the two cycles after that. So a majority is known within half a minute.

import { PERIOD_S } from '../memory/limits';
import { ROUND_S } from '../wire/generated/codes';
import { members, missionS, self } from '../node/table';
import { sendFirst, SEND_HEARTBEAT } from '../node/outbox';
import { clusterSize } from './division';
import { ageOf } from './liveness';
import { liveWord } from './table';

/** From this size on agreement is collected; members of smaller clusters take turns. */
const COLLECTING_MIN: u32 = 32;
/** Members of a smaller cluster that broadcast a heartbeat each period. */
const SMALL_TURNS: u32 = 16;
/** From this size on a cluster is large: twice as many collect, and probes have no bitmaps. */
const LARGE_MIN: u32 = 128;
/** Members that collect, in the second cycle of a round; that pass on in the third and fourth. */
const COLLECTORS: u32 = 8;
const PASSING_ON: u32 = 4;
/** Members that broadcast in each cycle of the later minutes of a round. */
const LATER_TURNS: u32 = 4;
const LATER_TURNS_LARGE: u32 = 2;
/** No report goes to a member that nobody heard for so many liveness ticks. */
const DOUBTFUL_AGE: u32 = 4;

/**
 * A member's period begins in the cycle of its phase, member % 4 (node/tx_slots.ts). Phase 1 has
 * the first cycle of a minute, phase 0 the last.
 */
const PHASES: u32 = 4;
const COLLECTING_PHASE: u32 = 2;

/** Members of a phase, a bit each in every word of a bitmap. */
function phaseBits(phase: u32): u32 {
  return 0x11111111 << phase;
}

/** Members that are not silent, of those in `mask`, below `end`. */
function liveBelow(ctx: usize, mask: u32, end: u32): u32 {
  let count: u32 = 0;
  for (let word: u32 = 0; word << 5 < end; word++) {
    const left = end - (word << 5);
    const below: u32 = left < 32 ? (1 << left) - 1 : 0xffffffff;
    count += popcnt<u32>(liveWord(ctx, word) & mask & below);
  }
  return count;
}

/** The live member of the collecting phase with this rank. The caller bounds the rank. */
function collectorAt(ctx: usize, rank: u32): u32 {
  let word: u32 = 0;
  let bits = liveWord(ctx, 0) & phaseBits(COLLECTING_PHASE);
  while (rank >= <u32>popcnt<u32>(bits)) {
    rank -= popcnt<u32>(bits);
    word++;
    bits = liveWord(ctx, word) & phaseBits(COLLECTING_PHASE);
  }
  for (; rank != 0; rank--) bits &= bits - 1;
  return (word << 5) + ctz<u32>(bits);
}

/** Whether probes and acks leave the bitmaps of heartbeats out: they would fill half of a frame. */
export function isLarge(ctx: usize): bool {
  return clusterSize(ctx) >= LARGE_MIN;
}

function collectors(ctx: usize): u32 {
  return isLarge(ctx) ? 2 * COLLECTORS : COLLECTORS;
}

/** How many members of a phase broadcast in the present minute. */
function turnsOf(ctx: usize, phase: u32): u32 {
  if (missionS(ctx) % ROUND_S >= PERIOD_S) return isLarge(ctx) ? LATER_TURNS_LARGE : LATER_TURNS;
  if (phase == COLLECTING_PHASE) return collectors(ctx);
  return phase == 1 ? 0 : isLarge(ctx) ? 2 * PASSING_ON : PASSING_ON;
}

/** Whether this node broadcasts a heartbeat in the present period: live members take turns. */
export function hasHeartbeatTurn(ctx: usize): bool {
  const isSmall = clusterSize(ctx) < COLLECTING_MIN;
  const phase = self(ctx) % PHASES;
  const mask = isSmall ? 0xffffffff : phaseBits(phase);
  const count = liveBelow(ctx, mask, members(ctx));
  const turns = isSmall ? SMALL_TURNS : turnsOf(ctx, phase);
  const first = ((missionS(ctx) / PERIOD_S) * (isSmall ? SMALL_TURNS : collectors(ctx))) % count;
  return (liveBelow(ctx, mask, self(ctx)) + count - first) % count < turns;
}

/**
 * Sends this node's agreement to a member that broadcasts in the next cycle: as a round begins, and
 * in its later minutes while this node knows no majority. Then it passes on whom it knows, too.
 */
export function reportAgreement(ctx: usize): void {
  if (clusterSize(ctx) < COLLECTING_MIN) return;
  const count = liveBelow(ctx, phaseBits(COLLECTING_PHASE), members(ctx));
  const first = (missionS(ctx) / PERIOD_S) * collectors(ctx);
  const turns = turnsOf(ctx, COLLECTING_PHASE);
  for (let i: u32 = 0; i < min<u32>(count, PHASES); i++) {
    const to = collectorAt(ctx, (first + ((self(ctx) + i) % turns)) % count);
    if (to == self(ctx)) return;
    if (ageOf(ctx, to) >= DOUBTFUL_AGE) continue;
    sendFirst(ctx, SEND_HEARTBEAT, to, 0, 0);
    return;
  }
}

if (ROUND_S % PERIOD_S != 0) ERROR('a round begins with a period');
