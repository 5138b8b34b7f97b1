// What a version says, as one number and field by field. Versions are ordered by (version, mark): where an owner put two contents under one version, all come to
// hold the same of them. The mark is no signature: who wants to can make up two contents of one mark; statements (witness.ts) tell those apart.

import { fold32 } from '../base/hash';
import { Intent as IntentMessage } from '../wire/generated/messages';
import { Intent } from './table';

function fold(
  startS: u32,
  endS: u32,
  rate: u32,
  resource: u32,
  claimS: u32,
  publishedS: u32,
  nonce: u32,
  read: u32,
  leaseS: u32,
  small: u32,
): u32 {
  let mark = fold32(startS, endS);
  mark = fold32(mark, rate);
  mark = fold32(mark, resource);
  mark = fold32(mark, claimS);
  mark = fold32(mark, publishedS);
  mark = fold32(mark, nonce);
  mark = fold32(mark, read);
  mark = fold32(mark, leaseS);
  return fold32(mark, small);
}

function small(state: u32, kind: u32, priority: u32, generation: u32): u32 {
  return state | (kind << 8) | (priority << 16) | (generation << 24);
}

export function markOf(r: Intent): u32 {
  const rest = small(r.state, r.kind, r.priority, r.generation);
  return fold(r.startS, r.endS, r.rate, r.resource, r.claimS, r.publishedS, r.nonce, r.read, r.leaseS, rest);
}

export function markOfMessage(m: IntentMessage): u32 {
  const rest = small(m.state, m.kind, m.priority, m.generation);
  return fold(m.startS, m.endS, m.rate, m.resource, m.claimS, m.publishedS, m.nonce, m.read, m.leaseS, rest);
}
