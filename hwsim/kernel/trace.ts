/**
 * Defines what judges see of a run. A judge is a TraceConsumer: it gets only what these calls
 * carry, never firmware internals. Times are milliseconds of true mission time (a double that holds
 * an integer). Calls come in order of time; calls at equal times come in order of node id.
 */

/**
 * A change of the world's ground truth. `disruption` names the scenario's disruption that the
 * change belongs to, or is null.
 */
export type WorldChange =
  | { kind: 'node-up' | 'node-down'; node: number; permanent: boolean; disruption: string | null }
  | { kind: 'radio-down' | 'radio-up'; node: number; disruption: string | null }
  /** Members of one set hear each other; members of different sets do not. Empty: no partition. */
  | { kind: 'partition'; sets: number[][]; disruption: string | null }
  | { kind: 'group-capacity'; group: number; capacityKgPerDay: number; stockKg: number; disruption: string | null }
  | { kind: 'unit'; group: number; unit: number; usable: boolean; disruption: string | null }
  /**
   * Kilograms credited to a node on a group since the node's last credit there. On an ore lot:
   * mined, which is what production counts. On the depot: hauled there; that mass was mined before
   * and must not be counted twice.
   */
  | { kind: 'credit'; node: number; group: number; unit: number; kg: number }
  /**
   * Commanded work ended in the world: it is done, or blocked because its resource has vanished. No
   * stop-work command follows.
   */
  | { kind: 'work-ended'; node: number; slot: number }
  /** Two nodes executed one exclusive unit at the same time. */
  | { kind: 'double-execution'; group: number; unit: number; nodes: number[] }
  /**
   * A particle flips bits of a node's memory. `inUse` is false when the node had no power, or when
   * nothing that runs there reads the memory again.
   */
  | { kind: 'upset'; node: number; bits: number[]; inUse: boolean }
  /** The controller of a node's non-volatile memory makes an error in one word. */
  | { kind: 'access-fault'; node: number; access: 'write' | 'read' }
  /**
   * A node's runtime traps at an assertion or a stray access. `booting`: while it started.
   * `resets`: processor resets in a row, as counted in the node's non-volatile memory.
   */
  | { kind: 'trap'; node: number; site: number; booting: boolean; resets: number }
  /**
   * A node with injected upsets and its reference replica, which gets the same inputs without
   * upsets, produce different outputs. `output`: kind of the output. `omission`: the replica
   * produced it and the node did not; otherwise the node produced it and the replica did not.
   * `garbled`: a frame whose CRC-32C does not verify.
   */
  | {
      kind: 'divergence';
      node: number;
      output: 'frame' | 'command' | 'event';
      omission: boolean;
      garbled: boolean;
      upset: number;
      what: string;
    }
  /** The nodes `by` accepted a frame that the sender's reference replica would not have sent. */
  | { kind: 'corrupt-accepted'; node: number; by: number[]; upset: number }
  /** At the end of the run: bits of upsets that are still wrong in a node's memory. */
  | { kind: 'latent'; node: number; bits: number }
  /**
   * Reported once, at the onset. `healedS` is null also when the end is not known beforehand (a
   * hung task, a hung runtime).
   */
  | { kind: 'disruption'; id: string; disruption: DisruptionFact };

export type SlaClass = 'node' | 'cluster' | 'cross-cluster' | 'fleet';

/** One disruption that happened, as the world knows it. The trace hash covers its JSON text. */
export interface DisruptionFact {
  id: string;
  kind: string;
  class: SlaClass;
  /** Mission seconds. */
  onsetS: number;
  /** When the cause ends (path restored, node up), mission seconds; null when it is permanent. */
  healedS: number | null;
  /** Nodes affected. */
  nodes: number[];
  /** Groups affected directly (the judge adds those on which the affected nodes were working). */
  groups: number[];
  detail: string;
}

export interface TraceConsumer {
  /**
   * A frame went on the air. `bytes` are valid during the call only. `received`: how many nodes got
   * the frame. `lost`: how many did not.
   */
  frame?(timeMs: number, sender: number, bytes: Uint8Array, received: number, lost: number): void;
  /**
   * A command or event record of a node: decoded unsigned integers, fields[0] is the type. `fields`
   * are valid during the call only.
   */
  command?(timeMs: number, node: number, fields: Uint32Array, length: number): void;
  event?(timeMs: number, node: number, fields: Uint32Array, length: number): void;
  world?(timeMs: number, change: WorldChange): void;
  /** The run has ended. */
  end?(timeMs: number): void;
}
