// Fails the power at random instants, again and again. Two nodes of the real image keep their frame
// counters in a model of non-volatile memory; an attacker records every frame and replays it.

import { encodeMessage } from '../../host/cbor/message.ts';
import { ANSWER, BOOT_CAUSE, CYCLE_S, INSPECT, STATUS, STATUS_MASK, TYPE } from '../../host/cbor/generated.ts';
import { recordFields } from '../../host/cbor/record.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { encodeConfig } from '../../host/platform/config.ts';
import { ImageNode, type Outputs } from '../../host/platform/image_node.ts';
import { readHeader } from '../../host/security/envelope.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { testCluster, testKeys } from './sealed.ts';

export interface CrashOutcome {
  crashes: number;
  tornWrites: number;
  /** Crashes between the command to reserve and its answer. */
  inReservation: number;
  framesSealed: number;
  framesTaken: number;
  replaysRefused: number;
  /** Frames sealed under a counter that was used for another before. */
  noncesReused: number;
  /** Frames taken in a second time. */
  replaysTaken: number;
}

export interface CrashOptions {
  seed: number;
  crashes: number;
  /** The reservation that memory returns at boot; the identity, unless a test wants it wrong. */
  recall?: (reserved: number) => number;
}

/** Stores a record in two copies: a write goes to the older copy; a write that is cut loses it. */
class TwoCopies {
  readonly #copies = [0, 0];
  #next = 0;

  write(value: number, isCut: boolean): void {
    this.#copies[this.#next] = isCut ? 0 : value;
    if (!isCut) this.#next ^= 1;
  }

  read(): number {
    return Math.max(...this.#copies);
  }
}

const cycleMs = 1000 * CYCLE_S;

class PowerLost extends Error {}

const groups = [{ name: 'group', group: 1, kind: 1, units: 2, capacity: 1000, stockKg: 1000, loadKg: 0 }] as const;

class Node {
  readonly memory = new TwoCopies();
  readonly #trial: Trial;
  readonly #self: number;
  readonly #node: ImageNode;
  #incarnation = 0;
  #bootMs = 0;
  #checkpoint: Uint8Array | null = null;

  constructor(trial: Trial, self: number) {
    this.#trial = trial;
    this.#self = self;
    this.#node = new ImageNode(trial.engine);
    this.boot();
  }

  get #localMs(): number {
    return this.#trial.nowMs - this.#bootMs;
  }

  boot(): void {
    const { random, nowMs, recall } = this.#trial;
    this.#incarnation = Math.min(this.#incarnation + 1, 8000);
    this.#bootMs = nowMs;
    const facts = {
      incarnation: this.#incarnation,
      timeKnown: this.#incarnation === 1 || random.below(4) !== 0,
      missionMs: nowMs,
      resets: 0,
      alternateImage: false,
      reserved: recall(this.memory.read()),
    };
    const config = encodeConfig({ ...shape, self: this.#self }, [...groups], facts, testKeys.member(this.#self));
    const checkpoint = this.#checkpoint !== null && random.below(2) === 0 ? this.#checkpoint : null;
    const checkpoints = { read: (age: 0 | 1) => (age === 0 ? checkpoint : null) };
    this.#take(this.#node.boot(config, BOOT_CAUSE.watchdog, 0, checkpoints));
    if (random.below(3) === 0) this.keep();
  }

  /** When the node wants to be called. */
  get dueMs(): number {
    return this.#bootMs + this.#node.tickAtMs;
  }

  keep(): void {
    this.#checkpoint = this.#node.loop.checkpoint();
  }

  get knowsTime(): boolean {
    return this.#node.loop.inspect(INSPECT.node, 0)[ANSWER.node.timeKnown] === 1;
  }

  tick(): void {
    this.#take(this.#node.tick(this.#localMs));
  }

  receive(frame: Uint8Array): number {
    return this.#take(this.#node.receive(frame, this.#localMs));
  }

  /**
   * Sends frames before it obeys commands: a power failure in a reservation comes after the frames.
   */
  #take({ status, frames, commands }: Outputs): number {
    for (const frame of frames) this.#trial.sent(this.#self, frame);
    for (const command of commands.map(recordFields))
      if (command[0] === TYPE.reserveCounters) this.#reserve(command[1]);
    return status & STATUS_MASK;
  }

  #reserve(cycle: number): void {
    const { random, outcome, dangerous } = this.#trial;
    const fate = dangerous ? random.below(24) : 7;
    if (fate < 3) outcome.inReservation += 1;
    if (fate === 0) throw new PowerLost();
    if (fate === 1) {
      outcome.tornWrites += 1;
      this.memory.write(cycle, true);
      throw new PowerLost();
    }
    this.memory.write(cycle, false);
    if (fate === 2) throw new PowerLost();
    this.#take(this.#node.observe(encodeMessage({ name: 'counters-reserved', cycle }), this.#localMs));
  }
}

