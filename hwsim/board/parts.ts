import type { Place } from '../../host/cbor/generated.ts';
import type { Engine } from '../../host/engine/engine.ts';
import type { Channel } from '../channel/channel.ts';
import type { EventQueue } from '../kernel/queue.ts';
import type { Tracer } from '../kernel/tracer.ts';
import type { ByzantineNode } from '../fault/byzantine.ts';
import type { WorldPlan } from '../world/plan.ts';
import type { WorkOrder } from '../world/work.ts';
import type { Controller } from './controller.ts';

/**
 * running: the firmware is called. hung: powered, but its runtime does nothing. safe: only its
 * beacon lives.
 */
export const boardState = { off: 0, running: 1, hung: 2, dead: 3, safe: 4 } as const;

/** From reset to the first call. *Assumed*. */
export const processorBootMs = 20_000;

export interface BoardsParts {
  engine: Engine;
  plan: WorldPlan;
  queue: EventQueue;
  channel: Channel;
  tracer: Tracer;
  seed: number;
  driftPpm: number;
  planWork: boolean;
  /** Number of the cluster. */
  cluster: number;
  /** Left out: the cluster has no place in a federation. */
  abroad?: AbroadService;
  /**
   * Nodes whose firmware runs outside the engine: on an emulated board, or on an engine with
   * another image.
   */
  controllers?: ReadonlyMap<number, Controller>;
  /** The Byzantine node, which replaces the frames and the work of its image. */
  byzantine?: ByzantineNode;
  /** Actuators and the state of the node in the world. */
  platform: Platform;
}

/** What the platforms of a cluster do for its place in a federation. */
export interface AbroadService {
  readonly place: Omit<Place, 'name'>;
  /** Whether a summary of any cluster has the signature of its coordinator. */
  isSigned(message: Uint8Array): boolean;
  /** Takes the summary that a node sends abroad. */
  send(node: number, message: Uint8Array): void;
}

/** Carries out commands outside the controller, and follows the state of boards. */
export interface Platform {
  startWork(timeMs: number, node: number, slot: number, order: WorkOrder): void;
  stopWork(timeMs: number, node: number, slot: number): void;
  /** Looks at a resource (group << 16 | unit) and reports an assay. */
  requestAssay(timeMs: number, node: number, resource: number): void;
  /** The runtime takes calls again. */
  booted(timeMs: number, node: number): void;
  /**
   * The runtime has started: the platform reports outlooks, maintenance and contact windows to it.
   */
  brief(timeMs: number, node: number): void;
  /** The controller no longer runs. */
  down(timeMs: number, node: number, permanent: boolean): void;
  /** A hung task was restarted successfully. */
  taskRecovered(timeMs: number, node: number): void;
}
