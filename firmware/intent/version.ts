// Converts versions of intents between records and messages, and hashes their content.
//
// Versions are ordered by (version, content hash): if an owner publishes two contents under one
// version, all nodes come to store the same one. The hash is no signature: two contents with one
// hash can be made on purpose. Signed statements (statement/) distinguish those.

import { fold32 } from '../base/hash';
import { Intent as IntentMessage } from '../wire/generated/messages';
import { setOrder } from './chain';
import { Intent } from './table';

function hashClaim(startS: u32, endS: u32, rate: u32, resource: u32, claimS: u32): u32 {
  let hash = fold32(startS, endS);
  hash = fold32(hash, rate);
  hash = fold32(hash, resource);
  return fold32(hash, claimS);
}

function hashPublication(hash: u32, publishedS: u32, nonce: u32, read: u32, leaseS: u32): u32 {
  hash = fold32(hash, publishedS);
  hash = fold32(hash, nonce);
  hash = fold32(hash, read);
  return fold32(hash, leaseS);
}

function smallFields(state: u32, kind: u32, priority: u32, generation: u32): u32 {
  return state | (kind << 8) | (priority << 16) | (generation << 24);
}

export function contentHashOf(r: Intent): u32 {
  const claim = hashClaim(r.startS, r.endS, r.rate, r.resource, r.claimS);
  const hash = hashPublication(claim, r.publishedS, r.nonce, r.read, r.leaseS);
  return fold32(hash, smallFields(r.state, r.kind, r.priority, r.generation));
}

export function contentHashOfMessage(m: IntentMessage): u32 {
  const claim = hashClaim(m.startS, m.endS, m.rate, m.resource, m.claimS);
  const hash = hashPublication(claim, m.publishedS, m.nonce, m.read, m.leaseS);
  return fold32(hash, smallFields(m.state, m.kind, m.priority, m.generation));
}

/** Fills a record from a message; its verdict is unknown, its bound is not set. */
export function fillRecord(record: Intent, m: IntentMessage): void {
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
  record.lastBroadcast = 0;
  setOrder(record);
}

/** Fills a message from a record. */
export function toMessage(record: Intent, m: IntentMessage): void {
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
