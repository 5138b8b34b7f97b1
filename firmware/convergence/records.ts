// Defines the records of convergence: its state, and an open disruption.

/** State of convergence. */
@unmanaged
export class ConvergenceState {
  /** Open disruptions. */
  count: u32 = 0;
  /**
   * Last mission seconds at which views differed, a silent owner had a claim due to end, and a
   * conflict was open, as far as this node knows.
   */
  viewsS: u32 = 0;
  boundS: u32 = 0;
  conflictS: u32 = 0;
  /** The round that is judged when it has ended; 0 = none since a disruption was opened. */
  round: u32 = 0;
  /** Members that had differed for long, as of the last round with a quorum; rounds since then. */
  apart: u8 = 0;
  blindRounds: u8 = 0;
  /**
   * Moving averages of durations and the last durations, seconds, of the classes node and cluster;
   * longer ones count as 65,535 s.
   */
  trendNodeS: u16 = 0;
  trendClusterS: u16 = 0;
  lastNodeS: u16 = 0;
  lastClusterS: u16 = 0;
  /** Which of the last three disruptions broke their SLA, a bit each, the last one lowest. */
  breaches: u8 = 0;
  /** Sum of the notices stored at the last step: a new notice is a disruption. */
  noticeSum: u32 = 0;
  /** Mission second of the last look at conflicts and members; a hash of members' states then. */
  lookS: u32 = 0;
  states: u32 = 0;
}

/** An open disruption. 24 bytes. */
@unmanaged
export class DisruptionSeen {
  /** 0 = free, else CLASS_*. */
  class: u32 = 0;
  /** Mission seconds of the beginning, and of the latest disturbance. */
  onsetS: u32 = 0;
  lastS: u32 = 0;
  /** Mission second at which this node learnt of it. */
  detectedS: u32 = 0;
  /** The member that it began with; 1 = an alarm was raised. */
  subject: u16 = 0;
  alarmed: u16 = 0;
  /** Not judged before this mission second: the disturbance goes on until then. */
  notBeforeS: u32 = 0;
}
