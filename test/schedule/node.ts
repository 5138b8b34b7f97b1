import type { Preset } from '../../host/build/root.ts';
import { type Group, type Message, TYPE } from '../../host/cbor/generated.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import { readRecord } from '../../host/cbor/record.ts';
import { STATUS_MASK } from '../../host/engine/status.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { encodeConfig, type NodeConfig } from '../../host/platform/config.ts';
import { clusterKeys } from '../../host/security/simulated_keys.ts';

export const slotS = 900;
export const whatTimeline = 6;
export const radioOverlay = 64;

/** An event or command: seconds of mission time, and decoded integers, [0] = type. */
export interface Told {
  readonly atS: number;
  readonly fields: number[];
}

export interface Boot {
  /** 1 power-on, 2 watchdog, 3 reset, 4 runtime restart, 5 alternate image */
  readonly cause?: number;
  readonly resets?: number;
  readonly image?: number;
  readonly timeKnown?: boolean;
  /** The processor's clock at this boot: it begins anew with a reset, not with a runtime restart. */
  readonly localS?: number;
}

export const capabilities: NodeConfig = {
  cluster: 7,
  self: 0,
  members: 1,
  generation: 1,
  seed: 1,
  rateMax: 200,
  storageKg: 100_000,
  batteryWh: 10_000,
  solarW: 4000,
  baseW: 100,
  replicateW: 200,
  mineWhPerKg: 100,
  features: 0,
};

/** Ore lots 1 and 2, and a depot whose tugs take 600 kg. */
export const places: Group[] = [
  { name: 'group', group: 1, kind: 1, units: 12, capacity: 20_000, stockKg: 1_000_000, loadKg: 0 },
  { name: 'group', group: 2, kind: 1, units: 12, capacity: 20_000, stockKg: 1_000_000, loadKg: 0 },
  { name: 'group', group: 3, kind: 2, units: 3, capacity: 40_000, stockKg: 0, loadKg: 600 },
];

/** Engines are shared by the nodes of one test file: contexts lie side by side. */
const engines = new Map<Preset, ReturnType<typeof loadV8Engine>>();

/** One node, alone in its cluster (it is its own majority), of the built image, driven through the ABI alone. */
export class LoneNode {
  readonly commands: Told[] = [];
  readonly events: Told[] = [];
  readonly frames: number[] = [];
  readonly engine;
  readonly context: number;
  localMs = 0;
  missionAtBootS: number;
  private readonly recordAt: number;
  private reserved = 0;
  private readonly fields = new Uint32Array(64);
  private readonly config: NodeConfig;
  private readonly groups: readonly Group[];

  constructor(
    changes: Partial<NodeConfig> = {},
    missionS = 36_000,
    preset: Preset = 'flight',
    groups: readonly Group[] = places,
  ) {
    this.config = { ...capabilities, ...changes };
    this.groups = groups;
    let engine = engines.get(preset);
    if (engine === undefined) engines.set(preset, (engine = loadV8Engine(preset)));
    this.engine = engine;
    this.recordAt = engine.reserve(8192);
    this.context = engine.reserve(engine.image.contextBytes);
    this.missionAtBootS = missionS;
    this.boot();
  }

  get missionS(): number {
    return this.missionAtBootS + Math.floor(this.localMs / 1000);
  }

  private configBytes(boot: Boot): number {
    const known = boot.timeKnown ?? true;
    // Mission time is told as of local time zero.
    const bytes = encodeConfig(
      this.config,
      this.groups,
      {
        incarnation: 1,
        timeKnown: known,
        missionMs: this.missionAtBootS * 1000,
        resets: boot.resets ?? 0,
        alternateImage: boot.image === 1,
        reserved: this.reserved,
      },
      clusterKeys(1, this.config.cluster, this.config.members).member(this.config.self),
    );
    this.engine.view().set(bytes, this.recordAt);
    return bytes.length;
  }

  /** Begins anew without a checkpoint. */
  boot(boot: Boot = {}): void {
    this.restartClock(boot);
    const length = this.configBytes(boot);
    this.after(this.engine.calls.boot(this.context, this.recordAt, length, boot.cause ?? 1, this.seconds(), 0));
  }

