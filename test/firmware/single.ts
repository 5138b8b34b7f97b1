import { encodeConfig } from '../../host/platform/config.ts';
import { ImageNode } from '../../host/platform/image_node.ts';
import type { LinkKeys } from '../../host/security/key_epoch.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import { BOOT_CAUSE, CYCLE_S, type Group, type Message, STATUS_MASK } from '../../host/cbor/generated.ts';
import type { ImageName } from '../../host/build/root.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { SealedFrames, testKeys } from '../security/sealed.ts';
import { NodeAnswers } from './answers.ts';

/** Counters that a test's platform keeps reserved ahead of the present TDMA cycle. */
const reservedAheadCycles = 4000;

/**
 * Drives one node of a cluster of `members`. Its mission time is local time: it boots at second 0.
 */
export class SingleNode extends NodeAnswers {
  readonly engine;
  readonly members: number;
  private readonly imageNode: ImageNode;
  private readonly groups: Group[];
  private readonly linkKeys: LinkKeys;
  private frames = new SealedFrames();
  private reservedCycle = 0;

  constructor(members: number, groups: Group[], image: ImageName = 'flight', keys: LinkKeys = testKeys.member(0)) {
    super();
    this.linkKeys = keys;
    this.members = members;
    this.groups = groups;
    this.engine = loadV8Engine(image);
    this.imageNode = new ImageNode(this.engine);
    this.boot();
  }

  /** Address of the context. */
  get ctx(): number {
    return this.imageNode.loop.context;
  }

  boot(): void {
    this.frames = new SealedFrames();
    const config = encodeConfig(
      {
        cluster: 7,
        self: 0,
        members: this.members,
        generation: 1,
        seed: 1,
        rateMax: 200,
        storageKg: 1000,
        batteryWh: 1000,
        solarW: 1000,
        baseW: 10,
        replicateW: 10,
        mineWhPerKg: 10,
        features: 0,
      },
      this.groups,
      { incarnation: 1, timeKnown: true, missionMs: 0, resets: 0, alternateImage: false, reserved: 0 },
      this.linkKeys,
    );
    const { status } = this.imageNode.boot(config, BOOT_CAUSE.powerOn, 0);
    if ((status & STATUS_MASK) !== 0) throw new Error(`boot: status ${status}`);
    this.reserve(0);
  }

  /** Answers as a platform that has reserved counters for hours. */
  private reserve(s: number): void {
    this.reservedCycle = Math.floor(s / CYCLE_S) + reservedAheadCycles;
    const record = encodeMessage({ name: 'counters-reserved', cycle: this.reservedCycle });
    const status = this.imageNode.observe(record, s * 1000).status & STATUS_MASK;
    if (status !== 0) throw new Error(`reservation: status ${status}`);
  }

  /** Gives the node a frame; returns the status code. */
  receive(frame: Uint8Array, s: number): number {
    if (Math.floor(s / CYCLE_S) + 8 > this.reservedCycle) this.reserve(s);
    return this.imageNode.receive(frame, s * 1000).status & STATUS_MASK;
  }

  receiveMessages(sender: number, messages: readonly Message[], s: number): number {
    return this.receive(this.frames.frame(sender, messages, s), s);
  }

  /** Gives the node a record of its platform; returns the status code. */
  observe(record: Message, s: number): number {
    return this.imageNode.observe(encodeMessage(record), s * 1000).status & STATUS_MASK;
  }

  tick(s: number): void {
    this.imageNode.tick(s * 1000);
  }

  /** The context's bytes, for `restore`. */
  snapshot(): Uint8Array {
    return this.engine.view().slice(this.ctx, this.ctx + this.engine.image.contextBytes);
  }

  /** Restores the node's state. Its peers have sent nothing since: their counters begin again. */
  restore(state: Uint8Array): void {
    this.engine.view().set(state, this.ctx);
    this.frames = new SealedFrames();
  }

  inspect(what: number, index = 0): number[] {
    return [...this.imageNode.loop.inspect(what, index)];
  }

  hash(): number {
    return this.engine.calls.hash(this.ctx);
  }
}
