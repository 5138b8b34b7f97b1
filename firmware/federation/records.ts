// Defines the records of the federation: its state, a summary that waits, a known cluster, a
// member's profile.

/** State of the federation. One line. */
@unmanaged
export class FederationState {
  /** Mission second at which the own summary was composed last; 0 = none since boot. */
  composedS: u32 = 0;
  /** Local seconds at which the platform was asked last to sign, and to verify. */
  signAskedS: u32 = 0;
  verifyAskedS: u32 = 0;
  /** Mission hour in which old profiles were cleared last. */
  clearedHour: u32 = 0;
  /** Versions of the software that profiles name by their index, and a bit for each in use. */
  version0: u16 = 0;
  version1: u16 = 0;
  version2: u16 = 0;
  versionsUsed: u16 = 0;
  /** Sequence of the newest own summary that was composed here or seen. */
  sequence: u16 = 0;
  /** Place that the platform verifies, plus one; 0 = none. How often it was asked to. */
  ticket: u8 = 0;
  attempts: u8 = 0;
  /** Value that the platform ordered to decide on: its kind, plus one (0 = none), and content. */
  orderKind: u8 = 0;
  orderHigh: u32 = 0;
  orderLow: u32 = 0;
}

/** A summary of this cluster or of another. 192 bytes: behind these fields lies the message. */
@unmanaged
export class Waiting {
  /** FREE, UNCHECKED or SIGNED. */
  state: u8 = 0;
  /** Bytes of the message. */
  length: u8 = 0;
  cluster: u16 = 0;
  round: u32 = 0;
  /** Hash of its signed content; of the own summary its sequence. */
  key: u32 = 0;
}

/** What is known of a cluster. 16 bytes. */
@unmanaged
export class ClusterKnown {
  /** Round of its newest summary; 0 = the entry is free. */
  round: u32 = 0;
  /** Hash of the content of that summary. */
  hash: u32 = 0;
  cluster: u16 = 0;
  sequence: u16 = 0;
  /** Second of the round of which its figures are. */
  roundS: u8 = 0;
  live: u8 = 0;
  generations: u8 = 0;
  /** Hour in which one of its summaries was passed on to the own members last, low eight bits. */
  sharedHour: u8 = 0;
}

/** The newest profile of a member. 8 bytes. */
@unmanaged
export class Profile {
  /** Three stocks and the energy margin, a byte each. */
  stocks: u32 = 0;
  /**
   * Three demands, a byte each; above them the mission hour modulo 15, plus one (0 = no profile),
   * the lineage, and the index of the version (3 = another one).
   */
  demands: u32 = 0;
}
