/**
 * Measures how many frames the image seals and opens per second on this machine, one core: a whole
 * cluster of some nodes that probe and acknowledge each other cycle after cycle, as in the
 * simulator, without its radio and its judges.
 *
 * The time is that of `transmit` and `receive` of frames to one member, whole. Besides sealing and
 * opening, the frame's messages are composed, decoded and applied, and every line of the tables
 * that this takes is checked and gets its code. Ticks, records between platform and node, and
 * frames to all are not timed.
 */
import { startStopwatch } from '../../host/clock/clock.ts';
import { ADDRESSEE_ALL, CYCLE_S, FLAG, STATUS, STATUS_MASK, TYPE } from '../../host/cbor/generated.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import { readRecord } from '../../host/cbor/record.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { encodeConfig } from '../../host/platform/config.ts';
import { outputBytes } from '../../host/platform/loop.ts';
import { benchKeys } from './cycles/sealed_frames.ts';

export interface SealedRate {
  /** Frames sealed by one node and accepted by another, per second of `transmit` and `receive`. */
  framesPerS: number;
  /** Mean length on the air. */
  frameBytes: number;
}

const addresseeAt = 16;
/** Cycles between two ticks of a node (firmware/node/tx_slots.ts). */
const periodCycles = 4;
const slotMs = 62.5;
/** A byte on the air at 35 kbit/s. */
const byteMs = 8 / 35;
const healthCycles = 20;
const bufferBytes = 256;
const health = encodeMessage({ name: 'health', tasks: 0xff, batteryWh: 5000, storedKg: 0, solarW: 1000 });

class SealedCluster {
  frames = 0;
  bytes = 0;
  /** Seconds in `transmit` and `receive`. */
  seconds = 0;
  readonly #engine: Engine;
  readonly #contexts: number[];
  readonly #frameAt: number;
  readonly #recordAt: number;
  readonly #fields = new Uint32Array(24);
  readonly #clock = startStopwatch();
  #cycles = 0;

  constructor(engine: Engine, members: number) {
    this.#engine = engine;
    this.#contexts = Array.from({ length: members }, () => engine.reserve(engine.image.contextBytes));
    this.#frameAt = engine.reserve(bufferBytes);
    this.#recordAt = engine.reserve(4096);
    const capability = {
      rateMax: 200,
      storageKg: 8000,
      batteryWh: 6000,
      solarW: 1000,
      baseW: 40,
      replicateW: 0,
      mineWhPerKg: 60,
    };
    const facts = { incarnation: 1, timeKnown: true, missionMs: 0, resets: 0, alternateImage: false, reserved: 0 };
    this.#contexts.forEach((ctx, self) => {
      const config = { cluster: 1, self, members, generation: 1, seed: 1, features: 0, ...capability };
      const block = encodeConfig(config, [], facts, benchKeys(self));
      engine.view().set(block, this.#recordAt);
      this.#after(ctx, 0, engine.calls.boot(ctx, this.#recordAt, block.length, 1, 0, 0));
    });
  }

  /**
   * Runs one TDMA cycle: in its TDMA slot each node ticks if its tick is due, then sends what it
   * has.
   */
  cycle(): void {
    this.#cycles += 1;
    const { calls } = this.#engine;
    this.#contexts.forEach((ctx, self) => {
      const ms = Math.ceil(self * slotMs);
      const nowS = this.#cycles * CYCLE_S + Math.floor(ms / 1000);
      const nowMs = ms % 1000;
      if ((this.#cycles + self) % healthCycles === 0) this.#after(ctx, nowS, this.#observe(ctx, nowS, health));
      if ((this.#cycles - self) % periodCycles === 0) this.#after(ctx, nowS, calls.tick(ctx, nowS, nowMs));
      const begin = this.#clock();
      const length = outputBytes(calls.transmit(ctx, nowS, nowMs, this.#frameAt, bufferBytes));
      const end = this.#clock();
      if (length > 0) this.#deliver(self, nowS, nowMs, length, end - begin);
    });
  }

  #deliver(sender: number, sentS: number, sentMs: number, length: number, sealingS: number): void {
    // Nodes add the time on the air to the time that a frame states.
    const heardMs = sentS * 1000 + sentMs + Math.round(length * byteMs);
    const nowS = Math.floor(heardMs / 1000);
    const nowMs = heardMs % 1000;
    const view = this.#engine.view();
    const addressee = (view[this.#frameAt + addresseeAt] << 8) | view[this.#frameAt + addresseeAt + 1];
    if (addressee === ADDRESSEE_ALL) {
      this.#contexts.forEach((_, member) => {
        if (member !== sender) this.#give(member, nowS, nowMs, length);
      });
      return;
    }
    const openingS = this.#give(addressee, nowS, nowMs, length);
    this.seconds += sealingS + openingS;
    this.frames += 1;
    this.bytes += length;
  }

  /** Gives a frame to a member; returns the seconds that `receive` took. */
  #give(member: number, nowS: number, nowMs: number, length: number): number {
    const { calls } = this.#engine;
    const ctx = this.#contexts[member];
    const begin = this.#clock();
    const status = calls.receive(ctx, nowS, nowMs, this.#frameAt, length);
    const tookS = this.#clock() - begin;
    const code = status & STATUS_MASK;
    if (code === STATUS.tickFirst) {
      this.#after(ctx, nowS, calls.tick(ctx, nowS, nowMs));
      return tookS + this.#give(member, nowS, nowMs, length);
    }
    if (code !== STATUS.ok) throw new Error(`member ${member} refuses a frame with status ${code} at ${nowS} s`);
    this.#after(ctx, nowS, status);
    return tookS;
  }

  /** Polls commands and events, and reserves counters that a command asks for. */
  #after(ctx: number, nowS: number, status: number): void {
    const { calls } = this.#engine;
    if (status & FLAG.event) while (calls.event(ctx, this.#recordAt, bufferBytes) > 0);
    if (!(status & FLAG.command)) return;
    for (;;) {
      const length = calls.command(ctx, this.#recordAt, bufferBytes);
      if (length === 0) return;
      readRecord(this.#engine.view(), this.#recordAt, length, this.#fields);
      if (this.#fields[0] !== TYPE.reserveCounters) continue;
      this.#observe(ctx, nowS, encodeMessage({ name: 'counters-reserved', cycle: this.#fields[1] }));
    }
  }

  #observe(ctx: number, nowS: number, record: Uint8Array): number {
    this.#engine.view().set(record, this.#recordAt);
    return this.#engine.calls.observe(ctx, nowS, 0, this.#recordAt, record.length);
  }
}

/**
 * Returns the best of `turns` turns, after one that is not counted. A turn: the frames that a
 * cluster of `members` sends in 200 cycles (50 minutes). Throws when a frame is refused.
 */
export function sealedRate(engine: Engine, { members, turns }: { members: number; turns: number }): SealedRate {
  const cluster = new SealedCluster(engine, members);
  let best: SealedRate = { framesPerS: 0, frameBytes: 0 };
  for (let turn = 0; turn <= turns; turn += 1) {
    cluster.frames = 0;
    cluster.bytes = 0;
    cluster.seconds = 0;
    for (let count = 0; count < 200; count += 1) cluster.cycle();
    if (cluster.frames === 0) throw new Error('the nodes send each other no frames');
    const framesPerS = cluster.frames / cluster.seconds;
    if (turn > 0 && framesPerS > best.framesPerS) best = { framesPerS, frameBytes: cluster.bytes / cluster.frames };
  }
  return best;
}
