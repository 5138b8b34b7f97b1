import { encodeConfig } from '../../host/platform/config.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import { type Group, type Message, TYPE } from '../../host/cbor/generated.ts';
import { readRecord } from '../../host/cbor/record.ts';
import { FLAG_COMMAND, FLAG_EVENT, STATUS, STATUS_MASK } from '../../host/engine/status.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import type { Preset } from '../../host/build/root.ts';
import { addresseeOf } from '../../hwsim/channel/channel.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { headOf, verifyHead } from '../../host/security/key_epoch.ts';
import { SealedFrames, testKeys } from '../security/sealed.ts';

export interface ClusterOptions {
  nodes: number;
  preset?: Preset;
  seed?: number;
  /** Chance that a receiver misses a frame, independently. */
  loss?: number;
  features?: number;
  groups?: Group[];
  rateMax?: number;
  /** kg/day that one owner may claim; 0 = no bound. */
  ownerRateMax?: number;
  /** How much each node's oscillator runs ahead, parts per million; those left out run true. */
  driftPpm?: number[];
}

/** An event or command record: decoded integers, [0] = type. */
export interface Told {
  atS: number;
  node: number;
  fields: number[];
}

const inspectKeys = 12;
const frameBytesMax = 256;
/** The cluster's channel, as hwsim/channel has it: without it all clocks would run ahead by what the firmware allows for. */
const bitsPerMs = 35;

interface InFlight {
  atMs: number;
  sender: number;
  bytes: Uint8Array;
}

/** Two ore lots and a depot that a dozen nodes fit on. */
export const smallWorld: Group[] = [
  { name: 'group', group: 1, kind: 1, units: 12, capacity: 2000, stockKg: 1_000_000, loadKg: 0 },
  { name: 'group', group: 2, kind: 1, units: 12, capacity: 2000, stockKg: 1_000_000, loadKg: 0 },
  { name: 'group', group: 3, kind: 2, units: 3, capacity: 40_000, stockKg: 0, loadKg: 600 },
];

/**
 * Nodes of real firmware on a radio without bursts, collisions or drift: the smallest thing that flies a cluster. What the
 * simulator adds (board, channel, world) is proven there; here only the firmware is.
 */
export class TestCluster {
  readonly engine;
  readonly contexts: number[] = [];
  readonly up: boolean[] = [];
  private readonly sealed = new SealedFrames();
  readonly part: number[] = [];
  readonly events: Told[] = [];
  readonly commands: Told[] = [];
  /** What each node had stored when it asked for it, newest first: the two slots of a board. */
  readonly stored: Uint8Array[][] = [];
  /** What each node's non-volatile memory holds as reserved. */
  readonly reserved: number[] = [];
  /** Called before events and commands are stored, when set: they are then not stored. */
  onTold: ((told: Told) => void) | null = null;
  /** When set and true, a receiver misses the frame on the air (its bytes: `onAir()`). */
  jam: ((sender: number, receiver: number) => boolean) | null = null;
  /** When set, it is asked about frames that a node refuses; false lets the test fail. */
  mayRefuse: ((sender: number, node: number, status: number) => boolean) | null = null;
  /** Signatures of heads that were verified. */
  checks = 0;
  nowMs = 0;
  frames = 0;
  calls = 0;
  private readonly wakeMs: number[] = [];
  private readonly bootMs: number[] = [];
  private readonly beganMs: number[] = [];
  private readonly inFlight: InFlight[] = [];
  private heard: Uint8Array = new Uint8Array(0);
  /** Five minutes of the run for which health was reported, however it is cut into steps. */
  private healthTick = 0;
  private readonly frameAt: number;
  private readonly recordAt: number;
  private readonly checkpointAt: number;
  private readonly random: RandomStream;
  private readonly fields = new Uint32Array(64);
  private readonly options: Required<ClusterOptions>;

