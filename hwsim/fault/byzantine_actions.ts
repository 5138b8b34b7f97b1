/** Counts of what the Byzantine node did. */
export interface ByzantineActions {
  frames: number;
  floodFrames: number;
  ownVersions: number;
  claimsOfEverything: number;
  withdrawals: number;
  /** Versions forged in the name of others, and frames with another node's sender number. */
  forgedVersions: number;
  forgedFrames: number;
  equivocations: number;
  lateVersions: number;
  statements: number;
  /** Lists of false revocations, notices of false losses, heartbeats of a false time. */
  falseRevocations: number;
  falseNotices: number;
  falseTimes: number;
}

export function noActions(): ByzantineActions {
  return {
    frames: 0,
    floodFrames: 0,
    ownVersions: 0,
    claimsOfEverything: 0,
    withdrawals: 0,
    forgedVersions: 0,
    forgedFrames: 0,
    equivocations: 0,
    lateVersions: 0,
    statements: 0,
    falseRevocations: 0,
    falseNotices: 0,
    falseTimes: 0,
  };
}
