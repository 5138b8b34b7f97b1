// Keys, what hands on the newest epoch, and which frames were taken of whom: layout and accessors. README.md has the ideas.

import { COVER_PARTS_MAX, PATH_KEYS } from '../memory/limits';
import { HEAD_AT, LINK_KEYS_AT, PARTS_AT, PATH_KEYS_AT, PEERS_AT, PENDING_AT } from '../memory/map';
import { changesLine, lineOf, readsLine, replacesLine } from '../memory/guard';

/** The key of frames of one epoch. A line. */
@unmanaged
export class LinkKey {
  /** 32 bytes. */
  key0: u64 = 0;
  key1: u64 = 0;
  key2: u64 = 0;
  key3: u64 = 0;
  /** 1 = there is one. */
  present: u32 = 0;
  epoch: u32 = 0;
  /** Mission second from which it is used for sending. */
  startS: u32 = 0;
}

/** What the authority says of an epoch. Two lines. */
@unmanaged
export class Head {
  /** 0 = none. */
  epoch: u32 = 0;
  startS: u32 = 0;
  /** Of its cover. */
  parts: u32 = 0;
  commitment0: u64 = 0;
  commitment1: u64 = 0;
  /** Parts held; 1 = its key is held; the epoch last told as used for sending. Of a pending head: checks in this period. */
  held: u32 = 0;
  installed: u32 = 0;
  told: u32 = 0;
  checks: u32 = 0;
  /** The chunk that is told next, and until when it is told often. */
  turn: u32 = 0;
  youngUntilS: u32 = 0;
  /** 1 = its key is in no checkpoint yet. */
  unstored: u32 = 0;
}
/** 64 bytes. */
export const SIGNATURE_AT: u32 = 64;

/** A part of the cover of the epoch in the head. A line; node 0 = free. */
@unmanaged
export class Part {
  node: u32 = 0;
}
export const WRAPPED_AT: u32 = 8;
export const SECRET_BYTES: u32 = 32;
export const WRAPPED_BYTES: u32 = 48;
export const COMMITMENT_BYTES: u32 = 16;
export const SIGNATURE_BYTES: u32 = 64;

/** Which frames of a member were taken: bit i of `seen` stands for counter top − i. */
@unmanaged
export class Peer {
  top: u32 = 0;
  spare: u32 = 0;
  seen: u64 = 0;
}
export const PEER_BYTES: u32 = 16;

/** Of the key of epoch 0, which opens nothing but heads and parts. */
export const RECOVERY: u32 = 0;
/** Epochs follow each other: an even one and an odd one are held at the same time. */
// @inline
export function keyIndex(epoch: u32): u32 {
  return epoch == 0 ? RECOVERY : 1 + (epoch & 1);
}
export function linkKey(ctx: usize, index: u32): LinkKey {
  readsLine(ctx, lineOf(LINK_KEYS_AT) + index);
  return changetype<LinkKey>(ctx + LINK_KEYS_AT + index * 64);
}
export function linkKeyToReplace(ctx: usize, index: u32): LinkKey {
  replacesLine(ctx, lineOf(LINK_KEYS_AT) + index);
  return changetype<LinkKey>(ctx + LINK_KEYS_AT + index * 64);
}

/** Key `up` levels above this node's leaf: 32 bytes. */
export function pathKeyAt(ctx: usize, up: u32): usize {
  readsLine(ctx, lineOf(PATH_KEYS_AT) + (up >>> 1));
  return ctx + PATH_KEYS_AT + up * SECRET_BYTES;
}
export function pathKeyToChange(ctx: usize, up: u32): usize {
  changesLine(ctx, lineOf(PATH_KEYS_AT) + (up >>> 1));
  return ctx + PATH_KEYS_AT + up * SECRET_BYTES;
}

export function head(ctx: usize): Head {
  return headAt(ctx, HEAD_AT);
}
/** A head that waits for its signature to be checked. */
export function pending(ctx: usize): Head {
  return headAt(ctx, PENDING_AT);
}
function headAt(ctx: usize, at: u32): Head {
  readsLine(ctx, lineOf(at));
  readsLine(ctx, lineOf(at) + 1);
  return changetype<Head>(ctx + at);
}
export function headToChange(ctx: usize): Head {
  changesLine(ctx, lineOf(HEAD_AT));
  changesLine(ctx, lineOf(HEAD_AT) + 1);
  return changetype<Head>(ctx + HEAD_AT);
}
export function pendingToChange(ctx: usize): Head {
  changesLine(ctx, lineOf(PENDING_AT));
  changesLine(ctx, lineOf(PENDING_AT) + 1);
  return changetype<Head>(ctx + PENDING_AT);
}

export function part(ctx: usize, index: u32): Part {
  readsLine(ctx, lineOf(PARTS_AT) + index);
  return changetype<Part>(ctx + PARTS_AT + index * 64);
}
export function partToChange(ctx: usize, index: u32): Part {
  changesLine(ctx, lineOf(PARTS_AT) + index);
  return changetype<Part>(ctx + PARTS_AT + index * 64);
}
export function partToReplace(ctx: usize, index: u32): Part {
  replacesLine(ctx, lineOf(PARTS_AT) + index);
  return changetype<Part>(ctx + PARTS_AT + index * 64);
}

/** Four to a line. */
export function peer(ctx: usize, member: u32): Peer {
  readsLine(ctx, lineOf(PEERS_AT) + (member >>> 2));
  return changetype<Peer>(ctx + PEERS_AT + member * PEER_BYTES);
}
export function peerToChange(ctx: usize, member: u32): Peer {
  changesLine(ctx, lineOf(PEERS_AT) + (member >>> 2));
  return changetype<Peer>(ctx + PEERS_AT + member * PEER_BYTES);
}

if (offsetof<LinkKey>() > 64) ERROR('a link key has a line of its own');
if (offsetof<Head>() > SIGNATURE_AT) ERROR("a head's signature has a line of its own");
if (offsetof<Peer>() != PEER_BYTES) ERROR('stride of the peers');
if (COVER_PARTS_MAX < 3 || PATH_KEYS > 9) ERROR('a cover has parts, and a tree of 256 leaves nine levels');
