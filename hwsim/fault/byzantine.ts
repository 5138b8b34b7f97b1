import {
  ADDRESSEE_ALL,
  CYCLE_S,
  GROUP_KIND,
  INTENT_STATE,
  type Intent,
  type Message,
  OWN_SLOTS,
  VERSION_BITS,
  WORK_KIND,
} from '../../host/cbor/generated.ts';
import { cycleAt } from '../../host/security/cycle.ts';
import type { Header } from '../../host/security/envelope.ts';
import { intentDigest, type StatementText } from '../../host/security/statement.ts';
import { RandomStream } from '../kernel/random.ts';
import type { Attack } from '../scenario/attacks.ts';
import type { GroupPlan } from '../world/plan.ts';
import { type ByzantineActions, noActions } from './byzantine_actions.ts';
import { type FieldMutation, mutatedMessage } from './field_mutation.ts';
import { membershipTypes } from './membership_types.ts';
import { latePublishedS, splitSlots } from './round_splits.ts';
import { AHEAD_OF_TIME_S, falseRevocations, lossesOfAll, lossesOfNothing } from './second_hand.ts';

/** Seals and opens frames with the keys that a member of the cluster has. */
export interface ByzantineCodec {
  /**
   * Reads sender and cycle from the plain header, and decrypts the messages. The list of messages
   * is empty when the frame does not open. Returns null when the header cannot be read.
   */
  open(frame: Uint8Array): { sender: number; counter: number; messages: readonly Message[] } | null;
  /** Builds a frame with a valid seal. Returns null when the messages do not fit. */
  seal(header: FrameHeader, messages: readonly Message[]): Uint8Array | null;
}

type FrameHeader = Pick<Header, 'sender' | 'addressee' | 'counter'>;

interface ByzantineParts {
  node: number;
  nodes: number;
  groups: readonly GroupPlan[];
  attacks: ReadonlySet<Attack>;
  fromMs: number;
  untilMs: number;
  seed: number;
  bitsPerS: number;
  /** What the node sends once a cycle, beside its image's messages and instead of its attacks. */
  mutation?: FieldMutation;
  codec: ByzantineCodec;
  /**
   * Signs a statement on one of the node's own intent slots with the node's own key, whatever its
   * content.
   */
  sign(text: StatementText): Uint8Array;
}

const cycleMs = CYCLE_S * 1000;
const txSlotMs = 62.5;
const lateMsMax = 1000;
/** The first TDMA slot of a cycle that belongs to no member. */
const spareTxSlotFirst = 200;
const floodFramesPerBurst = 8;
/** Attacks that take turns, one in each cycle. */
const attacksInTurn = [
  'claims',
  'thrashes',
  'impersonates',
  'equivocates',
  'late',
  'revokes',
  'crowds',
  'denies',
  'postdates',
] as const;

/** A frame, and when it leaves the radio. */
interface TimedFrame {
  atMs: number;
  frame: Uint8Array;
}

/**
 * Simulates a Byzantine member that makes every attack of its scenario. The node holds valid keys.
 * Its real image runs on, and the image's membership messages keep the node in the view of the
 * others. All frames that leave the radio are made here: the image's membership messages, then
 * forged messages as far as there is space. The node knows the rules of the firmware, hears what
 * others claim, and aims at those claims.
 */
export class ByzantineNode {
  readonly actions: ByzantineActions = noActions();
  /** Versions forged in the name of others, by owner × 8 + intent slot. */
  readonly forged = new Map<number, Set<number>>();
  readonly #parts: ByzantineParts;
  readonly #random: RandomStream;
  readonly #lots: readonly GroupPlan[];
  readonly #depots: readonly GroupPlan[];
  readonly #known = new Map<number, Intent>();
  readonly #freshClaims: Intent[] = [];
  #imageMessages: readonly Message[] = [];
  #imageAddressee = ADDRESSEE_ALL;
  #version = (1 << VERSION_BITS) + 1000;
  #turn = 0;
  /** Cluster time minus true time. */
  #aheadMs = 0;
  /**
   * The content of intent slot 0 that each peer was sent: a peer that asks gets the statement that
   * fits.
   */
  readonly #sentTo = new Map<number, Intent>();
  readonly #requesters: number[] = [];
  /** Whether this cycle may answer a request for a statement: every other one may. */
  #mayAnswer = false;
  #pending: { addressee: number; intent: Intent } | null = null;

