import { exponentialOf } from '../kernel/exponential.ts';
import { RandomStream } from '../kernel/random.ts';

export interface ChannelParameters {
  nodes: number;
  bitsPerS: number;
  lightTimeMs: number;
  /** Share of frames lost on a link in the long run, 0 to 1. */
  meanLoss: number;
  /** Mean length of a burst of loss, seconds; 0: losses are independent. */
  meanBurstS: number;
  seed: number;
}

/** Frames that may be in the air at once; far more than a slotted channel ever holds. */
export const framesInAirMax = 64;
/** Where the envelope has it, and its first byte (host/security/envelope.ts). */
const addresseeAt = 16;
const envelopeTag = 0xd0;
export const addresseeAll = 0xffff;

/**
 * The radio channel of one cluster. Every member hears every other, half duplex, at one light time; two transmissions that overlap
 * in time are lost to all who would hear both. Each directed link has a Gilbert–Elliott channel: a good state in which every frame
 * arrives and a bad one in which none does, evaluated only when it is used: the chance of being bad after a pause is known in
 * closed form. Partitions are sets; a silent radio neither speaks nor hears.
 */
export class Channel {
  framesSent = 0;
  framesReceived = 0;
  /** One per addressed, powered receiver that did not get a frame, whatever the cause. */
  framesLost = 0;
  framesCollided = 0;
  bytesSent = 0;
  airMs = 0;

  readonly #parameters: ChannelParameters;
  readonly #random: RandomStream;
  readonly #linkBad: Uint8Array;
  readonly #linkUsedMs: Float64Array;
  readonly #decay: DecayTable | null;
  /** Members hear each other only when their keys are equal. */
  readonly #partitionKey: Int32Array;
  /** Reasons why a radio is silent, counted. */
  readonly #silences: Int32Array;
  readonly #powered: Uint8Array;
  /** The end of each node's own latest transmission and its beginning: half duplex. */
  readonly #speakFromMs: Float64Array;
  readonly #speakToMs: Float64Array;
  /** Frames in the air, by slot. */
  readonly #fromMs = new Float64Array(framesInAirMax);
  readonly #toMs = new Float64Array(framesInAirMax).fill(-1);
  readonly #sender = new Int32Array(framesInAirMax);
  readonly #collided = new Uint8Array(framesInAirMax);
  readonly #busy = new Uint8Array(framesInAirMax);
  #inAir = 0;
  /** Receivers of the frame last resolved: the first `heardCount`, in id order. */
  readonly heard: Int32Array;
  heardCount = 0;
  /** Addressed and powered, but did not get the frame last resolved. */
  missedCount = 0;

  constructor(parameters: ChannelParameters) {
    const { nodes, meanLoss, meanBurstS } = parameters;
    this.#parameters = parameters;
    this.#random = new RandomStream(parameters.seed, 'channel');
    this.#linkBad = new Uint8Array(nodes * nodes);
    this.#linkUsedMs = new Float64Array(nodes * nodes).fill(Number.NEGATIVE_INFINITY);
    // Bad lasts 1/μ on average and holds a share π of the time: μ = 1/burst, λ = μ·π/(1−π), and memory fades as e^−(λ+μ)t.
    const bursts = meanBurstS > 0 && meanLoss > 0 && meanLoss < 1;
    this.#decay = bursts ? new DecayTable(1 / (meanBurstS * 1000 * (1 - meanLoss))) : null;
    this.#partitionKey = new Int32Array(nodes);
    this.#silences = new Int32Array(nodes);
    this.#powered = new Uint8Array(nodes);
    this.#speakFromMs = new Float64Array(nodes).fill(-1);
    this.#speakToMs = new Float64Array(nodes).fill(-1);
    this.heard = new Int32Array(nodes);
  }

  /** A node's power: an unpowered radio is no receiver at all, so what it misses is no loss. */
  setPowered(node: number, powered: boolean): void {
    this.#powered[node] = powered ? 1 : 0;
  }

  /** Adds (true) or takes away (false) one reason for silence; returns whether the radio is silent now. */
  setSilent(node: number, silent: boolean): boolean {
    this.#silences[node] += silent ? 1 : -1;
    return this.#silences[node] > 0;
  }

  isSilent(node: number): boolean {
    return this.#silences[node] > 0;
  }

  /** Nodes with equal keys hear each other; frames in the air when it changes are judged by the keys at their end. */
  setPartitionKey(node: number, key: number): void {
    this.#partitionKey[node] = key;
  }

  partitionKey(node: number): number {
    return this.#partitionKey[node];
  }

  /** False: so many frames are in the air that a modem takes no more. */
  get hasSlot(): boolean {
    return this.#inAir < framesInAirMax;
  }

