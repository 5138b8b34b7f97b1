import { encodeConfig } from '../../host/platform/config.ts';
import type { LinkKeys } from '../../host/security/key_epoch.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import type { Group, Message } from '../../host/cbor/generated.ts';
import type { ImageName } from '../../host/build/root.ts';
import { STATUS, STATUS_MASK } from '../../host/engine/status.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { SealedFrames, testKeys } from '../security/sealed.ts';

/** One node of a cluster of `members`, alone with the test. */
export class SingleNode {
  readonly engine;
  readonly ctx: number;
  private readonly at: number;

  readonly members: number;
  /** Its mission time is local time: it boots at second 0. */
  private frames = new SealedFrames();
  private reserved = 0;
  private readonly groups: Group[];

  private readonly keys: LinkKeys;

  constructor(members: number, groups: Group[], preset: ImageName = 'flight', keys: LinkKeys = testKeys.member(0)) {
    this.keys = keys;
    this.members = members;
    this.groups = groups;
    this.engine = loadV8Engine(preset);
    this.ctx = this.engine.reserve(this.engine.image.contextBytes);
    this.at = this.engine.reserve(8192);
    this.boot();
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
      this.keys,
    );
    this.engine.view().set(config, this.at);
    const status = this.engine.calls.boot(this.ctx, this.at, config.length, 1, 0, 0);
    if ((status & STATUS_MASK) !== 0) throw new Error(`boot: status ${status}`);
    this.drain();
    this.reserve(0);
  }

  /** As a platform that has reserved counters for hours. */
  private reserve(s: number): void {
    this.reserved = Math.floor(s / 15) + 4000;
    const record = encodeMessage({ name: 'counters-reserved', cycle: this.reserved });
    this.engine.view().set(record, this.at);
    const status = this.engine.calls.observe(this.ctx, s, 0, this.at, record.length) & STATUS_MASK;
    if (status !== 0) throw new Error(`reservation: status ${status}`);
  }

  private drain(): void {
    while (this.engine.calls.event(this.ctx, this.at + 4096, 256) > 0);
  }

  receive(frame: Uint8Array, s: number): number {
    if (Math.floor(s / 15) + 8 > this.reserved) this.reserve(s);
    const give = () => {
      this.engine.view().set(frame, this.at);
      return this.engine.calls.receive(this.ctx, s, 0, this.at, frame.length) & STATUS_MASK;
    };
    let status = give();
    if (status === STATUS.tickFirst) {
      this.engine.calls.tick(this.ctx, s, 0);
      status = give();
    }
    this.drain();
    return status;
  }

  receiveMessages(sender: number, messages: readonly Message[], s: number): number {
    return this.receive(this.frames.frame(sender, messages, s), s);
  }

  tick(s: number): void {
    this.engine.calls.tick(this.ctx, s, 0);
    this.drain();
  }

  /** The context's bytes, for `putBack`. */
  snapshot(): Uint8Array {
    return this.engine.view().slice(this.ctx, this.ctx + this.engine.image.contextBytes);
  }

  /** Its state, and that its peers have sent nothing since: their counters begin again. */
  putBack(state: Uint8Array): void {
    this.engine.view().set(state, this.ctx);
    this.frames = new SealedFrames();
  }

  hash(): number {
    return this.engine.calls.hash(this.ctx);
  }
}