  constructor(options: ClusterOptions) {
    this.options = {
      preset: 'flight',
      seed: 1,
      loss: 0,
      features: 1,
      groups: smallWorld,
      rateMax: 200,
      ownerRateMax: 0,
      driftPpm: [],
      ...options,
    };
    this.engine = loadV8Engine(this.options.preset);
    this.random = new RandomStream(this.options.seed, 'loss');
    this.frameAt = this.engine.reserve(frameBytesMax);
    this.recordAt = this.engine.reserve(4096);
    this.checkpointAt = this.engine.reserve(this.engine.image.checkpointBytes);
    for (let node = 0; node < this.options.nodes; node++) {
      this.contexts.push(this.engine.reserve(this.engine.image.contextBytes));
      this.stored.push([]);
      this.reserved.push(0);
      this.beganMs.push(0);
      this.part.push(0);
      this.up.push(true);
      this.wakeMs.push(0);
      this.bootMs.push(0);
    }
    for (let node = 0; node < this.options.nodes; node++) this.boot(node, 1, true);
  }

  private config(node: number, incarnation: number, timeKnown: boolean): Uint8Array {
    return encodeConfig(
      {
        cluster: 7,
        self: node,
        members: this.options.nodes,
        generation: 1,
        seed: this.options.seed + node,
        rateMax: this.options.rateMax,
        storageKg: 100_000,
        batteryWh: 10_000,
        solarW: 4000,
        baseW: 100,
        replicateW: 200,
        mineWhPerKg: 100,
        features: this.options.features,
        ownerRateMax: this.options.ownerRateMax,
      },
      this.options.groups,
      {
        incarnation,
        timeKnown,
        missionMs: this.nowMs,
        resets: 0,
        alternateImage: false,
        reserved: this.reserved[node],
      },
      testKeys.member(node),
    );
  }

  /** Boots plainly (no checkpoint). */
  boot(node: number, incarnation: number, timeKnown: boolean): void {
    const config = this.config(node, incarnation, timeKnown);
    this.engine.view().set(config, this.recordAt);
    this.bootMs[node] = this.nowMs;
    this.up[node] = true;
    const status = this.engine.calls.boot(this.contexts[node], this.recordAt, config.length, 1, 0, 0);
    if ((status & STATUS_MASK) !== 0) throw new Error(`boot of ${node}: status ${status & STATUS_MASK}`);
    this.after(node, status);
  }

  checkpoint(node: number): Uint8Array {
    const { calls, image } = this.engine;
    const length = calls.checkpoint(this.contexts[node], this.checkpointAt, image.checkpointBytes);
    return this.engine.view().slice(this.checkpointAt, this.checkpointAt + length);
  }

  /** Restarts from a checkpoint, its clock kept unless told otherwise. */
  restore(node: number, incarnation: number, checkpoint: Uint8Array, timeKnown = true): void {
    const config = this.config(node, incarnation, timeKnown);
    this.engine.view().set(config, this.recordAt);
    this.engine.view().set(checkpoint, this.checkpointAt);
    this.bootMs[node] = this.nowMs;
    this.up[node] = true;
    const { restore } = this.engine.calls;
    const status = restore(
      this.contexts[node],
      this.checkpointAt,
      checkpoint.length,
      this.recordAt,
      config.length,
      2,
      0,
      0,
    );
    if ((status & STATUS_MASK) !== 0) throw new Error(`restore of ${node}: status ${status & STATUS_MASK}`);
    this.after(node, status);
  }

  observe(node: number, message: Message): number {
    const bytes = encodeMessage(message);
    this.engine.view().set(bytes, this.recordAt);
    const local = this.localMs(node);
    const status = this.engine.calls.observe(
      this.contexts[node],
      Math.floor(local / 1000),
      local % 1000,
      this.recordAt,
      bytes.length,
    );
    this.after(node, status);
    return status & STATUS_MASK;
  }

  /** Hands a node a frame of `messages` as from `sender`; returns the status code. */
  inject(node: number, sender: number, messages: Message[]): number {
    for (;;) {
      const frame = this.sealed.frame(sender, messages, Math.floor(this.nowMs / 1000));
      const status = this.give(node, frame);
      this.after(node, status);
      // The sender itself has used this counter, or sent before the window began: the next one.
      const code = status & STATUS_MASK;
      if (code !== STATUS.replay && code !== STATUS.stale) return code;
    }
  }

  /** Hands a node a frame as it is; returns the status code. */
  hand(node: number, frame: Uint8Array): number {
    const status = this.give(node, frame);
    this.after(node, status);
    return status & STATUS_MASK;
  }

