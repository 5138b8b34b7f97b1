// Defines the records of intents, own intent slots, resource groups, notices and signed statements.

/** State of the store, of planning and of exchanges. */
@unmanaged
export class IntentState {
  /** Stored intents, and the first record of the free list. */
  count: u32 = 0;
  free: u32 = 0;
  /** Digest of all stored intents, and its 32-bit part for anti-entropy. */
  digest: u64 = 0;
  recent: u32 = 0;
  /** Mission minute of the newest bucket. */
  minute: u32 = 0;
  /**
   * Version published last by this node: its number in the low VERSION_BITS, the incarnation above.
   */
  version: u32 = 0;
  /** Stored notices, and the sum of their terms: anti-entropy compares it, too. */
  noticeCount: u32 = 0;
  noticeSum: u32 = 0;
  /** Record of a received claim whose read digest the next tick checks, plus one. */
  claimToCheck: u32 = 0;
  /** Entry of the rumours that the next one overwrites. */
  rumourNext: u32 = 0;
  /**
   * No site is claimed before this mission second; the last turn of REPLAN_S in which an extension
   * was tried.
   */
  planAfterS: u32 = 0;
  planTurn: u32 = 0;
  /** No haul is planned before this mission second. */
  haulAfterS: u32 = 0;
  /** Local second of the last exchange that this node began. */
  syncS: u32 = 0;
  /** Mission second of the next end of a silent owner's lease hold; 0xffffffff = none is known. */
  nextEvictionS: u32 = 0;
  /** Claims that were lost or found no place: the next one is sought elsewhere. */
  attempts: u32 = 0;
  /** Predicted silence: mission seconds [from, until), and its kind. */
  outlookFromS: u32 = 0;
  outlookUntilS: u32 = 0;
  outlookKind: u32 = 0;
  /** 1 = own claims wait for agreement. */
  unsettled: u32 = 0;
  /**
   * The peer that asked last for recent versions, and the mission second from which it wants them.
   */
  sincePeer: u32 = 0;
  sinceFromS: u32 = 0;
  /**
   * Own intent slots that were settled, changed, lost or finished, a bit each: read by the
   * schedule.
   */
  changedSlots: u32 = 0;
}

/**
 * A stored intent: the newest version of an owner's intent slot. One line; fields of arbitration
 * come first.
 */
@unmanaged
export class Intent {
  startS: u32 = 0;
  endS: u32 = 0;
  /** Until when it binds others: endS, or earlier the end of its silent owner's lease hold. */
  boundS: u32 = 0;
  /** kg/day */
  rate: u32 = 0;
  /** group << 16 | unit */
  resource: u32 = 0;
  /** Next record in arbitration order in its group's chain; in the free list. */
  next: u16 = 0;
  /** PLANNED to WITHDRAWN; 0 = the record is free. */
  state: u8 = 0;
  /** VERDICT_*. */
  verdict: u8 = 0;
  /** Arbitration order, ascending: started, priority, round of claimS, hash. */
  orderHigh: u32 = 0;
  orderLow: u32 = 0;
  owner: u16 = 0;
  slot: u8 = 0;
  kind: u8 = 0;
  version: u32 = 0;
  /** Mission seconds of the first claim and of the publication of this version. */
  claimS: u32 = 0;
  publishedS: u32 = 0;
  /** Random number of the first claim. */
  nonce: u32 = 0;
  /** Digest of the competitors that the owner had stored (INT-1). */
  read: u32 = 0;
  /** End of a lease extended in advance, mission second; 0 = ordinary lease. */
  leaseS: u32 = 0;
  priority: u8 = 0;
  generation: u8 = 0;
  /**
   * Low 16 bits of the mission second of this version's last broadcast, own or received; 0 = none.
   */
  lastBroadcast: u16 = 0;
}

/** State of an own intent slot that its record does not contain. */
@unmanaged
export class Own {
  /** The settled version and its content; 0 = nothing is settled. */
  settledVersion: u32 = 0;
  settledStartS: u32 = 0;
  settledEndS: u32 = 0;
  settledRate: u32 = 0;
  settledResource: u32 = 0;
  settledLeaseS: u32 = 0;
  /** 1 = the platform was commanded to start. */
  running: u8 = 0;
  /** 1 = assigned from outside, not planned here. */
  assigned: u8 = 0;
  /** Broadcasts of the newest version that remain, one per period. */
  rebroadcasts: u16 = 0;
  /** 1 = an ended version came back from a peer: the next tick withdraws it. */
  returned: u8 = 0;
  pad0: u8 = 0;
  pad1: u16 = 0;
}

