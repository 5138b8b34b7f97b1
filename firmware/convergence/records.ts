// Defines the records of convergence: its state, and an open disruption.

/** State of convergence. */
@unmanaged
export class ConvergenceState {
  /** Open disruptions. */
  count: u32 = 0;
  /** Last mission second at which something differed, as far as this node knows. */
  apartS: u32 = 0;
  /**
   * The present round; whether all live members agreed in it; whether somebody was missing in the
   * one before; rounds that ended in agreement, one with somebody missing not counted.
   */
  round: u32 = 0;
  agreed: u8 = 0;
  missed: u8 = 0;
  agreedRun: u16 = 0;
  /**
   * Moving averages of durations and the last durations, seconds, of the classes node and cluster.
   */
  trendNodeS: u32 = 0;
  trendClusterS: u32 = 0;
  lastNodeS: u32 = 0;
  lastClusterS: u32 = 0;
  /** Sum of the notices stored at the last step: a new notice is a disruption. */
  noticeSum: u32 = 0;
  /** Mission second of the last look at conflicts and members; a hash of members' states then. */
  lookS: u32 = 0;
  states: u32 = 0;
  /** Members that restarted in the present round, and in the one before. */
  restarts: u16 = 0;
  restartsBefore: u16 = 0;
}

/** An open disruption. 24 bytes. */
@unmanaged
export class DisruptionSeen {
  /** 0 = free, else CLASS_*. */
  class: u32 = 0;
  /** Mission seconds of the beginning, and of the latest disturbance. */
  onsetS: u32 = 0;
  lastS: u32 = 0;
  /** The member that it began with. */
  subject: u32 = 0;
  alarmed: u32 = 0;
  /** Not judged before this mission second: the disturbance goes on until then. */
  notBeforeS: u32 = 0;
}
