import type { LinkCipher } from '../../../host/security/frame.ts';
import type { Engine } from '../../../host/engine/engine.ts';
import { STATUS, STATUS_MASK } from '../../../host/engine/status.ts';
import { partsOf } from '../memory/outputs.ts';
import { type Exchange, drive, Reference, type Restart } from './platform.ts';
import { timeOf } from './draw.ts';
import type { Row } from './row.ts';
import { askFor, PORT_FRAME_BYTES_MAX, type PortInput, type PortOutput } from '../../emulator/port.ts';

/** A frame that an uncorrupted board would have sent, what was sent instead (null: nothing), and when. Without `expected`: one more than it would have sent. */
export interface FrameChange {
  atMs: number;
  expected: Uint8Array | null;
  sent: Uint8Array | null;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

export const framesOf = (outputs: readonly PortOutput[]): Uint8Array[] =>
  outputs.flatMap((output) => (output.kind === 'frame' ? [output.bytes] : []));

/** How two rows of outputs for one input differ in what went on the air. */
export function frameChanges(atMs: number, expected: readonly PortOutput[], got: readonly PortOutput[]): FrameChange[] {
  const [right, sent] = [framesOf(expected), framesOf(got)];
  const changes: FrameChange[] = [];
  for (let index = 0; index < Math.max(right.length, sent.length); index += 1) {
    const [a, b] = [right[index] ?? null, sent[index] ?? null];
    if (a !== null && b !== null && hex(a) === hex(b)) continue;
    changes.push({ atMs, expected: a, sent: b });
  }
  return changes;
}

/** A right content may come this much earlier or later than an uncorrupted board's without being called wrong. */
const mistimedMsMax = 120_000;
/** A frame that an uncorrupted board sent, and when. */
export interface Sent {
  atMs: number;
  frame: Uint8Array;
}

/** Whether the uncorrupted board named itself alike and said every message of the frame at about that time, in whatever frames. `link` opens them. */
export function isMistimed({ atMs, sent }: FrameChange, right: readonly Sent[], link: LinkCipher): boolean {
  if (sent === null) return true;
  const { sender, messages } = partsOf(sent, link);
  const near = right
    .filter((each) => Math.abs(each.atMs - atMs) <= mistimedMsMax)
    .map(({ frame }) => partsOf(frame, link));
  const said = new Set(near.flatMap((each) => each.messages));
  return near.some((each) => each.sender === sender) && messages.every((message) => said.has(message));
}

/** What an uncorrupted board would have done, and what peers make of frames that it would not have sent. */
export class Judge {
  readonly #row: Row;
  readonly #engine: Engine;
  readonly #scratch: readonly number[];
  readonly #reference: Reference;
  readonly #restarts = new Map<string, Exchange[]>();
  readonly #peerHashes: number[] = [];
  #lost: { key: string; outputs: PortOutput[][] } = { key: '', outputs: [] };

  constructor(row: Row, engine: Engine) {
    this.#row = row;
    this.#engine = engine;
    const { contextBytes, checkpointBytes } = engine.image;
    this.#scratch = [contextBytes, checkpointBytes, PORT_FRAME_BYTES_MAX].map((bytes) => engine.reserve(bytes));
    this.#reference = new Reference(engine);
  }

  /** Whether the image takes this for a checkpoint to come back from. */
  verifies(image: Uint8Array, { cause, config }: Restart): boolean {
    const { calls } = this.#engine;
    const [ctx, at, configAt] = this.#scratch;
    if (image.length > this.#engine.image.checkpointBytes) return false;
    this.#engine.view().set(image, at);
    this.#engine.view().set(config, configAt);
    try {
      return (calls.restore(ctx, at, image.length, configAt, config.length, cause, 0, 0) & STATUS_MASK) === STATUS.ok;
    } catch (error) {
      if (this.#engine.isTrap(error)) return false;
      throw error;
    }
  }

  /** What an uncorrupted board answers to the row when some of its frames were lost. */
  without(lost: readonly number[]): PortOutput[][] {
    const key = lost.join();
    if (this.#lost.key !== key) {
      this.#reference.anew();
      const outputs = this.#row.inputs.map((input, index) => (lost.includes(index) ? [] : this.#reference.play(input)));
      this.#lost = { key, outputs };
    }
    return this.#lost.outputs;
  }

  /**
   * What an uncorrupted board says when it is restarted after the row's first `done` inputs, without those that were `lost`, of its checkpoints
   * holding those of the numbers `kept`, and the row goes on at input `next`.
   */
  afterRestart(
    where: { done: number; next: number; lost: readonly number[]; kept: readonly number[] },
    restart: Restart,
    losesRam: boolean,
  ): Exchange[] {
    const { done, next, lost, kept } = where;
    const { cause, atMs } = restart;
    const key = `${done} ${next} ${lost.join()} ${kept.join()} ${cause} ${atMs} ${losesRam} ${hex(restart.config)}`;
    const known = this.#restarts.get(key);
    if (known !== undefined) return known;
    const { inputs } = this.#row;
    this.#reference.anew(kept);
    for (let index = 0; index < done; index += 1) if (!lost.includes(index)) this.#reference.play(inputs[index]);
    this.#reference.open();
    if (losesRam) this.#reference.reset();
    const exchanges = [...drive(this.#reference, inputs, next, restart)];
    this.#restarts.set(key, exchanges);
    return exchanges;
  }

  /**
   * The first peer that takes a frame which an uncorrupted board would not have sent, and ends the run in another state for it; null when there is none. Each peer replays what it
   * was given in the recorded run, with the changed frames in place of those that they replace.
   */
  accepts(changes: readonly FrameChange[]): { peer: number; atMs: number } | null {
    const wrong = changes.filter(({ sent }) => sent !== null);
    if (wrong.length === 0) return null;
    for (let peer = 0; peer < this.#row.peers.length; peer += 1) {
      const { acceptedMs, hash } = this.#replay(peer, wrong);
      if (acceptedMs !== null && hash !== this.#peerHash(peer)) return { peer, atMs: acceptedMs };
    }
    return null;
  }

  #peerHash(peer: number): number {
    this.#peerHashes[peer] ??= this.#replay(peer, []).hash;
    return this.#peerHashes[peer];
  }

  #replay(peer: number, changes: readonly FrameChange[]): { acceptedMs: number | null; hash: number } {
    const instead = new Map(
      changes.flatMap((change) => (change.expected === null ? [] : [[hex(change.expected), change.sent!]])),
    );
    const more = changes.filter(({ expected }) => expected === null);
    let acceptedMs: number | null = null;
    this.#reference.anew();
    const give = (input: PortInput, isWrong: boolean) => {
      const last = this.#reference.play(input).at(-1)!;
      if (isWrong && last.kind === 'done' && (last.status & STATUS_MASK) === STATUS.ok) acceptedMs ??= timeOf(input);
    };
    let next = 0;
    for (const input of this.#row.peers[peer]) {
      for (; next < more.length && more[next].atMs <= timeOf(input); next += 1) {
        const time = { nowS: Math.floor(more[next].atMs / 1000), nowMs: more[next].atMs % 1000 };
        give({ kind: 'frame', bytes: more[next].sent!, ...time }, true);
      }
      const other = input.kind === 'frame' ? instead.get(hex(input.bytes)) : undefined;
      give(other === undefined ? input : ({ ...input, kind: 'frame', bytes: other } as PortInput), other !== undefined);
    }
    const answer = this.#reference.play({ kind: 'ask', what: askFor.hash, index: 0 }).at(-1)!;
    return { acceptedMs, hash: answer.kind === 'answer' ? answer.words[0] : 0 };
  }
}
