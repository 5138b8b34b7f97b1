// Layouts of what convergence remembers.

@unmanaged
export class ConvergenceState {
  /** Open disruptions. */
  count: u32 = 0;
  /** Mission second since which every epoch found everybody in agreement, the last such epoch, and how many in a row. */
  agreedS: u32 = 0;
  agreedRound: u32 = 0;
  agreedRun: u32 = 0;
  /** Moving average of durations and of their change, seconds, per class node and cluster. */
  trendNodeS: u32 = 0;
  trendClusterS: u32 = 0;
  lastNodeS: u32 = 0;
  lastClusterS: u32 = 0;
  /** Notices held when last looked: more of them is a disruption. */
  noticeSum: u32 = 0;
  lastOwnS: u32 = 0;
}

/** An open disruption. 24 bytes. */
@unmanaged
export class DisruptionSeen {
  /** 0 = free, else 1 node, 2 cluster, 3 cross-cluster, 4 fleet. */
  class: u32 = 0;
  onsetS: u32 = 0;
  lastS: u32 = 0;
  subject: u32 = 0;
  alarmed: u32 = 0;
  /** No verdict before this: the disturbance is still going on. */
  notBeforeS: u32 = 0;
}
