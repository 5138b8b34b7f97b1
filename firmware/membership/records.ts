// Layouts of the view, of what was heard, and of a member.

@unmanaged
export class MembershipState {
  /** The beat of the heard planes; 0 = time not known yet. */
  livenessTick: u32 = 0;
  /** Epoch whose cut the digest and the agreement stand for. */
  epoch: u32 = 0;
  digest: u64 = 0;
  /** The part of `digest` that members gone at the cut contribute. */
  silentDigest: u64 = 0;
  previousRound: u32 = 0;
  /** Last epoch in which a majority of the base agreed with this node, and local second of noticing. */
  quorumRound: u32 = 0;
  /** Own lease: mission second until which work under ordinary leases may run. */
  leaseUntilS: u32 = 0;
  /** 1 = a majority agrees in the present epoch. */
  quorum: u32 = 0;
  /** 1 = this node has agreed with a majority since boot. */
  formed: u32 = 0;
  /** Mission second when time became known after boot: agreement counts for epochs cut from then on (a restarted node may have forgotten
   *  what it published last). */
  bootS: u32 = 0;
  /** Members that came back after they were gone, in this epoch and in the one before. */
  returned: u16 = 0;
  returnedBefore: u16 = 0;
  /** RECOVERING_*: restarted, and not yet known to hold again what it agreed to: it counts for no majority. */
  recovering: u32 = 0;
  /** Periods until what is held of leases extended in advance is stored; until then this node agrees to no digest that covers them. */
  unstored: u32 = 0;
  /** 1 = who is gone changed since verdicts were found: the bounds of what they hold may differ. */
  boundsMoved: u32 = 0;
  // ---- second line ----
  /** Mission second of the first heartbeat after a gap: what fell silent before it may only have been unheard; and that at which the gap began. */
  deafS: u32 = 0;
  quietS: u32 = 0;
  /** Walk over the members: position and stride of this round. */
  walkPosition: u32 = 0;
  walkStride: u32 = 0;
  walkLeft: u32 = 0;
  /** A relay's errand: requester + 1, its sequence, the target, and the sequence of our own probe. */
  errandFor: u32 = 0;
  errandSequence: u32 = 0;
  errandTarget: u32 = 0;
  errandProbe: u32 = 0;
  /** Suspicion to be told: member + 1, times left. */
  rumorMember: u32 = 0;
  rumorLeft: u32 = 0;
  incarnation: u32 = 0;
  /** Own refutations left to broadcast. */
  refuteLeft: u32 = 0;
  spare0: u32 = 0;
  spare1: u32 = 0;
  spare2: u32 = 0;
}

/** In the hot line. */
@unmanaged
export class Hearing {
  /** Heartbeats merged in this beat: 0 heard means it is we who are cut off. */
  heartbeatsHeard: u32 = 0;
  /** Mission second of the newest heartbeat merged. */
  heardS: u32 = 0;
  /** Probe in flight: target + 1 (0 = none), and its sequence number; likewise one that relays try for us. */
  probeTarget: u16 = 0;
  probeSequence: u16 = 0;
  relayedTarget: u16 = 0;
  relayedSequence: u16 = 0;
  /** Local health, 0 good to HEALTH_MAX. */
  health: u32 = 0;
}

@unmanaged
export class Member {
  /** Newest beat in which it was heard, once it fell out of the planes (0 = never). */
  lastLivenessTick: u32 = 0;
  incarnation: u16 = 0;
  /** State last told in a member-state event: 0 unknown 1 alive 2 suspect 3 unreachable 4 dead. */
  told: u8 = 0;
  generation: u8 = 0;
  /** Announced isolation, mission seconds [from, until). */
  isolationFromS: u32 = 0;
  isolationUntilS: u32 = 0;
  /** Sum of the 32-bit hashes of its intents held here: anti-entropy compares these by range. */
  intentSum: u32 = 0;
  /** Last beat of a silence that began together with others': it stays unreachable when those are heard again first. */
  togetherTick: u32 = 0;
  /** How often it lost its vote for being gone too long, and got it back: odd = it has none. Grows only; merged by maximum. */
  revocations: u8 = 0;
  /** Its versions passed on lately, and the mission minute (low 16 bits) for which that stands (intent/quota.ts). */
  tokensUsed: u8 = 0;
  tokensMinute: u16 = 0;
  /** 1 = it gave two contents under one version, and signed both: what it publishes counts for nothing. */
  proven: u8 = 0;
  pad0: u8 = 0;
  /** Mission minute (low 16 bits) of its newest signed word that was found valid (intent/witness.ts). */
  wordMinute: u16 = 0;
}
