/** One context whose image is called directly: any call, at any millisecond. */
import type { ImageName } from '../../host/build/root.ts';
import {
  BOOT_CAUSE,
  FRAME_BYTES_MAX,
  type Group,
  type Message,
  STATUS,
  STATUS_MASK,
} from '../../host/cbor/generated.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import { recordFields } from '../../host/cbor/record.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { type BootFacts, encodeConfig, type NodeConfig } from '../../host/platform/config.ts';
import { deadlineMsOf, outputBytes } from '../../host/platform/loop.ts';
import type { Header } from '../../host/security/envelope.ts';
import type { LinkKeys } from '../../host/security/key_epoch.ts';
import { SealedFrames, testCluster, testKeys } from '../security/sealed.ts';
import { NodeAnswers } from './answers.ts';
import { capability } from './capability.ts';

const bufferBytes = 4096;
/** Memory behind the context that no call may write. */
export const besideBytes = 64;

export interface DirectBoot {
  config?: Partial<NodeConfig>;
  facts?: Partial<BootFacts>;
  groups?: readonly Group[];
  cause?: number;
  /** Local and mission time of the boot, milliseconds. */
  bootMs?: number;
  image?: ImageName;
  keys?: LinkKeys;
}

/** Mission time is local time. */
export class DirectNode extends NodeAnswers {
  readonly engine;
  readonly context: number;
  nowMs: number;
  readonly #at: number;
  readonly #block: Uint8Array;
  readonly #cause: number;
  #frames = new SealedFrames();

  constructor({ config = {}, facts = {}, groups = [], cause, bootMs = 0, image = 'flight', keys }: DirectBoot = {}) {
    super();
    this.engine = loadV8Engine(image);
    this.context = this.engine.reserve(this.engine.image.contextBytes + besideBytes);
    this.#at = this.engine.reserve(bufferBytes);
    this.nowMs = bootMs;
    const shape = { cluster: testCluster, self: 0, members: 12, generation: 1, seed: 1, features: 0, ...config };
    const first = { incarnation: 1, timeKnown: true, missionMs: 0, resets: 0, alternateImage: false, reserved: 0 };
    const block = encodeConfig(
      { ...capability, ...shape },
      groups,
      { ...first, ...facts },
      keys ?? testKeys.member(shape.self),
    );
    this.#block = block;
    this.#cause = cause ?? BOOT_CAUSE.powerOn;
    this.reboot();
  }

  /** Boots with the configuration of the first boot. */
  reboot(): void {
    this.#put(this.#block);
    const { length } = this.#block;
    const status = this.engine.calls.boot(this.context, this.#at, length, this.#cause, ...this.#time());
    if ((status & STATUS_MASK) !== STATUS.ok) throw new Error(`boot: status ${status}`);
  }

  #time(): [number, number] {
    return [Math.floor(this.nowMs / 1000), this.nowMs % 1000];
  }

  #put(bytes: Uint8Array): void {
    this.engine.view().set(bytes, this.#at);
  }

  #taken(length: number): Uint8Array {
    return this.engine.view().slice(this.#at, this.#at + length);
  }

  /** The context's bytes, for `restore`. */
  snapshot(): Uint8Array {
    return this.engine.view().slice(this.context, this.context + this.engine.image.contextBytes);
  }

  /** Restores the node's state. Its peers have sent nothing since: their counters begin again. */
  restore(state: Uint8Array): void {
    this.engine.view().set(state, this.context);
    this.#frames = new SealedFrames();
  }

  /** Status and flags. */
  tick(): number {
    return this.engine.calls.tick(this.context, ...this.#time());
  }

  /** Ticks every second until `untilMs`. */
  runTo(untilMs: number): void {
    for (; this.nowMs < untilMs; this.nowMs = Math.min(untilMs, this.nowMs + 1000)) this.tick();
    this.tick();
  }

  /** Status and flags. */
  observe(message: Message): number {
    const bytes = encodeMessage(message);
    this.#put(bytes);
    return this.engine.calls.observe(this.context, ...this.#time(), this.#at, bytes.length);
  }

  /** Hands over a frame with a fresh counter; returns status and flags. A tick may be due then. */
  receive(sender: number, messages: readonly Message[], header: Partial<Header> = {}): number {
    return this.hand(this.#frames.frame(sender, messages, Math.floor(this.nowMs / 1000), header));
  }

  /** Hands over a frame as it is; returns status and flags. */
  hand(frame: Uint8Array): number {
    this.#put(frame);
    return this.engine.calls.receive(this.context, ...this.#time(), this.#at, frame.length);
  }

  /** The frame that is sent now; empty: none, or the buffer is too short. */
  transmit(capacity = FRAME_BYTES_MAX): Uint8Array {
    return this.#taken(outputBytes(this.engine.calls.transmit(this.context, ...this.#time(), this.#at, capacity)));
  }

  /** 0 unknown, 1 accepted, 2 refused. */
  verdict(owner: number, intentSlot: number): number {
    return this.engine.calls.verdict(this.context, owner, intentSlot, ...this.#time());
  }

  /** Milliseconds until the next call that the node needs after a tick. Changes no state. */
  deadline(): number {
    const state = this.snapshot();
    const result = this.tick();
    this.engine.view().set(state, this.context);
    return deadlineMsOf(result);
  }

  /** The oldest command that waits; empty: none, or longer than `capacity`. */
  command(capacity = bufferBytes): Uint8Array {
    return this.#taken(this.engine.calls.command(this.context, this.#at, capacity));
  }

  /** The oldest event that waits; empty: none, or longer than `capacity`. */
  event(capacity = bufferBytes): Uint8Array {
    return this.#taken(this.engine.calls.event(this.context, this.#at, capacity));
  }

  /** All commands that wait: decoded integers, [0] = type. */
  commands(): number[][] {
    return this.#all(() => this.command());
  }

  /** All events that wait: decoded integers, [0] = type. */
  events(): number[][] {
    return this.#all(() => this.event());
  }

  #all(take: () => Uint8Array): number[][] {
    const all: number[][] = [];
    for (let bytes = take(); bytes.length > 0; bytes = take()) all.push(recordFields(bytes));
    return all;
  }

  inspect(what: number, index = 0): number[] {
    const words = this.engine.calls.inspect(this.context, what, index, this.#at, bufferBytes);
    return [...new Uint32Array(this.engine.view().slice(this.#at, this.#at + words * 4).buffer)];
  }
}

/** A node that receives and sends for hours: its platform reserved the counters. */
export function reservedNode(boot: DirectBoot): DirectNode {
  const node = new DirectNode(boot);
  node.tick();
  const status = node.observe({ name: 'counters-reserved', cycle: 4000 });
  if ((status & STATUS_MASK) !== STATUS.ok) throw new Error(`reservation: status ${status}`);
  return node;
}
