// Defines the records of convergence: its state, and an open disruption.

/** State of convergence. */
@unmanaged
export class ConvergenceState {
  /** Open disruptions. */
  count: u32 = 0;
  /**
   * Rounds in a row in which all live members agreed: mission second of the first, the last round,
   * their number.
   */
  agreedS: u32 = 0;
  agreedRound: u32 = 0;
  agreedRun: u32 = 0;
  /**
   * Moving averages of durations and the last durations, seconds, of the classes node and cluster.
   */
  trendNodeS: u32 = 0;
  trendClusterS: u32 = 0;
  lastNodeS: u32 = 0;
  lastClusterS: u32 = 0;
  /** Sum of the notices stored at the last step: a new notice is a disruption. */
  noticeSum: u32 = 0;
  spare0: u32 = 0;
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
