/** Kinds of events in the simulator's queue. The node of an event breaks ties of time; −1 is the world. */
export const eventKind = {
  /** A node's deadline is due. first: unused. */
  wake: 1,
  /** A frame's last bit arrives. first: slot, second: bytes. */
  frame: 2,
  /** Telemetry of a node. */
  health: 3,
  /** A processor or runtime begins to run. first: cause. second: 1 = keep the local clock. */
  boot: 4,
  /** A progress record is due. first: slot × 8 + status, second: kg moved. */
  progress: 5,
  /** The hardware watchdog may bite. */
  watchdog: 6,
  /** A recovery record is due. first: level × 256 + task, second: ok. */
  recovery: 7,
  /** A boot has lasted an hour. first: its incarnation. */
  stable: 8,
  /** An assay is due. first: resource. */
  assay: 9,
  /** A contact window: first 0 = tell it, 1 = begins, 2 = ends. second: its beginning, ms. */
  contact: 10,
  /** Maintenance is due. */
  maintenance: 11,
  /** The world changes by itself. */
  world: 12,
  hour: 13,
  /** first: index of the fault. */
  fault: 14,
  heal: 15,
  /** first: index of the fault: its outlook is told. */
  outlook: 16,
  /** A reset within a storm. first: index of the fault. */
  stormReset: 17,
  /** A record given to a node from outside is due. first: its index. */
  given: 18,
  /** Bits of a node's memory flip. first: number of the upset. */
  upset: 19,
  /** Non-volatile memory holds a reservation of counters. first: the boot that asked. */
  reserved: 20,
  /** A byzantine's cycle has come. */
  lie: 21,
  /** A byzantine speaks out of turn. first: which of its frames. */
  lieLater: 22,
  /** A platform's signature service answers. first: its answer. */
  answered: 23,
  /** The ground issues an epoch of keys. */
  issue: 24,
  /** The ground gives a node the parts of an epoch whose head it was given. */
  parts: 25,
} as const;
