import type { Preset } from '../../host/build/root.ts';
import { BOOT_CAUSE, type Group, INSPECT, type Message, STATUS, STATUS_MASK, TYPE } from '../../host/cbor/generated.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import { recordFields } from '../../host/cbor/record.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { encodeConfig, type NodeConfig } from '../../host/platform/config.ts';
import { ImageNode, type Outputs } from '../../host/platform/image_node.ts';
import { clusterKeys } from '../../host/security/simulated_keys.ts';
import { NodeAnswers } from '../firmware/answers.ts';

export const slotS = 900;
const kindBits = 15;
const entryBits = 0xff;

/** An event or a command: seconds of mission time, and decoded integers, [0] = type. */
export interface NodeRecord {
  readonly atS: number;
  readonly fields: number[];
}

export interface Boot {
  /** 1 power-on, 2 watchdog, 3 reset, 4 runtime restart, 5 alternate image */
  readonly cause?: number;
  readonly resets?: number;
  readonly image?: number;
  readonly timeKnown?: boolean;
  /**
   * The processor's clock at this boot: it begins anew with a reset, not with a runtime restart.
   */
  readonly localS?: number;
}

const capabilities: NodeConfig = {
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

/**
 * Drives one node of the built image through its ABI. The node is alone in its cluster: it is its
 * own majority.
 */
export class LoneNode extends NodeAnswers {
  readonly commands: NodeRecord[] = [];
  readonly events: NodeRecord[] = [];
  readonly frames: number[] = [];
  /** The frames themselves. */
  readonly sent: Uint8Array[] = [];
  localMs = 0;
  missionAtBootS: number;
  readonly engine;
  private readonly imageNode: ImageNode;
  private reserved = 0;
  private readonly config: NodeConfig;
  private readonly groups: readonly Group[];

  constructor(
    changes: Partial<NodeConfig> = {},
    missionS = 36_000,
    preset: Preset = 'flight',
    groups: readonly Group[] = places,
  ) {
    super();
    this.config = { ...capabilities, ...changes };
    this.groups = groups;
    let engine = engines.get(preset);
    if (engine === undefined) engines.set(preset, (engine = loadV8Engine(preset)));
    this.engine = engine;
    this.imageNode = new ImageNode(engine);
    this.missionAtBootS = missionS;
    this.boot();
  }

  /** Address of the context. */
  get context(): number {
    return this.imageNode.loop.context;
  }

  get missionS(): number {
    return this.missionAtBootS + Math.floor(this.localMs / 1000);
  }

  private encodedConfig(boot: Boot): Uint8Array {
    const known = boot.timeKnown ?? true;
    // The configuration states mission time as of local time zero.
    return encodeConfig(
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
  }

  /** Boots without a checkpoint. */
  boot(boot: Boot = {}): void {
    this.restartClock(boot);
    this.take(this.imageNode.boot(this.encodedConfig(boot), boot.cause ?? BOOT_CAUSE.powerOn, this.localMs));
  }

  checkpoint(): Uint8Array {
    const image = this.imageNode.loop.checkpoint();
    if (image === null) throw new Error('no checkpoint was written');
    return image;
  }

  /**
   * Boots from a checkpoint; returns the status code. `STATUS.checkpoint`: the checkpoint does not
   * verify, and the node began from nothing.
   */
  restore(image: Uint8Array, boot: Boot): number {
    this.restartClock(boot);
    let isRefused = false;
    const checkpoints = {
      read: (age: 0 | 1) => (age === 0 ? image : null),
      invalidate: () => {
        isRefused = true;
      },
    };
    this.take(
      this.imageNode.boot(this.encodedConfig(boot), boot.cause ?? BOOT_CAUSE.powerOn, this.localMs, checkpoints),
    );
    return isRefused ? STATUS.checkpoint : STATUS.ok;
  }

  private restartClock(boot: Boot): void {
    if (boot.localS === undefined) return;
    this.missionAtBootS = this.missionS - boot.localS;
    this.localMs = boot.localS * 1000;
  }

  observe(message: Message): number {
    return this.take(this.imageNode.observe(encodeMessage(message), this.localMs));
  }

  /** Runs to a mission second, calling tick whenever the firmware wants to be called. */
  runTo(missionS: number): void {
    const untilMs = (missionS - this.missionAtBootS) * 1000;
    while (this.imageNode.tickAtMs <= untilMs) {
      this.localMs = this.imageNode.tickAtMs;
      this.take(this.imageNode.tick(this.localMs));
    }
    this.localMs = Math.max(this.localMs, untilMs);
  }

  /** The processor makes no call for `s` seconds, whatever the firmware wants, then a tick. */
  sleep(s: number): void {
    this.localMs += s * 1000;
    this.take(this.imageNode.tick(this.localMs));
  }

  inspect(what: number, index = 0): number[] {
    return [...this.imageNode.loop.inspect(what, index)];
  }

  /**
   * Timeline from the present timeline entry on: intent slot + 1 or 0, without the radio overlay
   * unless `withRadio`.
   */
  timeline(withRadio = false): number[] {
    const ring = this.inspect(INSPECT.timeline);
    const base = Math.floor(this.missionS / slotS);
    return ring.map((_, ahead) => ring[(base + ahead) % ring.length] & (withRadio ? entryBits : kindBits));
  }

  /** Stores a node's outputs; returns the status code. */
  private take({ status, frames, commands, events, trap }: Outputs): number {
    if (trap !== null) throw new Error(`trap at site ${trap.site}`);
    const code = status & STATUS_MASK;
    if (code !== STATUS.ok && code < STATUS.implausible) throw new Error(`status ${code}`);
    for (const _ of frames) this.frames.push(this.missionS);
    this.sent.push(...frames);
    for (const event of events) this.events.push({ atS: this.missionS, fields: recordFields(event) });
    for (const command of commands) this.obey(recordFields(command));
    return code;
  }

  private obey(fields: number[]): void {
    if (fields[0] === TYPE.reserveCounters) this.reserve(fields[1]);
    else this.commands.push({ atS: this.missionS, fields });
  }

  /** Answers as a platform that has written the reservation to non-volatile memory. */
  private reserve(cycle: number): void {
    this.reserved = Math.max(this.reserved, cycle);
    this.observe({ name: 'counters-reserved', cycle: this.reserved });
  }
}
