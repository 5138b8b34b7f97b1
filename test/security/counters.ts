// Power that fails at any instant, again and again: two nodes of the real image whose counters live in a model of non-volatile memory, and an attacker who keeps every frame.

import { encodeMessage } from '../../host/cbor/message.ts';
import { TYPE } from '../../host/cbor/generated.ts';
import { readRecord } from '../../host/cbor/record.ts';
import { FLAG_COMMAND, STATUS, STATUS_MASK } from '../../host/engine/status.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { encodeConfig } from '../../host/platform/config.ts';
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
  /** What memory gives back at boot of what was reserved; the identity, unless a test wants it wrong. */
  recall?: (reserved: number) => number;
}

/** A record in two copies: a write goes to the older one, and when it is cut that copy is lost. */
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

class PowerLost extends Error {}

const whatNode = 0;
const groups = [{ name: 'group', group: 1, kind: 1, units: 2, capacity: 1000, stockKg: 1000, loadKg: 0 }] as const;

class Node {
  readonly memory = new TwoCopies();
  readonly #trial: Trial;
  readonly #self: number;
  readonly #context: number;
  #incarnation = 0;
  #bootMs = 0;
  #checkpoint: Uint8Array | null = null;

  constructor(trial: Trial, self: number) {
    this.#trial = trial;
    this.#self = self;
    this.#context = trial.engine.reserve(trial.engine.image.contextBytes);
    this.boot();
  }

  get #local(): [number, number] {
    const ms = this.#trial.nowMs - this.#bootMs;
    return [Math.floor(ms / 1000), ms % 1000];
  }

  boot(): void {
    const { engine, at, random, nowMs, recall } = this.#trial;
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
    engine.view().set(config, at);
    const { calls, image } = engine;
    if (this.#checkpoint !== null && random.below(2) === 0) {
      engine.view().set(this.#checkpoint, at + 4096);
      this.#after(calls.restore(this.#context, at + 4096, image.checkpointBytes, at, config.length, 2, 0, 0));
    } else this.#after(calls.boot(this.#context, at, config.length, 2, 0, 0));
    if (random.below(3) === 0) this.keep();
  }

  keep(): void {
    const { engine, at } = this.#trial;
    const length = engine.calls.checkpoint(this.#context, at + 4096, engine.image.checkpointBytes);
    this.#checkpoint = engine.view().slice(at + 4096, at + 4096 + length);
  }

  get knowsTime(): boolean {
    const { engine, at } = this.#trial;
    engine.calls.inspect(this.#context, whatNode, 0, at, 256);
    return new Uint32Array(engine.view().buffer, at, 1)[0] === 1;
  }

  /** Ticks; the frame it sends, if any. */
  step(): Uint8Array | null {
    const { engine, at } = this.#trial;
    const [s, ms] = this.#local;
    this.#after(engine.calls.tick(this.#context, s, ms));
    const length = engine.calls.transmit(this.#context, s, ms, at, 256);
    return length === 0 ? null : engine.view().slice(at, at + length);
  }

  receive(frame: Uint8Array): number {
    const { engine, at } = this.#trial;
    const [s, ms] = this.#local;
    for (;;) {
      engine.view().set(frame, at);
      const status = engine.calls.receive(this.#context, s, ms, at, frame.length);
      this.#after(status);
      if ((status & STATUS_MASK) !== STATUS.tickFirst) return status & STATUS_MASK;
      this.#after(engine.calls.tick(this.#context, s, ms));
    }
  }

  #after(status: number): void {
    if ((status & FLAG_COMMAND) === 0) return;
    const { engine, at, fields } = this.#trial;
    for (;;) {
      const length = engine.calls.command(this.#context, at, 64);
      if (length === 0) return;
      readRecord(engine.view(), at, length, fields);
      if (fields[0] === TYPE.reserveCounters) this.#reserve(fields[1]);
    }
  }

  #reserve(cycle: number): void {
    const { random, outcome, engine, at, dangerous } = this.#trial;
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
    const record = encodeMessage({ name: 'counters-reserved', cycle });
    engine.view().set(record, at);
    const [s, ms] = this.#local;
    this.#after(engine.calls.observe(this.#context, s, ms, at, record.length));
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
  readonly at = this.engine.reserve(4096 + this.engine.image.checkpointBytes);
  readonly fields = new Uint32Array(64);
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
  /** What each counter was used for; the last of it. */
  readonly #sealed = new Map<number, Uint8Array>();
  readonly #taken = new Set<number>();
  readonly #kept: Uint8Array[] = [];
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
    }
    return this.outcome;
  }

  #turn(index: number): void {
    const node = this.#nodes[index];
    try {
      const frame = node.step();
      if (frame !== null) {
        if (index === 1) this.#seal(frame);
        this.#give(1 - index, frame);
      }
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

  /** The attacker keeps it. */
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
      // Without mission time a frame is a sample of the time, and no more.
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

/** Crashes as often as asked, each at a random instant, and tells what went wrong. */
export function crashAgain(options: CrashOptions): CrashOutcome {
  return new Trial(options).run(options.crashes);
}