  constructor(parts: ByzantineParts) {
    this.#parts = parts;
    this.#random = new RandomStream(parts.seed, 'liar');
    this.#lots = parts.groups.filter(({ kind }) => kind === GROUP_KIND.lot);
    this.#depots = parts.groups.filter(({ kind }) => kind === GROUP_KIND.depot);
  }

  get node(): number {
    return this.#parts.node;
  }

  isActive(timeMs: number): boolean {
    return timeMs >= this.#parts.fromMs && timeMs < this.#parts.untilMs;
  }

  /** Returns the true time at which the node's next TDMA slot begins. */
  nextMs(timeMs: number): number {
    const offsetMs = Math.ceil(this.#parts.node * txSlotMs);
    const clusterMs = timeMs + this.#aheadMs;
    const nextMs = Math.floor((clusterMs - offsetMs) / cycleMs + 1) * cycleMs + offsetMs + 2;
    return Math.max(timeMs + 1, Math.ceil(nextMs - this.#aheadMs));
  }

  /**
   * Follows the cluster's time, which runs by its members' clocks: a node that misses its TDMA slot
   * only jams. A frame's plain header shows the time at which the frame left, unless it left late.
   */
  #followClock(heardMs: number, frameBytes: number, sender: number, counter: number): void {
    const leftMs = heardMs - (frameBytes * 8000) / this.#parts.bitsPerS;
    const aheadMs = (counter - 1) * cycleMs + sender * txSlotMs - leftMs;
    if (Math.abs(aheadMs - this.#aheadMs) > lateMsMax) return;
    this.#aheadMs += Math.max(-txSlotMs, Math.min(txSlotMs, aheadMs - this.#aheadMs)) / 16;
  }

  /** Takes a frame that the node's own image wants to send, and keeps its membership messages. */
  takeImageFrame(frame: Uint8Array, addressee: number): void {
    const opened = this.#parts.codec.open(frame);
    if (opened === null) return;
    this.#imageMessages = opened.messages.filter(({ name }) => membershipTypes.has(name));
    this.#imageAddressee = addressee;
  }

  /** Takes a frame that the node's radio received. */
  hear(timeMs: number, frame: Uint8Array): void {
    const opened = this.#parts.codec.open(frame);
    if (opened === null) return;
    this.#followClock(timeMs, frame.length, opened.sender, opened.counter);
    for (const message of opened.messages) {
      if (message.name === 'statement-request' && message.owner === this.#parts.node && this.#requesters.length < 16)
        this.#requesters.push(opened.sender);
      if (message.name !== 'intent' || message.owner === this.#parts.node) continue;
      const key = message.owner * OWN_SLOTS + message.slot;
      const known = this.#known.get(key);
      if (known !== undefined && known.version >= message.version) continue;
      this.#known.set(key, message);
      if (message.state === INTENT_STATE.claimed && this.#freshClaims.length < 32) this.#freshClaims.push(message);
    }
  }

  /** Returns the frames of the cycle that begins at true time `trueMs`, with true times. */
  framesOfCycle(trueMs: number): TimedFrame[] {
    const frames = this.#framesAt(trueMs + this.#aheadMs);
    return frames.map(({ atMs, frame }) => ({ atMs: Math.ceil(atMs - this.#aheadMs), frame }));
  }

  #framesAt(timeMs: number): TimedFrame[] {
    const frames: TimedFrame[] = [];
    const cycle = cycleAt(timeMs / 1000, this.#parts.node);
    const { attacks } = this.#parts;
    const nowS = Math.floor(timeMs / 1000);
    const [addressee, forged] = this.#attackOfTurn(nowS);
    const isForImage = addressee === this.#imageAddressee || this.#imageAddressee === ADDRESSEE_ALL;
    const imageMessages = isForImage ? this.#imageMessages : [];
    this.#send(frames, timeMs, { sender: this.#parts.node, addressee, counter: cycle }, imageMessages, forged);
    this.#imageMessages = [];
    this.#imageAddressee = ADDRESSEE_ALL;
    if (this.#parts.mutation !== undefined) return frames;
    if (attacks.has('splits')) this.#split(frames, timeMs, cycle, nowS);
    if (attacks.has('impersonates')) this.#sendAsOther(frames, timeMs, nowS);
    if (attacks.has('floods') && this.#turn % 4 === 0) this.#flood(frames, timeMs, cycle, nowS);
    return frames;
  }

  /**
   * Returns addressee and messages of the attack whose turn it is. A request for a statement is
   * answered in between: members may ask in every cycle, and the attacks go on.
   */
  #attackOfTurn(nowS: number): [number, Message[]] {
    const { attacks, mutation } = this.#parts;
    if (mutation !== undefined) return this.#mutate(mutation, nowS);
    this.#mayAnswer = !this.#mayAnswer;
    const requester = this.#mayAnswer && attacks.has('equivocates') ? this.#requesters.shift() : undefined;
    if (requester !== undefined) return [requester, this.#statementFor(requester, nowS)];
    const order = attacksInTurn.filter((attack) => attacks.has(attack));
    const attack = order.length === 0 ? undefined : order[this.#turn % order.length];
    this.#turn += 1;
    if (attack === 'equivocates') return this.#equivocate(nowS);
    if (attack === 'claims') return [ADDRESSEE_ALL, this.#claimEverything(nowS)];
    if (attack === 'thrashes') return [ADDRESSEE_ALL, this.#thrash(nowS)];
    if (attack === 'impersonates') return [ADDRESSEE_ALL, this.#impersonate(nowS)];
    if (attack === 'late') return [ADDRESSEE_ALL, this.#publishLate(nowS)];
    if (attack === 'postdates') return [ADDRESSEE_ALL, this.#impersonate(nowS, AHEAD_OF_TIME_S)];
    if (attack !== undefined) return [ADDRESSEE_ALL, this.#reportFalsely(attack, nowS)];
    return [this.#imageAddressee, []];
  }

  /** Makes the message of a mutation: to all in one cycle, to one member in the next. */
  #mutate(mutation: FieldMutation, nowS: number): [number, Message[]] {
    const { node, nodes } = this.#parts;
    this.#turn += 1;
    const claims = [...this.#known.values()].filter(({ state }) => state <= INTENT_STATE.started);
    const claim = claims[this.#turn % Math.max(1, claims.length)];
    const heartbeat = this.#imageMessages.find(({ name }) => name === 'heartbeat');
    const message = mutatedMessage(mutation, { node, nodes, nowS, turn: this.#turn, claim, heartbeat });
    const addressee = this.#turn % 2 === 0 ? ADDRESSEE_ALL : this.#turn % nodes;
    return [addressee, message === null ? [] : [message]];
  }

  /** Reports false revocations of votes, or false losses of resources. */
  #reportFalsely(attack: 'revokes' | 'crowds' | 'denies', nowS: number): Message[] {
    const { groups, nodes } = this.#parts;
    if (attack === 'revokes') {
      this.actions.falseRevocations += 1;
      return falseRevocations(nodes, this.#random.below(nodes), nowS);
    }
    const observer = this.#turn % 2 === 0 ? this.#parts.node : this.#random.below(nodes);
    const notices =
      attack === 'crowds' ? lossesOfNothing(groups, nodes, this.#turn, nowS) : lossesOfAll(groups, observer, nowS);
    this.actions.falseNotices += notices.length;
    return notices;
  }

  /**
   * Sends as many forged messages as fit beside the image's messages; if none fits, forged messages
   * alone.
   */
  #send(
    frames: TimedFrame[],
    atMs: number,
    header: FrameHeader,
    imageMessages: readonly Message[],
    forged: readonly Message[],
  ): void {
    // The node's clock is true: the time that its image gave a moment ago is replaced by the
    // present time.
    const shiftS = this.#parts.mutation === undefined && this.#parts.attacks.has('shifts') ? AHEAD_OF_TIME_S : 0;
    const replaced = imageMessages.filter(({ name }) => name !== 'heartbeat' || forged.every((f) => f.name !== name));
    const timed = replaced.map((message) => {
      if (message.name !== 'heartbeat') return message;
      if (shiftS !== 0) this.actions.falseTimes += 1;
      return { ...message, timeS: Math.floor(atMs / 1000) + shiftS, timeMs: Math.floor(atMs % 1000) };
    });
    for (const base of [timed, []])
      for (let count = forged.length; count >= (base.length > 0 && forged.length > 0 ? 1 : 0); count -= 1) {
        const messages = [...base, ...forged.slice(0, count)];
        if (messages.length === 0) return;
        const frame = this.#parts.codec.seal(header, messages);
        if (frame === null) continue;
        this.actions.frames += 1;
        frames.push({ atMs, frame });
        return;
      }
  }

  #ownIntent(intentSlot: number, nowS: number, content: Partial<Intent>): Intent {
    this.#version += 1;
    this.actions.ownVersions += 1;
    return {
      name: 'intent',
      owner: this.#parts.node,
      slot: intentSlot,
      version: this.#version,
      kind: WORK_KIND.mine,
      resource: 0,
      startS: nowS,
      endS: nowS + 60 * 86_400,
      rate: 0,
      priority: 255,
      state: INTENT_STATE.started,
      generation: 1,
      claimS: 0,
      publishedS: nowS,
      nonce: this.#random.uint32(),
      read: 0,
      leaseS: 0,
      ...content,
    };
  }

  /**
   * Claims whole lots and depots: started, of the highest priority, the earliest claim time, the
   * longest term.
   */
  #claimEverything(nowS: number): Message[] {
    const groups = [...this.#lots, ...this.#depots];
    const first = this.#random.below(groups.length);
    this.actions.claimsOfEverything += 3;
    return [0, 1, 2].map((i) => {
      const group = groups[(first + i) % groups.length];
      const slot = group.kind === GROUP_KIND.lot ? (first + i) % 4 : 4 + ((first + i) % 2);
      const content = { kind: group.kind, resource: group.group << 16, rate: group.capacityKgPerDay };
      return this.#ownIntent(slot, nowS, content);
    });
  }

  /** Withdraws and at once claims again what another member has just claimed. */
  #thrash(nowS: number): Message[] {
    const target =
      this.#freshClaims.shift() ?? [...this.#known.values()][this.#random.below(Math.max(1, this.#known.size))];
    if (target === undefined) return [];
    const isDepot = this.#depots.some(({ group }) => group === target.resource >>> 16);
    const slot = isDepot ? 5 : 1 + this.#random.below(3);
    this.actions.withdrawals += 1;
    const { kind, resource, rate, startS } = target;
    const content = { kind, resource, rate, startS, endS: startS + (isDepot ? 7200 : 2 * 86_400) };
    const claim = this.#ownIntent(slot, nowS, content);
    const otherSlot = slot === 5 ? 4 : slot ^ 1;
    return [claim, this.#ownIntent(otherSlot, nowS, { ...content, state: INTENT_STATE.withdrawn })];
  }

  /** Forges newer versions of two claims of others, dated `aheadS` ahead. */
  #impersonate(nowS: number, aheadS = 0): Message[] {
    return [0, 1].flatMap(() => {
      const targets = [...this.#known.values()].filter(({ state }) => state <= INTENT_STATE.started);
      if (targets.length === 0) return [];
      return [this.#forge(targets[this.#random.below(targets.length)], nowS, aheadS)];
    });
  }

  /**
   * Forges a newer version: withdrawn, moved to another unit, or withdrawn under the highest
   * version of the boot.
   */
  #forge(target: Intent, nowS: number, aheadS = 0): Message {
    const kind = this.#random.below(3);
    const boot = target.version >>> VERSION_BITS;
    const highest = ((boot + 1) << VERSION_BITS) - 1 - this.#random.below(1000);
    const version = kind === 2 ? highest : target.version + 1 + this.#random.below(4);
    const key = target.owner * OWN_SLOTS + target.slot;
    const versions = this.forged.get(key) ?? new Set();
    versions.add(version);
    this.forged.set(key, versions);
    this.actions.forgedVersions += 1;
    const moved = { resource: (target.resource & ~0xffff) | (1 + this.#random.below(10)), claimS: nowS };
    const endS = Math.max(target.startS + 1, Math.min(target.endS, nowS));
    const ended = { state: INTENT_STATE.withdrawn, endS };
    return { ...target, version, publishedS: nowS + aheadS, ...(kind === 1 ? moved : ended) };
  }

  /**
   * Sends a frame with another member's sender number, which carries a forged intent of that
   * member.
   */
  #sendAsOther(frames: TimedFrame[], timeMs: number, nowS: number): void {
    const targets = [...this.#known.values()];
    if (targets.length === 0) return;
    const target = targets[this.#random.below(targets.length)];
    const counter = cycleAt(timeMs / 1000, target.owner);
    const header = { sender: target.owner, addressee: ADDRESSEE_ALL, counter };
    const frame = this.#parts.codec.seal(header, [this.#forge(target, nowS)]);
    if (frame === null) return;
    this.actions.forgedFrames += 1;
    this.actions.frames += 1;
    frames.push({ atMs: this.#spareMs(timeMs, 30), frame });
  }

  /** Sends one content to one peer and another content under the same version to a second peer. */
  #equivocate(nowS: number): [number, Message[]] {
    const peerOtherThan = (avoided: number) => {
      let peer = avoided;
      while (peer === avoided || peer === this.#parts.node) peer = this.#random.below(this.#parts.nodes);
      return peer;
    };
    if (this.#pending !== null) {
      const { addressee, intent } = this.#pending;
      this.#pending = null;
      return [addressee, this.#sendWithStatement(addressee, intent)];
    }
    const lot = this.#lots[this.#random.below(this.#lots.length)];
    const drawUnit = () => (lot.group << 16) | (1 + this.#random.below(lot.units));
    const content = { resource: drawUnit(), rate: 100, endS: nowS + 2 * 86_400, priority: 1, claimS: nowS };
    const first = this.#ownIntent(0, nowS, content);
    const peer = peerOtherThan(this.#parts.node);
    this.#pending = {
      addressee: peerOtherThan(peer),
      intent: { ...first, resource: drawUnit(), rate: 150, nonce: this.#random.uint32() },
    };
    this.actions.equivocations += 1;
    return [peer, this.#sendWithStatement(peer, first)];
  }

  #sendWithStatement(peer: number, intent: Intent): Message[] {
    this.#sentTo.set(peer, intent);
    return [intent, ...this.#statementFor(peer, intent.publishedS)];
  }

  /** Signs a statement on the content that the requester was sent, or on the newest content. */
  #statementFor(requester: number, nowS: number): Message[] {
    const intent = this.#sentTo.get(requester) ?? [...this.#sentTo.values()].at(-1);
    if (intent === undefined) return [];
    const { owner, slot, version } = intent;
    const text = { owner, slot, version, atS: nowS, digest: intentDigest(intent) };
    this.actions.statements += 1;
    return [{ name: 'statement', ...text, signature: this.#parts.sign(text) }];
  }

  /**
   * Publishes versions dated before the present agreement round: they change every digest of the
   * round.
   */
  #publishLate(nowS: number): Message[] {
    const publishedS = latePublishedS(nowS);
    if (publishedS === null) return [];
    this.actions.lateVersions += 2;
    return [2, 3].map((slot) =>
      this.#ownIntent(slot, nowS, {
        publishedS,
        claimS: 0,
        endS: nowS + 3600,
        rate: 10,
        resource: this.#lots[0].group << 16,
        priority: 1,
      }),
    );
  }

  /**
   * Sends members of even and of odd number different versions of the same intent slots, which are
   * dated before the cut.
   */
  #split(frames: TimedFrame[], timeMs: number, cycle: number, nowS: number): void {
    const publishedS = latePublishedS(nowS);
    if (publishedS === null) return;
    const content = {
      publishedS,
      startS: publishedS,
      claimS: publishedS,
      resource: this.#lots[0].group << 16,
      rate: 1,
    };
    const ended = { ...content, state: INTENT_STATE.withdrawn };
    const pairs = splitSlots(nowS).map((slot) => [
      this.#ownIntent(slot, nowS, ended),
      this.#ownIntent(slot, nowS, ended),
    ]);
    const { node, nodes } = this.#parts;
    for (let member = 0; member < nodes && pairs.length > 0; member += 1) {
      if (member === node) continue;
      const header = { sender: node, addressee: member, counter: cycle };
      const versions = pairs.map((pair) => pair[member % 2]);
      const frame = this.#parts.codec.seal(header, versions);
      if (frame === null) continue;
      this.actions.frames += 1;
      this.actions.lateVersions += pairs.length;
      frames.push({ atMs: this.#spareMs(timeMs, nodes - spareTxSlotFirst + member), frame });
    }
  }

  #spareMs(timeMs: number, index: number): number {
    const cycleBeginMs = timeMs - (Math.ceil(this.#parts.node * txSlotMs) + 2);
    return Math.ceil(cycleBeginMs + (spareTxSlotFirst + index) * txSlotMs);
  }

  /**
   * Sends frames beyond the one of its cycle: each has a valid seal and is full of new versions.
   */
  #flood(frames: TimedFrame[], timeMs: number, cycle: number, nowS: number): void {
    const header = { sender: this.#parts.node, addressee: ADDRESSEE_ALL, counter: cycle };
    for (let i = 0; i < floodFramesPerBurst; i += 1) {
      const resource = this.#lots[0].group << 16;
      const messages = [1, 2].map((slot) => this.#ownIntent(slot, nowS, { state: INTENT_STATE.withdrawn, resource }));
      const frame = this.#parts.codec.seal(header, messages);
      if (frame === null) continue;
      this.actions.floodFrames += 1;
      this.actions.frames += 1;
      frames.push({ atMs: this.#spareMs(timeMs, i * 3), frame });
    }
  }
}
