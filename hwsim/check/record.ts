/** Positions of the fields that judges read in platform records (proto/schema/platform.cddl); field 0 is the type. */

export const COMMAND = {
  START_WORK: 160,
  STOP_WORK: 161,
  FEED_WATCHDOG: 162,
  RESTART_TASK: 163,
  RESTART_RUNTIME: 164,
  RESET_PROCESSOR: 165,
  ALTERNATE_IMAGE: 166,
  SAFE_MODE: 167,
} as const;

export const EVENT = {
  BOOTED: 192,
  MEMBER_STATE: 193,
  HELD: 194,
  PUBLISHED: 195,
  SETTLED: 196,
  LOST: 197,
  ONSET: 198,
  CONVERGED: 199,
  ALARMED: 200,
  DROPPED: 201,
  ESCALATION: 202,
  NOTICED_RESOURCE: 204,
  UPSET: 207,
  KEY_EPOCH_CHANGED: 208,
  EQUIVOCATED: 209,
} as const;

/** start-work */
export const START = { SLOT: 1, KIND: 2, RESOURCE: 3, RATE: 4, UNTIL_S: 5 } as const;
/** member-state */
export const MEMBER = { MEMBER: 1, STATE: 2, LAST_LIVENESS_TICK: 3 } as const;
/** held */
export const HELD = { OWNER: 1, SLOT: 2, VERSION: 3, STATE: 4, PUBLISHED_S: 5 } as const;
/** published */
export const PUBLISHED = {
  SLOT: 1,
  VERSION: 2,
  KIND: 3,
  RESOURCE: 4,
  START_S: 5,
  END_S: 6,
  RATE: 7,
  PRIORITY: 8,
  STATE: 9,
  CLAIM_S: 10,
  NONCE: 11,
  LEASE_S: 12,
} as const;
/** settled */
export const SETTLED = { SLOT: 1, VERSION: 2, START_S: 3, END_S: 4, RATE: 5 } as const;
/** lost */
export const LOST = { SLOT: 1, VERSION: 2, TO_OWNER: 3, TO_SLOT: 4 } as const;

/** upset */
export const UPSET = { LINE: 1, OUTCOME: 2, AGE_S: 3, COUNT: 4 } as const;
export const UPSET_OUTCOME = { CORRECTED: 1, DROPPED: 2 } as const;

export const MEMBER_STATE = { UNKNOWN: 0, ALIVE: 1, SUSPECT: 2, UNREACHABLE: 3, DEAD: 4, LEFT: 5 } as const;
export const INTENT_STATE = { NONE: 0, PLANNED: 1, CLAIMED: 2, STARTED: 3, DONE: 4, WITHDRAWN: 5 } as const;
/** kind of an intent that works no resource */
export const KIND_MAINTAIN = 4;

export const groupOf = (resource: number): number => resource >>> 16;
export const unitOf = (resource: number): number => resource & 0xffff;
