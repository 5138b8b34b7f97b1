import type { Engine } from '../../host/engine/engine.ts';
import { STATUS, STATUS_MASK } from '../../host/engine/status.ts';
import { type Exchange, drive, Reference, type Restart } from './campaign_platform.ts';
import { timeOf } from './campaign_draw.ts';
import type { Row } from './campaign_row.ts';
import { askFor, type PortInput, type PortOutput } from './port.ts';

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

/** What an uncorrupted board would have done, and what peers make of frames that it would not have sent. */
export class Judge {
  readonly #row: Row;
  readonly #reference: Reference;
  readonly #restarts = new Map<string, Exchange[]>();
  readonly #peerHashes: number[] = [];

  constructor(row: Row, engine: Engine) {
    this.#row = row;
    this.#reference = new Reference(engine);
  }

  /** What an uncorrupted board says when it is restarted after `inputsBefore` inputs of the row, and the row goes on at input `next`. */
  afterRestart(inputsBefore: number, next: number, restart: Restart, losesRam: boolean): Exchange[] {
    const { cause, atMs } = restart;
    const key = `${inputsBefore} ${next} ${cause} ${atMs} ${losesRam} ${hex(restart.config)}`;
    const known = this.#restarts.get(key);
    if (known !== undefined) return known;
    const { inputs } = this.#row;
    this.#reference.anew();
    for (const input of inputs.slice(0, inputsBefore)) this.#reference.play(input);
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
