// Layouts of intents, own slots, resource groups, notices and signed statements.

@unmanaged
export class IntentState {
  count: u32 = 0;
  /** First record of the free list. */
  free: u32 = 0;
  /** Running digest of all intents and notices held, and its 32-bit part for anti-entropy. */
  digest: u64 = 0;
  recent: u32 = 0;
  /** Mission minute of the newest bucket. */
  minute: u32 = 0;
  /** Version counter of this single writer (low VERSION_BITS; incarnation above). */
  version: u32 = 0;
  noticeCount: u32 = 0;
  noticeSum: u32 = 0;
  /** Of a frame just heard: the record of a claim that is to be checked, plus one. */
  claimToCheck: u32 = 0;
  rumorNext: u32 = 0;
  /** Mission second before which nothing new is planned; and the last epoch in which planning was tried. */
  planAfterS: u32 = 0;
  planRound: u32 = 0;
  haulAfterS: u32 = 0;
  /** Local second of the last exchange of digests begun here. */
  syncS: u32 = 0;
  /** Mission second at which the next gone owner's hold ends (0xffffffff = none known). */
  nextEvictionS: u32 = 0;
  attempts: u32 = 0;
  /** Predicted time without radio: mission seconds, and 1 once claims were extended for it. */
  outlookFromS: u32 = 0;
  outlookUntilS: u32 = 0;
  outlookKind: u32 = 0;
  /** 1 = own claims wait for agreement. */
  unsettled: u32 = 0;
  /** A peer's question for what was published lately: its index, and from when on. The newest is serviceSeen with the next tick. */
  sincePeer: u32 = 0;
  sinceFromS: u32 = 0;
  /** Own slots that were settled, changed, lost or finished, a bit each; the schedule takes these flags. */
  changedSlots: u32 = 0;
}

/** One intent. 64 bytes; hot fields of arbitration first. */
@unmanaged
export class Intent {
  startS: u32 = 0;
  endS: u32 = 0;
  /** Where it stops to bind others: endS, or the end of its gone owner's lease and guard. */
  boundS: u32 = 0;
  /** kg/day */
  rate: u32 = 0;
  /** group << 16 | unit */
  resource: u32 = 0;
  /** Next in arbitration order in its group's chain. */
  next: u16 = 0;
  state: u8 = 0;
  verdict: u8 = 0;
  /** Arbitration order, ascending: started, priority, claimS, hash. */
  orderHigh: u32 = 0;
  orderLow: u32 = 0;
  owner: u16 = 0;
  slot: u8 = 0;
  kind: u8 = 0;
  version: u32 = 0;
  claimS: u32 = 0;
  publishedS: u32 = 0;
  nonce: u32 = 0;
  read: u32 = 0;
  leaseS: u32 = 0;
  priority: u8 = 0;
  generation: u8 = 0;
  /** Low 16 bits of the mission second when this version was last heard or sent as a broadcast. */
  echo: u16 = 0;
}

/** One of this node's own slots: what the record cannot say. 32 bytes. */
@unmanaged
export class Own {
  /** 0 = nothing is settled; else the version that settled, and what it may do. */
  settledVersion: u32 = 0;
  settledStartS: u32 = 0;
  settledEndS: u32 = 0;
  settledRate: u32 = 0;
  settledResource: u32 = 0;
  settledLeaseS: u32 = 0;
  /** 1 = the platform was told to start. */
  running: u8 = 0;
  /** 1 = given from outside (assign), not planned here. */
  assigned: u8 = 0;
  /** How many times more the newest version is broadcast, once a period. */
  rebroadcasts: u16 = 0;
  /** 1 = a version that was over was brought back, and is withdrawn with the next tick. */
  returned: u8 = 0;
  pad0: u8 = 0;
  pad1: u16 = 0;
}

/** A resource group. 32 bytes, two to a line. */
@unmanaged
export class Group {
  kind: u32 = 0;
  units: u32 = 0;
  /** kg/day, as configured or as the newest notice says. */
  capacity: u32 = 0;
  loadKg: u32 = 0;
  /** First record of the chain. */
  first: u16 = 0;
  /** Verdicts are valid before this record; NO_INDEX = all are. */
  dirtyFrom: u16 = 0;
  length: u16 = 0;
  pad0: u16 = 0;
  pad1: u64 = 0;
}

/** A fact about a resource. 16 bytes. */
@unmanaged
export class Notice {
  group: u16 = 0;
  unit: u16 = 0;
  capacity: u32 = 0;
  observedS: u32 = 0;
  observer: u16 = 0;
  echo: u16 = 0;
}

/** One line. */
@unmanaged
export class StatementState {
  /** Late news of this epoch that changed the digest. */
  lateRound: u32 = 0;
  lateCount: u32 = 0;
  /** Own slots on which this node's word is wanted, a bit each. */
  toSign: u32 = 0;
  /** Newest publication that was made up in this node's name, mission second: its word says so of a time no earlier. */
  forgedS: u32 = 0;
  /** The entry about which the platform's service is ticket, plus one; and when, local second. */
  ticket: u32 = 0;
  askedS: u32 = 0;
  /** Local second at which this node last signed because somebody ticket. */
  requestedS: u32 = 0;
  /** Where the ring forgets next. */
  cursor: u32 = 0;
  /** Two entries that prove each other's owner a double-equivocator, plus one each; and times left to broadcast them. */
  proofA: u32 = 0;
  proofB: u32 = 0;
  proofBroadcasts: u32 = 0;
  /** 1 = the platform has a service that answers. */
  serviceSeen: u32 = 0;
}

/** An owner's signed word. 96 bytes: what stands here, its digest, its signature. */
@unmanaged
export class Statement {
  owner: u16 = 0;
  slot: u8 = 0;
  state: u8 = 0;
  version: u32 = 0;
  atS: u32 = 0;
  /** CONTESTED, PROOF. */
  flags: u16 = 0;
  /** Own ones: times left to broadcast. */
  broadcastsLeft: u16 = 0;
}
