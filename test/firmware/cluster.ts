import { type CheckpointSource, type LoopBuffers, reserveBuffers } from '../../host/platform/buffers.ts';
import { encodeConfig, type NodePlace } from '../../host/platform/config.ts';
import { dueMs, isOk, PlatformLoop, type PlatformHandler, type Trap, zeroCounts } from '../../host/platform/loop.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import {
  FEATURE,
  BOOT_CAUSE,
  CYCLE_S,
  FRAME_BYTES_MAX,
  type Group,
  INSPECT,
  type Message,
  SIGNATURE_BYTES,
  STATUS,
  STATUS_MASK,
  TYPE,
} from '../../host/cbor/generated.ts';
import { readRecord } from '../../host/cbor/record.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import type { Preset } from '../../host/build/root.ts';
import { readHeader } from '../../host/security/envelope.ts';
import { addresseeOf } from '../../hwsim/channel/channel.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { headOf, verifyHead } from '../../host/security/key_epoch.ts';
import { SealedFrames, testKeys } from '../security/sealed.ts';
import { NodeAnswers } from './answers.ts';

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
  /**
   * Whether each platform signs its node's statements and takes those of others for true. No test
   * with this option forges a statement.
   */
  signs?: boolean;
  /** Number of the cluster; `inject` knows the keys of cluster 7 only. */
  cluster?: number;
  /** The nodes' place in the federation. */
  place?: NodePlace | null;
}

/** An event or a command of a node: decoded integers, [0] = type. */
export interface NodeRecord {
  atS: number;
  node: number;
  fields: number[];
}

/**
 * Rate of the channel, as in hwsim/channel. The firmware allows for the time on the air: without it
 * all clocks would run ahead.
 */
const bitsPerMs = 35;

class LoopAnswers extends NodeAnswers {
  readonly #loop: PlatformLoop;

  constructor(loop: PlatformLoop) {
    super();
    this.#loop = loop;
  }

  inspect(what: number, index = 0): number[] {
    return [...this.#loop.inspect(what, index)];
  }
}

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
 * Flies nodes of real firmware on a radio without bursts or collisions. The simulator's own tests
 * prove what the simulator adds (board, channel, world); tests with this class prove the firmware.
 */
export class TestCluster implements PlatformHandler {
  readonly engine;
  /** The nodes' telemetry. */
  readonly nodes: readonly NodeAnswers[];
  /** Addresses of the nodes' contexts. */
  readonly contexts: number[];
  readonly up: boolean[] = [];
  private sealed = new SealedFrames();
  readonly part: number[] = [];
  readonly events: NodeRecord[] = [];
  readonly commands: NodeRecord[] = [];
  /** Checkpoints that each node had stored, newest first: the two checkpoint slots of a board. */
  readonly stored: Uint8Array[][] = [];
  /** What each node's non-volatile memory holds as reserved. */
  readonly reserved: number[] = [];
  /** Takes events and commands, when set: they are then not stored here. */
  onRecord: ((record: NodeRecord) => void) | null = null;
  /** Asked about each command, when set: its answer, if there is one. */
  onOrder: ((node: number, order: Uint32Array) => Message | null) | null = null;
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
  /** Counters up to this each node refuses: it may have taken them before it started. */
  private readonly floors: number[] = [];
  private readonly inFlight: InFlight[] = [];
  private heard: Uint8Array = new Uint8Array(0);
  /** Five minutes of the run for which health was reported, however it is cut into steps. */
  private healthTick = 0;
  private readonly loops: PlatformLoop[];
  private readonly buffers: LoopBuffers;
  private readonly outFrame: number;
  private readonly random: RandomStream;
  /** The command at hand. */
  private readonly order = new Uint32Array(64);
  /** The event at hand. */
  private readonly fields = new Uint32Array(64);
  private readonly options: Required<ClusterOptions>;

  constructor(options: ClusterOptions) {
    this.options = {
      preset: 'flight',
      seed: 1,
      loss: 0,
      features: FEATURE.plans,
      groups: smallWorld,
      rateMax: 200,
      ownerRateMax: 0,
      driftPpm: [],
      signs: false,
      cluster: testKeys.cluster,
      place: null,
      ...options,
    };
    this.engine = loadV8Engine(this.options.preset);
    this.random = new RandomStream(this.options.seed, 'loss');
    const { engine } = this;
    this.outFrame = engine.reserve(FRAME_BYTES_MAX);
    this.buffers = reserveBuffers(engine, 4096);
    this.contexts = Array.from({ length: options.nodes }, () => engine.reserve(engine.image.contextBytes));
    const counts = zeroCounts();
    this.loops = this.contexts.map(
      (context, node) => new PlatformLoop({ engine, context, buffers: this.buffers, handler: this, counts, node }),
    );
    this.nodes = this.loops.map((loop) => new LoopAnswers(loop));
    for (const _ of this.contexts) {
      this.stored.push([]);
      this.reserved.push(0);
      this.beganMs.push(0);
      this.floors.push(0);
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
        cluster: this.options.cluster,
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
        features: this.options.features | (this.options.signs ? FEATURE.signs : 0),
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
      this.options.place,
    );
  }

