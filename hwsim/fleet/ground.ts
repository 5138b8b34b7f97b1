import { TYPE } from '../../host/cbor/generated.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import { makeKeyEpoch } from '../../host/security/epoch.ts';
import { clusterKeys, SIMULATED_CLUSTER } from '../../host/security/provision.ts';
import type { Boards } from '../board/boards.ts';
import type { EventQueue } from '../kernel/queue.ts';
import type { TraceConsumer } from '../kernel/trace.ts';
import { eventKind } from '../kernel/event_kinds.ts';

/** Between an epoch's issue and its beginning: its parts go round the cluster meanwhile. */
const noticeS = 3600;
/** The parts are given once the head's signature is verified. */
const partsAfterMs = 5000;

/**
 * The ground's key service, as far as a byzantine needs it: in contact windows members tell of double-dealers that are proven to them, and that many hours later a new epoch
 * is issued without these. Whoever has its window then is given it, and the cluster hands it on by itself. A proof needs nobody's judgment: no operator is waited for.
 */
export class GroundKeyService implements TraceConsumer {
  /** When the first epoch without the byzantine begins, mission seconds; null: none was issued. */
  startS: number | null = null;
  readonly #seed: number;
  readonly #nodes: number;
  readonly #delayMs: number;
  readonly #queue: EventQueue;
  /** Whom each member says to be proven. */
  readonly #proven: Set<number>[];
  readonly #excluded = new Set<number>();
  #epoch = 1;
  #records: Uint8Array[] = [];

  constructor(seed: number, nodes: number, delayHours: number, queue: EventQueue) {
    this.#seed = seed;
    this.#nodes = nodes;
    this.#delayMs = delayHours * 3_600_000;
    this.#queue = queue;
    this.#proven = Array.from({ length: nodes }, () => new Set());
  }

  event(_timeMs: number, node: number, fields: Uint32Array): void {
    const [type, owner, , , proven] = fields;
    if (type === TYPE.equivocated && proven === 1) this.#proven[node].add(owner);
  }

  /** A member's contact window begins. */
  contact(timeMs: number, node: number, boards: Boards): void {
    if (this.#excluded.has(node)) return;
    for (const owner of this.#proven[node]) {
      if (this.#excluded.has(owner)) continue;
      this.#excluded.add(owner);
      this.#queue.push(timeMs + this.#delayMs, -1, eventKind.issue);
    }
    if (this.#records.length === 0) return;
    boards.observeRecord(timeMs, node, this.#records[0]);
    this.#queue.push(timeMs + partsAfterMs, node, eventKind.parts);
  }

  issue(timeMs: number): void {
    const keys = clusterKeys(this.#seed, SIMULATED_CLUSTER, this.#nodes);
    this.#epoch += 1;
    const startS = Math.floor(timeMs / 1000) + noticeS;
    const secret = keys.secret(this.#epoch);
    const members = Array.from({ length: this.#nodes }, (_, member) => member);
    const { head, parts } = makeKeyEpoch(
      keys.authority,
      { epoch: this.#epoch, startS, secret },
      members,
      this.#excluded,
    );
    this.#records = [head, ...parts].map((message) => encodeMessage(message));
    this.startS ??= startS;
  }

  parts(timeMs: number, node: number, boards: Boards): void {
    for (const record of this.#records.slice(1)) boards.observeRecord(timeMs, node, record);
  }
}
