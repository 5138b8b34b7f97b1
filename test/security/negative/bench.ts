// Attacks one node, restored to the same state before each case. Counts the image's instructions of
// each call.

import { readFileSync } from 'node:fs';
import { imagePath, type Preset } from '../../../host/build/root.ts';
import { type Message, NAMES, STATUS, STATUS_MASK } from '../../../host/cbor/generated.ts';
import { encodeMessage, joinBytes } from '../../../host/cbor/message.ts';
import type { Engine } from '../../../host/engine/engine.ts';
import { statusName } from '../../../host/engine/status.ts';
import { createV8Engine } from '../../../host/engine/v8.ts';
import { encodeConfig } from '../../../host/platform/config.ts';
import type { LinkKeys } from '../../../host/security/key_epoch.ts';
import { cycleAt } from '../../../host/security/cycle.ts';
import type { Header } from '../../../host/security/envelope.ts';
import { counted, countExport } from '../../../hwsim/campaign/memory/instrument.ts';
import { NodeAnswers } from '../../firmware/answers.ts';
import { heartbeatAt } from '../fuzz/steps.ts';
import { sealedBytes, testCluster, testKeys } from '../sealed.ts';

/**
 * The second at which all cases meet the node. They end within its liveness tick: the bench throws
 * otherwise.
 */
export const nowS = 5055;
export const cycle = cycleAt(nowS, 0);
/** Non-volatile memory holds this reservation. */
export const reserved = cycle + 10;
/** The sender of most frames, and one whose window has something in it. */
export const sender = 2;
export const heard = { sender: 3, top: cycle - 5, before: cycle - 30 } as const;

const nodeConfig = {
  cluster: testCluster,
  self: 0,
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
const groups = [{ name: 'group', group: 1, kind: 1, units: 3, capacity: 100, stockKg: 0, loadKg: 0 }] as const;
const facts = { incarnation: 1, timeKnown: true, missionMs: 0, resets: 0, alternateImage: false, reserved: 0 };
const own = testKeys.member(0);
/** Two key epochs in use: the previous one is still accepted. */
const twoKeyEpochs: LinkKeys = {
  ...own,
  secrets: [...own.secrets, { keyEpoch: 2, startS: nowS - 300, secret: testKeys.secret(2) }],
};

/** Names of the loss counters by number: `frame_length`. */
export const counterNames: readonly string[] = NAMES.counter.map((name) => name.replaceAll('-', '_'));

export type Entry = 'receive' | 'observe' | 'boot';

export interface Outcome {
  readonly status: string;
  readonly flags: number;
  readonly instructions: number;
}

export class AttackBench extends NodeAnswers {
  readonly members: number;
  readonly #engine: Engine;
  readonly #ctx: number;
  readonly #at: number;
  readonly #state: Uint8Array;

  private constructor(engine: Engine, members: number) {
    super();
    this.#engine = engine;
    this.members = members;
    this.#ctx = engine.reserve(engine.image.contextBytes);
    this.#at = engine.reserve(4096);
    this.#set(this.config(twoKeyEpochs), (at, length) => engine.calls.boot(this.#ctx, at, length, 1, 0, 0));
    engine.calls.tick(this.#ctx, nowS, 0);
    this.observed({ name: 'counters-reserved', cycle: reserved });
    // The node has heard others: one that has not takes a frame from the future as a sign that its
    // own time is wrong.
    for (const counter of [heard.before, heard.top])
      this.#must(this.frame({ sender: heard.sender, counter }, [heartbeatAt(nowS, members)]));
    this.#drain();
    // Noise makes the node check its constants now and then: here, so that no case does.
    this.give('receive', new Uint8Array(48));
    this.#state = engine.view().slice(this.#ctx, this.#ctx + engine.image.contextBytes);
  }

  static async make(preset: Preset, members: number): Promise<AttackBench> {
    return new AttackBench(createV8Engine(await counted(readFileSync(imagePath(preset)))), members);
  }

  config(
    keys: LinkKeys = own,
    more: Partial<typeof nodeConfig> & { members?: number } = {},
    boot: Partial<typeof facts> = {},
  ): Uint8Array {
    return encodeConfig({ ...nodeConfig, members: this.members, ...more }, groups, { ...facts, ...boot }, keys);
  }

  /** A frame from the sender, with a counter that was not used. */
  frame(header: Partial<Header>, messages: readonly Message[]): Uint8Array {
    return this.sealed(header, joinBytes(messages.map(encodeMessage)));
  }

  sealed(header: Partial<Header>, plaintext: Uint8Array): Uint8Array {
    return sealedBytes({ sender, counter: cycle, keyEpoch: 2, ...header }, plaintext);
  }

  restore(): void {
    this.#engine.view().set(this.#state, this.#ctx);
  }

  give(entry: Entry, bytes: Uint8Array, length = bytes.length, s = nowS): Outcome {
    const { calls } = this.#engine;
    return this.#set(bytes, (at) =>
      entry === 'boot'
        ? calls.boot(this.#ctx, at, length, 1, s, 0)
        : entry === 'observe'
          ? calls.observe(this.#ctx, s, 0, at, length)
          : calls.receive(this.#ctx, s, 0, at, length),
    );
  }

  /** Boots anew; the state is put back with `restore`. */
  reboot(config: Uint8Array): void {
    const { status } = this.give('boot', config);
    if (status !== 'ok') throw new Error(`boot: ${status}`);
    this.#drain();
  }

  observed(message: Message): Outcome {
    return this.give('observe', encodeMessage(message));
  }

  hash(): number {
    return this.#engine.calls.hash(this.#ctx);
  }

  inspect(what: number, index = 0): number[] {
    const count = this.#engine.calls.inspect(this.#ctx, what, index, this.#at, 4096);
    const view = this.#engine.view();
    return [...new Uint32Array(view.buffer, this.#at, count)];
  }

  /** Bytes of commands and events that wait. */
  waiting(): number {
    const { command, event } = this.#engine.calls;
    return command(this.#ctx, this.#at, 256) + event(this.#ctx, this.#at, 256);
  }

  #drain(): void {
    while (this.waiting() > 0);
  }

  #must(frame: Uint8Array): void {
    const { status } = this.give('receive', frame);
    if (status !== 'ok') throw new Error(`the bench's own frame: ${status}`);
  }

  #set(bytes: Uint8Array, call: (at: number, length: number) => number): Outcome {
    this.#engine.view().set(bytes, this.#at);
    const counter = (this.#engine.calls as unknown as Record<string, WebAssembly.Global>)[countExport];
    const before: bigint = counter.value;
    const word = call(this.#at, bytes.length);
    const status = word & STATUS_MASK;
    if (status === STATUS.tickFirst) throw new Error('the bench stands at the turn of a liveness tick');
    return { status: statusName(status), flags: word & ~STATUS_MASK, instructions: Number(counter.value - before) };
  }
}
