// Defines the records of membership: the view, the state of probing, a member.

/** The view, in the first line; probing and spreading, in the second. */
@unmanaged
export class MembershipState {
  /** Liveness tick of the bitmaps of members heard; 0 = time is not known yet. */
  livenessTick: u32 = 0;
  /** Round for whose cut the digest and the agreement stand. */
  round: u32 = 0;
  digest: u64 = 0;
  /**
   * The part of `digest` that members contribute: silence at the cut, revocations, equivocators.
   */
  memberDigest: u64 = 0;
  /** Last round in which a majority of the base agreed with this node. */
  quorumRound: u32 = 0;
  /** End of this node's ordinary lease, mission second: until then work under it may run. */
  leaseUntilS: u32 = 0;
  /** 1 = a majority agrees in the present round. */
  quorum: u32 = 0;
  /** 1 = this node has agreed with a majority since boot. */
  formed: u32 = 0;
  /**
   * Mission second when time became known after boot. Agreement counts for rounds cut from then on:
   * a restarted node may have forgotten what it published last.
   */
  bootS: u32 = 0;
  /** Members that were silent and came back, in this round and in the one before. */
  returned: u16 = 0;
  returnedBefore: u16 = 0;
  /**
   * RECOVERING_*: restarted, or discarded an intent, and not yet known to store again what it
   * agreed to: it has no vote.
   */
  recovering: u32 = 0;
  /** Mission second at which this node discarded an intent while it has no vote; 0 = none. */
  forgotS: u32 = 0;
  /**
   * Periods until checkpoints contain the extended leases and the decision; until then this node
   * agrees to no digest.
   */
  unstoredPeriods: u32 = 0;
  /**
   * 1 = the set of silent members changed since verdicts were found: the ends of their claims may
   * differ.
   */
  boundsMoved: u32 = 0;
  // ---- second line ----
  /** End and start of the last time in which this node heard no heartbeat, mission seconds. */
  gapEndS: u32 = 0;
  gapStartS: u32 = 0;
  /** Order of probing: position and stride of this pass, members left in it. */
  walkPosition: u32 = 0;
  walkStride: u32 = 0;
  walkLeft: u32 = 0;
  /**
   * Probe for another member: requester + 1, its sequence, the target, and the sequence of the own
   * probe.
   */
  relayFor: u16 = 0;
  relaySequence: u16 = 0;
  relayTarget: u16 = 0;
  relayProbe: u16 = 0;
  /**
   * Lower half of a digest of the present round that others have and this node has not, and two
   * members that have it, each + 1 (disagreement.ts).
   */
  otherDigest: u32 = 0;
  otherFirst: u8 = 0;
  otherSecond: u8 = 0;
  /** What the digests heard in the present round say, HEARD_*. */
  heardDigests: u8 = 0;
  /** Rounds in a row in which this node alone disagreed, up to DISAGREED_ROUNDS. */
  disagreedRounds: u8 = 0;
  /** Suspicion to be spread: member + 1, times left. */
  suspicionMember: u32 = 0;
  suspicionLeft: u32 = 0;
  incarnation: u32 = 0;
  /** Own refutations left to broadcast. */
  refutationsLeft: u32 = 0;
  /**
   * Round in which this node believed a counter of revocations that it cannot check; 0 = none since
   * its last quorum.
   */
  believedRound: u32 = 0;
  /** Senders of time samples in a local minute, a bit for each sender modulo 32; that minute. */
  sampled: u32 = 0;
  sampledMinute: u16 = 0;
  /** How many of the newest time samples agree with this clock, 0 to CLOCK_NEAR_MAX. */
  clockNear: u16 = 0;
}

/** State of hearing and probing. In the hot line. */
@unmanaged
export class Hearing {
  /** Heartbeats merged in this liveness tick: 0 means that this node is cut off. */
  heartbeatsHeard: u32 = 0;
  /** Mission second of the newest heartbeat merged. */
  heardS: u32 = 0;
  /**
   * Probe in flight: target + 1 (0 = none) and sequence; then the probe that relays try for this
   * node.
   */
  probeTarget: u16 = 0;
  probeSequence: u16 = 0;
  relayedTarget: u16 = 0;
  relayedSequence: u16 = 0;
  /** Local health, 0 good to HEALTH_MAX. */
  health: u32 = 0;
}