  checkpoint(): Uint8Array {
    const cap = this.engine.image.checkpointBytes;
    const at = this.engine.reserve(cap);
    const length = this.engine.calls.checkpoint(this.context, at, cap);
    if (length === 0) throw new Error('no checkpoint was written');
    return this.engine.view().slice(at, at + length);
  }

  /** Begins from a checkpoint; returns the status code (8: it does not verify). */
  restore(image: Uint8Array, boot: Boot): number {
    this.restartClock(boot);
    const at = this.engine.reserve(image.length);
    this.engine.view().set(image, at);
    const length = this.configBytes(boot);
    const { calls } = this.engine;
    const status = calls.restore(
      this.context,
      at,
      image.length,
      this.recordAt,
      length,
      boot.cause ?? 1,
      this.seconds(),
      0,
    );
    if ((status & STATUS_MASK) === 0) this.after(status);
    return status & STATUS_MASK;
  }

  private restartClock(boot: Boot): void {
    if (boot.localS === undefined) return;
    this.missionAtBootS = this.missionS - boot.localS;
    this.localMs = boot.localS * 1000;
  }

  observe(message: Message): number {
    const bytes = encodeMessage(message);
    this.engine.view().set(bytes, this.recordAt);
    const status = this.engine.calls.observe(
      this.context,
      this.seconds(),
      this.localMs % 1000,
      this.recordAt,
      bytes.length,
    );
    this.after(status);
    return status & STATUS_MASK;
  }

  /** Runs to a mission second, calling tick and transmit whenever the firmware wants to be called. */
  runTo(missionS: number): void {
    const untilMs = (missionS - this.missionAtBootS) * 1000;
    const { calls } = this.engine;
    for (;;) {
      const waitMs = calls.deadline(this.context, this.seconds(), this.localMs % 1000);
      if (this.localMs + waitMs > untilMs) break;
      this.localMs += Math.max(waitMs, 1);
      const status = calls.tick(this.context, this.seconds(), this.localMs % 1000);
      const length = calls.transmit(this.context, this.seconds(), this.localMs % 1000, this.recordAt, 256);
      if (length > 0) this.frames.push(this.missionS);
      this.after(status);
    }
    this.localMs = Math.max(this.localMs, untilMs);
  }

  inspect(what: number, index = 0): number[] {
    const words = this.engine.calls.inspect(this.context, what, index, this.recordAt, 8192);
    return [...new Uint32Array(this.engine.view().buffer, this.recordAt, words)];
  }

  /** Timeline from the present slot on: own slot + 1 or 0, without the radio overlay unless wanted. */
  timeline(withRadio = false): number[] {
    const ring = this.inspect(whatTimeline);
    const base = Math.floor(this.missionS / slotS);
    return ring.map((_, ahead) => ring[(base + ahead) % ring.length] & (withRadio ? 0xff : 15));
  }

  private seconds(): number {
    return Math.floor(this.localMs / 1000);
  }

  private after(status: number): void {
    if ((status & STATUS_MASK) !== 0 && (status & STATUS_MASK) < 6) throw new Error(`status ${status & STATUS_MASK}`);
    this.drain(this.engine.calls.command, this.commands);
    this.drain(this.engine.calls.event, this.events);
  }

  /** As a platform that has written it to non-volatile memory. */
  private reserve(cycle: number): void {
    this.reserved = Math.max(this.reserved, cycle);
    this.observe({ name: 'counters-reserved', cycle: this.reserved });
  }

  private drain(take: (ctx: number, out: number, cap: number) => number, into: Told[]): void {
    const at = this.recordAt + 4096;
    for (let length = take(this.context, at, 256); length !== 0; length = take(this.context, at, 256)) {
      const count = readRecord(this.engine.view(), at, length, this.fields);
      if (this.fields[0] === TYPE.reserveCounters) this.reserve(this.fields[1]);
      else into.push({ atS: this.missionS, fields: [...this.fields.subarray(0, count)] });
    }
  }
}
