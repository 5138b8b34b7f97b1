import { ADDRESSEE_ALL } from '../../host/cbor/generated.ts';
import { exponentialOf } from '../kernel/exponential.ts';
import { RandomStream } from '../kernel/random.ts';

interface ChannelParameters {
  nodes: number;
  bitsPerS: number;
  lightTimeMs: number;
  /** Share of frames lost on a link in the long run, 0 to 1. */
  meanLoss: number;
  /** Mean length of a burst of loss, seconds; 0: losses are independent. */
  meanBurstS: number;
  seed: number;
}

/** Frames that may be in the air at once; a slotted channel never reaches this number. */
export const framesInAirMax = 64;
/**
 * Position of the addressee in the envelope, and the envelope's first byte
 * (host/security/envelope.ts).
 */
const addresseeAt = 16;
const envelopeTag = 0xd0;

/**
 * Simulates the radio channel of one cluster. Every member hears every other, half duplex, after
 * one light time. Two transmissions that overlap in time are lost to all receivers that would hear
 * both. Each directed link is a Gilbert–Elliott channel with a good state, in which every frame
 * arrives, and a bad state, in which none does. A link is evaluated only when it is used: the
 * probability of the bad state after a pause has a closed form. A partition is a set of nodes; a
 * silent radio neither sends nor hears.
 */
export class Channel {
  framesSent = 0;
  framesReceived = 0;
  /** Counts each addressed, powered receiver that did not get a frame, whatever the cause. */
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
  /** Number of reasons why each radio is silent. */
  readonly #silences: Int32Array;
  readonly #powered: Uint8Array;
  /**
   * Begin and end of each node's own latest transmission: a half-duplex radio hears nothing
   * meanwhile.
   */
  readonly #speakFromMs: Float64Array;
  readonly #speakToMs: Float64Array;
  /** Frames in the air, by frame slot. */
  readonly #fromMs = new Float64Array(framesInAirMax);
  readonly #toMs = new Float64Array(framesInAirMax);
  readonly #sender = new Int32Array(framesInAirMax);
  readonly #collided = new Uint8Array(framesInAirMax);
  readonly #busy = new Uint8Array(framesInAirMax);
  #inAir = 0;
  /** Receivers of the last resolved frame: the first `heardCount` entries, in order of id. */
  readonly heard: Int32Array;
  heardCount = 0;
  /** Nodes that were addressed and powered and did not get the last resolved frame. */
  missedCount = 0;

  constructor(parameters: ChannelParameters) {
    const { nodes, meanLoss, meanBurstS } = parameters;
    this.#parameters = parameters;
    this.#random = new RandomStream(parameters.seed, 'channel');
    this.#linkBad = new Uint8Array(nodes * nodes);
    this.#linkUsedMs = new Float64Array(nodes * nodes).fill(Number.NEGATIVE_INFINITY);
    // The bad state lasts 1/μ on average and takes a share π of the time: μ = 1/burst, λ =
    // μ·π/(1−π), and the state's memory fades as e^−(λ+μ)t.
    const bursts = meanBurstS > 0 && meanLoss < 1;
    this.#decay = bursts ? new DecayTable(1 / (meanBurstS * 1000 * (1 - meanLoss))) : null;
    this.#partitionKey = new Int32Array(nodes);
    this.#silences = new Int32Array(nodes);
    this.#powered = new Uint8Array(nodes);
    this.#speakFromMs = new Float64Array(nodes);
    this.#speakToMs = new Float64Array(nodes);
    this.heard = new Int32Array(nodes);
  }

  /**
   * Sets a node's power. An unpowered radio is no receiver: frames that it misses are not losses.
   */
  setPowered(node: number, powered: boolean): void {
    this.#powered[node] = powered ? 1 : 0;
  }

  /**
   * Adds (true) or removes (false) one reason for silence. Returns whether the radio is silent now.
   */
  setSilent(node: number, silent: boolean): boolean {
    this.#silences[node] += silent ? 1 : -1;
    return this.#silences[node] > 0;
  }

  isSilent(node: number): boolean {
    return this.#silences[node] > 0;
  }

  /**
   * Sets the partition key: nodes with equal keys hear each other. The keys at a frame's end
   * decide.
   */
  setPartitionKey(node: number, key: number): void {
    this.#partitionKey[node] = key;
  }

  partitionKey(node: number): number {
    return this.#partitionKey[node];
  }

  /** Whether a frame slot is free; when none is, a modem accepts no frame. */
  get hasFrameSlot(): boolean {
    return this.#inAir < framesInAirMax;
  }

