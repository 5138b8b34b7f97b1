/**
 * What a run tells its judges. A judge is a TraceConsumer: it sees only what crosses these calls, never firmware internals.
 * Times are milliseconds of true mission time (a double holding an integer). Calls come in time order, ties by node id.
 */

/** A change of the world's ground truth. `disruption` names the scenario's disruption it belongs to, or null. */
export type WorldChange =
  | { kind: 'node-up' | 'node-down'; node: number; permanent: boolean; disruption: string | null }
  | { kind: 'radio-down' | 'radio-up'; node: number; disruption: string | null }
  /** Members of one set hear each other; sets do not. Empty: no partition. */
  | { kind: 'partition'; sets: number[][]; disruption: string | null }
  | { kind: 'group-capacity'; group: number; capacityKgPerDay: number; stockKg: number; disruption: string | null }
  | { kind: 'unit'; group: number; unit: number; usable: boolean; disruption: string | null }
  /**
   * kg credited to a node on a group since its last credit. On an ore lot: mined, which is what production counts. On the depot:
   * hauled there, which was mined before and must not be counted twice.
   */
  | { kind: 'credit'; node: number; group: number; unit: number; kg: number }
  /** Work that a node had commanded came to its end in the world: done, or blocked because what it needs is gone. No stop-work follows. */
  | { kind: 'work-ended'; node: number; slot: number }
  /** Two nodes executed one exclusive unit at the same time. */
  | { kind: 'double-execution'; group: number; unit: number; nodes: number[] }
  /** A particle flips bits of a node's memory. Not in use: it had no power, or nothing that runs there reads it again. */
  | { kind: 'upset'; node: number; bits: number[]; inUse: boolean }
  /** The controller of a node's non-volatile memory errs in one word. */
  | { kind: 'access-fault'; node: number; access: 'write' | 'read' }
  /** A node's runtime breaks off at an assertion or a stray access; `booting`: while it began to run. `resets`: in a row, by its non-volatile memory. */
  | { kind: 'trap'; node: number; site: number; booting: boolean; resets: number }
  /**
   * A struck node gives out what its replica, which lives through the same without upsets, does not. `output`: what it gave out. An omission: the
   * replica gives out what the node does not. Garbled: a frame whose CRC-32C does not verify.
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
  /** Others took in a frame of a struck node that its replica would not have sent. */
  | { kind: 'corrupt-accepted'; node: number; by: number[]; upset: number }
  /** At the end of the run: bits of upsets that still stand in a node's memory. */
  | { kind: 'latent'; node: number; bits: number }
  /** Told once, at the onset; `healedS` is null also when the end is not known beforehand (a hung task, a hung runtime). */
  | { kind: 'disruption'; id: string; disruption: DisruptionFact };

export type SlaClass = 'node' | 'cluster' | 'cross-cluster' | 'fleet';

/** One disruption that happened, as the world knows it. */
export interface DisruptionFact {
  id: string;
  kind: string;
  class: SlaClass;
  /** Mission seconds. */
  onsetS: number;
  /** When the cause is over (path back, node up), mission seconds; null when it is permanent. */
  healedS: number | null;
  /** Nodes struck. */
  nodes: number[];
  /** Groups struck directly (the judge adds those the struck nodes were working on). */
  groups: number[];
  detail: string;
}

export interface TraceConsumer {
  /** A frame went on the air. bytes are valid during the call only. receivers = how many nodes got it, lost = how many did not. */
  frame?(timeMs: number, sender: number, bytes: Uint8Array, received: number, lost: number): void;
  /** A command or event record of a node: decoded unsigned integers, fields[0] = type. Valid during the call only. */
  command?(timeMs: number, node: number, fields: Uint32Array, length: number): void;
  event?(timeMs: number, node: number, fields: Uint32Array, length: number): void;
  world?(timeMs: number, change: WorldChange): void;
  /** The run is over. */
  end?(timeMs: number): void;
}
