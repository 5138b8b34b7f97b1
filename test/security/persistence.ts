// Flies one node whose platform keeps, or loses, what must outlive a restart.

import { BOOT_CAUSE, type Message, type Mute, STATUS_MASK, TYPE } from '../../host/cbor/generated.ts';
import { decodeSequence, encodeMessage } from '../../host/cbor/message.ts';
import { recordFields } from '../../host/cbor/record.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';
import { type BootFacts, encodeConfig } from '../../host/platform/config.ts';
import { ImageNode, type Outputs } from '../../host/platform/image_node.ts';
import type { LinkKeys } from '../../host/security/key_epoch.ts';
import { readHeader } from '../../host/security/envelope.ts';
import { NodeAnswers } from '../firmware/answers.ts';
import { testCluster, testKeys } from './sealed.ts';
import { capability } from '../firmware/capability.ts';

const shape = {
  ...{ cluster: testCluster, self: 0, members: 2, generation: 1, seed: 1, features: 0 },
  ...capability,
};
const firstBoot: BootFacts = {
  ...{ incarnation: 1, timeKnown: true, missionMs: 0, resets: 0, alternateImage: false, reserved: 0 },
};
export const cause = BOOT_CAUSE;

/** What a restart finds: facts that differ from those of the first boot, and a checkpoint. */
export interface Restart {
  facts?: Partial<BootFacts>;
  cause?: number;
  checkpoint?: Uint8Array | null;
}

export class PersistentNode extends NodeAnswers {
  /** Reservation that the platform's memory holds. */
  reserved = 0;
  /** Whether the platform answers reserve-counters. */
  answers = true;
  /** Counters of the frames that were sent, in order. */
  readonly counters: number[] = [];
  readonly mutes: Mute[] = [];
  readonly #node = new ImageNode(loadV8Engine('tiny'));
  readonly #keys: LinkKeys;
  #nowMs = 0;
  #bootMs = 0;

  constructor(keys: LinkKeys = testKeys.member(0)) {
    super();
    this.#keys = keys;
  }

  boot({ facts = {}, cause: why = cause.powerOn, checkpoint = null }: Restart = {}): void {
    this.#bootMs = this.#nowMs;
    const config = encodeConfig(shape, [], { ...firstBoot, missionMs: this.#nowMs, ...facts }, this.#keys);
    const checkpoints = { read: (age: 0 | 1) => (age === 0 ? checkpoint : null) };
    this.#take(this.#node.boot(config, why, 0, checkpoints));
  }

  runTo(s: number): void {
    while (this.#bootMs + this.#node.tickAtMs <= s * 1000) {
      this.#nowMs = Math.max(this.#nowMs, this.#bootMs + this.#node.tickAtMs);
      this.#take(this.#node.tick(this.#nowMs - this.#bootMs));
    }
    this.#nowMs = s * 1000;
  }

  /** Gives a record; returns the status. */
  observe(message: Message): number {
    return this.#take(this.#node.observe(encodeMessage(message), this.#nowMs - this.#bootMs));
  }

  checkpoint(): Uint8Array {
    const image = this.#node.loop.checkpoint();
    if (image === null) throw new Error('no checkpoint');
    return image;
  }

  inspect(what: number, index = 0): number[] {
    return [...this.#node.loop.inspect(what, index)];
  }

  /** Counters that were sent twice. */
  repeated(): number[] {
    return this.counters.filter((counter, at) => this.counters.indexOf(counter) !== at);
  }

  #take({ status, frames, commands, events }: Outputs): number {
    for (const frame of frames) this.counters.push(readHeader(frame).counter);
    for (const event of events) {
      const [message] = decodeSequence(event);
      if (message.name === 'mute') this.mutes.push(message);
    }
    for (const command of commands.map(recordFields)) {
      if (command[0] !== TYPE.reserveCounters || !this.answers) continue;
      this.reserved = Math.max(this.reserved, command[1]);
      this.observe({ name: 'counters-reserved', cycle: this.reserved });
    }
    return status & STATUS_MASK;
  }
}