  /**
   * Returns a free frame slot. Throws when none is free, which cannot happen on a slotted channel.
   */
  takeFrameSlot(): number {
    let frameSlot = 0;
    while (frameSlot < framesInAirMax && this.#busy[frameSlot] !== 0) frameSlot += 1;
    if (frameSlot === framesInAirMax) throw new Error(`more than ${framesInAirMax} frames in the air at once`);
    return frameSlot;
  }

  /**
   * Puts a frame of `bytes` bytes on the air in `frameSlot`, after the sender's own earlier frame
   * has ended. Returns the time at which the frame's last bit reaches the receivers.
   */
  begin(nowMs: number, sender: number, frameSlot: number, bytes: number): number {
    const airMs = Math.ceil((bytes * 8000) / this.#parameters.bitsPerS);
    const fromMs = Math.max(nowMs, this.#speakToMs[sender]);
    const toMs = fromMs + airMs;
    this.framesSent += 1;
    this.bytesSent += bytes;
    this.airMs += airMs;
    this.#speakFromMs[sender] = fromMs;
    this.#speakToMs[sender] = toMs;
    this.#collided[frameSlot] = 0;
    if (!this.isSilent(sender)) this.#collide(frameSlot, sender, fromMs, toMs);
    this.#busy[frameSlot] = 1;
    this.#inAir += 1;
    this.#sender[frameSlot] = sender;
    this.#fromMs[frameSlot] = fromMs;
    this.#toMs[frameSlot] = toMs;
    return toMs + this.#parameters.lightTimeMs;
  }

  #collide(frameSlot: number, sender: number, fromMs: number, toMs: number): void {
    for (let other = 0, left = this.#inAir; left > 0; other += 1) {
      if (this.#busy[other] === 0) continue;
      left -= 1;
      if (this.#fromMs[other] >= toMs || this.#toMs[other] <= fromMs) continue;
      const otherSender = this.#sender[other];
      if (this.#partitionKey[otherSender] !== this.#partitionKey[sender] || this.isSilent(otherSender)) continue;
      this.#collided[other] = 1;
      this.#collided[frameSlot] = 1;
    }
  }

  /**
   * Decides at the arrival who hears the frame in `frameSlot`. Fills heard, heardCount and
   * missedCount, and frees the frame slot.
   */
  resolve(arrivalMs: number, frameSlot: number, addressee: number): void {
    const sender = this.#sender[frameSlot];
    this.#busy[frameSlot] = 0;
    this.#inAir -= 1;
    this.heardCount = 0;
    this.missedCount = 0;
    const lostToAll = this.#collided[frameSlot] !== 0 || this.isSilent(sender);
    if (this.#collided[frameSlot] !== 0) this.framesCollided += 1;
    const nodes = this.#parameters.nodes;
    if (addressee === ADDRESSEE_ALL) {
      for (let node = 0; node < nodes; node += 1) this.#offer(node, sender, frameSlot, arrivalMs, lostToAll);
    } else if (addressee < nodes) this.#offer(addressee, sender, frameSlot, arrivalMs, lostToAll);
    this.framesReceived += this.heardCount;
    this.framesLost += this.missedCount;
  }

  #offer(node: number, sender: number, frameSlot: number, arrivalMs: number, lostToAll: boolean): void {
    if (node === sender || this.#powered[node] === 0) return;
    const hears =
      !lostToAll &&
      this.#silences[node] === 0 &&
      this.#partitionKey[node] === this.#partitionKey[sender] &&
      (this.#speakToMs[node] <= this.#fromMs[frameSlot] || this.#speakFromMs[node] >= this.#toMs[frameSlot]) &&
      !this.linkIsBad(sender, node, arrivalMs);
    if (hears) {
      this.heard[this.heardCount] = node;
      this.heardCount += 1;
    } else this.missedCount += 1;
  }

  /**
   * Advances the directed link to `nowMs` and returns whether the link is in its bad state. Times
   * on one link must not decrease.
   */
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

/**
 * Computes e^(−rate·t) for whole milliseconds t, as a product of entries from three tables of
 * 1,024. Beyond 12 days: 0.
 */
class DecayTable {
  readonly #fine: Float64Array;
  readonly #middle: Float64Array;
  readonly #coarse: Float64Array;

  constructor(ratePerMs: number) {
    const tableOf = (unitMs: number) =>
      Float64Array.from({ length: digitSpan }, (_, digit) => exponentialOf(-ratePerMs * unitMs * digit));
    this.#fine = tableOf(1);
    this.#middle = tableOf(digitSpan);
    this.#coarse = tableOf(digitSpan * digitSpan);
  }

  at(pauseMs: number): number {
    if (pauseMs >= 0x4000_0000) return 0;
    return this.#fine[pauseMs & 1023] * this.#middle[(pauseMs >> 10) & 1023] * this.#coarse[pauseMs >> 20];
  }
}

/**
 * Reads the addressee of a frame's envelope, as a modem does. Returns ADDRESSEE_ALL for bytes that
 * are no envelope.
 */
export function addresseeOf(bytes: Uint8Array, at: number): number {
  return bytes[at] === envelopeTag ? (bytes[at + addresseeAt] << 8) | bytes[at + addresseeAt + 1] : ADDRESSEE_ALL;
}