  /** A frame before a node: after a tick, if one is due. Returns the status. */
  private give(node: number, frame: Uint8Array): number {
    const { receive, tick } = this.engine.calls;
    const ctx = this.contexts[node];
    const local = this.localMs(node);
    const [s, ms] = [Math.floor(local / 1000), local % 1000];
    this.engine.view().set(frame, this.frameAt);
    const status = receive(ctx, s, ms, this.frameAt, frame.length);
    if ((status & STATUS_MASK) !== STATUS.tickFirst) return status;
    this.after(node, tick(ctx, s, ms));
    this.engine.view().set(frame, this.frameAt);
    return receive(ctx, s, ms, this.frameAt, frame.length);
  }

  inspect(node: number, what: number, index = 0): number[] {
    const words = this.engine.calls.inspect(this.contexts[node], what, index, this.recordAt, 4096);
    return [...new Uint32Array(this.engine.view().buffer, this.recordAt, words)];
  }

  /** Keeps what the cluster is; the function that comes back makes it that again. What is drawn goes on as it stands: without loss only, where it decides nothing. */
  saved(): () => void {
    if (this.options.loss > 0)
      throw new Error('a cluster that loses frames is not put back: what it draws would differ');
    const memory = this.engine.view().slice();
    const { up, part, events, commands, stored, reserved, wakeMs, bootMs, beganMs, inFlight } = this;
    const lists: unknown[][] = [up, part, events, commands, stored, reserved, wakeMs, bootMs, beganMs, inFlight];
    const { checks, nowMs, frames, calls, heard, healthTick } = this;
    const kept = structuredClone(lists);
    return () => {
      this.engine.view().set(memory);
      for (const [index, list] of structuredClone(kept).entries()) {
        lists[index].length = 0;
        for (const item of list) lists[index].push(item);
      }
      Object.assign(this, {
        checks,
        nowMs,
        frames,
        calls,
        heard,
        healthTick,
        onTold: null,
        jam: null,
        mayRefuse: null,
      });
    };
  }

  kill(node: number): void {
    this.up[node] = false;
  }

  /** Runs to a mission second; health records every five minutes. */
  runTo(untilS: number, healthy: (node: number) => number = () => 0xff): void {
    const untilMs = untilS * 1000;
    for (;;) {
      let next = -1;
      for (let node = 0; node < this.contexts.length; node++)
        if (this.up[node] && (next < 0 || this.wakeMs[node] < this.wakeMs[next])) next = node;
      const wakeMs = next < 0 ? Number.POSITIVE_INFINITY : Math.max(this.nowMs, this.wakeMs[next]);
      const landMs = this.inFlight[0]?.atMs ?? Number.POSITIVE_INFINITY;
      const nextMs = Math.min(wakeMs, landMs);
      if (nextMs > untilMs) break;
      this.nowMs = nextMs;
      const beat = Math.floor(this.nowMs / 300_000);
      if (beat !== this.healthTick) this.reportHealth(healthy);
      this.healthTick = beat;
      if (landMs <= wakeMs) this.land(this.inFlight.shift() as InFlight);
      else this.wake(next);
    }
    this.nowMs = untilMs;
  }

  private reportHealth(healthy: (node: number) => number): void {
    for (let node = 0; node < this.contexts.length; node++)
      if (this.up[node])
        this.observe(node, { name: 'health', tasks: healthy(node), batteryWh: 9000, storedKg: 0, solarW: 4000 });
  }

  private wake(node: number): void {
    const ctx = this.contexts[node];
    const local = this.localMs(node);
    const s = Math.floor(local / 1000);
    this.calls++;
    const status = this.engine.calls.tick(ctx, s, local % 1000);
    const length = this.engine.calls.transmit(ctx, s, local % 1000, this.frameAt, frameBytesMax);
    this.after(node, status);
    if (length > 0) this.air(node, length);
    if (this.wakeMs[node] <= this.nowMs) this.wakeMs[node] = this.nowMs + 1;
  }

  /** The bytes of the frame that is being heard. */
  onAir(): Uint8Array {
    return this.heard;
  }

