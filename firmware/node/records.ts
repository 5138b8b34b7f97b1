// Defines the records of a node: identity, clock, queues, capability, and entries of the outbox.

/** Identity of a node, and state that changes rarely. One line. */
@unmanaged
export class NodeState {
  /** CONTEXT_MAGIC once booted. */
  magic: u32 = 0;
  /** Index of this node, size of its cluster, and the number of that in its frames. */
  self: u32 = 0;
  members: u32 = 0;
  cluster: u16 = 0;
  /** The number in the configuration: that of the cluster before it was split. */
  home: u16 = 0;
  generation: u32 = 0;
  seed: u32 = 0;
  features: u32 = 0;
  incarnation: u32 = 0;
  safeMode: u8 = 0;
  /** 1 = membership.bootS is set. */
  bootKnown: u8 = 0;
  cause: u8 = 0;
  /** WHOLE, FIRST_HALF or SECOND_HALF (table.ts). */
  half: u8 = 0;
  /** 1 = mission time is known; samples that agreed so far. */
  timeKnown: u32 = 0;
  samples: u16 = 0;
  /** MUTE_CAUSE_* that was reported last. */
  muteCause: u8 = 0;
  /** Rotas that the configuration gave (intent/rota.ts). */
  rotas: u8 = 0;
  /** Next period tick while mission time is unknown, local second. */
  periodS: u32 = 0;
  checkpointS: u32 = 0;
  checkpointSequence: u32 = 0;
  /** When this node booted, local second. */
  startedS: u32 = 0;
  /**
   * Place in the federation: lineage + 1, region and version of the software; 0 = none, and the
   * node takes no part in it.
   */
  placed: u8 = 0;
  region: u8 = 0;
  version: u16 = 0;
}

/**
 * Mission time minus local time, and its error bound as of local second `sampleS`. In the hot line.
 */
@unmanaged
export class Clock {
  offsetS: u32 = 0;
  offsetMs: u32 = 0;
  errorMs: u32 = 0;
  sampleS: u32 = 0;
}

/** Counters, flags and queues of frames, commands and events. In the hot line. */
@unmanaged
export class Queues {
  /** Counters up to this one may be sent and accepted: they are reserved in non-volatile memory. */
  reserved: u32 = 0;
  /** FLAG_* to be returned with the present call's status. */
  flags: u32 = 0;
  /** Next period tick while mission time is known, TDMA cycle. */
  periodCycle: u32 = 0;
  /** TDMA cycle in which the last frame was sent. */
  sentCycle: u32 = 0;
  outboxCount: u32 = 0;
  /** DUE_*: work that the next tick does, so that a received frame costs little. */
  due: u32 = 0;
  commandFirst: u8 = 0;
  commandCount: u8 = 0;
  eventFirst: u8 = 0;
  eventCount: u8 = 0;
}

/** Capability of the hardware, written at boot, and the profile for the federation. One line. */
@unmanaged
export class Capability {
  /** kg/day, kg, Wh, W, W, W, Wh/kg. */
  rateMax: u32 = 0;
  storageKg: u32 = 0;
  batteryWhMax: u32 = 0;
  solarW: u32 = 0;
  baseW: u32 = 0;
  replicateW: u32 = 0;
  mineWhPerKg: u32 = 0;
  /** kg/day that one owner may claim on ore lots in all; 0 = no bound. */
  ownerRateMax: u32 = 0;
  /** What the platform reported: three stocks and the energy margin, three demands; a byte each. */
  stocks: u32 = 0;
  demands: u32 = 0;
  /** Mission second at which the profile was sent last; 0 = not since boot. */
  profileS: u32 = 0;
}

/** Entry of the outbox: which message to whom, with two arguments that depend on the message. */
@unmanaged
export class Outgoing {
  what: u16 = 0;
  addressee: u16 = 0;
  a: u32 = 0;
  b: u32 = 0;
}
