/** One node of the image in a cluster whose other members the test plays: it says all they say. */
import {
  ADDRESSEE_ALL,
  CRC_BYTES,
  CYCLE_S,
  ENVELOPE_BYTES,
  type Heartbeat,
  type Message,
  STATUS,
  STATUS_MASK,
  TAG_BYTES,
  TYPE,
} from '../../host/cbor/generated.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import { deadlineMsOf, dueMs } from '../../host/platform/loop.ts';
import { openedFrame } from '../security/sealed.ts';
import { DirectNode, type DirectBoot } from './direct_node.ts';
import { lot } from './driven.ts';

export interface Sent {
  atS: number;
  to: number;
  message: Message;
}

export interface Shown {
  atS: number;
  fields: number[];
}

/** A peer sends a heartbeat so often, seconds: each in its turn. */
const heartbeatS = 20;
/** The platform reports its health so often, seconds. */
const healthS = 300;
/** Bytes of a frame around its messages. */
const frameBytes = ENVELOPE_BYTES + TAG_BYTES + CRC_BYTES;
/** Bits that the channel carries in a millisecond. */
const bitsPerMs = 35;

export class Company {
  readonly node: DirectNode;
  readonly members: number;
  /** Peers that send, and that the others report as heard. */
  readonly heard = new Set<number>();
  /** Peers that have the node's digest. */
  readonly agreeing = new Set<number>();
  readonly sent: Sent[] = [];
  readonly events: Shown[] = [];
  readonly commands: Shown[] = [];
  /** What the platform reports of its storage. */
  storedKg = 0;
  /** Whether peers that are heard answer probes. */
  acks = true;
  #count = 0;
  #dueMs: number;

  constructor(boot: DirectBoot = {}, beginS = 36_000) {
    this.node = new DirectNode({
      groups: [lot],
      bootMs: beginS * 1000,
      ...boot,
      config: { members: 6, ...boot.config },
    });
    this.members = boot.config?.members ?? 6;
    for (let peer = 1; peer < this.members; peer += 1) {
      this.heard.add(peer);
      this.agreeing.add(peer);
    }
    this.#dueMs = this.node.nowMs;
    this.tick();
  }

  get nowS(): number {
    return Math.floor(this.node.nowMs / 1000);
  }

  /** What a bitmap of members has for these. */
  bits(members: Iterable<number>): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.members / 8));
    for (const member of members) bytes[member >> 3] |= 1 << (member & 7);
    return bytes;
  }

  /** A heartbeat of now whose sender has the node's digest, and heard all who are heard. */
  heartbeat(changes: Partial<Heartbeat> = {}): Heartbeat {
    const { digestHigh, digestLow } = this.node.view();
    const all = this.bits([0, ...this.heard]);
    const plain: Heartbeat = {
      name: 'heartbeat',
      ...{ timeS: this.nowS, timeMs: this.node.nowMs % 1000, errorMs: 200 },
      ages: Uint8Array.of(...all, ...all, ...all),
      ...{ digestHigh, digestLow, recent: 0 },
      agree: this.bits(this.agreeing),
    };
    // It left so long ago that the node finds its own time in it.
    const leftMs = this.node.nowMs - Math.floor(((encodeMessage(plain).length + frameBytes) * 8) / bitsPerMs);
    return { ...plain, timeS: Math.floor(leftMs / 1000), timeMs: leftMs % 1000, ...changes };
  }

  /** Hands the node messages of a peer; returns the status code. */
  hear(sender: number, messages: readonly Message[], to = ADDRESSEE_ALL): number {
    this.node.tick();
    const status = this.node.receive(sender, messages, { addressee: to });
    this.tick();
    return status & STATUS_MASK;
  }

  /** As `hear`, of messages that the node must take. */
  deliver(sender: number, messages: readonly Message[], to = ADDRESSEE_ALL): void {
    const status = this.hear(sender, messages, to);
    if (status !== STATUS.ok) throw new Error(`the frame is refused: status ${status}`);
  }

  observe(message: Message): number {
    const status = this.node.observe(message) & STATUS_MASK;
    this.tick();
    return status;
  }

  /** Calls the node now, and takes all that it has. */
  tick(): void {
    const { node } = this;
    this.#dueMs = dueMs(node.nowMs, deadlineMsOf(node.tick()));
    const frame = node.transmit();
    if (frame.length > 0) {
      const { header, messages } = openedFrame(frame);
      this.#dueMs = node.nowMs + 1;
      for (const message of messages as Message[]) {
        this.sent.push({ atS: this.nowS, to: header.addressee, message });
        if (message.name === 'probe' && this.acks && this.heard.has(header.addressee))
          node.receive(header.addressee, [{ name: 'ack', sequence: message.sequence }]);
      }
    }
    for (const fields of node.events()) this.events.push({ atS: this.nowS, fields });
    for (const fields of node.commands()) {
      this.commands.push({ atS: this.nowS, fields });
      if (fields[0] === TYPE.reserveCounters) this.observe({ name: 'counters-reserved', cycle: fields[1] });
    }
  }

  /** Runs to a mission second; peers send their heartbeats. */
  runTo(untilS: number): void {
    for (;;) {
      const heartbeatMs = (Math.floor(this.node.nowMs / 1000 / heartbeatS) + 1) * heartbeatS * 1000;
      const nextMs = Math.min(heartbeatMs, Math.max(this.#dueMs, this.node.nowMs + 1), untilS * 1000);
      this.node.nowMs = nextMs;
      this.tick();
      if (nextMs === heartbeatMs) this.#sendHeartbeat();
      if (nextMs >= untilS * 1000) return;
    }
  }

  /** Makes no call until a mission second; then the platform reports its health. */
  sleepTo(untilS: number): void {
    this.node.nowMs = untilS * 1000;
    this.#reportHealth();
    this.observe({ name: 'counters-reserved', cycle: Math.ceil(untilS / CYCLE_S) + 4000 });
  }

  #reportHealth(): void {
    this.observe({ name: 'health', tasks: 0xff, batteryWh: 1000, storedKg: this.storedKg, solarW: 1000 });
  }

  #sendHeartbeat(): void {
    const peers = [...this.heard];
    if (this.nowS % healthS === 0) this.#reportHealth();
    if (peers.length === 0) return;
    this.#count += 1;
    const sender = peers[this.#count % peers.length];
    const heartbeat = this.heartbeat();
    const others = { digestLow: (heartbeat.digestLow ^ 1) >>> 0, agree: this.bits([]) };
    this.deliver(sender, [this.agreeing.has(sender) ? heartbeat : { ...heartbeat, ...others }]);
  }

  /** The messages of a name that the node sent since `fromS`. */
  sentOf<Name extends Message['name']>(
    name: Name,
    fromS = 0,
  ): (Sent & { message: Extract<Message, { name: Name }> })[] {
    return this.sent.filter((one) => one.atS >= fromS && one.message.name === name) as never;
  }

  eventsOf(type: number, fromS = 0): Shown[] {
    return this.events.filter(({ atS, fields }) => atS >= fromS && fields[0] === type);
  }
}