  /** A frame is heard when its last bit is. */
  private air(sender: number, length: number): void {
    this.frames++;
    const bytes = this.engine.view().slice(this.frameAt, this.frameAt + length);
    const frame = { atMs: this.nowMs + Math.floor((length * 8) / bitsPerMs), sender, bytes };
    let at = this.inFlight.length;
    while (at > 0 && this.inFlight[at - 1].atMs > frame.atMs) at--;
    this.inFlight.splice(at, 0, frame);
  }

  private land({ sender, bytes }: InFlight): void {
    this.heard = bytes;
    const to = addresseeOf(bytes, 0);
    for (let node = 0; node < this.contexts.length; node++) {
      if (node === sender || !this.up[node] || this.part[node] !== this.part[sender]) continue;
      if (this.jam?.(sender, node)) continue;
      if ((to !== 0xffff && to !== node) || this.random.fraction() < this.options.loss) continue;
      this.calls++;
      const status = this.give(node, bytes);
      const code = status & STATUS_MASK;
      // After a start, or when it has just learnt the time, a node is deaf for what it had reserved.
      const begins = (code === STATUS.stale || code === STATUS.replay) && this.nowMs - this.beganMs[node] < 300_000;
      // Whoever is behind by more than its guards finds it out by that, and learns the time anew.
      const relearns = code === STATUS.ahead && this.inspect(node, 0)[0] === 0;
      if (code !== 0 && code !== 10 && !begins && !relearns && !this.mayRefuse?.(sender, node, code))
        throw new Error(`node ${node} rejects ${sender}'s frame: status ${code} at ${this.nowMs} ms`);
      this.after(node, status);
    }
  }

  private after(node: number, status: number): void {
    const ctx = this.contexts[node];
    const at = this.recordAt + 2048;
    if (status & FLAG_COMMAND) this.drain(node, this.engine.calls.command, at, this.commands);
    if (status & FLAG_EVENT) this.drain(node, this.engine.calls.event, at, this.events);
    const local = this.localMs(node);
    const waitMs = this.engine.calls.deadline(ctx, Math.floor(local / 1000), local % 1000);
    this.wakeMs[node] = this.nowMs + Math.ceil(waitMs / this.rateOf(node));
  }

  private reserve(node: number, cycle: number): void {
    this.reserved[node] = Math.max(this.reserved[node], cycle);
    this.observe(node, { name: 'counters-reserved', cycle: this.reserved[node] });
  }

  /** The platform's word on the head that waits. */
  private checkKeyEpoch(node: number): void {
    const waiting = headOf(Uint32Array.from(this.inspect(node, inspectKeys, 0)));
    if (waiting === null) return;
    this.checks++;
    const right = verifyHead(testKeys.authorityPublicKey, testKeys.cluster, waiting);
    this.observe(node, { name: 'key-epoch-checked', epoch: waiting.epoch, ok: right ? 1 : 0 });
  }

  /** Of a node: epoch in use, newest epoch, counter reserved, counter sent last, epoch of the cover, parts held. */
  keys(node: number): number[] {
    return this.inspect(node, inspectKeys, 1);
  }

  private rateOf(node: number): number {
    return 1 + (this.options.driftPpm[node] ?? 0) * 1e-6;
  }

  /** The node's own clock: ms since it booted. */
  private localMs(node: number): number {
    return Math.floor((this.nowMs - this.bootMs[node]) * this.rateOf(node));
  }

  private drain(node: number, take: (ctx: number, out: number, cap: number) => number, at: number, into: Told[]): void {
    for (;;) {
      const length = take(this.contexts[node], at, 256);
      if (length === 0) return;
      const count = readRecord(this.engine.view(), at, length, this.fields);
      const told = { atS: this.nowMs / 1000, node, fields: [...this.fields.subarray(0, count)] };
      if (told.fields[0] === TYPE.booted || told.fields[0] === TYPE.timeAcquired) this.beganMs[node] = this.nowMs;
      if (told.fields[0] === TYPE.reserveCounters) this.reserve(node, told.fields[1]);
      if (told.fields[0] === TYPE.checkKeyEpoch) this.checkKeyEpoch(node);
      if (told.fields[0] === TYPE.storeCheckpoint)
        this.stored[node] = [this.checkpoint(node), ...this.stored[node].slice(0, 1)];
      if (this.onTold) this.onTold(told);
      else into.push(told);
    }
  }
}
