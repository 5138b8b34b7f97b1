// Converts versions between records and messages, and hashes their content.

import { fold32 } from '../base/hash';
import { Intent as IntentMessage } from '../wire/generated/messages';
import { setOrder } from './chain';
import { Intent } from './table';

/** A publisher's clock may be this much ahead, seconds. */
export const AHEAD_S_MAX: u32 = 120;

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

export function fill(record: Intent, m: IntentMessage): void {
  record.startS = m.startS;
  record.endS = m.endS;
  record.rate = m.rate;
  record.resource = m.resource;
  record.state = <u8>m.state;
  record.verdict = 0;
  record.owner = <u16>m.owner;
  record.slot = <u8>m.slot;
  record.kind = <u8>m.kind;
  record.version = m.version;
  record.claimS = m.claimS;
  record.publishedS = m.publishedS;
  record.nonce = m.nonce;
  record.read = m.read;
  record.leaseS = m.leaseS;
  record.priority = <u8>m.priority;
  record.generation = <u8>m.generation;
  record.echo = 0;
  setOrder(record);
}

/** Lays a held record out as the message it came as. */
export function asMessage(record: Intent, m: IntentMessage): void {
  m.owner = record.owner;
  m.slot = record.slot;
  m.version = record.version;
  m.kind = record.kind;
  m.resource = record.resource;
  m.startS = record.startS;
  m.endS = record.endS;
  m.rate = record.rate;
  m.priority = record.priority;
  m.state = record.state;
  m.generation = record.generation;
  m.claimS = record.claimS;
  m.publishedS = record.publishedS;
  m.nonce = record.nonce;
  m.read = record.read;
  m.leaseS = record.leaseS;
}