  /** Boots from nothing. */
  boot(node: number, incarnation: number, timeKnown: boolean): void {
    this.start(node, this.config(node, incarnation, timeKnown), BOOT_CAUSE.powerOn, null);
  }

  checkpoint(node: number): Uint8Array {
    const image = this.loops[node].checkpoint();
    if (image === null) throw new Error(`node ${node} makes no checkpoint`);
    return image;
  }

  /** Restarts from a checkpoint, with a clock that begins anew. */
  restore(
    node: number,
    incarnation: number,
    checkpoint: Uint8Array,
    timeKnown = true,
    cause: number = BOOT_CAUSE.watchdog,
  ): void {
    this.start(node, this.config(node, incarnation, timeKnown), cause, {
      read: (age) => (age === 0 ? checkpoint : null),
      invalidate: () => {
        throw new Error(`node ${node} refuses its checkpoint`);
      },
    });
  }

  private start(node: number, config: Uint8Array, cause: number, checkpoints: CheckpointSource | null): void {
    this.engine.view().set(config, this.buffers.config);
    this.bootMs[node] = this.nowMs;
    this.up[node] = true;
    const status = this.at(node).boot(config.length, cause, checkpoints);
    if (!isOk(status)) throw new Error(`boot of ${node}: status ${status & STATUS_MASK}`);
    const { sentCounter } = this.nodes[node].keys();
    this.floors[node] = sentCounter === 0xffffffff ? this.reserved[node] : sentCounter;
  }

  /** A node's loop at the present instant. */
  private at(node: number): PlatformLoop {
    return this.loops[node].at(this.localMs(node), this.nowMs);
  }

  observe(node: number, message: Message): number {
    return this.at(node).observeBytes(encodeMessage(message)) & STATUS_MASK;
  }

  /** Hands a node a frame of `messages` as from `sender`; returns the status code. */
  inject(node: number, sender: number, messages: Message[]): number {
    for (;;) {
      const code = this.hand(node, this.sealed.frame(sender, messages, Math.floor(this.nowMs / 1000)));
      // The sender has used this counter already, or it lies before the window: tries the next one.
      if (code !== STATUS.replay && code !== STATUS.stale) return code;
    }
  }

  /** Hands a node a frame as it is; returns the status code. */
  hand(node: number, frame: Uint8Array): number {
    return this.at(node).receiveBytes(frame) & STATUS_MASK;
  }

  inspect(node: number, what: number, index = 0): number[] {
    return [...this.loops[node].inspect(what, index)];
  }