/** The decision of the cluster that is under way, or was made last (decision.ts). */
@unmanaged
export class Decision {
  /** Which decision, from 1 on; 0 = none was opened. */
  number: u32 = 0;
  /** The newest ballot in which this member takes part. */
  promised: u32 = 0;
  /** Ballot of the newest value that this member knows as accepted; 0 = none. */
  accepted: u32 = 0;
  /** That value: its kind (below) and content. */
  contentHigh: u32 = 0;
  contentLow: u32 = 0;
  kind: u8 = 0;
  /** Greatest count of numbers of members that was decided before; 0 = none was. */
  size: u8 = 0;
  /** 1 = this node saw a quorum on a digest with this record. Not part of the digest. */
  agreed: u8 = 0;
  /** 1 = this node saw a value of this number decided. Not part of the digest. */
  decided: u8 = 0;
}

/** Where a cluster is cut: what goes to its second half (docs/federation.md, Split). */
@unmanaged
export class Cut {
  /** Mission second from which on the halves are two clusters, if that is decided before. */
  switchS: u32 = 0;
  /** A bit for each resource group that goes to the second half as a whole. */
  groups: u32 = 0;
  /** A bit for each group of which units of odd number go to the second half, others stay. */
  divided: u32 = 0;
  /** A bit for each member of the second half. */
  m0: u32 = 0;
  m1: u32 = 0;
  m2: u32 = 0;
  m3: u32 = 0;
  m4: u32 = 0;
  m5: u32 = 0;
  m6: u32 = 0;
}

/** The split that this node accepted last, or that divided its cluster. One line. */
@unmanaged
export class Division extends Cut {
  /** Number of the decision, and the ballot in which it was accepted. */
  number: u32 = 0;
  ballot: u32 = 0;
  /** Mission second since which the cluster is so large that it is to be split; 0 = it is not. */
  largeSinceS: u32 = 0;
  /** 1 = the split is decided. */
  decided: u8 = 0;
  /**
   * Two members, each + 1, that said so to this node, which saw no quorum; the split that they
   * named: the lower half of a hash; and the latest ballot that they named.
   */
  firstWitness: u8 = 0;
  secondWitness: u8 = 0;
  witnessed: u32 = 0;
  witnessedBallot: u32 = 0;
}

/** A split that a member sent and that waits for the tick. One line. */
@unmanaged
export class ReceivedSplit extends Cut {
  /** Number and ballots of the sender's record; 0 = nothing waits. */
  number: u32 = 0;
  promised: u32 = 0;
  accepted: u32 = 0;
  size: u8 = 0;
  decided: u8 = 0;
  sender: u16 = 0;
}

/** A member, and what is kept per owner of intents. */
@unmanaged
export class Member {
  /** Newest liveness tick in which it was heard, valid once it is silent; 0 = never. */
  lastLivenessTick: u32 = 0;
  incarnation: u16 = 0;
  /** STATE_* in the last member-state event. */
  reportedState: u8 = 0;
  generation: u8 = 0;
  /** Announced isolation, mission seconds [from, until). */
  isolationFromS: u32 = 0;
  isolationUntilS: u32 = 0;
  /** Sum of the 32-bit hashes of its intents stored here: anti-entropy compares these by owner. */
  intentSum: u32 = 0;
  /** Last tick before a silence that began together with others' (member_state.ts); 0 = none. */
  correlatedTick: u32 = 0;
  /**
   * How often its vote was revoked or given back: odd = it has no vote. Only grows; merged by
   * maximum.
   */
  revocations: u8 = 0;
  /**
   * Its versions relayed lately, and the mission minute (low 16 bits) of that count
   * (intent/quota.ts).
   */
  tokensUsed: u8 = 0;
  tokensMinute: u16 = 0;
  /** MARK_* (table.ts). */
  marks: u8 = 0;
  /**
   * Intent slots, a bit each, on which it lately signed a statement, and the mission minute (low 16
   * bits) of the newest one (intent/statement/recent.ts).
   */
  statementSlots: u8 = 0;
  statementMinute: u16 = 0;
}