  /** A free frame slot; throws when none is, which a slotted channel cannot bring about. */
  takeSlot(): number {
    let slot = 0;
    while (slot < framesInAirMax && this.#busy[slot] !== 0) slot += 1;
    if (slot === framesInAirMax) throw new Error(`more than ${framesInAirMax} frames in the air at once`);
    return slot;
  }

  /**
   * Puts a frame of `bytes` bytes on the air in `slot`, not before the sender's own earlier frame has ended. Returns the time at
   * which its last bit reaches the receivers.
   */
  begin(nowMs: number, sender: number, slot: number, bytes: number): number {
    const airMs = Math.ceil((bytes * 8000) / this.#parameters.bitsPerS);
    const fromMs = Math.max(nowMs, this.#speakToMs[sender]);
    const toMs = fromMs + airMs;
    this.framesSent += 1;
    this.bytesSent += bytes;
    this.airMs += airMs;
    this.#speakFromMs[sender] = fromMs;
    this.#speakToMs[sender] = toMs;
    this.#collided[slot] = 0;
    if (!this.isSilent(sender)) this.#collide(slot, sender, fromMs, toMs);
    this.#busy[slot] = 1;
    this.#inAir += 1;
    this.#sender[slot] = sender;
    this.#fromMs[slot] = fromMs;
    this.#toMs[slot] = toMs;
    return toMs + this.#parameters.lightTimeMs;
  }

  #collide(slot: number, sender: number, fromMs: number, toMs: number): void {
    for (let other = 0, left = this.#inAir; left > 0; other += 1) {
      if (this.#busy[other] === 0) continue;
      left -= 1;
      if (this.#fromMs[other] >= toMs || this.#toMs[other] <= fromMs) continue;
      const otherSender = this.#sender[other];
      if (this.#partitionKey[otherSender] !== this.#partitionKey[sender] || this.isSilent(otherSender)) continue;
      this.#collided[other] = 1;
      this.#collided[slot] = 1;
    }
  }

  /** Decides, at its arrival, who hears the frame in `slot`: fills heard, heardCount, missedCount; frees the slot. */
  resolve(arrivalMs: number, slot: number, addressee: number): void {
    const sender = this.#sender[slot];
    this.#busy[slot] = 0;
    this.#inAir -= 1;
    this.heardCount = 0;
    this.missedCount = 0;
    const lostToAll = this.#collided[slot] !== 0 || this.isSilent(sender);
    if (this.#collided[slot] !== 0) this.framesCollided += 1;
    const nodes = this.#parameters.nodes;
    if (addressee === addresseeAll) {
      for (let node = 0; node < nodes; node += 1) this.#offer(node, sender, slot, arrivalMs, lostToAll);
    } else if (addressee < nodes) this.#offer(addressee, sender, slot, arrivalMs, lostToAll);
    this.framesReceived += this.heardCount;
    this.framesLost += this.missedCount;
  }

  #offer(node: number, sender: number, slot: number, arrivalMs: number, lostToAll: boolean): void {
    if (node === sender || this.#powered[node] === 0) return;
    const hears =
      !lostToAll &&
      this.#silences[node] === 0 &&
      this.#partitionKey[node] === this.#partitionKey[sender] &&
      (this.#speakToMs[node] <= this.#fromMs[slot] || this.#speakFromMs[node] >= this.#toMs[slot]) &&
      !this.linkIsBad(sender, node, arrivalMs);
    if (hears) {
      this.heard[this.heardCount] = node;
      this.heardCount += 1;
    } else this.missedCount += 1;
  }

  /** Advances the directed link's channel to `nowMs` and says whether it is in its bad state. Times on one link must not decrease. */
  linkIsBad(sender: number, receiver: number, nowMs: number): boolean {
    const { meanLoss, nodes } = this.#parameters;
    if (meanLoss === 0) return false;
    if (this.#decay === null) return this.#random.fraction() < meanLoss;
    const link = sender * nodes + receiver;
    const memory = this.#decay.at(nowMs - this.#linkUsedMs[link]);
    const chance = meanLoss + (this.#linkBad[link] - meanLoss) * memory;
    const bad = this.#random.fraction() < chance;
    this.#linkBad[link] = bad ? 1 : 0;
    this.#linkUsedMs[link] = nowMs;
    return bad;
  }
}

const digitSpan = 1024;

/** e^(−rate·t) for whole milliseconds t, as the product of one entry from each of three tables of 1,024. Beyond 12 days: 0. */
class DecayTable {
  readonly #digits: Float64Array[] = [];

  constructor(ratePerMs: number) {
    let unitMs = 1;
    for (let digit = 0; digit < 3; digit += 1) {
      const table = new Float64Array(digitSpan);
      for (let i = 0; i < digitSpan; i += 1) table[i] = exponentialOf(-ratePerMs * unitMs * i);
      this.#digits.push(table);
      unitMs *= digitSpan;
    }
  }

  at(pauseMs: number): number {
    if (pauseMs >= 0x4000_0000) return 0;
    const [fine, middle, coarse] = this.#digits;
    return fine[pauseMs & 1023] * middle[(pauseMs >> 10) & 1023] * coarse[pauseMs >> 20];
  }
}

/** The addressee that a modem reads off a frame's envelope. Returns addresseeAll for anything else: what has no address is passed on. */
export function addresseeOf(bytes: Uint8Array, at: number): number {
  return bytes[at] === envelopeTag ? (bytes[at + addresseeAt] << 8) | bytes[at + addresseeAt + 1] : addresseeAll;
}
