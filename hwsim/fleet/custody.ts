import type { ClusterSummary, Place } from '../../host/cbor/generated.ts';
import { decodeMessage, encodeMessage } from '../../host/cbor/message.ts';
import type { AbroadService } from '../board/parts.ts';
import { framesPerContact } from '../world/orbits/bounds.ts';

/** A coordinator passes on one summary a minute, and has room for four that wait. */
export const foreignEveryMs = 60_000;

/** Reads a summary; null: the bytes are none. */
export function readSummary(message: Uint8Array): ClusterSummary | null {
  try {
    const { value } = decodeMessage(message);
    return value.name === 'cluster-summary' ? (value as ClusterSummary) : null;
  } catch {
    return null;
  }
}

/** What custody reads of a summary. */
export type SummaryHead = Pick<ClusterSummary, 'cluster' | 'region' | 'round' | 'sequence'>;

/** A cluster's own place in the federation, and who verifies signatures. */
export interface FederationSeat {
  /** Number of the cluster. */
  cluster: number;
  place: Omit<Place, 'name'>;
  isSigned(message: Uint8Array): boolean;
  /** Reads a summary; null: the bytes are none. Left out: as nodes encode it. */
  read?(message: Uint8Array): SummaryHead | null;
}

/** The newest summary of one cluster. */
interface Held {
  round: number;
  sequence: number;
  message: Uint8Array;
  /** The neighbour from whom it came; null: it is the own one. */
  from: number | null;
}

/** What became of the frames that a cluster's platform was given. */
export interface CustodyCounts {
  sent: number;
  received: number;
  /** Not signed, not readable, or of another region. */
  refused: number;
  /** No newer than what was held. */
  known: number;
  /** Given to members. */
  given: number;
}

/**
 * The platform of a cluster as a whole, as far as it talks to other clusters: it keeps the newest
 * summary of each cluster of its region until the next contact, whichever node sent or received it.
 * So no node's loss loses what waits. Neighbours are named by any number of their own.
 */
export class Custody implements AbroadService {
  readonly place: Omit<Place, 'name'>;
  readonly counts: CustodyCounts = { sent: 0, received: 0, refused: 0, known: 0, given: 0 };
  readonly #seat: FederationSeat;
  readonly #read: (message: Uint8Array) => SummaryHead | null;
  /** By cluster. */
  readonly #held = new Map<number, Held>();
  /** By neighbour, then cluster: what was last sent to it. */
  readonly #sent = new Map<number, Map<number, { held: Held; turn: number }>>();
  /** Clusters whose summary a member is to get, in the order of arrival. */
  readonly #waiting = new Set<number>();
  #speaker = -1;
  #turns = 0;

  constructor(seat: FederationSeat) {
    this.#seat = seat;
    this.#read = seat.read?.bind(seat) ?? readSummary;
    this.place = seat.place;
  }

  isSigned(message: Uint8Array): boolean {
    return this.#seat.isSigned(message);
  }

  /** The node that sent the last own summary: the coordinator as far as the platform knows; −1. */
  get speaker(): number {
    return this.#speaker;
  }

  send(node: number, message: Uint8Array): void {
    this.#speaker = node;
    const summary = this.#read(message);
    if (summary !== null) this.#hold(summary, message, null);
  }

  /** Keeps a summary if it is newer than what is held of its cluster. */
  #hold({ cluster, round, sequence }: SummaryHead, message: Uint8Array, from: number | null): boolean {
    const before = this.#held.get(cluster);
    const isNewer =
      before === undefined || round > before.round || (round === before.round && sequence > before.sequence);
    if (isNewer) this.#held.set(cluster, { round, sequence, message, from });
    return isNewer;
  }

  /**
   * Returns the frames that go to a neighbour when a contact with it begins: what is newer than the
   * last that was sent to it and did not come from it. The own summary comes first, then those
   * whose cluster has waited longest.
   */
  framesFor(neighbour: number): Uint8Array[] {
    let sent = this.#sent.get(neighbour);
    if (sent === undefined) this.#sent.set(neighbour, (sent = new Map()));
    const turnOf = (cluster: number) => (cluster === this.#seat.cluster ? -1 : (sent.get(cluster)?.turn ?? 0));
    const due = [...this.#held].filter(
      ([cluster, held]) => held.from !== neighbour && sent.get(cluster)?.held !== held,
    );
    due.sort(([one], [other]) => turnOf(one) - turnOf(other) || one - other);
    this.#turns += 1;
    const going = due.slice(0, framesPerContact);
    for (const [cluster, held] of going) sent.set(cluster, { held, turn: this.#turns });
    this.counts.sent += going.length;
    return going.map(([, { message }]) => message);
  }

  /** Takes the frames that arrive from a neighbour. True when a summary waits for a member. */
  take(neighbour: number, frames: readonly Uint8Array[]): boolean {
    for (const message of frames) {
      this.counts.received += 1;
      const summary = this.#read(message);
      const isOurs = summary !== null && summary.region === this.place.region;
      if (!isOurs || !this.isSigned(message)) this.counts.refused += 1;
      else if (summary.cluster === this.#seat.cluster || !this.#hold(summary, message, neighbour))
        this.counts.known += 1;
      else this.#waiting.add(summary.cluster);
    }
    return this.#waiting.size > 0;
  }

  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Takes the record with the next summary for a member; null: none waits. */
  next(): Uint8Array | null {
    const message = this.nextMessage();
    return message === null ? null : encodeMessage({ name: 'foreign', message });
  }

  /** Takes the next summary for a member; null: none waits. */
  nextMessage(): Uint8Array | null {
    for (const cluster of this.#waiting) {
      this.#waiting.delete(cluster);
      this.counts.given += 1;
      return this.#held.get(cluster)!.message;
    }
    return null;
  }
}