/** A resource group. Two to a line. */
@unmanaged
export class Group {
  /** GROUP_*; number of exclusive units. */
  kind: u32 = 0;
  units: u32 = 0;
  /** kg/day, as configured or by the newest notice. */
  capacity: u32 = 0;
  /** Load of a haul, kg. */
  loadKg: u32 = 0;
  /** First record of the chain, NO_INDEX = none. */
  first: u16 = 0;
  /** First record whose verdict is invalid; NO_INDEX = all verdicts are valid. */
  dirtyFrom: u16 = 0;
  length: u16 = 0;
  pad0: u16 = 0;
  /** kg/day, as configured or newly surveyed: no notice exceeds it. */
  surveyed: u32 = 0;
  /** When a claim of another owner here last took less or was retracted, mission seconds. */
  freedS: u32 = 0;
}

/** An observed capacity: of a group (unit 0, kg/day) or of a unit (0 = unusable). */
@unmanaged
export class Notice {
  group: u16 = 0;
  unit: u16 = 0;
  capacity: u32 = 0;
  observedS: u32 = 0;
  observer: u16 = 0;
  pad0: u16 = 0;
}

/** Who may use a unit that several clusters share, and when (rota.ts). */
@unmanaged
export class Rota {
  /** Group (high 16 bits) and unit, 0 = the whole group. */
  resource: u32 = 0;
  /** Clusters in the order of their terms: how many, and their numbers. */
  count: u32 = 0;
  c0: u16 = 0;
  c1: u16 = 0;
  c2: u16 = 0;
  c3: u16 = 0;
  c4: u16 = 0;
  c5: u16 = 0;
  c6: u16 = 0;
  c7: u16 = 0;
}

/** State of signing, verification and proofs. One line. */
@unmanaged
export class StatementState {
  /** Late versions that the round has taken (admission.ts). */
  lateRound: u32 = 0;
  lateCount: u16 = 0;
  /** Round (low 16 bits) in which this node last retracted a forged version; 0 = in none. */
  forgedRound: u16 = 0;
  /** Own intent slots on which a statement is to be signed, a bit each. */
  toSign: u32 = 0;
  /**
   * Newest publication forged in this node's name, mission second: a statement covers at least this
   * time.
   */
  forgedS: u32 = 0;
  /**
   * Entry that the platform signs or verifies at present, plus one; local second of the request.
   */
  ticket: u32 = 0;
  askedS: u32 = 0;
  /** Local second of the last request of a peer that was granted. */
  requestedS: u32 = 0;
  /** Entry of the ring that was overwritten last. */
  cursor: u32 = 0;
  /** Two entries that prove an equivocation, plus one each; broadcasts of the proof that remain. */
  proofA: u32 = 0;
  proofB: u32 = 0;
  proofBroadcasts: u32 = 0;
  /** Of those, the intent slots whose statement is broadcast REBROADCASTS times more. */
  toRepeat: u16 = 0;
  /** Window of MERGE_ROUNDS (low 16 bits) in which this node confirmed its own claims; 0 = none. */
  confirmedWindow: u16 = 0;
  /** Owners whose statements are awaited (statement/awaited.ts); 0 = free. */
  awaited0: u32 = 0;
  awaited1: u32 = 0;
  awaited2: u32 = 0;
  awaited3: u32 = 0;
}

/**
 * A signed statement of an owner on one of its intent slots. Digest and signature follow
 * (statement/table.ts).
 */
@unmanaged
export class Statement {
  owner: u16 = 0;
  slot: u8 = 0;
  state: u8 = 0;
  /** Newest version in the intent slot as of mission second atS; 0 = none. */
  version: u32 = 0;
  atS: u32 = 0;
  /** CONTESTED, IN_PROOF. */
  flags: u16 = 0;
  /** Broadcasts that remain, one per period. */
  broadcastsLeft: u16 = 0;
}
