import { type Intent, ROUND_S } from '../../host/cbor/generated.ts';
import { fold32 } from './hashes.ts';

/** A resource group as INT-2 and INT-3 see it. */
export interface OracleGroup {
  units: number;
  capacity: number;
}

/** Arbitration order, each step written out; negative when `a` stands before `b`. */
function compareIntents(a: Intent, b: Intent): number {
  const started = Number(b.state === 3) - Number(a.state === 3);
  if (started !== 0) return started;
  if (a.priority !== b.priority) return b.priority - a.priority;
  const roundA = Math.floor(a.claimS / ROUND_S);
  const roundB = Math.floor(b.claimS / ROUND_S);
  if (roundA !== roundB) return roundA - roundB;
  const hashA = fold32(fold32(fold32(a.owner, a.nonce), a.resource), roundA);
  const hashB = fold32(fold32(fold32(b.owner, b.nonce), b.resource), roundB);
  return hashA - hashB || a.owner - b.owner || a.slot - b.slot;
}

/**
 * Whether `one` fits beside the accepted intents, second by second. Slow on purpose: intervals are
 * a few dozen seconds long.
 */
function fits(one: Intent, accepted: readonly Intent[], group: OracleGroup): boolean {
  const unit = one.resource & 0xffff;
  if (unit > group.units) return false;
  for (let s = one.startS; s < one.endS; s++) {
    let sum = one.rate;
    for (const other of accepted) {
      if (other.resource >>> 16 !== one.resource >>> 16 || s < other.startS || s >= other.endS) continue;
      if (unit !== 0 && other.resource === one.resource) return false;
      sum += other.rate;
    }
    if (sum > group.capacity) return false;
  }
  return true;
}

/** Verdict (1 accepted, 2 refused) of each intent, in the order given. */
export function oracleVerdicts(intents: readonly Intent[], groups: readonly OracleGroup[]): number[] {
  const accepted: Intent[] = [];
  for (const one of [...intents].sort(compareIntents))
    if (fits(one, accepted, groups[one.resource >>> 16])) accepted.push(one);
  return intents.map((one) => (accepted.includes(one) ? 1 : 2));
}
