import type { Intent, Message } from '../../host/cbor/generated.ts';
import { cycleAt } from '../../host/security/cycle.ts';
import { intentDigest, type StatementText } from '../../host/security/statement.ts';
import type { Header } from '../../host/security/envelope.ts';
import { RandomStream } from '../kernel/random.ts';
import type { GroupPlan } from '../world/plan.ts';

/** How a member lies. `late`: what it publishes claims to be from before the present epoch. */
export const attacks = ['claims', 'floods', 'thrashes', 'impersonates', 'equivocates', 'late'] as const;
export type Attack = (typeof attacks)[number];

/** What a byzantine can do with frames: it holds the keys of its place. */
export interface ByzantineCodec {
  /** What a frame says in the clear of where it is from and of which cycle, and its messages, none if it does not open; null if it cannot be read. */
  open(frame: Uint8Array): { sender: number; counter: number; messages: readonly Message[] } | null;
  /** A frame that carries a valid seal; null if the messages do not fit. */
  seal(header: Pick<Header, 'sender' | 'addressee' | 'counter'>, messages: readonly Message[]): Uint8Array | null;
}

export interface ByzantineParts {
  node: number;
  nodes: number;
  groups: readonly GroupPlan[];
  ways: ReadonlySet<Attack>;
  fromMs: number;
  untilMs: number;
  seed: number;
  bitsPerS: number;
  codec: ByzantineCodec;
  /** Signs a word on one of its slots, with the key of its own place: it signs whatever it likes. */
  sign(text: StatementText): Uint8Array;
}

/** What it did, for the report. */
export interface ByzantineActions {
  frames: number;
  floodFrames: number;
  ownVersions: number;
  claimsOfEverything: number;
  withdrawals: number;
  /** Versions made up in the name of others, and frames with another's sender number. */
  forgedVersions: number;
  forgedFrames: number;
  equivocations: number;
  lateVersions: number;
  statements: number;
}

const cycleMs = 15_000;
const slotMs = 62.5;
const lateMs = 1000;
/** Slots of a cycle that belong to nobody. */
const spareFirst = 200;
const floodFrames = 8;
const everyone = 0xffff;
const versionBits = 19;
const epochS = 600;
const state = { claimed: 2, started: 3, withdrawn: 5 } as const;
/** Types of messages that keep a member in its cluster: those of its image are passed on. */
const membershipTypes: ReadonlySet<string> = new Set([
  'heartbeat',
  'probe',
  'ack',
  'probe-request',
  'relayed-ack',
  'suspicion',
  'alive',
  'join',
]);

export interface Utterance {
  atMs: number;
  frame: Uint8Array;
}

/**
 * A member that lies in every way it can think of. It holds the valid keys of its place; its real image runs on and keeps it in the view
 * of the others, but what leaves the radio is made here: what the image says of membership, and lies as far as there is room. It knows the
 * rules of the firmware, hears what the others claim, and aims at that.
 */
export class ByzantineNode {
  readonly deeds: ByzantineActions = {
    frames: 0,
    floodFrames: 0,
    ownVersions: 0,
    claimsOfEverything: 0,
    withdrawals: 0,
    forgedVersions: 0,
    forgedFrames: 0,
    equivocations: 0,
    lateVersions: 0,
    statements: 0,
  };
  /** Versions that it made up in the name of others: owner × 8 + slot. */
  readonly forged = new Map<number, Set<number>>();
  readonly #parts: ByzantineParts;
  readonly #random: RandomStream;
  readonly #lots: readonly GroupPlan[];
  readonly #depots: readonly GroupPlan[];
  readonly #known = new Map<number, Intent>();
  readonly #fresh: Intent[] = [];
  #carried: readonly Message[] = [];
  #carriedFor = everyone;
  #version = (1 << versionBits) + 1000;
  #turn = 0;
  /** Cluster time less true time. */
  #aheadMs = 0;
  /** What it told whom of its slot 0: each who asks gets the word that fits. */
  readonly #toldTo = new Map<number, Intent>();
  readonly #asked: number[] = [];
  #pending: { addressee: number; intent: Intent } | null = null;

  constructor(parts: ByzantineParts) {
    this.#parts = parts;
    this.#random = new RandomStream(parts.seed, 'liar');
    this.#lots = parts.groups.filter(({ kind }) => kind === 1);
    this.#depots = parts.groups.filter(({ kind }) => kind === 2);
  }