const shape = {
  cluster: testCluster,
  members: 2,
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
};

class Trial {
  readonly engine = loadV8Engine('tiny');
  readonly random: RandomStream;
  readonly recall: (reserved: number) => number;
  readonly outcome: CrashOutcome = {
    crashes: 0,
    tornWrites: 0,
    inReservation: 0,
    framesSealed: 0,
    framesTaken: 0,
    replaysRefused: 0,
    noncesReused: 0,
    replaysTaken: 0,
  };
  nowMs = 0;
  /** Whether power may fail within a reservation. */
  dangerous = false;
  /** The last frame sealed under each counter. */
  readonly #sealed = new Map<number, Uint8Array>();
  readonly #taken = new Set<number>();
  readonly #kept: Uint8Array[] = [];
  readonly #onAir: { to: number; frame: Uint8Array }[] = [];
  readonly #nodes: Node[];

  constructor({ seed, recall }: CrashOptions) {
    this.random = new RandomStream(seed, 'power');
    this.recall = recall ?? ((reserved) => reserved);
    this.#nodes = [new Node(this, 0), new Node(this, 1)];
    this.dangerous = true;
  }

  run(crashes: number): CrashOutcome {
    while (this.outcome.crashes < crashes) {
      this.nowMs += 1000 + this.random.below(30_000);
      for (const index of [1, 0]) this.#turn(index);
      // A frame leaves in its sender's TDMA slot only: at the instant that the node asks for.
      for (const index of [1, 0]) {
        const dueMs = Math.min(this.#nodes[index].dueMs, this.nowMs + cycleMs);
        this.nowMs = Math.max(this.nowMs, dueMs);
        this.#turn(index);
      }
    }
    return this.outcome;
  }

  #turn(index: number): void {
    const node = this.#nodes[index];
    try {
      node.tick();
      this.#deliver();
      if (index === 1 && this.#kept.length > 0) {
        const back =
          this.random.below(2) === 0
            ? this.random.below(Math.min(8, this.#kept.length))
            : this.random.below(this.#kept.length);
        this.#give(0, this.#kept[this.#kept.length - 1 - back]);
      }
      if (this.random.below(24) === 0) throw new PowerLost();
    } catch (error) {
      if (!(error instanceof PowerLost)) throw error;
      this.#crash(index);
    }
  }

  sent(from: number, frame: Uint8Array): void {
    if (from === 1) this.#seal(frame);
    this.#onAir.push({ to: 1 - from, frame });
  }

  #deliver(): void {
    for (let next = this.#onAir.shift(); next !== undefined; next = this.#onAir.shift())
      this.#give(next.to, next.frame);
  }

  #crash(index: number): void {
    for (;;) {
      this.outcome.crashes += 1;
      try {
        return this.#nodes[index].boot();
      } catch (error) {
        if (!(error instanceof PowerLost)) throw error;
      }
    }
  }

  /** Records a sealed frame for the attacker. */
  #seal(frame: Uint8Array): void {
    const { counter } = readHeader(frame);
    const before = this.#sealed.get(counter);
    if (before !== undefined && Buffer.compare(before, frame) !== 0) this.outcome.noncesReused += 1;
    this.#sealed.set(counter, frame);
    this.outcome.framesSealed += 1;
    this.#kept.push(frame);
    if (this.#kept.length > 4096) this.#kept.splice(0, 2048);
  }

  #give(to: number, frame: Uint8Array): void {
    try {
      const node = this.#nodes[to];
      const knew = node.knowsTime;
      const status = node.receive(frame);
      if (to !== 0) return;
      const { counter } = readHeader(frame);
      if (status === STATUS.replay || status === STATUS.stale) this.outcome.replaysRefused += 1;
      // Without mission time, a node uses a frame as a sample of the time only.
      if (status !== STATUS.ok || !knew) return;
      if (this.#taken.has(counter)) this.outcome.replaysTaken += 1;
      this.#taken.add(counter);
      this.outcome.framesTaken += 1;
    } catch (error) {
      if (!(error instanceof PowerLost)) throw error;
      this.#crash(to);
    }
  }
}

/** Crashes as often as asked, each at a random instant, and counts what went wrong. */
export function crashAgain(options: CrashOptions): CrashOutcome {
  return new Trial(options).run(options.crashes);
}