  /**
   * Saves the cluster's state and returns a function that restores it. Random draws are not
   * restored, so this works only without loss, where no draw decides anything.
   */
  saved(): () => void {
    if (this.options.loss > 0)
      throw new Error('a cluster that loses frames cannot be restored: its draws would differ');
    const memory = this.engine.view().slice();
    const { up, part, events, commands, stored, reserved, wakeMs, bootMs, beganMs, floors, inFlight } = this;
    const clocks = [wakeMs, bootMs, beganMs, floors];
    const lists: unknown[][] = [up, part, events, commands, stored, reserved, ...clocks, inFlight];
    const { checks, nowMs, frames, calls, heard, healthTick } = this;
    const kept = structuredClone(lists);
    return () => {
      this.engine.view().set(memory);
      for (const [index, list] of structuredClone(kept).entries()) {
        lists[index].length = 0;
        for (const item of list) lists[index].push(item);
      }
      this.sealed = new SealedFrames();
      Object.assign(this, {
        checks,
        nowMs,
        frames,
        calls,
        heard,
        healthTick,
        onRecord: null,
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
      const healthTick = Math.floor(this.nowMs / 300_000);
      if (healthTick !== this.healthTick) this.reportHealth(healthy);
      this.healthTick = healthTick;
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
    this.calls++;
    this.at(node).tick();
    if (this.wakeMs[node] <= this.nowMs) this.wakeMs[node] = this.nowMs + 1;
  }

  /** The bytes of the frame that is being heard. */
  onAir(): Uint8Array {
    return this.heard;
  }

  /** A frame is heard when its last bit is. */
  private air(sender: number, bytes: Uint8Array): void {
    this.frames++;
    const frame = { atMs: this.nowMs + Math.floor((bytes.length * 8) / bitsPerMs), sender, bytes };
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
      const code = this.hand(node, bytes);
      // A node refuses what it may have taken before it started or learnt the time.
      const begins =
        (code === STATUS.stale || code === STATUS.replay) && readHeader(bytes).counter <= this.floors[node];
      // A frame from the future shows a node that its clock is behind: it learns the time anew.
      const relearns = code === STATUS.ahead && this.nodes[node].node().timeKnown === 0;
      // A node that learnt the time with the frame before has not reserved counters yet.
      const reserves = code === STATUS.ahead && this.nowMs - this.beganMs[node] < 1000;
      if (
        code !== STATUS.ok &&
        code !== STATUS.safeMode &&
        !begins &&
        !relearns &&
        !reserves &&
        !this.mayRefuse?.(sender, node, code)
      )
        throw new Error(`node ${node} rejects ${sender}'s frame: status ${code} at ${this.nowMs} ms`);
    }
  }

  // ---- outputs of the nodes ----

  booted(): void {}

  frameAt(): number {
    return this.outFrame;
  }

  send({ node }: PlatformLoop, at: number, length: number): void {
    this.air(node, this.engine.view().slice(at, at + length));
  }

  command({ node }: PlatformLoop, length: number): void {
    this.keep(node, length, this.order, this.commands);
  }

  obey(loop: PlatformLoop, type: number): boolean {
    const { node } = loop;
    if (type === TYPE.moveContext) {
      loop.moveContext();
      this.contexts[node] = loop.context;
    }
    if (type === TYPE.reserveCounters) this.reserve(node, this.order[1]);
    if (type === TYPE.checkKeyEpoch) this.checkKeyEpoch(node);
    if (this.options.signs) this.serveSignatures(node, type);
    const answer = this.onOrder?.(node, this.order) ?? null;
    if (answer !== null) this.loops[node].answer(encodeMessage(answer));
    if (type === TYPE.storeCheckpoint) this.stored[node] = [this.checkpoint(node), ...this.stored[node].slice(0, 1)];
    return true;
  }

  event({ node }: PlatformLoop, length: number): void {
    this.keep(node, length, this.fields, this.events);
    // Of the cycle in which it learnt the time, and of those before, it may have taken all.
    if (this.fields[0] === TYPE.timeAcquired)
      this.floors[node] = Math.max(this.floors[node], Math.ceil(this.nowMs / 1000 / CYCLE_S) + 1);
    if (this.fields[0] === TYPE.booted || this.fields[0] === TYPE.timeAcquired) this.beganMs[node] = this.nowMs;
  }

  deadline({ node, localMs }: PlatformLoop, waitMs: number): void {
    this.wakeMs[node] = this.nowMs + Math.ceil((dueMs(localMs, waitMs) - localMs) / this.rateOf(node));
  }

  trapped({ node }: PlatformLoop, { site, message }: Trap): void {
    throw new Error(`node ${node} trapped at site ${site}: ${message}`);
  }

  private keep(node: number, length: number, fields: Uint32Array, into: NodeRecord[]): void {
    const count = readRecord(this.engine.view(), this.buffers.record, length, fields);
    const record = { atS: this.nowMs / 1000, node, fields: [...fields.subarray(0, count)] };
    if (this.onRecord) this.onRecord(record);
    else into.push(record);
  }

  private reserve(node: number, cycle: number): void {
    this.reserved[node] = Math.max(this.reserved[node], cycle);
    this.loops[node].answer(encodeMessage({ name: 'counters-reserved', cycle: this.reserved[node] }));
  }

  /** Verifies the signature of the pending head, as the platform does. */
  private checkKeyEpoch(node: number): void {
    const waiting = headOf(Uint32Array.from(this.inspect(node, INSPECT.pendingHead)));
    if (waiting === null) return;
    this.checks++;
    const right = verifyHead(testKeys.authorityPublicKey, testKeys.cluster, waiting);
    const ok = right ? 1 : 0;
    this.loops[node].answer(encodeMessage({ name: 'key-epoch-checked', keyEpoch: waiting.keyEpoch, ok }));
  }

  private serveSignatures(node: number, type: number): void {
    const ticket = this.order[1];
    if (type === TYPE.sign)
      this.loops[node].answer(encodeMessage({ name: 'signed', ticket, signature: new Uint8Array(SIGNATURE_BYTES) }));
    if (type === TYPE.verify) this.loops[node].answer(encodeMessage({ name: 'verified', ticket, ok: 1 }));
  }

  private rateOf(node: number): number {
    return 1 + (this.options.driftPpm[node] ?? 0) * 1e-6;
  }

  /** The node's own clock: ms since it booted. */
  private localMs(node: number): number {
    return Math.floor((this.nowMs - this.bootMs[node]) * this.rateOf(node));
  }
}