  get node(): number {
    return this.#parts.node;
  }

  lies(timeMs: number): boolean {
    return timeMs >= this.#parts.fromMs && timeMs < this.#parts.untilMs;
  }

  /** When its next cycle begins. */
  nextMs(timeMs: number): number {
    const slot = Math.ceil(this.#parts.node * slotMs);
    const cluster = timeMs + this.#aheadMs;
    const next = Math.floor((cluster - slot) / cycleMs + 1) * cycleMs + slot + 2;
    return Math.max(timeMs + 1, Math.ceil(next - this.#aheadMs));
  }

  /** The cluster's time runs by its members' clocks: a byzantine that missed its slot would only be a jammer. Frames tell it in the clear, unless they leave late. */
  #clock(heardMs: number, frameBytes: number, sender: number, counter: number): void {
    const leftMs = heardMs - (frameBytes * 8000) / this.#parts.bitsPerS;
    const aheadMs = (counter - 1) * cycleMs + sender * slotMs - leftMs;
    if (Math.abs(aheadMs - this.#aheadMs) > lateMs) return;
    this.#aheadMs += Math.max(-slotMs, Math.min(slotMs, aheadMs - this.#aheadMs)) / 16;
  }

  /** A frame that its image would have sent. */
  carry(frame: Uint8Array, addressee: number): void {
    const opened = this.#parts.codec.open(frame);
    if (opened === null) return;
    this.#carried = opened.messages.filter(({ name }) => membershipTypes.has(name));
    this.#carriedFor = addressee;
  }

  /** A frame that it hears. */
  hear(timeMs: number, frame: Uint8Array): void {
    const opened = this.#parts.codec.open(frame);
    if (opened === null) return;
    this.#clock(timeMs, frame.length, opened.sender, opened.counter);
    for (const message of opened.messages) {
      if (message.name === 'statement-request' && message.owner === this.#parts.node && this.#asked.length < 16)
        this.#asked.push(opened.sender);
      if (message.name !== 'intent' || message.owner === this.#parts.node) continue;
      const key = message.owner * 8 + message.slot;
      const known = this.#known.get(key);
      if (known !== undefined && known.version >= message.version) continue;
      this.#known.set(key, message);
      if (message.state === state.claimed && this.#fresh.length < 32) this.#fresh.push(message);
    }
  }

  /** What it says in the cycle that begins at true time `trueMs`. */
  speak(trueMs: number): Utterance[] {
    const timeMs = trueMs + this.#aheadMs;
    return this.#speak(timeMs).map(({ atMs, frame }) => ({ atMs: Math.ceil(atMs - this.#aheadMs), frame }));
  }

  #speak(timeMs: number): Utterance[] {
    const said: Utterance[] = [];
    const cycle = cycleAt(timeMs / 1000, this.#parts.node);
    const { ways } = this.#parts;
    const order = (['claims', 'thrashes', 'impersonates', 'equivocates', 'late'] as const).filter((way) =>
      ways.has(way),
    );
    const way = order.length === 0 ? undefined : order[this.#turn % order.length];
    this.#turn += 1;
    const nowS = Math.floor(timeMs / 1000);
    let addressee = this.#carriedFor;
    let lies: Message[] = [];
    const asker = ways.has('equivocates') ? this.#asked.shift() : undefined;
    if (asker !== undefined) [addressee, lies] = [asker, this.#word(asker, nowS)];
    else if (way === 'equivocates') [addressee, lies] = this.#equivocate(nowS);
    else if (way === 'claims') [addressee, lies] = [everyone, this.#claimEverything(nowS)];
    else if (way === 'thrashes') [addressee, lies] = [everyone, this.#thrash(nowS)];
    else if (way === 'impersonates') [addressee, lies] = [everyone, this.#impersonate(nowS)];
    else if (way === 'late') [addressee, lies] = [everyone, this.#late(nowS)];
    const carried = addressee === this.#carriedFor || this.#carriedFor === everyone ? this.#carried : [];
    this.#say(said, timeMs, { sender: this.#parts.node, addressee, counter: cycle }, carried, lies);
    this.#carried = [];
    this.#carriedFor = everyone;
    if (ways.has('impersonates')) this.#speakAs(said, timeMs, nowS);
    if (ways.has('floods') && this.#turn % 4 === 0) this.#flood(said, timeMs, cycle, nowS);
    return said;
  }

  /** As many of the lies as fit beside what keeps it in the view; if none does, the lies alone. */
  #say(
    said: Utterance[],
    atMs: number,
    header: Pick<Header, 'sender' | 'addressee' | 'counter'>,
    carried: readonly Message[],
    lies: readonly Message[],
  ): void {
    // Its clock is true: what its image said of time a moment ago is said as of now.
    const timed = carried.map((message) =>
      message.name === 'heartbeat'
        ? { ...message, timeS: Math.floor(atMs / 1000), timeMs: Math.floor(atMs % 1000) }
        : message,
    );
    for (const base of [timed, []])
      for (let count = lies.length; count >= (base.length > 0 && lies.length > 0 ? 1 : 0); count -= 1) {
        const messages = [...base, ...lies.slice(0, count)];
        if (messages.length === 0) return;
        const frame = this.#parts.codec.seal(header, messages);
        if (frame === null) continue;
        this.deeds.frames += 1;
        said.push({ atMs, frame });
        return;
      }
  }

  #own(slot: number, nowS: number, content: Partial<Intent>): Intent {
    this.#version += 1;
    this.deeds.ownVersions += 1;
    return {
      name: 'intent',
      owner: this.#parts.node,
      slot,
      version: this.#version,
      kind: 1,
      resource: 0,
      startS: nowS,
      endS: nowS + 60 * 86_400,
      rate: 0,
      priority: 255,
      state: state.started,
      generation: 1,
      claimS: 0,
      publishedS: nowS,
      nonce: this.#random.uint32(),
      read: 0,
      leaseS: 0,
      ...content,
    };
  }

  /** Every lot's and depot's whole capacity, begun, of the highest priority, claimed before all others, for as long as can be. */
  #claimEverything(nowS: number): Message[] {
    const groups = [...this.#lots, ...this.#depots];
    const first = this.#random.below(groups.length);
    this.deeds.claimsOfEverything += 3;
    return [0, 1, 2].map((i) => {
      const group = groups[(first + i) % groups.length];
      const slot = group.kind === 1 ? (first + i) % 4 : 4 + ((first + i) % 2);
      return this.#own(slot, nowS, { kind: group.kind, resource: group.group << 16, rate: group.capacityKgPerDay });
    });
  }

  /** Withdraws, and begins anew at once, on what somebody has just claimed. */
  #thrash(nowS: number): Message[] {
    const aim = this.#fresh.shift() ?? [...this.#known.values()][this.#random.below(Math.max(1, this.#known.size))];
    if (aim === undefined) return [];
    const depot = this.#depots.some(({ group }) => group === aim.resource >>> 16);
    const slot = depot ? 5 : 1 + this.#random.below(3);
    this.deeds.withdrawals += 1;
    const { kind, resource, rate, startS } = aim;
    const begins = { kind, resource, rate, startS, endS: startS + (depot ? 7200 : 2 * 86_400) };
    const again = this.#own(slot, nowS, begins);
    return [again, this.#own(slot === 5 ? 4 : slot ^ 1, nowS, { ...begins, state: state.withdrawn })];
  }

  /** Newer versions of what others claim: given up, moved elsewhere, or of the highest number there is. */
  #impersonate(nowS: number): Message[] {
    return [0, 1].flatMap(() => {
      const aims = [...this.#known.values()].filter(({ state: held }) => held <= state.started);
      if (aims.length === 0) return [];
      return [this.#forge(aims[this.#random.below(aims.length)], nowS)];
    });
  }

  #forge(aim: Intent, nowS: number): Message {
    const kind = this.#random.below(3);
    const boot = aim.version >>> versionBits;
    const highest = ((boot + 1) << versionBits) - 1 - this.#random.below(1000);
    const version = kind === 2 ? highest : aim.version + 1 + this.#random.below(4);
    const key = aim.owner * 8 + aim.slot;
    const versions = this.forged.get(key) ?? new Set();
    versions.add(version);
    this.forged.set(key, versions);
    this.deeds.forgedVersions += 1;
    const moved = { resource: (aim.resource & ~0xffff) | (1 + this.#random.below(10)), claimS: nowS };
    const ended = { state: state.withdrawn, endS: Math.max(aim.startS + 1, Math.min(aim.endS, nowS)) };
    return { ...aim, version, publishedS: nowS, ...(kind === 1 ? moved : ended) };
  }

  /** A frame with another's number on it, which carries another's intent. */
  #speakAs(said: Utterance[], timeMs: number, nowS: number): void {
    const aims = [...this.#known.values()];
    if (aims.length === 0) return;
    const aim = aims[this.#random.below(aims.length)];
    const counter = cycleAt(timeMs / 1000, aim.owner);
    const frame = this.#parts.codec.seal({ sender: aim.owner, addressee: everyone, counter }, [this.#forge(aim, nowS)]);
    if (frame === null) return;
    this.deeds.forgedFrames += 1;
    this.deeds.frames += 1;
    said.push({ atMs: this.#spareMs(timeMs, 30), frame });
  }

  /** One content to one peer, another to the next, under one version. */
  #equivocate(nowS: number): [number, Message[]] {
    const other = (avoid: number) => {
      let peer = avoid;
      while (peer === avoid || peer === this.#parts.node) peer = this.#random.below(this.#parts.nodes);
      return peer;
    };
    if (this.#pending !== null) {
      const { addressee, intent } = this.#pending;
      this.#pending = null;
      return [addressee, this.#tell(addressee, intent)];
    }
    const lot = this.#lots[this.#random.below(this.#lots.length)];
    const unit = () => (lot.group << 16) | (1 + this.#random.below(lot.units));
    const one = this.#own(0, nowS, { resource: unit(), rate: 100, endS: nowS + 2 * 86_400, priority: 1, claimS: nowS });
    const peer = other(this.#parts.node);
    this.#pending = {
      addressee: other(peer),
      intent: { ...one, resource: unit(), rate: 150, nonce: this.#random.uint32() },
    };
    this.deeds.equivocations += 1;
    return [peer, this.#tell(peer, one)];
  }

  #tell(peer: number, intent: Intent): Message[] {
    this.#toldTo.set(peer, intent);
    return [intent, ...this.#word(peer, intent.publishedS)];
  }

  /** Its word, signed, to one who wants to know: of what it told that one, or of the newest. */
  #word(asker: number, nowS: number): Message[] {
    const intent = this.#toldTo.get(asker) ?? [...this.#toldTo.values()].at(-1);
    if (intent === undefined) return [];
    const { owner, slot, version } = intent;
    const text = { owner, slot, version, atS: nowS, digest: intentDigest(intent) };
    this.deeds.statements += 1;
    return [{ name: 'statement', ...text, signature: this.#parts.sign(text) }];
  }

  /** Tidings of long ago: every digest of the present epoch changes. */
  #late(nowS: number): Message[] {
    const publishedS = Math.floor(nowS / epochS) * epochS - 30;
    if (publishedS < 60) return [];
    this.deeds.lateVersions += 2;
    return [2, 3].map((slot) =>
      this.#own(slot, nowS, {
        publishedS,
        claimS: 0,
        endS: nowS + 3600,
        rate: 10,
        resource: this.#lots[0].group << 16,
        priority: 1,
      }),
    );
  }

  #spareMs(timeMs: number, index: number): number {
    const cycleBegin = timeMs - (Math.ceil(this.#parts.node * slotMs) + 2);
    return Math.ceil(cycleBegin + (spareFirst + index) * slotMs);
  }

  /** Frames beyond its one per cycle: each well sealed and full of new versions. */
  #flood(said: Utterance[], timeMs: number, cycle: number, nowS: number): void {
    for (let i = 0; i < floodFrames; i += 1) {
      const lies = [1, 2].map((slot) =>
        this.#own(slot, nowS, { state: state.withdrawn, resource: this.#lots[0].group << 16 }),
      );
      const frame = this.#parts.codec.seal({ sender: this.#parts.node, addressee: everyone, counter: cycle }, lies);
      if (frame === null) continue;
      this.deeds.floodFrames += 1;
      this.deeds.frames += 1;
      said.push({ atMs: this.#spareMs(timeMs, i * 3), frame });
    }
  }
}
