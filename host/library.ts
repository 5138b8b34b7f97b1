/**
 * `heliograph/node`: the host's half of the library. Loads a firmware image, makes nodes of it in
 * this process, gives them inputs and returns what the inputs made them give out. docs/library.md
 * has examples.
 *
 * Experimental: names and shapes may change with any version.
 */
import { encodeMessage, decodeMessage, type UnknownMessage } from './cbor/message.ts';
import { BOOT_CAUSE, type Group, type Message } from './cbor/generated.ts';
import type { Engine } from './engine/engine.ts';
import { readImage } from './engine/image.ts';
import { createEngine } from './engine/load.ts';
import { defaultEngine, type EngineName } from './engine/names.ts';
import { statusName } from './engine/status.ts';
import { encodeConfig, type NodeConfig } from './platform/config.ts';
import { ImageNode, type Outputs } from './platform/image_node.ts';
import { isOk, noStatus, type Trap } from './platform/loop.ts';
import type { LinkKeys } from './security/key_epoch.ts';
import { clusterKeys, type ClusterKeys } from './security/simulated_keys.ts';

export type { Group, Message } from './cbor/generated.ts';
export { decodeSequence, encodeMessage, type UnknownMessage } from './cbor/message.ts';
export { valueName } from './cbor/names.ts';
export type { Engine, ImageFacts } from './engine/engine.ts';
export type { EngineName } from './engine/names.ts';
export type { NodeConfig } from './platform/config.ts';
export type { Trap } from './platform/loop.ts';
export { diagnose } from './security/diagnose.ts';
export type { LinkCipher } from './security/frame.ts';
export type { LinkKeys } from './security/key_epoch.ts';
export type { ClusterKeys } from './security/simulated_keys.ts';

/** Images that fly: `flight` holds 200 members, `compact` 64, `tiny` 8. */
export type FlightImage = 'flight' | 'compact' | 'tiny';

/**
 * Loads a firmware image into an engine of its own. `image`: the name of an image that the package
 * ships, or the bytes of one. An engine holds as many nodes as fit into 4 GiB of linear memory.
 * Throws when the image is not built, imports anything or has another ABI version, and when the
 * engine is not on this machine.
 */
export function loadImage(image: FlightImage | Uint8Array = 'flight', engine: EngineName = defaultEngine): Engine {
  return createEngine(engine, typeof image === 'string' ? readImage(image) : image);
}

/**
 * Keys of a simulated cluster, derived from a seed: `simulatedKeys(seed, cluster,
 * members).member(index)` is what one member is provisioned with. Whoever knows the seed has every
 * key: such keys never fly.
 */
export function simulatedKeys(seed: number, cluster: number, members: number): ClusterKeys {
  return clusterKeys(seed, cluster, members);
}

/** Who a node is, and what it can do. */
export interface NodeSetup {
  readonly config: NodeConfig;
  /** The resources that the cluster shares. Default: none. */
  readonly groups?: readonly Group[];
  /** Without keys a node neither sends nor accepts frames. */
  readonly keys?: LinkKeys;
}

/** How a node boots. */
export interface BootOptions {
  /** Default: `powerOn`. */
  readonly cause?: keyof typeof BOOT_CAUSE;
  /** The processor's own clock, milliseconds since its power-on. Default: 0. */
  readonly nowMs?: number;
  /**
   * Mission time at local time zero of this boot, milliseconds; null: not known, the node asks its
   * peers. Default: null.
   */
  readonly missionMs?: number | null;
  /** Counts the boots of the node; it must not go back. Default: 1. */
  readonly incarnation?: number;
  /** Processor resets in a row. Default: 0. */
  readonly resets?: number;
  /**
   * Counter of frames that non-volatile memory holds as reserved; 0: none was ever reserved.
   * Default: 0.
   */
  readonly reserved?: number;
  /** A checkpoint to begin from. The node begins from nothing when the image refuses it. */
  readonly checkpoint?: Uint8Array | null;
}

/**
 * What one input made a node give out, in the order in which it is polled: frames, commands,
 * events.
 */
export interface NodeOutputs {
  /** `ok`, or why the image refused the input; `trapped`: it trapped, and must be booted. */
  readonly status: string;
  /** Frames for the radio, as on the air. */
  readonly frames: readonly Uint8Array[];
  /** What the node orders its platform to do. Whoever drives the node carries it out. */
  readonly commands: readonly (Message | UnknownMessage)[];
  readonly events: readonly (Message | UnknownMessage)[];
  readonly trap: Trap | null;
}

/**
 * One node of real firmware. Times are milliseconds of its processor's own clock, and never go
 * back.
 */
export class FirmwareNode {
  readonly #node: ImageNode;
  readonly #setup: NodeSetup;

  constructor(engine: Engine, setup: NodeSetup) {
    this.#node = new ImageNode(engine);
    this.#setup = setup;
  }

  /** When the node wants `tick`; Infinity: it waits for inputs only. */
  get tickAtMs(): number {
    return this.#node.tickAtMs;
  }

  /** Boots. Throws when the image refuses the configuration. */
  boot(options: BootOptions = {}): NodeOutputs {
    const { cause = 'powerOn', nowMs = 0, missionMs = null, checkpoint = null } = options;
    const { config, groups = [], keys } = this.#setup;
    const facts = {
      incarnation: options.incarnation ?? 1,
      timeKnown: missionMs !== null,
      missionMs: missionMs ?? 0,
      resets: options.resets ?? 0,
      alternateImage: cause === 'alternateImage',
      reserved: options.reserved ?? 0,
    };
    const checkpoints = { read: (age: 0 | 1) => (age === 0 ? checkpoint : null) };
    const block = encodeConfig(config, groups, facts, keys);
    const outputs = this.#node.boot(block, BOOT_CAUSE[cause], nowMs, checkpoints);
    if (outputs.status !== noStatus && !isOk(outputs.status))
      throw new Error(`the firmware refuses its configuration: ${statusName(outputs.status)}`);
    return decoded(outputs);
  }

  /** Gives a frame, as it came from the air. */
  receive(frame: Uint8Array, nowMs: number): NodeOutputs {
    return decoded(this.#node.receive(frame, nowMs));
  }

  /**
   * Gives a platform record, as `{ name: 'health', … }`. Throws when a field is missing or out of
   * range.
   */
  observe(record: Message, nowMs: number): NodeOutputs {
    return decoded(this.#node.observe(encodeMessage(record), nowMs));
  }

  /** To be called when `tickAtMs` has come; earlier is harmless. */
  tick(nowMs: number): NodeOutputs {
    return decoded(this.#node.tick(nowMs));
  }

  /** A checkpoint of the node as it is; null when the image makes none. */
  checkpoint(): Uint8Array | null {
    return this.#node.loop.checkpoint();
  }

  /** What the image shows of itself, in words (`inspect` of docs/abi.md); empty: nothing. */
  inspect(what: number, index = 0): Uint32Array {
    return this.#node.loop.inspect(what, index);
  }
}

/** Makes a node in an engine; it must be booted before it is given anything. */
export function createNode(engine: Engine, setup: NodeSetup): FirmwareNode {
  return new FirmwareNode(engine, setup);
}

const messageOf = (record: Uint8Array) => decodeMessage(record).value;

function decoded({ status, frames, commands, events, trap }: Outputs): NodeOutputs {
  return {
    status: status === noStatus ? 'trapped' : statusName(status),
    frames,
    commands: commands.map(messageOf),
    events: events.map(messageOf),
    trap,
  };
}
