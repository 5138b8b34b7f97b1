// Verdicts (INT-2, INT-3): walk a group's chain in order; an intent gets its whole interval or is refused; refused intents block nobody.
// Exclusive units conflict on overlap; the group's capacity bounds the summed rate of what is accepted. A verdict is a function of the
// set held, the resource facts and who is gone: nothing else, and no time.

import { NO_INDEX, GROUPS_MAX } from "../memory/limits";
import { bitGet } from "../base/bits";
import { goneAt } from "../membership/table";
import { goneHoldsUntilS } from "../membership/view";
import {
  intents,
  intent,
  group,
  notice,
  Intent,
  Group,
  acceptedAt,
  resourceGroup,
  resourceUnit,
  PLANNED,
  STARTED,
  VERDICT_ACCEPTED,
  VERDICT_REFUSED,
  VERDICT_UNKNOWN,
} from "./table";
import { soilGroup } from "./chain";

/** Whether a unit exists and no notice says it is gone. */
export function unitUsable(ctx: usize, groupIndex: u32, unit: u32): bool {
  if (unit > group(ctx, groupIndex).units) return false;
  const count = intents(ctx).noticeCount;
  for (let i: u32 = 0; i < count; i++) {
    const fact = notice(ctx, i);
    if (<u32>fact.group == groupIndex && <u32>fact.unit == unit && unit != 0) return fact.capacity != 0;
  }
  return true;
}

/** Whether a record claims anything (planned, claimed or started). */
export function claims(record: Intent): bool {
  return <u32>record.state >= PLANNED && <u32>record.state <= STARTED;
}

/** Until when a record binds others: its end, or earlier the end of its gone owner's lease and guard. */
export function boundOf(ctx: usize, record: Intent): u32 {
  if (!bitGet(goneAt(ctx), record.owner)) return record.endS;
  const holdS = goneHoldsUntilS(ctx, record.owner, record.leaseS);
  return holdS < record.endS ? holdS : record.endS;
}

/** Summed rate of the first `count` accepted records at mission second `atS`. */
function rateAt(ctx: usize, count: u32, atS: u32): u32 {
  let sum: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const other = intent(ctx, load<u16>(acceptedAt(ctx) + (i << 1)));
    if (other.startS <= atS && atS < other.boundS) sum += other.rate;
  }
  return sum;
}

/** Whether `record` fits beside the first `count` accepted ones. */
function fits(ctx: usize, chain: Group, groupIndex: u32, record: Intent, count: u32): bool {
  const unit = resourceUnit(record.resource);
  if (record.startS >= record.boundS || record.rate > chain.capacity || !unitUsable(ctx, groupIndex, unit)) return false;
  const room = chain.capacity - record.rate;
  let sum: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const other = intent(ctx, load<u16>(acceptedAt(ctx) + (i << 1)));
    if (other.startS >= record.boundS || record.startS >= other.boundS) continue;
    if (unit != 0 && other.resource == record.resource) return false;
    sum += other.rate;
  }
  // All that overlap anywhere fit at once: no need to look closer.
  if (sum <= room) return true;
  // The summed rate is highest where something begins.
  if (rateAt(ctx, count, record.startS) > room) return false;
  for (let i: u32 = 0; i < count; i++) {
    const startS = intent(ctx, load<u16>(acceptedAt(ctx) + (i << 1))).startS;
    if (startS > record.startS && startS < record.boundS && rateAt(ctx, count, startS) > room) return false;
  }
  return true;
}

/** Brings a group's verdicts up to date; `upTo` (a record of the chain) may end the walk early, NO_INDEX walks all. */
export function arbitrate(ctx: usize, groupIndex: u32, upTo: u32): void {
  const chain = group(ctx, groupIndex);
  if (chain.dirtyFrom == NO_INDEX) return;
  let count: u32 = 0;
  let at: u32 = chain.first;
  while (at != <u32>chain.dirtyFrom) {
    const record = intent(ctx, at);
    if (at == upTo) return;
    if (<u32>record.verdict == VERDICT_ACCEPTED) {
      store<u16>(acceptedAt(ctx) + (count << 1), <u16>at);
      count++;
    }
    at = record.next;
  }
  while (at != NO_INDEX) {
    const record = intent(ctx, at);
    record.boundS = boundOf(ctx, record);
    let verdict = VERDICT_UNKNOWN;
    if (claims(record)) verdict = fits(ctx, chain, groupIndex, record, count) ? VERDICT_ACCEPTED : VERDICT_REFUSED;
    record.verdict = <u8>verdict;
    if (verdict == VERDICT_ACCEPTED) {
      store<u16>(acceptedAt(ctx) + (count << 1), <u16>at);
      count++;
    }
    const next: u32 = record.next;
    if (at == upTo) {
      chain.dirtyFrom = <u16>next;
      return;
    }
    at = next;
  }
  chain.dirtyFrom = <u16>NO_INDEX;
}

/** Verdict on a held record, brought up to date. */
export function verdictOf(ctx: usize, index: u32): u32 {
  const record = intent(ctx, index);
  arbitrate(ctx, resourceGroup(record.resource), index);
  return record.verdict;
}

/** Who is gone changed, or an epoch was cut: bounds may differ everywhere. */
export function soilAll(ctx: usize): void {
  for (let i: u32 = 0; i < GROUPS_MAX; i++) soilGroup(ctx, i);
}

/** The accepted record that a refused one lost to on its unit, else the first accepted that overlaps; NO_INDEX if the resource failed. */
export function winnerOver(ctx: usize, index: u32): u32 {
  const record = intent(ctx, index);
  let winner = NO_INDEX;
  let at: u32 = group(ctx, resourceGroup(record.resource)).first;
  while (at != NO_INDEX && at != index) {
    const other = intent(ctx, at);
    if (
      <u32>other.verdict == VERDICT_ACCEPTED &&
      other.startS < record.boundS &&
      record.startS < other.boundS
    ) {
      if (other.resource == record.resource) return at;
      if (winner == NO_INDEX) winner = at;
    }
    at = other.next;
  }
  return winner;
}
