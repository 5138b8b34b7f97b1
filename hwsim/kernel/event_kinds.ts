import { timerKind } from './queue.ts';

/**
 * Kinds of events in the simulator's queue. The event's node breaks ties of time; −1 is the world.
 */
export const eventKind = {
  /** The node's deadline is due. */
  wake: timerKind,
  /** A frame's last bit arrives. first: frame slot of the channel. second: bytes. */
  frame: 2,
  /** The node's telemetry is due. */
  health: 3,
  /** A processor or runtime starts. first: cause. second: 1 = keep the local clock. */
  boot: 4,
  /** A progress record is due. first: intent slot × 8 + status. second: kg moved. */
  progress: 5,
  /** The timer of the hardware watchdog expires. */
  watchdog: 6,
  /** A recovery record is due. first: level × 256 + task. second: 1 = succeeded. */
  recovery: 7,
  /** A boot has lasted an hour. first: its incarnation. */
  stable: 8,
  /** An assay is due. first: resource. */
  assay: 9,
  /**
   * A contact window. first: 0 = announced, 1 = begins, 2 = ends. second: start of the window, ms.
   */
  contact: 10,
  /** Maintenance is due. */
  maintenance: 11,
  /** The world changes by itself. */
  world: 12,
  /** An hour of mission time has passed. */
  hour: 13,
  /** A fault begins. first: index of the fault. */
  fault: 14,
  /** A fault ends. first: index of the fault. */
  heal: 15,
  /** The outlook of a predicted fault is reported. first: index of the fault. */
  outlook: 16,
  /** A storm resets the node. first: index of the fault. */
  stormReset: 17,
  /** A record from outside the simulation is due. first: its index. */
  given: 18,
  /** Bits of the node's memory flip. first: number of the upset. */
  upset: 19,
  /**
   * Non-volatile memory has stored a reservation of counters. first: incarnation of the boot that
   * asked.
   */
  reserved: 20,
  /** The Byzantine node's cycle begins. */
  byzantineCycle: 21,
  /** The Byzantine node sends a frame later in its cycle. first: index of the frame. */
  byzantineFrame: 22,
  /** The platform's signature service answers. first: index of the answer. */
  answered: 23,
  /** The ground issues a key epoch. */
  issue: 24,
  /** The ground sends the node the parts of a key epoch whose head the node has. */
  parts: 25,
  /** The cluster's platform gives a member the next summary of another cluster. */
  foreign: 26,
} as const;
