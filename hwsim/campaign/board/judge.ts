import type { LinkCipher } from '../../../host/security/frame.ts';
import type { Engine } from '../../../host/engine/engine.ts';
import { PORT_FRAME_BYTES_MAX, type PortInput, type PortOutput } from '../../board/port.ts';
import { hex, partsOf } from '../frame_parts.ts';
import { type FrameChange, isAccepted, timeOf } from './port_items.ts';
import type { RecordedRun } from './recorded_run.ts';
import { Reference } from './reference.ts';
import { drive, type Exchange, type Restart } from './restart.ts';
import { PORT_ASK, STATUS, STATUS_MASK } from '../../../host/cbor/generated.ts';

/** A right content may differ this much in time from an uncorrupted board's. */
const mistimedMsMax = 120_000;

/** A frame that an uncorrupted board sent, and when. */
export interface SentFrame {
  atMs: number;
  frame: Uint8Array;
}

/**
 * True when the uncorrupted board named the same sender and sent every message of the frame at
 * about that time, in whatever frames. `link` opens them.
 */
export function isMistimed({ atMs, sent }: FrameChange, right: readonly SentFrame[], link: LinkCipher): boolean {
  if (sent === null) return true;
  const { sender, messages } = partsOf(sent, link);
  const near = right
    .filter((each) => Math.abs(each.atMs - atMs) <= mistimedMsMax)
    .map(({ frame }) => partsOf(frame, link));
  const sentNear = new Set(near.flatMap((each) => each.messages));
  return near.some((each) => each.sender === sender) && messages.every((message) => sentNear.has(message));
}

/** What a board went through before its restart. */
export interface History {
  /** Inputs processed, and the input at which the run goes on. */
  done: number;
  next: number;
  /** Inputs that were lost to the board. */
  lost: readonly number[];
  /** Numbers of the checkpoints that are left. */
  kept: readonly number[];
}

/**
 * Knows what an uncorrupted board would have done, and what peers make of frames that it would not
 * have sent.
 */
export class Judge {
  readonly #run: RecordedRun;
  readonly #engine: Engine;
  readonly #scratch: readonly number[];
  readonly #reference: Reference;
  readonly #restarts = new Map<string, Exchange[]>();
  readonly #peerHashes: number[] = [];
  #lost: { key: string; outputs: PortOutput[][] } = { key: '', outputs: [] };

  constructor(run: RecordedRun, engine: Engine) {
    this.#run = run;
    this.#engine = engine;
    const { contextBytes, checkpointBytes } = engine.image;
    this.#scratch = [contextBytes, checkpointBytes, PORT_FRAME_BYTES_MAX].map((bytes) => engine.reserve(bytes));
    this.#reference = new Reference(engine);
  }

  /** True when the image restores itself from this checkpoint. */
  isRestorable(image: Uint8Array, { cause, config }: Restart): boolean {
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

  /** Returns an uncorrupted board's answers to the run when some of its inputs are lost. */
  outputsWithout(lost: readonly number[]): PortOutput[][] {
    const key = lost.join();
    if (this.#lost.key !== key) {
      this.#reference.startAnew();
      const outputs = this.#run.inputs.map((input, index) => (lost.includes(index) ? [] : this.#reference.play(input)));
      this.#lost = { key, outputs };
    }
    return this.#lost.outputs;
  }

  /**
   * Returns what an uncorrupted board with the same history outputs when it is restarted and the
   * run goes on.
   */
  outputsAfterRestart({ done, next, lost, kept }: History, restart: Restart, losesRam: boolean): Exchange[] {
    const { cause, atMs } = restart;
    const key = `${done} ${next} ${lost.join()} ${kept.join()} ${cause} ${atMs} ${losesRam} ${hex(restart.config)}`;
    const known = this.#restarts.get(key);
    if (known !== undefined) return known;
    const { inputs } = this.#run;
    this.#reference.startAnew(kept);
    for (let index = 0; index < done; index += 1) if (!lost.includes(index)) this.#reference.play(inputs[index]);
    this.#reference.keepAll();
    if (losesRam) this.#reference.reset();
    const exchanges = [...drive(this.#reference, inputs, next, restart)];
    this.#restarts.set(key, exchanges);
    return exchanges;
  }

  /**
   * Returns the first peer that accepts a frame which an uncorrupted board would not have sent, and
   * ends the run in another state for that; null: none. Each peer replays its inputs of the
   * recorded run, with the changed frames in place of those that they replace.
   */
  acceptingPeer(changes: readonly FrameChange[]): { peer: number; atMs: number } | null {
    const wrong = changes.filter(({ sent }) => sent !== null);
    if (wrong.length === 0) return null;
    for (let peer = 0; peer < this.#run.peers.length; peer += 1) {
      const { acceptedMs, hash } = this.#replayPeer(peer, wrong);
      if (acceptedMs !== null && hash !== this.#peerHash(peer)) return { peer, atMs: acceptedMs };
    }
    return null;
  }

  #peerHash(peer: number): number {
    this.#peerHashes[peer] ??= this.#replayPeer(peer, []).hash;
    return this.#peerHashes[peer];
  }

  /**
   * Returns when the peer first accepted a changed frame, and the hash of its context at the end.
   */
  #replayPeer(peer: number, changes: readonly FrameChange[]): { acceptedMs: number | null; hash: number } {
    const replaced = new Map(
      changes.flatMap((change) => (change.expected === null ? [] : [[hex(change.expected), change.sent!]])),
    );
    const additional = changes.filter(({ expected }) => expected === null);
    let acceptedMs: number | null = null;
    this.#reference.startAnew();
    const give = (input: PortInput, isWrong: boolean) => {
      const last = this.#reference.play(input).at(-1)!;
      if (isWrong && isAccepted(last)) acceptedMs ??= timeOf(input);
    };
    let next = 0;
    for (const input of this.#run.peers[peer]) {
      for (; next < additional.length && additional[next].atMs <= timeOf(input); next += 1) {
        const { atMs, sent } = additional[next];
        give({ kind: 'frame', bytes: sent!, nowS: Math.floor(atMs / 1000), nowMs: atMs % 1000 }, true);
      }
      const other = input.kind === 'frame' ? replaced.get(hex(input.bytes)) : undefined;
      give(other === undefined ? input : ({ ...input, kind: 'frame', bytes: other } as PortInput), other !== undefined);
    }
    const answer = this.#reference.play({ kind: 'ask', what: PORT_ASK.hash, index: 0 }).at(-1)!;
    return { acceptedMs, hash: answer.kind === 'answer' ? answer.words[0] : 0 };
  }
}
